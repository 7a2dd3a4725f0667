"""Makes the data of the benches, once, below one folder."""

import subprocess
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq


def csv_table(path: Path, rows: int) -> Path:
    """Five columns (id, name, price, day, flag) of made-up sales, about 35 bytes a row."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        names = "['wrench', 'hammer', 'saw', 'drill', 'pliers', 'screwdriver', 'level', 'clamp']"
        duckdb.execute(f"""
            copy (
                select i as id,
                    {names}[i % 8 + 1] || (hash(i) % 1000) as name,
                    printf('%d.%02d', 1 + hash(i + 1) % 999, hash(i + 2) % 100) as price,
                    date '2010-01-01' + (hash(i + 3) % 5475)::integer as day,
                    i % 2 as flag
                from range({rows}) as numbers(i)
            ) to '{part}' (format csv, header)
        """)
        part.rename(path)
    return path


def tpch(folder: Path, scale: int, tpchgen: str) -> Path:
    """The eight tables of TPC-H as Parquet, each in a folder of its own."""
    target = folder / f"tpch{scale}"
    if not (target / "ready").exists():
        raw = folder / f"tpch{scale}-raw"
        subprocess.run(
            [tpchgen, "parquet", "-s", str(scale), "--quiet", "--output-dir", str(raw)],
            check=True, stdout=subprocess.DEVNULL,
        )
        for file in raw.glob("*.parquet"):
            (target / file.stem).mkdir(parents=True, exist_ok=True)
            file.rename(target / file.stem / file.name)
        (target / "ready").touch()
    return target


def many_parquet_files(folder: Path, files: int) -> Path:
    """As many small Parquet files of one schema (10 columns, 10 rows)."""
    if not (folder / "_ready").exists():
        folder.mkdir(parents=True, exist_ok=True)
        table = pa.table({f"c{column}": list(range(10)) for column in range(10)})
        for number in range(files):
            pq.write_table(table, folder / f"part-{number:05}.parquet")
        (folder / "_ready").touch()
    return folder
