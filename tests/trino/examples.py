"""Files of every format and type that a table of a catalogue may have, one folder for each table. Pure of their surroundings."""

import datetime
import decimal
import gzip
import json
import uuid

import fastavro
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet

D, DAY, TIME, UTC = decimal.Decimal, datetime.date, datetime.datetime, datetime.timezone.utc
NAN, ENDLESS = float("nan"), float("inf")
MOST = "9" * 28 + "." + "9" * 10

# Each column with what ordinary, least, greatest and odd rows have of it; the fifth row has nulls.
SCALARS = {
    "yes": (pa.bool_(), [True, False, True, False]),
    "i8": (pa.int8(), [1, -128, 127, 0]),
    "i16": (pa.int16(), [1, -32768, 32767, 0]),
    "i32": (pa.int32(), [1, -(2**31), 2**31 - 1, 0]),
    "i64": (pa.int64(), [1, -(2**63), 2**63 - 1, 2**53 + 1]),
    "f32": (pa.float32(), [0.1, -3.4028234663852886e38, 1.401298464324817e-45, -0.0]),
    "f64": (pa.float64(), [0.1, -1.7976931348623157e308, 5e-324, -0.0]),
    "short": (pa.decimal128(9, 2), [D("1.50"), D("-9999999.99"), D("9999999.99"), D("0.00")]),
    "long": (pa.decimal128(38, 10), [D("1.5000000000"), D("-" + MOST), D(MOST), D("0E-10")]),
    "text": (pa.string(), ["plain", "", "Grüße, 東京 😀", " two \t words\n"]),
    "bytes": (pa.binary(), [b"abc", b"", bytes(range(256)), b"\0"]),
    "day": (pa.date32(), [DAY(2024, 2, 29), DAY(1, 1, 1), DAY(9999, 12, 31), DAY(1582, 10, 10)]),
    "at": (pa.timestamp("us"), [TIME(2024, 2, 29, 12, 30, 0, 123456), TIME(1, 1, 1), TIME(9999, 12, 31, 23, 59, 59, 999999), TIME(1969, 12, 31, 23, 59, 59, 999999)]),
}
# What only Parquet has of these here.
PARQUET = {
    "u8": (pa.uint8(), [1, 0, 255, 128]),
    "u16": (pa.uint16(), [1, 0, 65535, 32768]),
    "ms": (pa.timestamp("ms"), [TIME(2024, 2, 29, 12, 30, 0, 123000), TIME(1, 1, 1), TIME(9999, 12, 31, 23, 59, 59, 999000), TIME(1582, 10, 10)]),
    "instant": (pa.timestamp("us", tz="UTC"), [TIME(2024, 2, 29, 12, 30, 0, 123456, UTC), TIME(1900, 1, 1, tzinfo=UTC), TIME(2200, 1, 1, tzinfo=UTC), TIME(1969, 12, 31, 23, 59, 59, 1, UTC)]),
    "word": (pa.dictionary(pa.int8(), pa.string()), ["a", "b", "a", ""]),
    "fixed": (pa.binary(4), [b"abcd", b"\0\0\0\0", b"\xff" * 4, b"    "]),
}
NESTED = {
    "numbers": (pa.list_(pa.int32()), [[1, None, 3], [], None, [2**31 - 1]]),
    "words": (pa.list_(pa.string()), [["a", None, ""], [], None, ["ü"]]),
    "lists": (pa.list_(pa.list_(pa.int64())), [[[1], None, []], [], None, [[2, None]]]),
    "counts": (pa.map_(pa.string(), pa.int32()), [[("a", 1), ("", None)], [], None, [("ü", 2)]]),
    "by_day": (pa.map_(pa.int32(), pa.date32()), [[(1, DAY(1969, 12, 31))], [], None, [(-2, None)]]),
    "person": (pa.struct([("name", pa.string()), ("tags", pa.list_(pa.string())), ("paid", pa.decimal128(9, 2))]),
               [{"name": "a", "tags": ["x", None], "paid": D("1.50")}, {"name": None, "tags": None, "paid": None}, None, {"name": "", "tags": [], "paid": D("-0.01")}]),
    "people": (pa.list_(pa.struct([("name", pa.string()), ("at", pa.timestamp("us"))])),
               [[{"name": "a", "at": TIME(1969, 12, 31, 23, 59, 59, 999999)}, None], [], None, [{"name": None, "at": None}]]),
}
NAMES = ["größe", "two words", "a.b", "order", "UPPER", "Mixed Case", "a-b", "it's", '"quoted"', "naïve 😀", "1st", "$cost", "_", "a:b", "a/b", "ÄRGER"]


def table(columns):
    """Returns the columns with numbered rows, the last of nulls."""
    ids = pa.array(range(1, 6), pa.int32())
    made = {name: pa.array([*values, None], of) for name, (of, values) in columns.items()}
    return pa.table({"id": ids, **made})


def named(names=NAMES):
    return pa.table({"id": pa.array([1, 2], pa.int32()), **{name: [f"{name} 1", None] for name in names}})


def within(columns, names):
    return {name: columns[name] for name in names}


def parquet(path, made, **settings):
    pyarrow.parquet.write_table(made, place(path), **settings)


def orc(path, made):
    pyarrow.orc.write_table(made, place(path))


def text(path, content):
    place(path).write_bytes(content if isinstance(content, bytes) else content.encode())


def place(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def avro(path, fields, rows):
    schema = fastavro.parse_schema({"type": "record", "name": "Row", "fields": [
        {"name": name, "type": ["null", of] if isinstance(of, (str, dict)) else of} for name, of in fields.items()]})
    with open(place(path), "wb") as file:
        fastavro.writer(file, schema, rows)


def write(root):
    """Writes all examples below a folder."""
    columnar(root)
    in_avro(root)
    delimited(root)
    of_json(root)
    partitioned(root)


def columnar(root):
    parquet(root / "parquet_scalars/a.parquet", table({**SCALARS, **PARQUET}))
    floats = {"f32": (pa.float32(), [NAN, ENDLESS, -ENDLESS, 1.5]), "f64": (pa.float64(), [NAN, ENDLESS, -ENDLESS, 1.5])}
    parquet(root / "parquet_floats/a.parquet", table(floats))
    nanos = {"ns": (pa.timestamp("ns"), [1, -1, 1_700_000_000_123_456_789, 0])}
    parquet(root / "parquet_nanos/a.parquet", table(nanos), version="2.6")
    int96 = {"at": (pa.timestamp("us"), [TIME(2024, 2, 29, 12, 30, 0, 123456), TIME(1900, 1, 1), TIME(2200, 1, 1), TIME(1969, 12, 31, 23, 59, 59, 999999)])}
    parquet(root / "parquet_int96/a.parquet", table(int96), use_deprecated_int96_timestamps=True)
    parquet(root / "parquet_nested/a.parquet", table(NESTED))
    case = pa.struct([("Id", pa.int32()), ("Größe", pa.string())])
    parquet(root / "parquet_case/a.parquet", table({"Part": (case, [{"Id": 1, "Größe": "a"}, {"Id": None, "Größe": ""}, None, {"Id": 2, "Größe": None}])}))
    parquet(root / "parquet_unsigned/a.parquet", table({"u32": (pa.uint32(), [1, 0, 2**32 - 1, 2**31])}))
    odd = {"s": (pa.struct([("größe 1_$.x", pa.int32())]), [{"größe 1_$.x": at} for at in range(4)])}
    parquet(root / "parquet_members/a.parquet", table(odd))
    parquet(root / "parquet_odd_members/a.parquet", table({"s": (pa.struct([("a-b", pa.int32())]), [{"a-b": at} for at in range(4)])}))
    parquet(root / "parquet_names/a.parquet", named())
    parquet(root / "parquet_hidden/a.parquet", named(["$path"]))
    wide = table(within(SCALARS, ["i32", "text", "day"]))
    parquet(root / "parquet_orders/a.parquet", wide)
    parquet(root / "parquet_orders/b.parquet", wide.select(["day", "text", "i32", "id"]))
    parquet(root / "parquet_codecs/gzip.parquet", wide, compression="gzip")
    parquet(root / "parquet_codecs/zstd.parquet", wide, compression="zstd")
    parquet(root / "parquet_lz4/a.parquet", wide, compression="lz4")
    parquet(root / "parquet_brotli/a.parquet", wide, compression="brotli")
    # Nanoseconds below a second before 1970 are a matter of the writer: other readers refuse what pyarrow makes of them.
    at = {"at": (pa.timestamp("us"), [TIME(2024, 2, 29, 12, 30, 0, 123456), TIME(1900, 1, 1), TIME(2200, 1, 1), TIME(1969, 12, 31, 23, 59, 59)])}
    orc(root / "orc_scalars/a.orc", table({**SCALARS, **at}))
    orc(root / "orc_floats/a.orc", table(floats))
    people = [[{"name": "a", "at": TIME(1999, 12, 31, 23, 59, 59, 999999)}, None], [], None, [{"name": None, "at": None}]]
    orc(root / "orc_nested/a.orc", table({**NESTED, "people": (NESTED["people"][0], people)}))
    orc(root / "orc_names/a.orc", named())
    orc(root / "orc_orders/a.orc", wide)
    orc(root / "orc_orders/b.orc", wide.select(["day", "text", "i32", "id"]))
    instant = {"instant": (pa.timestamp("us", tz="UTC"), [TIME(2024, 2, 29, 12, 30, 0, 123456, UTC), TIME(1900, 1, 1, tzinfo=UTC), None, None])}
    orc(root / "orc_instants/a.orc", table(instant))


def in_avro(root):
    avro(root / "avro_scalars/a.avro", {
        "id": "int", "yes": "boolean", "i32": "int", "i64": "long", "f32": "float", "f64": "double", "text": "string", "bytes": "bytes",
        "day": {"type": "int", "logicalType": "date"},
    }, [
        {"id": 1, "yes": True, "i32": 1, "i64": 1, "f32": 0.1, "f64": 0.1, "text": "plain", "bytes": b"abc", "day": DAY(2024, 2, 29)},
        {"id": 2, "yes": False, "i32": -(2**31), "i64": -(2**63), "f32": -3.5, "f64": -1.7976931348623157e308, "text": "", "bytes": b"", "day": DAY(1, 1, 1)},
        {"id": 3, "yes": True, "i32": 2**31 - 1, "i64": 2**63 - 1, "f32": 1e-45, "f64": 5e-324, "text": "Grüße, 東京 😀", "bytes": bytes(range(256)), "day": DAY(1582, 10, 10)},
        {"id": 4}, {"id": 5, "f32": NAN, "f64": -ENDLESS, "text": " two \t words\n"},
    ])
    for name, logical in (("millis", "timestamp-millis"), ("micros", "timestamp-micros"), ("local_millis", "local-timestamp-millis"), ("local_micros", "local-timestamp-micros")):
        times = [TIME(2024, 2, 29, 12, 30, 0, 123000), TIME(1900, 1, 1), TIME(1969, 12, 31, 23, 59, 59, 999000)]
        if not name.startswith("local"):
            times = [at.replace(tzinfo=UTC) for at in times]
        avro(root / f"avro_{name}/a.avro", {"id": "int", "at": {"type": "long", "logicalType": logical}},
             [*({"id": number, "at": at} for number, at in enumerate(times, 1)), {"id": 4}])
    for name, of, values in (
        ("decimals", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, [D("1.50"), D("-9999999.99")]),
        ("fixed_decimals", {"type": "fixed", "name": "F", "size": 8, "logicalType": "decimal", "precision": 18, "scale": 4}, [D("1.5000")]),
        ("enum", {"type": "enum", "name": "Word", "symbols": ["A", "B"]}, ["A", "B"]),
        ("fixed", {"type": "fixed", "name": "Four", "size": 4}, [b"abcd", b"\0\0\0\xff"]),
        ("uuid", {"type": "string", "logicalType": "uuid"}, [uuid.UUID(int=1)]),
    ):
        avro(root / f"avro_{name}/a.avro", {"id": "int", "v": of}, [{"id": number, "v": value} for number, value in enumerate([*values, None], 1)])
    person = {"type": "record", "name": "Person", "fields": [{"name": "name", "type": ["null", "string"]}, {"name": "tags", "type": {"type": "array", "items": ["null", "string"]}}]}
    avro(root / "avro_nested/a.avro", {"id": "int", "numbers": {"type": "array", "items": ["null", "int"]}, "counts": {"type": "map", "values": ["null", "long"]}, "person": person},
         [{"id": 1, "numbers": [1, None, 3], "counts": {"a": 1, "": None}, "person": {"name": "a", "tags": ["x", None]}},
          {"id": 2, "numbers": [], "counts": {}, "person": {"name": None, "tags": []}}, {"id": 3}])
    fields = {"id": "int", "i32": "int", "text": "string"}
    avro(root / "avro_orders/a.avro", fields, [{"id": 1, "i32": 10, "text": "a"}])
    avro(root / "avro_orders/b.avro", dict(reversed(fields.items())), [{"id": 2, "i32": 20, "text": "b"}])
    # Types that are not of a union with null.
    avro(root / "avro_required/a.avro", {"id": ["int"], "name": ["string", "null"]}, [{"id": 1, "name": "a"}, {"id": 2, "name": None}])


PLAIN = """id|i64|f64|money|yes|text|day|at
1|1|0.1|1.50|true|plain|2024-02-29|2024-02-29 12:30:00.123456
2|-9223372036854775808|-1.7976931348623157e308|-9999999.99|false|Grüße, 東京 😀|0001-01-01|1900-01-01 00:00:00
3|9223372036854775807|5e-324|9999999999.99|TRUE|a "quoted" 'word'|9999-12-31|1969-12-31 23:59:59.999999
4|0|NaN|0.00|False| two  words |1582-10-10|2200-01-01 00:00:00.1
5||||||||
"""


def delimited(root):
    # A column of booleans has one spelling.
    plain = PLAIN.replace("TRUE", "true").replace("False", "false").replace("|||||||\n", "||||||\n")
    text(root / "csv_plain/a.csv", plain)
    text(root / "csv_packed/a.csv.gz", gzip.compress(plain.encode()))
    text(root / "csv_iso/a.csv", "id|at\n1|2024-02-29T12:30:00.123456\n2|1969-12-31T23:59:59.999999\n")
    text(root / "csv_floats/a.csv", "id|f64\n1|.5\n2|1.\n3|1e-05\n4|inf\n5|-Infinity\n6|nan\n7|-0\n")
    text(root / "csv_words/a.csv", "id|yes\n1|True\n2|False\n")
    text(root / "csv_escaped/a.csv", "id|text|n\n1|a\\|b|1\n2|c\\\\d|2\n3|C:\\dir|3\n")
    text(root / "csv_null_word/a.csv", "id|n|text\n1|NA|NA\n2|2|\n3|3|x\n")
    text(root / "csv_quoted/a.csv", 'id,text,n\n1,"a, b",1.5\n2,"say ""hi""",\n3,"",2.25\n4,,3.00\n5,"Grüße 東京",4\n')
    text(root / "csv_backslash/a.csv", 'id,text\n1,"C:\\dir, or"\n2,C:\\dir\n3,"end\\"\n4,"\\N"\n')
    text(root / "csv_lines/a.csv", 'id,text\n1,"two\nlines"\n2,one\n')
    text(root / "csv_quoted_escape/a.csv", 'id,text\n1,"a \\"b\\" c"\n2,"back\\\\slash"\n3,plain\n')
    text(root / "csv_unquoted/a.csv", "id,text,day\n1,a b,2024-01-01\n2,c,1969-12-31\n")
    text(root / "csv_windows/a.csv", "id|text\r\n1|a\r\n2|b\r\n")
    text(root / "csv_mark/a.csv", b"\xef\xbb\xbfid|text\n1|a\n2|b\n")
    text(root / "csv_gaps/a.csv", "id|text\n1|a\n\n2|b\n")
    text(root / "csv_names/a.csv", "id|Größe|two words|order|UPPER|a.b\n1|a|b|c|d|e\n2|f|g|h|i|j\n")
    text(root / "csv_mixed/a.csv", "id|n|v\n1|007|1\n2|x|2.5\n")
    text(root / "csv_bare/a.csv", "1|a|2.5\n2|b|3.5\n")


def of_json(root):
    text(root / "json_scalars/a.jsonl", lines([
        {"id": 1, "yes": True, "i64": 1, "f64": 0.1, "text": "plain", "day": "2024-02-29", "at": "2024-02-29T12:30:00"},
        {"id": 2, "yes": False, "i64": -(2**63), "f64": -1.7976931348623157e308, "text": "", "day": "1969-12-31", "at": "x"},
        {"id": 3, "yes": True, "i64": 2**63 - 1, "f64": 5e-324, "text": 'Grüße, 東京 😀 "q" \\ \n', "day": "y"},
        {"id": 4, "yes": None, "i64": None, "f64": None, "text": None, "day": None},
        {"id": 5},
    ]))
    text(root / "json_nested/a.jsonl", lines([
        {"id": 1, "numbers": [1, None, 3], "person": {"name": "a", "tags": ["x", None], "n": 1.5}, "people": [{"name": "b"}, None]},
        {"id": 2, "numbers": [], "person": {"name": None, "tags": [], "n": None}, "people": []},
        {"id": 3, "numbers": None, "person": None, "people": None},
        {"id": 4},
    ]))
    text(root / "json_mixed/a.jsonl", '{"id": 1, "v": "text", "n": 1}\n{"id": 2, "v": 1.50, "n": 12345678901234567890}\n{"id": 3, "v": {"a": [1, 2.0]}, "n": 3}\n{"id": 4, "v": [true, null], "n": null}\n{"id": 5, "v": false, "n": 0.5}\n')
    text(root / "json_names/a.jsonl", lines([
        {"id": 1, "Größe": "a", "UPPER": "b", "two words": "c", "a.b": "d", "order": "e", "a-b": "f"}, {"id": 2, "upper2": "x"},
    ]))
    text(root / "json_packed/a.jsonl.gz", gzip.compress(lines([{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]).encode()))
    text(root / "json_gaps/a.jsonl", '{"id": 1, "text": "a"}\n\n{"id": 2, "text": "b"}\n')
    text(root / "json_floats/a.jsonl", '{"id": 1, "f": 1e5}\n{"id": 2, "f": -0.0}\n{"id": 3, "f": 1.50}\n{"id": 4, "f": 2}\n')


def partitioned(root):
    rows = table(within(SCALARS, ["text", "day"]))
    for number, folder in enumerate(["kind=a b/n=1/day=1969-12-31", "kind=ü%2Fx/n=-2/day=2024-02-29", "kind=__HIVE_DEFAULT_PARTITION__/n=3/day=0001-01-01", "kind=A%3AB/n=40/day=2024-03-01"]):
        one = rows.set_column(0, "id", pa.array([number * 10 + 11 + at for at in range(5)], pa.int32())).rename_columns(["id", "text", "made"])
        parquet(root / f"parts_parquet/{folder}/a.parquet", one)
        orc(root / f"parts_orc/{folder}/a.orc", one)
        text(root / f"parts_csv/{folder}/a.csv", f"id|text\n{number * 10 + 11}|a\n{number * 10 + 12}|\n")
        text(root / f"parts_quoted/{folder}/a.csv", f'id,text\n{number * 10 + 11},"a, b"\n{number * 10 + 12},c\n')
        text(root / f"parts_json/{folder}/a.jsonl", lines([{"id": number * 10 + 11, "Text": "a"}, {"id": number * 10 + 12}]))
        avro(root / f"parts_avro/{folder}/a.avro", {"id": "int", "text": "string"}, [{"id": number * 10 + 11, "text": "a"}, {"id": number * 10 + 12}])
    for folder, number in (("k=01", 1), ("k=1", 2), ("k=", 3)):
        if folder != "k=":
            parquet(root / f"parts_zeros/{folder}/a.parquet", pa.table({"id": pa.array([number], pa.int32())}))
