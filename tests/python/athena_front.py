"""Amazon Athena, as far as Mason asks it: over the tables of the emulated Glue and S3, with DuckDB for the statements.

The rules are those of AWS, and each names where it is written. What it lacks: the dialect of Trino, and costs. A test that
has a Trino (tests/trino) makes it execute the statements instead.
"""

import base64
import datetime
import decimal
import os
import re
import sys
import tempfile
import uuid

import duckdb
from moto.core import DEFAULT_ACCOUNT_ID
from moto.glue.models import glue_backends
from moto.s3.models import s3_backends

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trino"))
import client

REGION = "us-east-1"
# https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html: a token has 32 to 128 characters,
# the same token and parameters give the same query, other parameters an error.
TOKEN = range(32, 129)
MISMATCH = "Idempotent parameters do not match"
# https://docs.aws.amazon.com/athena/latest/APIReference/API_QueryExecutionStatus.html: RUNNING may go back to QUEUED.
WALK = ["QUEUED", "RUNNING", "QUEUED", "RUNNING"]
# https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html
MOST_OF_PAGE = 1000

WORDS = {
    "BOOLEAN": "boolean", "TINYINT": "tinyint", "SMALLINT": "smallint", "INTEGER": "integer", "BIGINT": "bigint",
    "HUGEINT": "bigint", "FLOAT": "real", "DOUBLE": "double", "VARCHAR": "varchar", "DATE": "date",
    "TIMESTAMP": "timestamp", "TIMESTAMP WITH TIME ZONE": "timestamp with time zone", "BLOB": "varbinary",
    "JSON": "json",
}
HIVE = {"int": "integer", "string": "varchar", "float": "real", "binary": "blob"}


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Athena:
    """The queries of an account and region."""

    def __init__(self, of_catalogue):
        self.of_catalogue = of_catalogue
        self.queries = {}
        self.tokens = {}
        # The address of the Trino that executes the statements on a database.
        self.engines = {}

    def asked(self, action, body):
        return getattr(self, re.sub("(?<!^)(?=[A-Z])", "_", action).lower())(body)

    def start_query_execution(self, body):
        token = body.get("ClientRequestToken", "")
        if len(token) not in TOKEN:
            raise Refused("InvalidRequestException", "the token has another length")
        if token in self.tokens:
            known = self.queries[self.tokens[token]]
            if known["asked"] != body:
                raise Refused("InvalidRequestException", MISMATCH)
            return {"QueryExecutionId": self.tokens[token]}
        if len(body["QueryString"].encode()) > 262144:
            raise Refused("InvalidRequestException", "the statement is too long")
        if self.get_work_group(body)["WorkGroup"]["State"] == "DISABLED":
            raise Refused("InvalidRequestException", f"WorkGroup {body['WorkGroup']} is disabled.")
        name = str(uuid.uuid4())
        self.tokens[token] = name
        self.queries[name] = {"asked": body, "at": now(), "walk": list(WALK), "state": "QUEUED"}
        return {"QueryExecutionId": name}

    def known(self, name):
        if name not in self.queries:
            raise Refused("InvalidRequestException", f"QueryExecution {name} was not found")
        return self.queries[name]

    def shown(self, name):
        query = self.known(name)
        asked = query["asked"]
        status = {"State": query["state"], "SubmissionDateTime": query["at"]}
        if "ended" in query:
            status["CompletionDateTime"] = query["ended"]
        if query["state"] == "FAILED":
            status["StateChangeReason"] = query["why"]
            status["AthenaError"] = {"ErrorCategory": 2, "ErrorType": 1006, "Retryable": False,
                                     "ErrorMessage": query["why"]}
        return {
            "QueryExecutionId": name, "Query": asked["QueryString"], "StatementType": "DML", "Status": status,
            "WorkGroup": asked.get("WorkGroup", "primary"),
            "QueryExecutionContext": asked.get("QueryExecutionContext", {}),
            "Statistics": {"DataScannedInBytes": 123, "EngineExecutionTimeInMillis": 45, "QueryQueueTimeInMillis": 6},
        }

    def get_query_execution(self, body):
        query = self.known(body["QueryExecutionId"])
        if query["state"] in ("QUEUED", "RUNNING"):
            if query["walk"]:
                query["state"] = query["walk"].pop(0)
            else:
                self.execute(query)
        return {"QueryExecution": self.shown(body["QueryExecutionId"])}

    def batch_get_query_execution(self, body):
        return {"QueryExecutions": [self.shown(name) for name in body["QueryExecutionIds"]]}

    def list_query_executions(self, body):
        group = body.get("WorkGroup", "primary")
        names = [name for name, query in self.queries.items() if query["asked"].get("WorkGroup", "primary") == group]
        names = names[::-1]
        begin, size = int(body.get("NextToken", 0)), min(body.get("MaxResults", 50), 50)
        answer = {"QueryExecutionIds": names[begin : begin + size]}
        if begin + size < len(names):
            answer["NextToken"] = str(begin + size)
        return answer

    def stop_query_execution(self, body):
        query = self.known(body["QueryExecutionId"])
        if query["state"] in ("QUEUED", "RUNNING"):
            query.update(state="CANCELLED", ended=now())
        return {}

    def get_work_group(self, body):
        if body["WorkGroup"] not in ("primary", "closed"):
            raise Refused("InvalidRequestException", f"WorkGroup {body['WorkGroup']} is not found.")
        state = "DISABLED" if body["WorkGroup"] == "closed" else "ENABLED"
        return {"WorkGroup": {"Name": body["WorkGroup"], "State": state}}

    def get_query_results(self, body):
        query = self.known(body["QueryExecutionId"])
        if query["state"] != "SUCCEEDED":
            raise Refused("InvalidRequestException", f"Query did not finish successfully. Final state: {query['state']}")
        rows = query["rows"]
        begin, size = int(body.get("NextToken", 0)), min(body.get("MaxResults", MOST_OF_PAGE), MOST_OF_PAGE)
        columns = [{"Name": name, "Type": word} for name, word in query["columns"]]
        data = [{"Data": [{} if text is None else {"VarCharValue": text} for text in row]} for row in rows]
        answer = {"ResultSet": {"Rows": data[begin : begin + size], "ResultSetMetadata": {"ColumnInfo": columns}}}
        if begin + size < len(rows):
            answer["NextToken"] = str(begin + size)
        return answer

    def execute(self, query):
        asked = query["asked"]
        database = (asked.get("QueryExecutionContext") or {}).get("Database")
        try:
            sql = asked["QueryString"]
            named = [name for name in self.engines if name == database or re.search(rf"\b{name}\b", sql)]
            if named:
                columns, rows = by_trino(sql, named[0], self.engines[named[0]])
            else:
                with self.of_catalogue:
                    columns, rows = by_duckdb(sql, database)
            header = [name for name, _ in columns]
            query.update(state="SUCCEEDED", columns=columns, rows=[header, *rows], ended=now())
        except Failed as error:
            query.update(state="FAILED", why=str(error), ended=now())


class Failed(Exception):
    """What is told of a query that has failed."""


def by_duckdb(sql, database):
    with tempfile.TemporaryDirectory() as folder:
        try:
            known = connection(folder, database).execute(sql)
            columns = [(column[0], word_of(str(column[1]))) for column in known.description]
            return columns, [[text_of(value) for value in row] for row in known.fetchall()]
        except duckdb.Error as error:
            raise Failed(f"SYNTAX_ERROR: {error}".splitlines()[0]) from error


def by_trino(sql, database, address):
    try:
        known, rows = client.ask(address, sql, database)
    except client.Refused as error:
        raise Failed(error) from error
    types = [re.sub(r"\(.*?\)", "", column["type"]) for column in known]
    columns = [(column["name"], "float" if word == "real" else word) for column, word in zip(known, types)]
    return columns, [[text_of_trino(value, word) for value, word in zip(row, types)] for row in rows]


def text_of_trino(value, word):
    """Returns a value as Athena writes it, from that of Trino's answer."""
    if value is None:
        return None
    if word == "varbinary":
        return base64.b64decode(value).hex(" ")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def now():
    return datetime.datetime.now(datetime.timezone.utc).timestamp()


def connection(folder, database):
    """Returns a connection that has the tables of the catalogue."""
    made = duckdb.connect()
    made.execute("set timezone = 'UTC'")
    for name, kept in glue_backends[DEFAULT_ACCOUNT_ID][REGION].databases.items():
        made.execute(f'create schema if not exists "{name}"')
        for table, of_table in kept.tables.items():
            try:
                made.execute(f'create view "{name}"."{table}" as {reading(of_table.as_dict(), folder)}')
            except (duckdb.Error, KeyError):
                pass  # a statement that names it says that it is not there
    if database:
        made.execute(f'use "{database}"')
    return made


def reading(table, folder):
    """Returns the statement that reads the files of a table."""
    descriptor = table["StorageDescriptor"]
    bucket, prefix = descriptor["Location"].removeprefix("s3://").split("/", 1)
    files = []
    for key, kept in s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys.items():
        if key.startswith(prefix) and kept.value and not re.search("(^|/)[_.]", key[len(prefix):]):
            files.append(os.path.join(folder, f"{uuid.uuid4()}"))
            with open(files[-1], "wb") as file:
                file.write(kept.value)
    columns = [(column["Name"], HIVE.get(column["Type"], column["Type"])) for column in descriptor["Columns"]]
    if "parquet" in descriptor["InputFormat"].lower():
        return f"select * from read_parquet({files})"
    settings = descriptor["SerdeInfo"]["Parameters"]
    delimiter = settings.get("separatorChar") or settings.get("field.delim", ",")
    skipped = table.get("Parameters", {}).get("skip.header.line.count", "0")
    typed = "{" + ", ".join(f"'{name}': '{word}'" for name, word in columns) + "}"
    return f"select * from read_csv({files}, header = false, skip = {skipped}, delim = '{delimiter}', columns = {typed})"


def word_of(word):
    if word.endswith("[]"):
        return "array"
    if word.startswith("STRUCT"):
        return "row"
    if word.startswith("DECIMAL"):
        return "decimal"
    return WORDS.get(word, word.lower())


def text_of(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        text = value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03}"
        return text + " UTC" if value.tzinfo else text
    if isinstance(value, (bytes, bytearray)):
        return value.hex(" ")
    if isinstance(value, float):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value), repr(value))
    return str(value) if not isinstance(value, decimal.Decimal) else format(value, "f")
