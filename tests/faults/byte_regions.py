"""Name the region of a file that each byte belongs to."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from simloom.sim.dataset.shard_file import ShardFile
from simloom.sim.dataset.specs import Array

_SIGNATURES = {
    b"OHDR": "object headers, attributes", b"OCHK": "object headers, attributes", b"FRHP": "dense attributes and links",
    b"FHDB": "dense attributes and links", b"FHIB": "dense attributes and links", b"BTHD": "B-trees",
    b"BTLF": "B-trees", b"BTIN": "B-trees", b"FAHD": "chunk index", b"FADB": "chunk index", b"EAHD": "chunk index",
    b"EAIB": "chunk index", b"EADB": "chunk index",
}  # fmt: skip
SUPERBLOCK_BYTES = 48


def shard_regions(path: Path) -> tuple[list[str], Array]:
    """Tell what each byte of a shard is.

    Args:
        path: A sound shard.

    Returns:
        Names of the regions, and the number of its region for every byte.
    """
    data = path.read_bytes()
    names = ["padding"]
    region = np.zeros(len(data), np.int16)

    def paint(name: str, start: int, stop: int) -> None:
        if name not in names:
            names.append(name)
        region[start:stop] = names.index(name)

    # Metadata begins with a signature and reaches to what comes next; data, of known places, go over it.
    marks = [(match.start(), _SIGNATURES[match[0]]) for match in re.finditer(b"|".join(_SIGNATURES), data)]
    for (start, name), stop in zip(marks, [*(mark[0] for mark in marks[1:]), len(data)], strict=True):
        paint(name, start, min(stop, start + len(data[start:stop].rstrip(b"\0")) + 8))
    with ShardFile(path) as shard:
        for name, stored in shard.arrays.items():
            kind = f"chunks of {name}" if stored.filters else "contiguous values"
            for row in range(stored.shape[0]):
                start, length = stored.place(row)
                paint(kind, start, start + length)
    paint("superblock", 0, SUPERBLOCK_BYTES)
    return names, region
