"""Sends every data file below folders through Mason and compares the rows with other engines.

    python tests/files FOLDER... --mason PROGRAM [--state FILE] [--again] [--markdown FILE]

What is known of a file is kept in the state, line by line, so that a run that was interrupted goes on; a
file or a program that changed is looked at again. Ends with 1 when any file is wrong or broken.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import pathlib
import shutil
import sys
import tempfile
import threading
import time

import asking
import found
import judge
import mason
import peers
import report


def arguments():
    parser = argparse.ArgumentParser(prog="tests/files", description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    parser.add_argument("--mason", required=True, help="the built program")
    parser.add_argument("--state", type=pathlib.Path, help="a file that keeps what is known")
    parser.add_argument("--again", action="store_true", help="look at every file again")
    parser.add_argument("--markdown", type=pathlib.Path, help="a file that gets the table and the sentences")
    parser.add_argument("--at-once", type=int, default=2, help="how many files are looked at at a time")
    parser.add_argument("--seconds", type=int, default=60, help="how long a file may take")
    return parser.parse_args()


class Places:
    """What one file at a time is looked at with: one of each for every thread."""

    def __init__(self, given, folder):
        self.given, self.folder, self.number = given, pathlib.Path(folder), 0
        self.lock, self.own, self.all = threading.Lock(), threading.local(), []

    def mine(self):
        if not hasattr(self.own, "place"):
            with self.lock:
                self.number += 1
                reader = mason.Mason(self.given.mason, self.folder / str(self.number), self.given.seconds)
                self.own.place = (reader, asking.Asking(self.given.seconds))
                self.all.append(self.own.place)
        return self.own.place

    def close(self):
        for _, asked in self.all:
            asked.stop()


def look(file, places, reasons):
    """Looks at one file."""
    began = time.monotonic()
    reader, asked = places.mine()
    digest = file.digest()
    outcome = reader.read(file.path)
    form = {"jsonl": "json"}.get(outcome.format, outcome.format)
    form = form if form in peers.PEERS else file.format
    said = [asked.ask(form, name, file, outcome) for name in peers.named(form)]
    reader.forget()
    verdict, sentence = judge.with_reason(outcome, said, digest, reasons)
    seconds = round(time.monotonic() - began, 1)
    return judge.Verdict(file.folder, file.name, file.format, digest, verdict, sentence, seconds)


def known_before(given, program):
    """The verdicts of a state that are of this program, and those of another, by the key of the file."""
    known, before = {}, {}
    if given.state is None or not given.state.exists():
        return known, before
    for line in given.state.read_text().splitlines():
        entry = json.loads(line)
        same = entry["program"] == program and not given.again
        (known if same else before)[entry["key"]] = judge.Verdict(**entry["verdict"])
    return known, before


def program_key(path):
    """What stays the same for as long as the program and this test do."""
    judges = sorted(pathlib.Path(__file__).parent.iterdir())
    statuses = [one.stat() for one in [pathlib.Path(path), *judges] if one.is_file()]
    return ",".join(f"{status.st_size}:{status.st_mtime_ns}" for status in statuses)


def run(given):
    files, others = found.below(given.folders)
    if not files:
        sys.exit(f"there is no data file below {', '.join(given.folders)}")
    program = program_key(given.mason)
    known, before = known_before(given, program)
    # What was not equal with the program of before comes first.
    in_turn = sorted(files, key=lambda file: file.key() in before and before[file.key()].verdict == judge.EQUAL)
    reasons = judge.read_reasons()
    state = open(given.state, "a") if given.state else None
    verdicts, done = {}, 0
    with tempfile.TemporaryDirectory(prefix="mason-files-") as folder:
        places = Places(given, folder)
        with concurrent.futures.ThreadPoolExecutor(given.at_once) as pool:
            waiting = {}
            for file in in_turn:
                if file.key() in known:
                    verdicts[file] = dataclasses.replace(known[file.key()], folder=file.folder, name=file.name)
                else:
                    waiting[pool.submit(look, file, places, reasons)] = file
            for future in concurrent.futures.as_completed(waiting):
                file, verdict, done = waiting[future], future.result(), done + 1
                verdicts[file] = verdict
                if state:
                    entry = {"program": program, "key": file.key(), "verdict": dataclasses.asdict(verdict)}
                    state.write(json.dumps(entry) + "\n")
                    state.flush()
                if verdict.verdict in judge.FAULTS:
                    print(f"[{done}/{len(waiting)}] {verdict.verdict}: {file.name}: {verdict.sentence}", flush=True)
                elif done % 100 == 0:
                    print(f"[{done}/{len(waiting)}]", flush=True)
        places.close()
    return [verdicts[file] for file in files], others


def main():
    given = arguments()
    if shutil.which(given.mason) is None:
        sys.exit(f"there is no program `{given.mason}`: build it first")
    given.mason = pathlib.Path(given.mason).resolve()
    verdicts, others = run(given)
    print(report.printed(verdicts, others))
    if given.markdown:
        given.markdown.write_text(report.counts(verdicts) + "\n\n" + report.sentences(verdicts, set(judge.CLASSES) - {judge.EQUAL}) + "\n")
    sys.exit(1 if any(one.verdict in judge.FAULTS for one in verdicts) else 0)


if __name__ == "__main__":
    main()
