"""Puts a file into one class by what Mason made of it and what its peers say.

The first peer that reads the file decides, in the order of `peers.PEERS`, and each of `DECIDING` with it: where
one of these differs, the file is wrong, whatever the others say. What the others say is noted. A difference that
is not Mason's fault has a written reason in `reasons.toml`, by the digest of the file.
"""

import dataclasses
import pathlib
import tomllib

EQUAL = "equal"
WRONG = "wrong"
REFUSED_BY_ALL = "refused as the peers do"
REFUSED_CLEARLY = "refused clearly, a peer reads it"
BROKEN = "broken"
NOT_COMPARED = "not compared"
CLASSES = [EQUAL, WRONG, REFUSED_BY_ALL, REFUSED_CLEARLY, BROKEN, NOT_COMPARED]
FAULTS = {WRONG, BROKEN}
# Peers that must agree as well as the first, because the first follows a decision of Mason's.
DECIDING = {"duckdb_csv"}
# First peers beside which another compares every value too, so that a reason can say which of the two is wrong.
SECONDED = {"pyarrow_parquet"}


@dataclasses.dataclass
class Verdict:
    """The class of a file, and why."""

    folder: str
    name: str
    format: str
    digest: str
    verdict: str
    sentence: str
    seconds: float = 0.0


def judge(outcome, said):
    """The class of a file and a sentence, before any written reason."""
    readers = [one for one in said if one.read]
    refusals = "; ".join(f"{one.peer}: {one.sentence}" for one in said if not one.read)
    if outcome.broken:
        return BROKEN, f"{outcome.broken}: {outcome.message}"
    if not outcome.read:
        if readers:
            return REFUSED_CLEARLY, outcome.message
        return REFUSED_BY_ALL, outcome.message
    if not readers:
        return NOT_COMPARED, f"Mason reads it and no peer does ({refusals})"
    differing = [one for one in readers if one.sentence]
    is_wrong = any(one is readers[0] or one.peer in DECIDING for one in differing)
    return WRONG if is_wrong else EQUAL, "; ".join(one.sentence for one in differing)


def read_reasons(path=pathlib.Path(__file__).with_name("reasons.toml")):
    """The written reasons, by the digest of the file."""
    with open(path, "rb") as file:
        reasons = tomllib.load(file).get("reason", [])
    for one in reasons:
        if one["class"] not in CLASSES or one["class"] in FAULTS:
            raise ValueError(f"{one['files']}: {one['class']} is no class that a reason can give")
    return {digest: one for one in reasons for digest in one["digests"]}


def with_reason(outcome, said, digest, reasons):
    """The class of a file and a sentence, where a written reason excuses what only a peer says that follows
    its own detection (the cells must be those of the first peer all the same), or what a peer of `SECONDED` says
    where another agrees with Mason."""
    verdict, sentence = judge(outcome, said)
    reason = reasons.get(digest)
    differing = {one.peer for one in said if one.read and one.sentence}
    agrees = any(one.read and not one.sentence for one in said)
    is_excusable = differing <= DECIDING or (differing <= SECONDED and agrees)
    if verdict != WRONG or reason is None or not is_excusable:
        return verdict, sentence
    return reason["class"], f"{reason['why']} ({sentence})"
