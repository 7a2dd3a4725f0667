"""Trino on loopback, as a process of its own: one JSON request per line in, one JSON answer per line out.

The first request starts it: {"endpoint": address of Glue and S3}. It ends with the standard input. Then {"sql": statement,
"database": name, "exact": whether timestamps have microseconds, as they lack in Athena} gives
{"columns": [[name, type]…], "rows": […]}, each value tagged with what it is (values.py), {"examples": folder} writes the files
of examples.py below a folder, and {"address": true} gives the server's {"address"}. MASON_TEST_TRINO names the folder with the
programs.
"""

import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time

import client
import examples
from client import CATALOG, EXACT, SESSION, Refused
from values import tagged, word

SECONDS_TO_START = 180
# The catalogs of tables of files and of Iceberg hand each other's tables over, as Athena's one catalog has both.
CATALOGS = {
    CATALOG: {
        "connector.name": "hive",
        "hive.metastore": "glue",
        "hive.metastore.glue.partitions-segments": "1",
        "hive.iceberg-catalog-name": f"{CATALOG}_iceberg",
        "hive.non-managed-table-writes-enabled": "true",
        "hive.partition-projection-enabled": "true",
        "hive.hive-views.enabled": "true",
    },
    f"{CATALOG}_iceberg": {
        "connector.name": "iceberg",
        "iceberg.catalog.type": "glue",
        "iceberg.hive-catalog-name": CATALOG,
    },
}
# One compiler and one collector: on few cores the quickest to warm up.
JAVA = [
    "-Xmx800m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError",
    "-XX:ReservedCodeCacheSize=200M", "-XX:+EnableDynamicAgentLoading", "-Djdk.attach.allowAttachSelf=true",
    "-Djdk.nio.maxCachedBufferSize=2000000", "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow", "-Dfile.encoding=UTF-8", "-Duser.timezone=UTC",
]


class Trino:
    """A server that has started."""

    def __init__(self, endpoint, folder):
        programs = pathlib.Path(os.environ.get("MASON_TEST_TRINO", ""))
        if not (programs / "ready").is_file():
            raise RuntimeError("Trino is not there: run .ci/setup python trino, or make test-trino")
        self.folder = pathlib.Path(folder)
        self.address = f"http://127.0.0.1:{free_port()}"
        self.write_settings(programs, endpoint)
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [str(programs / "java/bin/java"), *JAVA, f"-Djava.io.tmpdir={folder}",
                 f"-Dconfig={folder}/config.properties", "-cp", f"{programs}/lib/*", "io.trino.server.TrinoServer"],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        try:
            self.wait()
        except BaseException:
            self.stop()
            raise

    def write_settings(self, programs, endpoint):
        settings = {
            "node.environment": "test", "node.id": "one", "node.bind-ip": "127.0.0.1",
            "node.internal-address": "127.0.0.1", "coordinator": "true",
            "node-scheduler.include-coordinator": "true", "http-server.http.port": self.address.rsplit(":", 1)[1],
            "discovery.uri": self.address, "plugin.dir": f"{programs}/plugin",
            "catalog.config-dir": f"{self.folder}/catalogs", "query.max-memory": "300MB",
            "query.max-memory-per-node": "300MB", "memory.heap-headroom-per-node": "150MB", "web-ui.enabled": "false",
            "log.levels-file": f"{self.folder}/levels.properties",
        }
        write(self.folder / "config.properties", settings)
        write(self.folder / "levels.properties", {"Bootstrap": "WARN", "io.airlift": "WARN", "io.trino": "INFO"})
        both = {
            "hive.metastore.glue.endpoint-url": endpoint, "hive.metastore.glue.region": "us-east-1",
            "hive.metastore.glue.aws-access-key": "test", "hive.metastore.glue.aws-secret-key": "test",
            "hive.metastore.glue.max-error-retries": "1", "fs.native-s3.enabled": "true", "s3.endpoint": endpoint,
            "s3.region": "us-east-1", "s3.path-style-access": "true", "s3.aws-access-key": "test",
            "s3.aws-secret-key": "test",
        }
        for name, own in CATALOGS.items():
            write(self.folder / "catalogs" / f"{name}.properties", {**own, **both})

    def wait(self):
        """Waits until tables can be read: for some seconds it answers, but has no node to work on."""
        end = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                self.ask(f"select count(*) from {CATALOG}.information_schema.schemata")
                return
            except (OSError, Refused) as error:
                problem = str(error)
            if self.process.poll() is not None:
                raise RuntimeError(f"Trino ended while it started: {self.why()}")
            if time.monotonic() > end:
                raise RuntimeError(f"Trino did not start within {SECONDS_TO_START} seconds ({problem}): {self.why()}")
            time.sleep(0.3)

    def why(self):
        """Returns what the log says of the reason."""
        words = ("Caused by", "Error:", ") ", "Failed to bind", "OutOfMemory", "UnsupportedClassVersion")
        lines = (self.folder / "log").read_text(errors="replace").splitlines()
        telling = [line for line in lines if any(word in line for word in words) and not line.startswith("\t")]
        return " | ".join((telling or lines)[-5:])[:2000]

    def ask(self, sql, database="default", exact=False):
        columns, rows = client.ask(self.address, sql, database, SESSION + (EXACT if exact else []))
        types = [column["typeSignature"] for column in columns]
        return {
            "columns": [[column["name"], word(column["typeSignature"])] for column in columns],
            "rows": [[tagged(value, of) for value, of in zip(row, types)] for row in rows],
        }

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def write(path, settings):
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))


def free_port():
    """Returns a port below those that the system hands out by itself."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def main():
    trino = None
    with tempfile.TemporaryDirectory() as folder:
        try:
            for line in sys.stdin:
                asked = json.loads(line)
                try:
                    if "endpoint" in asked:
                        trino, reply = Trino(asked["endpoint"], folder), {}
                    elif "address" in asked:
                        reply = {"address": trino.address}
                    elif "examples" in asked:
                        examples.write(pathlib.Path(asked["examples"]))
                        reply = {}
                    else:
                        reply = trino.ask(asked["sql"], asked["database"], asked.get("exact", False))
                except Exception as error:
                    reply = {"error": f"{type(error).__name__}: {error}"}
                print(json.dumps(reply), flush=True)
        finally:
            if trino:
                trino.stop()


if __name__ == "__main__":
    main()
