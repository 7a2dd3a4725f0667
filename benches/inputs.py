"""Makes the data of the benches, once, below one folder."""

import random
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def csv_table(path: Path, rows: int) -> Path:
    """Five columns (id, name, price, day, flag) of made-up sales, about 33 bytes a row."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        generator = random.Random(7)
        names = ["wrench", "hammer", "saw", "drill", "pliers", "screwdriver", "level", "clamp"]
        part = path.with_suffix(".part")
        with part.open("w") as out:
            out.write("id,name,price,day,flag\n")
            for number in range(rows):
                price = generator.randrange(100, 100_000)
                day = f"20{generator.randrange(10, 25)}-{generator.randrange(1, 13):02}-{generator.randrange(1, 29):02}"
                out.write(
                    f"{number},{names[number % 8]}{generator.randrange(1000)},{price // 100}.{price % 100:02},"
                    f"{day},{number % 2}\n"
                )
        part.rename(path)
    return path


def tpch(folder: Path, scale: int, tpchgen: str) -> Path:
    """The eight tables of TPC-H as Parquet, each in a folder of its own."""
    target = folder / f"tpch{scale}"
    if not (target / "ready").exists():
        raw = folder / f"tpch{scale}-raw"
        subprocess.run(
            [tpchgen, "-s", str(scale), "--format", "parquet", "--output-dir", str(raw)],
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
