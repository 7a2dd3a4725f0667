"""Answers questions about files with DuckDB: one JSON request per line in, one JSON answer per line out.

A request is {"root": folder, "sql": statement} for rows, or {"root", "sql", "write": path, "format"} to
write the rows of a statement to a file. Paths in statements are relative to the root. Every value is
tagged with what it is, so that the text "007" is never taken for the number 7.
"""

import datetime
import decimal
import json
import math
import os
import sys
import uuid

import duckdb

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
    relation = connection.sql(request["sql"])
    if "write" in request:
        table = relation.to_arrow_table()
        write(connection, table, request["write"], request["format"])
        return {}
    relation = without_zones(relation)
    return {
        "columns": relation.columns,
        "rows": [[tagged(value) for value in row] for row in relation.fetchall()],
    }


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
        import pyarrow

        with pyarrow.OSFile(path, "wb") as file, pyarrow.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
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
