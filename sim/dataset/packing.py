"""Encode the rows of a shard in threads: which filters pay for which array, and the stored bytes of every row."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import numpy as np

from .chunk import DEFLATE, SHUFFLE, ZSTD, Filters, checksum, encode_chunk
from .codecs import Codec, Codecs
from .digest import repeated_rows
from .specs import Array, find_spec
from .zstd import require_zstd

Chunk = tuple[bytes, int]
"""The stored bytes of a row and their CRC-32."""

_CHUNK_BYTES = 16 * 1024
_TASK_BYTES = 1 << 20
# Undoing deflate takes as long as reading the row from a disk of 300 MB/s, and ten times as long as from memory: what
# is saved of the plain bytes must be worth it, unless that very codec was asked for. Shuffling takes a tenth of it.
_LEAST_SAVING, _LEAST_NAMED_SAVING, _LEAST_SHUFFLED_SAVING = 1 / 3, 0.05, 0.01


def is_chunked(name: str, row_bytes: int) -> bool:
    """Tell whether an array is stored as one chunk per row: images, and whatever has at least 16 KiB a row."""
    return find_spec(name).is_image or row_bytes >= _CHUNK_BYTES


def find_repeats(arrays: Mapping[str, Array]) -> dict[str, list[bool]]:
    """Tell, for every array stored in chunks, which rows repeat the row before.

    Args:
        arrays: Arrays by name, rows leading.

    Returns:
        One flag per row for the names that are stored in chunks.
    """
    chunked = [name for name in sorted(arrays) if is_chunked(name, arrays[name][:1].nbytes)]
    return {name: repeated_rows(arrays[name]) for name in chunked}


@dataclass(frozen=True, kw_only=True)
class PackedArray:
    """An array whose rows are being encoded.

    Args:
        filters: What is applied to its rows; empty where they are stored as they are.
        tasks: The encoding of its rows that repeat no other, in order.
        repeats: Which rows repeat the row before; such a row is encoded once.
    """

    filters: Filters
    tasks: deque[Future[list[Chunk]]]
    repeats: list[bool]

    def chunks(self) -> Iterator[Chunk]:
        """Give the rows in order; waits for those that are under way."""
        done: deque[Chunk] = deque()
        chunk = (b"", 0)
        for repeated in self.repeats:
            if not repeated:
                if not done:
                    done.extend(self.tasks.popleft().result())
                chunk = done.popleft()
            yield chunk


def pack_arrays(
    arrays: Mapping[str, Array], codecs: Codecs, *, repeats: Mapping[str, list[bool]], executor: Executor
) -> dict[str, Future[PackedArray]]:
    """Start to encode the rows of every array that is stored in chunks.

    All arrays are handed to the threads before the first is written, so that no core waits between two of them.

    Args:
        arrays: Arrays by name, rows leading, C order.
        codecs: Which codec stores which array.
        repeats: What `find_repeats` said.
        executor: Threads to encode in.

    Returns:
        The arrays under way; those whose codec is "raw" and those of short rows are not among them.

    Raises:
        CodecMissingError: zstd is asked for, and zstandard is not installed.
    """
    started: dict[str, Future[PackedArray]] = {}
    for name, array in arrays.items():
        codec = codecs.codec_of(name)
        if codec == "raw" or not is_chunked(name, array[:1].nbytes):
            continue
        if codec == "zstd":
            require_zstd("codec 'zstd'")
        flags = repeats.get(name) or [False] * len(array)
        saving = _LEAST_NAMED_SAVING if codecs.is_named(name) else _LEAST_SAVING
        started[name] = executor.submit(_start_array, array, codec, saving, flags, executor)
    return started


def _start_array(
    array: Array, codec: Codec, least_saving: float, repeats: list[bool], executor: Executor
) -> PackedArray:
    fresh = [row for row in range(len(array)) if not repeats[row]]
    filters, tried = _choose_filters(array, codec, least_saving, fresh)
    tasks: deque[Future[list[Chunk]]] = deque()
    if filters:
        step = max(1, _TASK_BYTES // max(1, array[:1].nbytes))
        for start in range(0, len(fresh), step):
            tasks.append(executor.submit(_encode_rows, array, fresh[start : start + step], filters, tried))
    return PackedArray(filters=filters, tasks=tasks, repeats=repeats)


def _choose_filters(
    array: Array, codec: Codec, least_saving: float, rows: list[int]
) -> tuple[Filters, Mapping[int, bytes]]:
    """Encode two rows with and without shuffling; take what is smallest, or nothing where nothing pays.

    Measured depth and labels are best left unshuffled, true depth and half floats are not: whether values or only their
    leading bytes repeat is a matter of the scene and the sensor.
    """
    number = ZSTD if codec == "zstd" else DEFLATE
    sample = sorted({rows[len(rows) // 3], rows[2 * len(rows) // 3]})
    plain = array[:1].nbytes * len(sample)
    best: Filters = ()
    least, tried = (1 - least_saving) * plain, dict[int, bytes]()
    for filters in [(number,)] if array.dtype.itemsize == 1 else [(number,), (SHUFFLE, number)]:
        streams = {row: encode_chunk(array[row], filters) for row in sample}
        stored = sum(map(len, streams.values()))
        if stored <= least:
            best, least, tried = filters, stored - _LEAST_SHUFFLED_SAVING * plain, streams
    return best, tried


def _encode_rows(array: Array, rows: list[int], filters: Filters, tried: Mapping[int, bytes]) -> list[Chunk]:
    streams = [tried.get(row) or encode_chunk(np.ascontiguousarray(array[row]), filters) for row in rows]
    return [(stream, checksum(stream)) for stream in streams]
