"""Sends one file after another through the built `mason`, each in a database of its own."""

import dataclasses
import json
import pathlib
import shutil
import subprocess

import pyarrow
import pyarrow.ipc

# After so many files the folder of jobs and runs is made anew, so that none is slowed by the others.
FILES_OF_A_FOLDER = 100


@dataclasses.dataclass
class Outcome:
    """What Mason made of a file."""

    # Whether the rows were read; else the message says why not.
    read: bool
    message: str = ""
    # Why it is no clear refusal: an internal error, a panic, no answer in time, no word of the file.
    broken: str = ""
    # How delimited text was read, as `table/get` shows it.
    dialect: dict = dataclasses.field(default_factory=dict)
    format: str = ""
    # The files that the rows were written to.
    parts: list = dataclasses.field(default_factory=list)

    def table(self):
        """The rows that were written, in their order."""
        tables = []
        for part in self.parts:
            with pyarrow.OSFile(part, "rb") as file:
                tables.append(pyarrow.ipc.open_file(file).read_all())
        return pyarrow.concat_tables(tables)


class Mason:
    """A folder of files and runs that one file at a time is read in."""

    def __init__(self, program, folder, seconds):
        self.program = str(program)
        self.folder = pathlib.Path(folder)
        self.seconds = seconds
        self.files = 0

    def read(self, path):
        """Reads a file with `table/get` and `select *`."""
        if self.files % FILES_OF_A_FOLDER == 0:
            self._begin()
        self.files += 1
        database = f"d{self.files}"
        table = self.folder / "lake" / database / "t"
        table.mkdir(parents=True)
        # Names that begin with `_` or `.` are no data for Mason.
        name = path.name if path.name[0] not in "_." else "x" + path.name
        shutil.copyfile(path, table / name)
        outcome, answer = self._run(name, "table/get", database_name=database, table_name="t")
        if outcome.read:
            form = answer.get("format") or {}
            query = {"query_string": "select * from t", "format": "arrow", "output_path": f"out/{database}"}
            outcome, _ = self._run(name, "table/query", database_name=database, **query)
            outcome.format, outcome.dialect = form.get("format", ""), form.get("csv") or {}
        if outcome.read:
            written = self.folder / "lake" / "out" / database
            outcome.parts = sorted(str(part) for part in written.glob("*/*.arrow"))
            if not outcome.parts:
                outcome.read, outcome.broken = False, "the run succeeded and wrote no file"
        return outcome

    def forget(self):
        """Removes the last file and what was read of it."""
        lake = self.folder / "lake"
        shutil.rmtree(lake / f"d{self.files}", ignore_errors=True)
        shutil.rmtree(lake / "out" / f"d{self.files}", ignore_errors=True)

    def _begin(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "lake").mkdir(parents=True)
        self._mason("init", "--root", str(self.folder / "lake"), "--name", "lake")

    def _mason(self, *arguments):
        command = [self.program, "--store", str(self.folder / "store"), *arguments]
        return subprocess.run(
            command, capture_output=True, timeout=self.seconds + 30, cwd=self.folder, check=False
        )

    def _run(self, name, operator, **parameters):
        given = [part for key, value in parameters.items() for part in ("-p", f"{key}={value}")]
        timeout = ["--timeout", f"{self.seconds}s"]
        try:
            ended = self._mason("run", operator, "--config", "lake", "-q", "-o", "json", *timeout, *given)
        except subprocess.TimeoutExpired:
            return Outcome(False, broken=f"`{operator}` did not end in {self.seconds} s"), {}
        try:
            status = json.loads(ended.stdout)["status"]
        except (ValueError, KeyError):
            words = ended.stderr.decode(errors="replace").strip()[-500:]
            return Outcome(False, words, f"`{operator}` ended with {ended.returncode} and no run"), {}
        if status["phase"] == "Succeeded":
            return Outcome(True), (status.get("result") or {}).get("data") or {}
        return refusal(name, operator, status), {}


def refusal(name, operator, status):
    """A run that failed, and whether its message is one that a person can act on."""
    message = "; ".join(status["messages"]["errors"])
    attempts = status.get("attempts") or [{}]
    error = attempts[-1].get("error") or {}
    reason = error.get("reason", "")
    broken = ""
    if reason == "DeadlineExceeded" or status.get("columns", {}).get("reason") == "DeadlineExceeded":
        broken = f"`{operator}` did not end in time"
    elif error.get("class") != "User":
        broken = f"`{operator}` failed with {error.get('class')}/{reason}"
    elif "nternal error" in message or "panicked" in message:
        broken = f"`{operator}` failed with an internal error"
    elif name not in message and reason != "OutOfMemory" and "failed to write the files" not in message:
        # What cannot be written names the column; all else is about the file that was read.
        broken = "the message does not name the file"
    return Outcome(False, message, broken)
