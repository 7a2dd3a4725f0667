"""Runs statements in DuckDB and SQLite: one JSON request per line in, one JSON answer per line out.

{"world": n, "make": {"duckdb": [...], "sqlite": [...]}} makes tables in new databases in memory, kept under
that number. {"world": n, "engine": name, "sql": statement} answers with the rows of the statement, every value tagged as in
tests/operators/duckdb_expected.py, or with {"refused": message} when the engine has none.
"""

import json
import os
import sqlite3
import sys

import duckdb

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "operators"))
from duckdb_expected import tagged, without_zones

# The order of nulls is that of docs/sql.md; instants are shown in UTC; a slow statement is given up. With what
# it knows of a column's values, DuckDB 2.0.0 takes `nullif(word, word) like 'a%'` for true where all words begin so.
DUCKDB = """
set timezone = 'UTC';
set threads = 1;
set default_null_order = 'nulls_last_on_asc_first_on_desc';
set disabled_optimizers = 'statistics_propagation';
create schema d;
"""

worlds = {}


def make(request):
    duck = duckdb.connect()
    duck.execute(DUCKDB)
    for statement in request["make"]["duckdb"]:
        duck.execute(statement)
    lite = sqlite3.connect(":memory:")
    lite.execute("attach ':memory:' as d")
    # `like` with regard to case, as in the other two.
    lite.execute("pragma case_sensitive_like = on")
    for statement in request["make"]["sqlite"]:
        lite.execute(statement)
    lite.commit()
    worlds[request["world"]] = {"duckdb": duck, "sqlite": lite}
    return {}


def answer(request):
    connection = worlds[request["world"]][request["engine"]]
    try:
        if request["engine"] == "duckdb":
            rows = without_zones(connection.sql(request["sql"])).fetchall()
        else:
            rows = connection.execute(request["sql"]).fetchall()
    except (duckdb.Error, sqlite3.Error) as error:
        return {"refused": f"{type(error).__name__}: {error}"}
    return {"rows": [[tagged(value) for value in row] for row in rows]}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = make(request) if "make" in request else answer(request)
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
