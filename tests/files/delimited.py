"""Delimited text: the cells as Python's csv splits them under the dialect that Mason found, and as DuckDB
reads them with a dialect that it finds itself.

A cell is compared by the type of Mason's column: a number by its value, a time by its instant, text by
every character. An empty cell and an empty text are one here: Python's csv does not tell them apart.
"""

import csv
import datetime
import decimal
import io
import re

import pyarrow.types as kinds

import found
import values

ENCODINGS = {"utf8": "utf-8-sig", "utf16-le": "utf-16-le", "utf16-be": "utf-16-be", "latin1": "cp1252"}
csv.field_size_limit(1 << 30)


def with_python(file, outcome):
    """The records as Python's csv splits them, the first one first."""
    if not outcome.read:
        raise ValueError("without a dialect there is nothing to read")
    if len(outcome.dialect["delimiter"]) > 1:
        raise ValueError("Python's csv knows delimiters of one character only")
    return cells(found.unpacked(file.path), outcome.dialect)


def compare_with_python(records, outcome):
    """Compares with Python's csv."""
    mine, dialect = outcome.table(), outcome.dialect
    for at, record in enumerate(records):
        if len(record) != mine.num_columns:
            found, there = values.counted(len(record), "cell"), values.counted(mine.num_columns, "column")
            return f"record {at + 1} has {found} with Python's csv, and the table {there}"
    rows = records[1:] if dialect.get("header") else records
    tokens = set(dialect.get("nullTokens") or [])
    theirs = [[None if cell in tokens else cell for cell in column] for column in zip(*rows)]
    if dialect.get("decimal", ".") != ".":
        theirs = [with_points(column, field.type, dialect["decimal"]) for column, field in zip(theirs, mine.schema)]
    return difference(mine, theirs or [[] for _ in mine.columns], "Python's csv")


def decoded(content, encoding):
    """A text in its encoding; `per-file` leaves it to the bytes."""
    if encoding == "per-file":
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            encoding = "utf16-le" if b"\0" in content[:4] else "latin1"
    return content.decode(ENCODINGS.get(encoding, encoding), errors="surrogateescape")


def with_points(column, kind, mark):
    """The cells of a column of numbers whose fractions begin with another mark than a point."""
    if not (kinds.is_floating(kind) or kinds.is_decimal(kind)):
        return column
    return [cell and cell.replace(mark, ".") for cell in column]


def cells(content, dialect):
    """The records of a text under a dialect."""
    encoding = dialect.get("encoding", "utf8")
    text = decoded(content, encoding).lstrip("\ufeff")
    for _ in range(int(dialect.get("skipRows") or 0)):
        text = text.split("\n", 1)[1]
    comment = dialect.get("comment")
    if comment:
        text = "".join(line for line in text.splitlines(True) if not line.startswith(comment))
    text = text.rstrip("\x1a")
    quote, escape = dialect.get("quote"), dialect.get("escape")
    doubled = escape in (None, quote)
    options = {"doublequote": doubled, "escapechar": None if doubled else escape}
    if quote:
        options["quotechar"] = quote
    else:
        options["quoting"] = csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect["delimiter"], **options)
    return [row for row in reader if row]


def with_duckdb(file, connection):
    """The columns as DuckDB reads them as texts, by its own word on the dialect."""
    options = "all_varchar = true, sample_size = -1, hive_partitioning = false"
    reader = connection.sql(f"select * from read_csv(?, {options})", params=[str(file.path)])
    rows = reader.fetchall()
    return list(zip(*rows)) or [[] for _ in reader.columns]


def compare_with_duckdb(columns, outcome):
    """Compares with DuckDB's texts."""
    mine = outcome.table()
    if mine.num_columns != len(columns):
        return f"{values.counted(mine.num_columns, 'column')}, DuckDB has {len(columns)}"
    return difference(mine, columns, "DuckDB")


def difference(mine, texts, peer):
    """A sentence that says how columns differ from texts, or None."""
    left, right = [], []
    for column, cells_of_column in zip(mine.columns, texts):
        kind = values.layout(column.type)
        empty = kinds.is_large_string(kind)
        left.append(["" if empty and value is None else value for value in values.array(column)])
        right.append([typed(cell, kind) for cell in cells_of_column])
    return values.difference(left, right, mine.column_names, peer)


def typed(cell, kind):
    """A cell as a value of a type; a cell that is none stays a text, which equals no value."""
    if kinds.is_large_string(kind):
        return cell or ""
    if not cell:
        return None
    try:
        if kinds.is_boolean(kind):
            return values.number({"true": True, "false": False}[cell.lower()])
        if kinds.is_floating(kind):
            return values.number(float(cell))
        if kinds.is_integer(kind) or kinds.is_decimal(kind):
            return values.number(decimal.Decimal(cell))
        if kinds.is_temporal(kind):
            return moment(cell, kind)
    except (ValueError, KeyError, decimal.InvalidOperation):
        pass
    return ("text", cell)


MOMENT = re.compile(
    r"(?:(\d{4})-(\d\d)-(\d\d))?[T ]?(?:(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(Z|[+-]\d\d(?::?\d\d)?)?"
)


def moment(cell, kind):
    """A date, time or timestamp in nanoseconds, with an offset as an instant."""
    match = MOMENT.fullmatch(cell)
    if not match:
        raise ValueError(cell)
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    count = 0
    if year:
        count = datetime.date(int(year), int(month), int(day)).toordinal() - 719_163
    count = count * 24 * 60 + int(hour or 0) * 60 + int(minute or 0)
    if zone and zone != "Z":
        hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
        count -= (hours * 60 + minutes) * (1 if zone[0] == "+" else -1)
    count = (count * 60 + int(second or 0)) * 1_000_000_000 + int((fraction or "").ljust(9, "0"))
    return ("time of day" if kinds.is_time(kind) else "time", count)
