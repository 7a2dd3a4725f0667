"""Reads a file with another engine and says how Mason's rows differ from those.

A peer has two functions. The first reads the file, and fails where the peer cannot read it; the second
compares what was read with what Mason made of the file, and returns a sentence or None. Mason is not asked
to have read the file by the first, so that a refusal can be told from one of all.
"""

import io

import duckdb
import pyarrow
import pyarrow.feather
import pyarrow.ipc
import pyarrow.orc
import pyarrow.parquet

import delimited
import documents
import found
import records
import values


def compare_tables(peer):
    """Compares with a table of Arrow."""

    def compare(table, outcome):
        mine = outcome.table()
        if mine.column_names != table.column_names:
            return names_differ(mine.column_names, table.column_names, peer)
        if values.same_at_once(mine, table):
            return None
        return values.difference(values.columns(mine), values.columns(table), mine.column_names, peer)

    return compare


def names_differ(mine, theirs, peer):
    if len(mine) != len(theirs):
        return f"{values.counted(len(mine), 'column')}, {peer} has {len(theirs)}"
    left, right = next((one, other) for one, other in zip(mine, theirs) if one != other)
    return f"a column is called `{left}`, with {peer} `{right}`"


def pyarrow_parquet(file, _outcome):
    return pyarrow.parquet.ParquetFile(file.path).read()


def pyarrow_orc(file, _outcome):
    return pyarrow.orc.ORCFile(str(file.path)).read()


def pyarrow_ipc(file, _outcome):
    content = found.unpacked(file.path)
    if content.startswith(b"FEA1"):
        return pyarrow.feather.read_table(io.BytesIO(content))
    if content.startswith(b"ARROW1"):
        table = pyarrow.ipc.open_file(content).read_all()
    else:
        table = pyarrow.ipc.open_stream(content).read_all()
    table.validate()
    return table


def connection():
    made = duckdb.connect()
    made.execute("set timezone = 'UTC'; set threads = 1; set memory_limit = '2GB'")
    return made


def duckdb_parquet(file, _outcome):
    options = "hive_partitioning = false"
    reader = connection().sql(f"select * from read_parquet(?, {options})", params=[str(file.path)])
    return reader.to_arrow_table()


def duckdb_csv(file, _outcome):
    return delimited.with_duckdb(file, connection())


def duckdb_json(file, _outcome):
    options = "hive_partitioning = false, sample_size = -1"
    reader = connection().sql(f"select * from read_json(?, {options})", params=[str(file.path)])
    return reader.to_arrow_table().num_rows


def compare_count(rows, outcome):
    mine = outcome.table().num_rows
    return None if mine == rows else f"{values.counted(mine, 'row')}, DuckDB has {rows}"


def fastavro(file, _outcome):
    return records.read_avro(found.unpacked(file.path))


def compare_avro(read, outcome):
    rows, names = read
    return records.difference(outcome.table(), rows, names, "fastavro")


def python_json(file, _outcome):
    return documents.rows_of(found.unpacked(file.path))


# By format: the peers and how they are compared with, the one that decides first.
PEERS = {
    "parquet": {pyarrow_parquet: compare_tables("pyarrow"), duckdb_parquet: compare_tables("DuckDB")},
    "csv": {
        delimited.with_python: delimited.compare_with_python,
        duckdb_csv: delimited.compare_with_duckdb,
    },
    "json": {python_json: documents.compare_with_python, duckdb_json: compare_count},
    "avro": {fastavro: compare_avro},
    "orc": {pyarrow_orc: compare_tables("pyarrow")},
    "arrow": {pyarrow_ipc: compare_tables("pyarrow")},
}


def named(form):
    """The peers of a format by their names."""
    return {read.__name__: (read, compare) for read, compare in PEERS[form].items()}
