"""Runs a command and says how long it took and how much memory its processes took at the most."""

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Measured:
    """One run: wall seconds, peak MiB of the command itself, and of the largest of its children."""

    seconds: float
    peak_mib: float
    child_peak_mib: float
    output: str


def _peak(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            pass
    return found


def run(command: list[str], environment: dict[str, str] | None = None) -> Measured:
    """Runs to the end; a command that fails ends the bench with what it printed."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **(environment or {})},
    )
    peaks = {"child": 0.0}
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for child in _children(process.pid):
                peaks["child"] = max(peaks["child"], _peak(child))
            time.sleep(0.002)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    output, errors = process.communicate()
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    # The usage of a waited-for process is gone with communicate(); the largest child counts as well.
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}\n{output}\n{errors}")
    return Measured(seconds, peaks["child"], peaks["child"], output)


def run_alone(command: list[str], environment: dict[str, str] | None = None) -> Measured:
    """Runs a command whose own peak memory is wanted (the system's accounting, exact)."""
    started = time.perf_counter()
    read, write = os.pipe()
    pid = os.posix_spawn(
        command[0], command, {**os.environ, **(environment or {})},
        file_actions=[(os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_CLOSE, read)],
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        output = pipe.read()
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - started
    if status != 0:
        raise SystemExit(f"{' '.join(command)} ended with status {status}\n{output}")
    return Measured(seconds, usage.ru_maxrss / 1024, 0.0, output)


def median(values: list[float]) -> float:
    """Returns the middle value."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
