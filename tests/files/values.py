"""Values of any engine in one form, in which equal values are equal and nothing else is.

Numbers are compared by value, so that a whole number is equal to the decimal of the same value, but
-0.0 is not 0.0; texts, bytes and booleans never equal a number. Times are nanoseconds. The order of a
struct's members does not count. Tables are compared as multisets of rows.
"""

import collections
import decimal
import math

import pyarrow
import pyarrow.compute
import pyarrow.types as kinds

NANOSECONDS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
DAY = 86_400 * NANOSECONDS["s"]
# No number has so many digits that its value depends on the precision.
decimal.getcontext().prec = 2000


def number(value):
    """A number by its value."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return ("float", "NaN")
        if math.isinf(value):
            return ("float", "inf" if value > 0 else "-inf")
        if value == 0 and math.copysign(1, value) < 0:
            return ("float", "-0.0")
        value = decimal.Decimal(repr(value))
    if value == value.to_integral_value():
        return int(value)
    return value.normalize()


def columns(table):
    """The values of a table of Arrow, column by column."""
    return [array(column) for column in table.columns]


def array(column):
    """The values of an array or chunked array of Arrow."""
    if isinstance(column, pyarrow.ChunkedArray):
        return [value for chunk in column.chunks for value in array(chunk)]
    kind = column.type
    if isinstance(kind, pyarrow.BaseExtensionType):
        return array(column.storage)
    if kinds.is_dictionary(kind):
        return array(column.dictionary_decode())
    if kinds.is_run_end_encoded(kind):
        return array(pyarrow.compute.run_end_decode(column))
    if kinds.is_struct(kind):
        return structs(column)
    if kinds.is_map(kind):
        return maps(column)
    if kinds.is_list(kind) or kinds.is_large_list(kind):
        return lists(column)
    if kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind):
        return texts(column)
    if kinds.is_temporal(kind) and not kinds.is_interval(kind):
        return times(column)
    if kinds.is_interval(kind):
        return [None if value is None else plain([value.months, value.days, value.nanoseconds / 1e6]) for value in column.to_pylist()]
    if kinds.is_union(kind):
        return unions(column)
    return [plain(value) for value in column.to_pylist()]


def plain(value):
    """A value of Python."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float, decimal.Decimal)):
        return number(value)
    if isinstance(value, (bytes, bytearray)):
        return ("bytes", bytes(value))
    if isinstance(value, dict):
        return struct((name, plain(inner)) for name, inner in value.items())
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return ("list", *map(plain, value))
    return (type(value).__name__, str(value))


def struct(members):
    """A struct, whatever the order of its members."""
    return ("struct", *sorted(members, key=lambda member: member[0]))


def texts(column):
    try:
        return column.to_pylist()
    except UnicodeDecodeError:
        raw = column.cast(pyarrow.large_binary()).to_pylist()
        return [None if value is None else value.decode(errors="surrogateescape") for value in raw]


def times(column):
    kind = column.type
    if kinds.is_date32(kind):
        unit, word, whole = DAY, "time", pyarrow.int32()
    elif kinds.is_date64(kind):
        unit, word, whole = NANOSECONDS["ms"], "time", pyarrow.int64()
    else:
        unit, whole = NANOSECONDS[kind.unit], pyarrow.int64()
        word = "time"
        if kinds.is_time32(kind):
            whole, word = pyarrow.int32(), "time of day"
        elif kinds.is_time64(kind):
            word = "time of day"
        elif kinds.is_duration(kind):
            word = "duration"
    counts = column.view(whole).to_pylist()
    return [None if count is None else (word, count * unit) for count in counts]


def lists(column):
    offsets = column.offsets.to_pylist()
    first = offsets[0] if offsets else 0
    values = array(column.values.slice(first, (offsets[-1] if offsets else 0) - first))
    valid = column.is_valid().to_pylist()
    return [
        ("list", *values[offsets[at] - first : offsets[at + 1] - first]) if valid[at] else None
        for at in range(len(column))
    ]


def maps(column):
    keys, items = array(column.keys), array(column.items)
    offsets = column.offsets.to_pylist()
    # Keys and items begin at the first offset of the array, also of a slice of it.
    first = offsets[0] if len(keys) < (offsets[-1] if offsets else 0) else 0
    valid = column.is_valid().to_pylist()

    def entries(at):
        pairs = range(offsets[at] - first, offsets[at + 1] - first)
        return ("list", *(struct((("key", keys[pair]), ("value", items[pair]))) for pair in pairs))

    return [entries(at) if valid[at] else None for at in range(len(column))]


def structs(column):
    names = [column.type.field(at).name for at in range(column.type.num_fields)]
    members = [array(member) for member in column.flatten()]
    valid = column.is_valid().to_pylist()
    return [
        struct((name, member[at]) for name, member in zip(names, members)) if valid[at] else None
        for at in range(len(column))
    ]


def unions(column):
    """Values of a union as structs of its members, of which one has a value; a null is null; of one type as its values."""
    kind = column.type
    members = [kind.field(at) for at in range(kind.num_fields)]
    found = [(kind.type_codes.index(code), value.value) for code, value in zip(column.type_codes.to_pylist(), column)]
    values = [(at, None if value is None else array(pyarrow.array([value.as_py()], members[at].type))[0]) for at, value in found]
    if len(members) == 1:
        return [value for _, value in values]
    return [
        None if value is None else struct((field.name, value if at == of else None) for at, field in enumerate(members))
        for of, value in values
    ]


def layout(kind):
    """A type without what only says how its values are laid out."""
    if kinds.is_dictionary(kind):
        return layout(kind.value_type)
    if kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind):
        return pyarrow.large_string()
    if kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_binary_view(kind):
        return pyarrow.large_binary()
    return kind


def holds_floats(kind):
    """Whether a type is one of floats, or has one within."""
    if isinstance(kind, pyarrow.BaseExtensionType):
        return holds_floats(kind.storage_type)
    if kinds.is_dictionary(kind) or kinds.is_run_end_encoded(kind):
        return holds_floats(kind.value_type)
    return kinds.is_floating(kind) or any(holds_floats(kind.field(at).type) for at in range(kind.num_fields))


def same_at_once(left, right):
    """Whether two tables are equal as they lie there; false may also mean that it is not known, as it is of
    types with floats: Arrow takes 0.0 and -0.0 for equal."""
    if left.num_rows != right.num_rows or left.num_columns != right.num_columns:
        return False
    for one, other in zip(left.columns, right.columns):
        kind = layout(one.type)
        if kind != layout(other.type) or holds_floats(kind):
            return False
        try:
            if not one.cast(kind).equals(other.cast(kind)):
                return False
        except (pyarrow.ArrowException, NotImplementedError):
            return False
    return True


def shown(value):
    """A value in a sentence."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def counted(count, noun):
    """A count with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def difference(mine, theirs, names, peer):
    """A sentence that says how columns of values differ from the peer's, or None."""
    if len(mine) != len(theirs):
        return f"{counted(len(mine), 'column')}, {peer} has {len(theirs)}"
    rows, others = len(mine[0]) if mine else 0, len(theirs[0]) if theirs else 0
    if rows != others:
        return f"{counted(rows, 'row')}, {peer} has {others}"
    if mine == theirs:
        return None
    if collections.Counter(zip(*mine)) == collections.Counter(zip(*theirs)):
        return None
    for name, column, other in zip(names, mine, theirs):
        if collections.Counter(column) != collections.Counter(other):
            at = next((row for row in range(rows) if column[row] != other[row]), 0)
            left, right = shown(column[at]), shown(other[at])
            return f"row {at + 1}, column `{name}`: {left}, {peer} has {right}"
    return f"the cells of the rows belong together in another way than with {peer}"
