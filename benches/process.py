"""Runs a command and says how long it took and how much memory its processes took at the most."""

import os
import tempfile
import time
from dataclasses import dataclass


@dataclass
class Measured:
    """One run: wall seconds, and the peak MiB of the largest of its processes, as the system counts them."""

    seconds: float
    peak_mib: float
    output: str


def run(command: list[str]) -> Measured:
    """Runs to the end; a command that fails ends the bench with what it printed."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        pid = os.posix_spawn(
            command[0], command, os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, errors.fileno(), 2)],
        )
        # The usage of a process holds that of every process it waited for: the worker's is in it.
        _, status, usage = os.wait4(pid, 0)
        seconds = time.perf_counter() - started
        output.seek(0)
        errors.seek(0)
        if status != 0:
            raise SystemExit(f"{' '.join(command)} ended with status {status}\n{output.read()}\n{errors.read()}")
        return Measured(seconds, usage.ru_maxrss / 1024, output.read())


def median(values: list[float]) -> float:
    """Returns the middle value."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
