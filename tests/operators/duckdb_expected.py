"""Answers questions about files with DuckDB: one JSON request per line in, one JSON answer per line out.

A request is {"root": folder, "sql": statement} for rows, or {"root", "sql", "write": path, "format"} to
write the rows of a statement to a file. Paths in statements are relative to the root. Every value is
tagged with what it is, so that the text "007" is never taken for the number 7. Files of formats that
DuckDB does not have, named in a statement in quotes, are read and written by other libraries.
"""

import datetime
import decimal
import glob
import json
import math
import os
import re
import sys
import uuid

import duckdb
import pyarrow

EXACT = 2**53


def tagged(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return {"boolean": value}
    if isinstance(value, int):
        return {"exact": str(value)} if abs(value) > EXACT else {"number": str(value)}
    if isinstance(value, decimal.Decimal):
        return {"exact": str(value)}
    if isinstance(value, float):
        if math.isnan(value):
            return {"number": "NaN"}
        if math.isinf(value):
            return {"number": "Infinity" if value > 0 else "-Infinity"}
        return {"number": repr(value)}
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return {"time": value.isoformat()}
    if isinstance(value, datetime.timedelta):
        return {"seconds": value.total_seconds()}
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": value.hex()}
    if isinstance(value, dict):
        return {"struct": [[key, tagged(inner)] for key, inner in value.items()]}
    if isinstance(value, (list, tuple)):
        return {"list": [tagged(inner) for inner in value]}
    if isinstance(value, (str, uuid.UUID)):
        return {"text": str(value)}
    raise TypeError(f"a value of type {type(value)} has no tag")


def answer(request):
    os.chdir(request["root"])
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'; set threads = 1")
    relation = connection.sql(with_foreign_files(connection, request["sql"]))
    if "write" in request:
        table = relation.to_arrow_table()
        write(connection, table, request["write"], request["format"])
        return {}
    relation = without_zones(relation)
    return {
        "columns": relation.columns,
        "rows": [[tagged(value) for value in row] for row in relation.fetchall()],
    }


def with_foreign_files(connection, sql):
    """Registers the tables of files that DuckDB cannot read in place of their names."""

    def registered(name):
        paths = sorted(glob.glob(name[1], recursive=True))
        if not paths:
            raise FileNotFoundError(name[1])
        table = pyarrow.concat_tables([READERS[name[2]](path) for path in paths])
        connection.register(name[1], table)
        return '"' + name[1] + '"'

    return re.sub(r"'([^']+\.(" + "|".join(READERS) + "))'", registered, sql)


def read_workbook(path):
    import openpyxl

    header, *rows = openpyxl.load_workbook(path, read_only=True).active.values
    return pyarrow.table({name: [row[at] for row in rows] for at, name in enumerate(header)})


def read_orc(path):
    import pyarrow.orc

    return pyarrow.orc.read_table(path)


def read_msgpack(path):
    import msgpack

    with open(path, "rb") as file:
        return pyarrow.Table.from_pylist(list(msgpack.Unpacker(file)))


READERS = {"xlsx": read_workbook, "orc": read_orc, "msgpack": read_msgpack}


def without_zones(relation):
    """Instants as times in UTC: with a zone, the client wants another package to hand them out."""
    zoned = [str(kind) == "TIMESTAMP WITH TIME ZONE" for kind in relation.types]
    if not any(zoned):
        return relation
    names = ['"' + name.replace('"', '""') + '"' for name in relation.columns]
    return relation.project(
        ", ".join(f"{name} at time zone 'UTC' as {name}" if zone else name for name, zone in zip(names, zoned))
    )


def write(connection, table, path, form):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    if form == "parquet":
        import pyarrow.parquet

        pyarrow.parquet.write_table(table, path)
    elif form == "arrow":
        with pyarrow.OSFile(path, "wb") as file, pyarrow.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    elif form == "orc":
        import pyarrow.orc

        pyarrow.orc.write_table(table, path)
    elif form == "msgpack":
        import msgpack

        with open(path, "wb") as file:
            file.writelines(msgpack.packb(row) for row in table.to_pylist())
    elif form == "csv":
        connection.sql("select * from table").write_csv(path)
    else:
        raise ValueError(f"files of format {form} are not written here")


def main():
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
