"""Asks Trino: one statement, all its rows.

# Source
https://trino.io/docs/current/develop/client-protocol.html
"""

import json
import urllib.request

CATALOG = "awsdatacatalog"
# Athena reads ORC by name where a table says so (`orc.column.index.access`), which Trino does not look at:
# https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html
SESSION = ["orc_use_column_names=true"]
# Timestamps with microseconds, which Athena rounds to milliseconds.
EXACT = ["timestamp_precision=MICROSECONDS"]


class Refused(Exception):
    """A statement that Trino has an error for."""


def ask(address, sql, database="default", session=tuple(SESSION)):
    """Returns the columns of a statement, and its rows as they stand in the answer."""
    headers = {
        "X-Trino-User": "test", "X-Trino-Time-Zone": "UTC", "X-Trino-Catalog": CATALOG, "X-Trino-Schema": database,
        "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
        "X-Trino-Session": ", ".join(f"{CATALOG}.{setting}" for setting in session),
    }
    answer = request(f"{address}/v1/statement", headers, sql.encode())
    columns, rows = [], []
    while True:
        if "error" in answer:
            raise Refused(f"{answer['error'].get('errorName')}: {answer['error'].get('message')}")
        columns = answer.get("columns") or columns
        rows += answer.get("data") or []
        if "nextUri" not in answer:
            return columns, rows
        answer = request(answer["nextUri"], headers)


def request(address, headers, body=None):
    with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=120) as answer:
        return json.load(answer)
