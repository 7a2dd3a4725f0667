"""JSON as Python's json reads it, in the shape that Mason gives it: objects become rows."""

import decimal
import json

import found
import records


def compare_with_python(rows, outcome):
    """Compares with the rows of Python's json."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return records.difference(outcome.table(), rows, names, "Python's json")


def once(pairs):
    """An object whose keys are all different."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is there twice in one object")
    return made


def not_a_number(word):
    raise ValueError(f"{word} is no JSON")


DECODER = json.JSONDecoder(
    object_pairs_hook=once, parse_float=decimal.Decimal, parse_constant=not_a_number
)


def rows_of(content):
    """The objects of a document, or of documents one after the other, each on lines of its own."""
    text = content.decode(json.detect_encoding(content)).lstrip("\ufeff")
    try:
        document = DECODER.decode(text)
        rows = document if isinstance(document, list) else [document]
    except ValueError:
        rows = [DECODER.decode(line) for line in text.splitlines() if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("not every row is an object")
    return rows
