"""Build one shard: a flat HDF5 file made in memory, its chunks shuffled and compressed in threads outside HDF5."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from . import deflate, zstd
from .chunk import DEFLATE, SHUFFLE, ZSTD, Filters, checksum, encode_chunk
from .digest import byte_rows, repeated_rows
from .specs import Array, find_spec, validate_arrays

Codec: TypeAlias = Literal["deflate", "raw", "zstd"]
"""How images are stored; the decoded rows and so the digests are the same for all."""

CODECS: tuple[Codec, ...] = get_args(Codec)

CHECKSUMS = "crc32"
"""Attribute of every array: the CRC-32 of the stored bytes of each row."""

_CHUNK_BYTES = 16 * 1024
_TASK_BYTES = 1 << 20
# h5py before 3.16 makes direct-chunk calls without its own lock.
_DIRECT_CHUNK_LOCK = threading.Lock()


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


def build_shard(
    arrays: Mapping[str, Array],
    attributes: Mapping[str, str | int] | None = None,
    codec: Codec = "deflate",
    *,
    repeats: Mapping[str, list[bool]] | None = None,
    executor: Executor | None = None,
) -> bytes:
    """Build the bytes of a shard file.

    Args:
        arrays: Arrays by name, rows leading, as `specs.SPECS` says; `sample/index` among them.
        attributes: Attributes of the file itself: plain texts and numbers, no time, no host.
        codec: "deflate" (opens everywhere), "raw", or "zstd" (needs zstandard here and at every reader; plain h5py
            needs hdf5plugin).
        repeats: What `find_repeats` said, where it is known already.
        executor: Threads to compress in; by default one per core.

    Returns:
        An ordinary HDF5 file (format 1.10): equal input gives equal bytes on one platform.

    Raises:
        KeyError: An unknown array name.
        ValueError: An unknown codec, or an array that does not fit the registry.

    Example:
        >>> image = build_shard({"sample/index": np.arange(4)})
        >>> image[1:4]
        b'HDF'
    """
    import h5py

    if codec not in CODECS:
        raise ValueError(f"codec {codec!r} is none of {', '.join(CODECS)}")
    validate_arrays(arrays)
    if executor is None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return build_shard(arrays, attributes, codec, repeats=repeats, executor=pool)
    repeats = find_repeats(arrays) if repeats is None else repeats
    rows = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    chunks: dict[str, Iterator[tuple[bytes, int]]] = {}
    if codec == "zstd":
        zstd.require_zstd("codec 'zstd'")
    if codec != "raw":
        # All arrays are handed to the threads before the first is written, so that no core waits between two of them.
        for name, array in rows.items():
            if is_chunked(name, array[:1].nbytes):
                chunks[name] = _compress_rows(
                    array, repeats.get(name) or [False] * len(array), _filters(array, codec), executor
                )
    total = sum(array.nbytes for array in arrays.values())
    block = max(1 << 20, total // 8)
    with h5py.File.in_memory(block_size=block, libver=("v110", "v110")) as file:
        for key in sorted(attributes or {}):
            file.attrs[key] = (attributes or {})[key]
        for name, array in rows.items():
            _write_array(file, name, array, codec, chunks.get(name))
        file.flush()
        image: bytes = file.id.get_file_image()
    return image


def _write_array(file: Any, name: str, array: Array, codec: Codec, chunks: Iterator[tuple[bytes, int]] | None) -> None:
    chunked = codec != "raw" and is_chunked(name, array[:1].nbytes)
    if not chunked:
        dataset = file.create_dataset(name, data=array, track_times=False)
    else:
        dataset = file.create_dataset(
            name, shape=array.shape, dtype=array.dtype, chunks=(1, *array.shape[1:]), track_times=False,
            **_filter_options(_filters(array, codec)),
        )  # fmt: skip
    for key, value in find_spec(name).attributes().items():
        dataset.attrs[key] = value
    sums: list[int] = []
    zeros = (0,) * (array.ndim - 1)
    if not chunked:
        sums = [checksum(row) for row in byte_rows(array)]
    else:
        for row, (stream, crc) in enumerate(chunks or ()):
            sums.append(crc)
            with _DIRECT_CHUNK_LOCK:
                dataset.id.write_direct_chunk((row, *zeros), stream)
    dataset.attrs[CHECKSUMS] = np.array(sums, np.uint32)


def _filters(array: Array, codec: Codec) -> Filters:
    shuffle = (SHUFFLE,) if array.dtype.itemsize > 1 else ()
    return (*shuffle, ZSTD if codec == "zstd" else DEFLATE)


def _filter_options(filters: Filters) -> dict[str, Any]:
    """Give the arguments by which h5py writes a filter pipeline down; it needs none of the filters itself."""
    options: dict[str, Any] = {"compression": "gzip", "compression_opts": deflate.LEVEL}
    if ZSTD in filters:
        options = {"compression": ZSTD, "compression_opts": (zstd.LEVEL,), "allow_unknown_filter": True}
    return {"shuffle": SHUFFLE in filters, **options}


def _compress_rows(
    array: Array, repeats: list[bool], filters: Filters, executor: Executor
) -> Iterator[tuple[bytes, int]]:
    """Start compressing, and give the rows with their checksums in order; a repeated row is compressed once."""
    fresh = [row for row in range(len(array)) if not repeats[row]]
    step = max(1, _TASK_BYTES // max(1, array[:1].nbytes))
    pending = deque(
        executor.submit(_compress_some, array, fresh[start : start + step], filters)
        for start in range(0, len(fresh), step)
    )
    return _collect_rows(pending, repeats)


def _collect_rows(pending: deque[Future[list[tuple[bytes, int]]]], repeats: list[bool]) -> Iterator[tuple[bytes, int]]:
    done: deque[tuple[bytes, int]] = deque()
    chunk = (b"", 0)
    for repeated in repeats:
        if not repeated:
            if not done:
                done.extend(pending.popleft().result())
            chunk = done.popleft()
        yield chunk


def _compress_some(array: Array, rows: list[int], filters: Filters) -> list[tuple[bytes, int]]:
    streams = [encode_chunk(array[row], filters) for row in rows]
    return [(stream, checksum(stream)) for stream in streams]
