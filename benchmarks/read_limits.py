"""What bounds a reader: the stages of reading a row on one core, and the disk."""

from __future__ import annotations

import importlib
import os
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from our_loaders import ARRAYS
from page_cache import evict, list_files

from simloom.sim.dataset import ShardFile

_DEFLATE, _FEW, _TRIES = 1, 32, 5


def measure_stages(folder: Path) -> dict[str, dict[str, float]]:
    """Time the stages of reading the first shard's first rows: bytes from the page cache, checksum, inflate, copy.

    Args:
        folder: A dataset.

    Returns:
        Decoded megabytes per second of each stage, by array; images only.
    """
    found = {}
    path = min((folder / "shards").glob("*.h5"))
    with ShardFile(path) as shard:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            for short, name in ARRAYS.items():
                stored = shard.arrays[name]
                if len(stored.shape) >= 3 and stored.row_bytes >= 1024:
                    found[short] = _measure_array(descriptor, stored, min(_FEW, shard.rows))
        finally:
            os.close(descriptor)
    return found


def _measure_array(descriptor: int, stored: Any, rows: int) -> dict[str, float]:
    size = stored.row_bytes
    step = 0 if stored.filters else size
    places = [(int(stored.offsets[0]) + row * step, size) for row in range(rows)]
    if stored.filters:
        places = [(int(stored.offsets[row]), int(stored.lengths[row])) for row in range(rows)]

    def fetch() -> list[bytes]:
        return [os.pread(descriptor, length, offset) for offset, length in places]

    streams, room = fetch(), np.empty((rows, size), np.uint8)
    source = np.ones_like(room)
    codec = _find_inflate()
    stages: dict[str, Callable[[], Any]] = {
        "read": fetch,
        "checksum": lambda: [codec.crc32(stream) for stream in streams],
        "copy": lambda: np.copyto(room, source),
    }
    if _DEFLATE in stored.filters:
        stages["inflate"] = lambda: [codec.decompress(stream, bufsize=size) for stream in streams]
    return {name: rows * size / 1e6 / _least_seconds(run) for name, run in stages.items()}


def _find_inflate() -> Any:
    try:
        return importlib.import_module("isal.isal_zlib")
    except ImportError:
        return zlib


def _least_seconds(run: Callable[[], Any]) -> float:
    taken = []
    for _ in range(_TRIES):
        begun = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def measure_disk(folder: Path) -> float:
    """Read files once from end to end, dropped from the page cache before.

    Args:
        folder: Where they are.

    Returns:
        Megabytes per second.
    """
    files, room, total = list_files(folder), bytearray(8 << 20), 0
    evict(files)
    begun = time.perf_counter()
    for path in files:
        with path.open("rb", buffering=0) as file:
            while count := file.readinto(room):
                total += count
    return total / 1e6 / (time.perf_counter() - begun)
