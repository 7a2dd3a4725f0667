"""Finds the data files below folders, by their endings, and tells how their bytes are packed."""

import bz2
import dataclasses
import gzip
import hashlib
import lzma
import os
import pathlib

FORMATS = {
    "parquet": "parquet",
    "parq": "parquet",
    "pq": "parquet",
    "csv": "csv",
    "tsv": "csv",
    "tab": "csv",
    "psv": "csv",
    "json": "json",
    "geojson": "json",
    "jsonl": "json",
    "ndjson": "json",
    "avro": "avro",
    "orc": "orc",
    "arrow": "arrow",
    "arrows": "arrow",
    "arrow_file": "arrow",
    "feather": "arrow",
    "ipc": "arrow",
    "stream": "arrow",
}
PACKED = {"gz", "gzip", "zst", "zstd", "bz2", "xz"}


@dataclasses.dataclass(frozen=True)
class DataFile:
    """A file that is sent through Mason and its peers."""

    path: pathlib.Path
    # The folder it was found below, as it was given, and its path from there.
    folder: str
    name: str
    # The format that its name states.
    format: str

    def key(self):
        """What stays the same for as long as the file does."""
        status = self.path.stat()
        return f"{self.path}:{status.st_size}:{status.st_mtime_ns}"

    def digest(self):
        """The first 16 digits of the SHA-256 of its bytes."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()[:16]


def stated_format(name):
    """The format that a file's name states, or None."""
    parts = name.lower().split(".")
    if len(parts) > 2 and parts[-1] in PACKED:
        parts.pop()
    return FORMATS.get(parts[-1]) if len(parts) > 1 else None


def below(folders):
    """The data files below folders in the order of their names, and how many other files there are."""
    found, others = [], 0
    for folder in folders:
        base = pathlib.Path(folder)
        for at, inner, names in os.walk(base):
            inner.sort()
            for name in sorted(names):
                path = pathlib.Path(at, name)
                form = stated_format(name)
                if form is None or not path.is_file():
                    others += 1
                    continue
                found.append(DataFile(path.resolve(), str(folder), str(path.relative_to(base)), form))
    return found, others


def unpacked(path):
    """The bytes of a file without the compression around them."""
    content = pathlib.Path(path).read_bytes()
    if content.startswith(b"\x1f\x8b"):
        return gzip.decompress(content)
    if content.startswith(b"BZh"):
        return bz2.decompress(content)
    if content.startswith(b"\xfd7zXZ\x00"):
        return lzma.decompress(content)
    if content.startswith(b"\x28\xb5\x2f\xfd"):
        import zstandard

        return zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True).read()
    return content
