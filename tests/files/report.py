"""Prints what came of the files: counts by folder and format, and every difference with a sentence."""

import collections

import judge

SHORT = {
    judge.REFUSED_BY_ALL: "refused, as the peers do",
}


def counts(verdicts):
    """A Markdown table of the classes by folder and format."""
    rows = collections.defaultdict(collections.Counter)
    for one in verdicts:
        rows[one.folder, one.format][one.verdict] += 1
    lines = [
        "| folder | format | files | " + " | ".join(SHORT.get(name, name) for name in judge.CLASSES) + " |",
        "|---|---|" + "---|" * (len(judge.CLASSES) + 1),
    ]
    for (folder, form), counter in sorted(rows.items()):
        lines.append(row(f"{folder} | {form}", counter))
    lines.append(row("**all** | ", sum(rows.values(), collections.Counter())))
    return "\n".join(lines)


def row(name, counter):
    cells = [counter.total(), *(counter[verdict] for verdict in judge.CLASSES)]
    return f"| {name} | " + " | ".join(map(str, cells)) + " |"


def sentences(verdicts, classes):
    """A list of the files of some classes, each with its sentence."""
    chosen = [one for one in verdicts if one.verdict in classes]
    return "\n".join(f"{one.verdict}: {one.folder}/{one.name}: {one.sentence}" for one in chosen)


def printed(verdicts, others):
    """Everything that is printed at the end."""
    said = [counts(verdicts), ""]
    said.append(f"{others} files were left out, whose names state none of these formats.")
    found = sentences(verdicts, judge.FAULTS | {judge.NOT_COMPARED})
    if found:
        said += ["", found]
    noted = [one for one in verdicts if one.verdict == judge.EQUAL and one.sentence]
    if noted:
        said += ["", f"{len(noted)} files are equal with the first peer and not with another, or for a written reason:"]
        said += [f"{one.folder}/{one.name}: {one.sentence}" for one in noted]
    return "\n".join(said)
