"""Runs a command and says how long it took and how much memory its processes took at the most."""

import os
import subprocess
import sys
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
        # A process begins with the peak of the one that starts it: a small one stands in between.
        between = subprocess.run(
            [sys.executable, "-I", "-S", __file__, *command], stdout=output, stderr=errors, check=False,
        )
        output.seek(0)
        errors.seek(0)
        said, printed = errors.read(), output.read()
        if between.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed\n{printed}\n{said}")
        seconds, peak_kib = said.rsplit("\n", 2)[-2].split()
        return Measured(float(seconds), int(peak_kib) / 1024, printed)


def stand_between(command: list[str]) -> int:
    """Runs a command and says, in the last line of the errors, its seconds and the KiB of its largest process."""
    started = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ)
    # The usage of a process holds that of every process it waited for: the worker's is in it.
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - started
    sys.stderr.write(f"\n{seconds:.6f} {usage.ru_maxrss}\n")
    return 1 if status else 0


def median(values: list[float]) -> float:
    """Returns the middle value."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


if __name__ == "__main__":
    sys.exit(stand_between(sys.argv[1:]))
