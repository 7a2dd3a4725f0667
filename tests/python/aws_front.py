"""What AWS Glue does and its emulator lacks, in front of it: rules of versions, names, pages and batches. Beside it Athena.

Each rule names where it was seen.
"""

import io
import json
import threading

from athena_front import Athena, Refused

# https://github.com/floci-io/floci/issues/1183: the first version is 0, each change adds one, a stale one is refused.
FIRST_VERSION = 0
# Pages: https://docs.aws.amazon.com/glue/latest/webapi/API_GetTables.html (100), _GetDatabases (100),
# _GetTableVersions (100), _GetPartitions (1000).
PAGES = {
    "GetDatabases": ("DatabaseList", 100),
    "GetTables": ("TableList", 100),
    "GetTableVersions": ("TableVersions", 100),
    "GetPartitions": ("Partitions", 1000),
}
# Batches: https://docs.aws.amazon.com/glue/latest/webapi/API_BatchCreatePartition.html (100), _BatchUpdatePartition (100),
# _BatchDeletePartition (25).
BATCHES = {
    "BatchCreatePartition": ("PartitionInputList", 100),
    "BatchUpdatePartition": ("Entries", 100),
    "BatchDeletePartition": ("PartitionsToDelete", 25),
}
# Names are kept in lower case: https://docs.aws.amazon.com/glue/latest/webapi/API_TableInput.html
NAMES = ("DatabaseName", "TableName", "Name")


class Front:
    """A WSGI application around that of the emulator. It keeps a list of all calls, and fails those it is told to."""

    def __init__(self, inner):
        self.inner = inner
        # One request at a time to each service: a query of Athena may ask the catalogue.
        self.lock, self.queries = threading.Lock(), threading.Lock()
        self.versions = {}
        self.statistics = {}
        self.calls = []
        self.objects = []
        self.faults = []
        self.athena = Athena(self.lock)

    def __call__(self, environ, start_response):
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if environ.get("PATH_INFO").startswith("/front"):
            return self.told(environ, start_response)
        service, _, action = target.partition(".")
        if service not in ("AWSGlue", "AmazonAthena"):
            query = environ.get("QUERY_STRING", "")
            asked = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}" + (f"?{query}" if query else "")
            with self.lock:
                self.objects.append(asked)
            return self.inner(environ, start_response)
        body = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}")
        with self.queries if service == "AmazonAthena" else self.lock:
            status, answer = self.asked(service, action, body, environ)
        text = json.dumps(answer).encode()
        start_response(status, [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(text)))])
        return [text]

    def told(self, environ, start_response):
        """`GET` answers the calls, the queries, or what was asked of buckets. `PUT` adds faults: `{action, when, code, database}`; on
        `/front/engine` it names the server that runs the queries of a database."""
        if environ["REQUEST_METHOD"] == "PUT":
            given = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            if environ["PATH_INFO"] == "/front/engine":
                self.athena.engines[given["database"]] = given["address"]
            else:
                self.faults += given
        shown = self.calls
        if environ["PATH_INFO"] == "/front/queries":
            shown = [query["asked"] for query in self.athena.queries.values()]
        if environ["PATH_INFO"] == "/front/objects":
            shown = self.objects
        text = json.dumps(shown).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
        return [text]

    def asked(self, service, action, body, environ):
        fault = next((one for one in self.faults if is_meant(one, action, body)), None)
        if fault:
            self.faults.remove(fault)
        self.calls.append({"action": action, "body": body})
        if fault and fault["when"] == "before":
            return refused(fault["code"], "as the test wants it")
        if service == "AmazonAthena":
            status, answer = self.queried(action, body)
        else:
            status, answer = self.checked(action, body, environ)
        if fault and fault["when"] == "after":
            return refused(fault["code"], "as the test wants it, after the effect")
        return status, answer

    def queried(self, action, body):
        try:
            return "200 OK", self.athena.asked(action, body)
        except Refused as error:
            return refused(error.code, str(error))

    def checked(self, action, body, environ):
        for place in (body, body.get("TableInput", {}), body.get("DatabaseInput", {})):
            for name in NAMES:
                if isinstance(place.get(name), str):
                    place[name] = place[name].lower()
        if action in BATCHES:
            field, most = BATCHES[action]
            if len(body.get(field, [])) > most:
                return refused("ValidationException", f"{field}: at most {most} members")
        table = (body.get("DatabaseName"), (body.get("TableInput") or {}).get("Name"))
        if action == "UpdateTable" and table in self.versions:
            stated = body.pop("VersionId", None)
            if stated is not None and stated != str(self.versions[table]):
                message = "Update table failed due to concurrent modifications."
                return refused("ConcurrentModificationException", message)
        if "ColumnStatistics" in action:
            return "200 OK", self.counted(action, body)
        page = self.page(action, body)
        status, answer = self.forward(action, body, environ)
        if status.startswith("200"):
            if action == "CreateTable":
                self.versions[table] = FIRST_VERSION
            if action == "UpdateTable":
                self.versions[table] += 1
        return status, self.shown(action, answer, page)

    def counted(self, action, body):
        """Keeps statistics of columns, which the emulator lacks and other engines write:
        https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateColumnStatisticsForTable.html"""
        of = (body["DatabaseName"], body["TableName"], tuple(body.get("PartitionValues", ())))
        kept = self.statistics.setdefault(of, {})
        if action.startswith("Get"):
            return {"ColumnStatisticsList": [kept[name] for name in body["ColumnNames"] if name in kept], "Errors": []}
        if action.startswith("Delete"):
            kept.pop(body["ColumnName"], None)
            return {}
        kept.update({one["ColumnName"]: one for one in body["ColumnStatisticsList"]})
        return {"Errors": []}

    def page(self, action, body):
        """Takes what says which page is wanted out of a request."""
        if action not in PAGES:
            return None
        field, most = PAGES[action]
        size = body.pop("MaxResults", most)
        return field, int(body.pop("NextToken", 0) or 0), min(size, most)

    def shown(self, action, answer, page):
        """Returns an answer with the versions of AWS, cut to the page that is wanted."""
        tables = [answer["Table"]] if isinstance(answer.get("Table"), dict) else answer.get("TableList", [])
        for table in tables:
            known = self.versions.get((table.get("DatabaseName"), table["Name"]))
            if known is not None:
                table["VersionId"] = str(known)
        for version in answer.get("TableVersions", []):
            version["VersionId"] = str(int(version["VersionId"]) - 1 + FIRST_VERSION)
            version["Table"]["VersionId"] = version["VersionId"]
        if page:
            field, begin, size = page
            items = answer.get(field, [])
            answer[field] = items[begin : begin + size]
            answer.pop("NextToken", None)
            if begin + size < len(items):
                answer["NextToken"] = str(begin + size)
        return answer

    def forward(self, action, body, environ):
        """Asks the emulator."""
        text = json.dumps(body).encode()
        asked = {**environ, "wsgi.input": io.BytesIO(text), "CONTENT_LENGTH": str(len(text))}
        told = {}

        def start(status, headers, _=None):
            told["status"] = status

        answer = b"".join(self.inner(asked, start))
        return told["status"], json.loads(answer or b"{}")


def refused(code, message):
    return "400 Bad Request", {"__type": code, "message": message, "Message": message}


def is_meant(fault, action, body):
    database = body.get("DatabaseName") or body.get("QueryExecutionContext", {}).get("Database")
    return fault["action"] == action and fault["database"] == database
