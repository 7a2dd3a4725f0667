"""Rows that a peer gives as dictionaries of Python, compared by the types of Mason's columns."""

import datetime
import decimal
import io
import uuid

import pyarrow.types as kinds

import values

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def read_avro(content):
    """The records of an Avro file and the names of its columns."""
    import fastavro

    reader = fastavro.reader(io.BytesIO(content))
    rows = list(reader)
    schema = reader.writer_schema
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise ValueError("its rows are no records")
    return rows, [field["name"] for field in schema["fields"]]


def difference(table, rows, names, peer):
    """A sentence that says how a table differs from rows, or None."""
    extra = [name for name in names if name not in table.column_names]
    if extra:
        return f"there is no column `{extra[0]}`, which {peer} has"
    added = [name for name in table.column_names if name not in names]
    if added:
        return f"there is a column `{added[0]}`, which {peer} does not have"
    mine = values.columns(table)
    theirs = [
        [typed(row.get(field.name), field.type) for row in rows] for field in table.schema
    ]
    if not rows and not table.num_rows:
        return None
    return values.difference(mine, theirs, table.column_names, peer)


def typed(value, kind):
    """A value of Python in the form of a type; one that is none of it equals no value."""
    if value is None:
        return None
    kind = values.layout(kind)
    if kinds.is_struct(kind):
        return structs(value, kind)
    if kinds.is_map(kind):
        return maps(value, kind)
    if kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind):
        if isinstance(value, list):
            return ("list", *(typed(item, kind.value_type) for item in value))
    if kinds.is_temporal(kind) or kinds.is_interval(kind):
        return moment(value, kind)
    if kinds.is_large_string(kind):
        return text(value)
    if isinstance(value, decimal.Decimal) and kinds.is_floating(kind):
        return values.number(float(value))
    if kinds.is_float32(kind) and isinstance(value, float):
        return values.number(value)
    if isinstance(value, uuid.UUID):
        return ("bytes", value.bytes)
    return values.plain(value)


def structs(value, kind):
    if not isinstance(value, dict):
        return ("no object", str(value))
    members = [kind.field(at) for at in range(kind.num_fields)]
    extra = [name for name in value if name not in {member.name for member in members}]
    if extra:
        return ("a member is lost", extra[0])
    return values.struct((member.name, typed(value.get(member.name), member.type)) for member in members)


def maps(value, kind):
    if not isinstance(value, dict):
        return ("no map", str(value))
    pairs = (
        values.struct((("key", typed(key, kind.key_type)), ("value", typed(item, kind.item_type))))
        for key, item in value.items()
    )
    return ("list", *pairs)


def moment(value, kind):
    """A time of Python in nanoseconds."""
    if isinstance(value, datetime.datetime):
        since = (value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)) - EPOCH
        return ("time", nanoseconds(since))
    if isinstance(value, datetime.date):
        return ("time", (value.toordinal() - EPOCH.toordinal()) * values.DAY)
    if isinstance(value, datetime.time):
        since = datetime.datetime.combine(EPOCH.date(), value, datetime.timezone.utc) - EPOCH
        return ("time of day", nanoseconds(since))
    if isinstance(value, int):
        return ("time", value * values.NANOSECONDS[kind.unit])
    if isinstance(value, bytes) and kinds.is_interval(kind):
        return values.plain([int.from_bytes(value[at : at + 4], "little") for at in (0, 4, 8)])
    return values.plain(value)


def nanoseconds(since):
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000


def text(value):
    """A text as it is; what else stands in a column of texts is there as compact JSON."""
    if isinstance(value, str):
        return value
    return compact(value)


def compact(value):
    import json

    if isinstance(value, dict):
        inner = ",".join(f"{json.dumps(key, ensure_ascii=False)}:{compact(item)}" for key, item in value.items())
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return value.decode(errors="surrogateescape")
    return json.dumps(value, ensure_ascii=False)
