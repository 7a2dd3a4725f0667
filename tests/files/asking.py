"""Asks peers in a process of its own: a peer that breaks or hangs on a file takes nothing else with it."""

import dataclasses
import multiprocessing
import resource

MEMORY_BYTES = 6 << 30


@dataclasses.dataclass
class Said:
    """What a peer said of a file."""

    peer: str
    # Whether it read the file; else the sentence says why not.
    read: bool
    # How Mason's rows differ from its own; empty where they do not.
    sentence: str = ""


class Asking:
    """One process that is asked one thing at a time, and made anew when it does not answer."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.process = None

    def ask(self, form, peer, file, outcome):
        """What a peer of a format says of a file."""
        if self.process is None:
            self._start()
        try:
            self.pipe.send((form, peer, file, outcome))
            if self.pipe.poll(self.seconds):
                return self.pipe.recv()
            why = f"no answer within {self.seconds} s"
        except (EOFError, ConnectionError):
            why = "its process ended"
        self.stop()
        return Said(peer, False, why)

    def stop(self):
        """Ends the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None

    def _start(self):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=answer, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()


def answer(pipe):
    """Answers until there is nothing more to answer."""
    import peers

    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    while True:
        try:
            form, name, file, outcome = pipe.recv()
        except EOFError:
            return
        pipe.send(said_of(name, *peers.named(form)[name], file, outcome))


def said_of(name, read, compare, file, outcome):
    """Reads with a peer and compares."""
    try:
        theirs = read(file, outcome)
    except Exception as error:  # whatever a peer fails with is its word on the file
        return Said(name, False, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
    if not outcome.read:
        return Said(name, True)
    try:
        return Said(name, True, compare(theirs, outcome) or "")
    except Exception as error:
        return Said(name, True, f"the comparison failed: {type(error).__name__}: {error}")
