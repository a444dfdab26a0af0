"""Build one shard: a flat HDF5 file laid out in memory around rows that threads encode outside HDF5."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from .array_writer import ArrayWriter
from .chunk import checksum
from .codecs import CODECS as CODECS
from .codecs import Codec as Codec
from .codecs import Codecs, parse_codecs
from .digest import byte_rows
from .packing import PackedArray, find_repeats, pack_arrays
from .shard_image import ShardImage
from .shard_template import CHECKSUMS as CHECKSUMS
from .shard_template import ShardTemplate
from .specs import Array, find_spec, validate_arrays

# h5py before 3.16 makes direct-chunk calls without its own lock.
_DIRECT_CHUNK_LOCK = threading.Lock()


def build_shard(
    arrays: Mapping[str, Array],
    attributes: Mapping[str, str | int] | None = None,
    codec: str | Mapping[str, Any] | Codecs = "deflate",
    *,
    repeats: Mapping[str, list[bool]] | None = None,
    executor: Executor | None = None,
) -> bytes:
    """Build the bytes of a shard file.

    Args:
        arrays: Arrays by name, rows leading, as `specs.SPECS` says; `sample/index` among them.
        attributes: Attributes of the file itself: plain texts and numbers, no time, no host.
        codec: "deflate" (opens everywhere), "raw", or "zstd" (needs zstandard here and at every reader; plain h5py
            needs hdf5plugin); or one by reading: `{"rgb": "raw", "default": "zstd"}`.
        repeats: What `find_repeats` said, where it is known already.
        executor: Threads to compress in; by default one per core.

    Returns:
        An ordinary HDF5 file (format 1.10): equal input gives equal bytes on one platform.

    Raises:
        KeyError: An unknown array name.
        ValueError: An unknown codec, or an array that does not fit the registry.
        CodecMissingError: zstd is asked for, and zstandard is not installed.

    Example:
        >>> image = build_shard({"sample/index": np.arange(4)})
        >>> image[1:4]
        b'HDF'
    """
    codecs = parse_codecs(codec)
    validate_arrays(arrays)
    if executor is None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return build_shard(arrays, attributes, codecs, repeats=repeats, executor=pool)
    rows = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    repeats = find_repeats(rows) if repeats is None else repeats
    packed = pack_arrays(rows, codecs, repeats=repeats, executor=executor)
    return b"".join(lay_shard(rows, packed, attributes).pieces())


def lay_shard(
    rows: Mapping[str, Array],
    packed: Mapping[str, Future[PackedArray]],
    attributes: Mapping[str, str | int] | None = None,
    template: ShardTemplate | None = None,
) -> ShardImage:
    """Lay out a shard file in memory around rows that are being encoded.

    Args:
        rows: Arrays by name, rows leading, C order; they must stay as they are until the image has been written.
        packed: Those that are stored in chunks, from `pack_arrays`.
        attributes: Attributes of the file itself.
        template: Of the arrays that are not stored in chunks; without influence on the bytes.

    Returns:
        The file; it refers to the encoded rows and to arrays stored as they are, and copies neither.
    """
    import h5py

    image = ShardImage()
    with h5py.File(image, "w", libver=("v110", "v110")) as file:
        for key in sorted(attributes or {}):
            file.attrs[key] = (attributes or {})[key]
        plain = {name: rows[name] for name in rows if name not in packed}
        (template or ShardTemplate(plain)).copy_into(file)
        # What is stored as it is comes first: there is work for this thread while the others encode.
        for name in sorted(plain):
            _fill_plain(file, image, name, plain[name])
        writer = ArrayWriter(file)
        for name in sorted(packed):
            array = packed[name].result()
            write = _write_chunks if array.filters else _write_plain
            dataset, sums = write(writer, image, name, rows[name], array)
            texts = find_spec(name).attributes(rows[name].dtype.str)
            writer.describe(dataset, texts, {CHECKSUMS: np.array(sums, np.uint32)})
    return image


def _fill_plain(file: Any, image: ShardImage, name: str, array: Array) -> None:
    """Write the values and sums of an array that is there already."""
    import h5py

    dataset = h5py.h5d.open(file.id, name.encode())
    image.announce(array.reshape(-1))
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, array)
    h5py.h5a.open(dataset, CHECKSUMS.encode()).write(_sum_rows(array))


def _write_plain(
    writer: ArrayWriter, image: ShardImage, name: str, array: Array, _: PackedArray
) -> tuple[Any, Sequence[int]]:
    dataset = writer.create(name, array)
    image.announce(array.reshape(-1))
    writer.write(dataset, array)
    return dataset, _sum_rows(array).tolist()


def _sum_rows(array: Array) -> Array:
    return np.array([checksum(row) for row in byte_rows(array)], np.uint32)


def _write_chunks(
    writer: ArrayWriter, image: ShardImage, name: str, array: Array, packed: PackedArray
) -> tuple[Any, Sequence[int]]:
    dataset = writer.create(name, array, packed.filters)
    zeros = (0,) * (array.ndim - 1)
    sums = []
    for row, (stream, crc) in enumerate(packed.chunks()):
        sums.append(crc)
        image.announce(stream)
        with _DIRECT_CHUNK_LOCK:
            dataset.write_direct_chunk((row, *zeros), stream)
    return dataset, sums
