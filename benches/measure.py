"""Measures Mason beside its peers in the same run and prints figures, ratios and goals.

A figure is the median of several runs taken in turn with the peer's. Every peer does the same work on
the same files on as many threads as this machine has.
"""

import argparse
import json
import math
import os
import shutil
import time
from pathlib import Path

import duckdb

import inputs
from process import Measured, median, run

MIB = 1024 * 1024


class Bench:
    """One store, one data root, and the table of what was measured."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.data = Path(options.data)
        self.root = self.data / "root"
        self.store = self.data / "store"
        self.threads = os.cpu_count() or 1
        shutil.rmtree(self.store, ignore_errors=True)
        for left in (".mason", "registered", "out"):
            shutil.rmtree(self.root / left, ignore_errors=True)
        self.root.mkdir(parents=True, exist_ok=True)
        self.rows: list[tuple[str, str, str, str, str]] = []
        self.config("bench", "4Gi")
        self.config("small", "256Mi")
        self.mason("database/create", {"database_name": "registered"})

    def config(self, name: str, memory: str) -> None:
        document = {
            "apiVersion": "mason.dev/v1alpha1", "kind": "MasonConfig",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {
                "engines": {"metastore": ["here"], "storage": ["here"], "execution": ["here"]},
                "clients": [{"name": "here", "local": {
                    "root": str(self.root), "memoryLimit": memory, "parallelism": self.threads}}],
            },
        }
        file = self.data / f"{name}.json"
        file.write_text(json.dumps(document))
        run([self.options.mason, "--store", str(self.store), "apply", "-f", str(file)])

    def mason(self, operator: str, parameters: dict[str, str], config: str = "bench") -> Measured:
        command = [self.options.mason, "--store", str(self.store), "run", operator, "--config", config, "-o", "json"]
        for name, value in parameters.items():
            command += ["-p", f"{name}={value}"]
        return run(command)

    def say(self, what: str, mason: str, peer: str, ratio: str, goal: str) -> None:
        self.rows.append((what, mason, peer, ratio, goal))
        print(f"{what:<44} mason {mason:<22} peer {peer:<28} {ratio:<14} goal {goal}", flush=True)


def duckdb_seconds(statement: str, threads: int, setup: str = "") -> float:
    connection = duckdb.connect()
    connection.execute(f"set threads = {threads}")
    if setup:
        connection.execute(setup)
    started = time.perf_counter()
    connection.execute(statement).fetchall()
    return time.perf_counter() - started


def link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        os.link(source, target)


def summarize(bench: Bench) -> None:
    rows = 100_000 if bench.options.quick else 1_000_000
    file = inputs.csv_table(bench.data / f"sales-{rows}.csv", rows)
    link(file, bench.root / "csv" / f"sales{rows}.csv")
    infer = bench.mason("table/infer", {
        "database_name": "registered", "table_name": f"sales{rows}", "storage_path": f"csv/sales{rows}.csv"})
    types = "{'id': 'BIGINT', 'name': 'VARCHAR', 'price': 'DECIMAL(5,2)', 'day': 'DATE', 'flag': 'BIGINT'}"
    statement = f"summarize select * from read_csv('{file}', columns={types}, header=true, auto_detect=false)"
    ours, theirs = [], []
    for _ in range(5):
        ours.append(bench.mason("table/summarize", {
            "database_name": "registered", "table_name": f"sales{rows}", "top": "0"}))
        theirs.append(duckdb_seconds(statement, bench.threads))
    seconds, peak = median([one.seconds for one in ours]), max(one.peak_mib for one in ours)
    bench.say(f"infer, {rows} x 5 CSV, apart", f"{infer.seconds:.3f} s", "-", "-", "-")
    bench.say(f"summarize, {rows} x 5 CSV, whole process", f"{seconds:.3f} s {peak:.0f} MiB",
              f"DuckDB SUMMARIZE {median(theirs):.3f} s", f"{seconds / median(theirs):.2f} x", "1.00 x")
    if not bench.options.quick:
        bench.say("summarize beside the Python original", f"{seconds:.3f} s {peak:.0f} MiB",
                  "11.3 s 506 MB (recorded)", f"{11.3 / seconds:.0f} x faster", "30 x, 126 MB")


def queries(bench: Bench) -> None:
    scale = bench.options.scale
    folder = inputs.tpch(bench.data, scale, bench.options.tpchgen)
    for table in folder.iterdir():
        if table.is_dir():
            for file in table.iterdir():
                link(file, bench.root / f"tpch{scale}" / table.name / file.name)
    views = "".join(
        f"create view {table.name} as select * from read_parquet('{table}/*.parquet');"
        for table in folder.iterdir() if table.is_dir())
    plain_folder = bench.root / f"tpch{scale}"
    to_plain, to_duckdb = [], []
    for number in (1, 3, 5, 6, 9, 13, 18):
        sql = Path(__file__).parent / "tpch" / f"q{number}.sql"
        ours, plain, duck = [], [], []
        for _ in range(bench.options.runs):
            ours.append(bench.mason("table/query", {"database_name": f"tpch{scale}", "query_string": sql.read_text()}).seconds)
            plain.append(run([bench.options.plain_datafusion, str(bench.threads), str(plain_folder), str(sql)]).seconds)
            duck.append(duckdb_seconds(sql.read_text(), bench.threads, views))
        to_plain.append(median(ours) / median(plain))
        to_duckdb.append(median(ours) / median(duck))
        bench.say(f"query, TPC-H Q{number}, scale {scale}", f"{median(ours):.3f} s",
                  f"DataFusion {median(plain):.3f} s, DuckDB {median(duck):.3f} s",
                  f"{to_plain[-1]:.2f} x, {to_duckdb[-1]:.2f} x", "1.10 x, 0.90 x")
    def mean(values: list[float]) -> float:
        return math.exp(sum(map(math.log, values)) / len(values))
    bench.say("query, geometric mean", "", "plain DataFusion", f"{mean(to_plain):.2f} x", "1.10 x")
    bench.say("query, geometric mean and worst", "", "DuckDB",
              f"{mean(to_duckdb):.2f} x, {max(to_duckdb):.2f} x", "0.90 x")


def inference(bench: Bench) -> None:
    rows = 1_000_000 if bench.options.quick else 30_000_000
    file = inputs.csv_table(bench.data / f"sales-{rows}.csv", rows)
    link(file, bench.root / "big" / "sales.csv")
    size = file.stat().st_size / MIB
    count = median([run([bench.options.csv_count, str(file)]).seconds for _ in range(3)])
    ours = bench.mason("table/infer", {
        "database_name": "registered", "table_name": "big", "storage_path": "big/sales.csv"})
    bench.say(f"infer every row, {size:.0f} MiB CSV", f"{size / ours.seconds:.0f} MiB/s {ours.peak_mib:.0f} MiB",
              f"csv crate counting {size / count:.0f} MiB/s", f"{count / ours.seconds:.2f} of it", "0.60, 300 MB")


def footers(bench: Bench) -> None:
    files = 1_000 if bench.options.quick else 10_000
    folder = inputs.many_parquet_files(bench.root / "footers" / f"f{files}", files)
    theirs = duckdb_seconds(f"select count(distinct file_name) from parquet_metadata('{folder}/*.parquet')", bench.threads)
    ours = bench.mason("table/infer", {
        "database_name": "registered", "table_name": "footers", "storage_path": f"footers/f{files}"})
    bench.say(f"footers of {files} Parquet files", f"{ours.seconds:.2f} s",
              f"DuckDB parquet_metadata {theirs:.2f} s", f"{ours.seconds / theirs:.2f} x", "1.00 x")


def memory(bench: Bench) -> None:
    rows = 2_000_000 if bench.options.quick else 40_000_000
    file = inputs.csv_table(bench.data / f"sales-{rows}.csv", rows)
    link(file, bench.root / "heavy" / "left" / "a.csv")
    size = file.stat().st_size / MIB
    limit = 256 + 64
    table = {"database_name": "heavy", "table_name": "left"}
    bench.mason("table/infer", {"database_name": "registered", "table_name": "heavy", "storage_path": "heavy/left"})
    registered = {"database_name": "registered", "table_name": "heavy"}
    works = {
        "query": ("table/query", {"database_name": "registered", "output_path": "out/query",
                                  "query_string": "select id, max(name) as name, sum(price) as price from heavy group by id"}),
        "merge": ("table/merge", {**table, "output_path": "out/merge"}),
        "summarize": ("table/summarize", registered),
        "join": ("table/join", {**registered, "right_database_name": "registered", "right_table_name": "heavy",
                                "on": "id", "output_path": "out/join"}),
        "deduplicate": ("table/deduplicate", {**registered, "keys": "id", "output_path": "out/deduplicate"}),
    }
    for name, (operator, parameters) in works.items():
        shutil.rmtree(bench.root / "out", ignore_errors=True)
        try:
            ours = bench.mason(operator, parameters, "small")
            bench.say(f"memory, {name}, {size:.0f} MiB input", f"{ours.peak_mib:.0f} MiB, {ours.seconds:.1f} s",
                      "limit 256 MiB", f"{ours.peak_mib / limit:.2f} of bound", f"{limit} MiB")
        except SystemExit as failure:
            bench.say(f"memory, {name}, {size:.0f} MiB input", "failed", "limit 256 MiB", "-", f"{limit} MiB")
            print(failure)
    shutil.rmtree(bench.root / "out", ignore_errors=True)


def command_line(bench: Bench) -> None:
    file = str(bench.data / "bench.json")
    for name, arguments in {"get": ["get", "configs"], "validate": ["validate", "-f", file]}.items():
        runs = [run([bench.options.mason, "--store", str(bench.store), *arguments]) for _ in range(15)]
        bench.say(f"mason {name}", f"{median([one.seconds for one in runs]) * 1000:.1f} ms "
                  f"{max(one.peak_mib for one in runs):.0f} MiB", "1600 ms 93 MB (recorded)", "-", "20 ms, 20 MB")
    bench.say("release binary", f"{Path(bench.options.mason).stat().st_size / 1e6:.0f} MB", "-", "-", "150 MB")


PARTS = {
    "command_line": command_line, "summarize": summarize, "queries": queries,
    "inference": inference, "footers": footers, "memory": memory,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("mason", "plain-datafusion", "csv-count", "tpchgen", "data"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--quick", action="store_true", help="smaller data")
    parser.add_argument("--scale", type=int, default=1, help="scale factor of TPC-H")
    parser.add_argument("--runs", type=int, default=5, help="runs of each query")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure; everything when left out")
    options = parser.parse_args()
    Path(options.data).mkdir(parents=True, exist_ok=True)
    bench = Bench(options)
    for name in options.parts or PARTS:
        PARTS[name](bench)
    print("\n| measured | Mason | peer | ratio | goal |\n|---|---|---|---|---|")
    for row in bench.rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
