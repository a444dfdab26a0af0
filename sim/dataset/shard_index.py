"""Index a shard without trusting it: what it declares is checked before a byte of it is read or allocated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .byte_source import ByteSource
from .chunk import FILTERS, ZSTD
from .errors import DatasetCorruptError
from .shard import CHECKSUMS
from .specs import Array, find_spec, validate_arrays
from .stored_array import StoredArray

MAX_DECODED_BYTES = 16 << 30
"""Most bytes that the arrays of one shard may declare together."""

_MAX_OBJECTS = 4096
_MAX_DEPTH = 4
# Deflate never expands more than 1032 times, zstd 32768 times: what a file declares beyond that, it does not hold.
_MAX_EXPANSION, _MAX_EXPANSION_ZSTD = 1100, 33000
_SMALL_BYTES = 256 << 20


def index_shard(
    source: ByteSource,
    names: Iterable[str] | None = None,
    *,
    known: Mapping[str, StoredArray] | None = None,
    max_bytes: int = MAX_DECODED_BYTES,
) -> dict[str, StoredArray]:
    """Find where the rows of the arrays of a shard lie.

    Args:
        source: Its bytes.
        names: Arrays wanted, and `sample/index`; those that are not there are left out. All by default, and then
            anything in the file that is no array of the registry is refused.
        known: What an earlier call found in the same file, which is not looked for again.
        max_bytes: Most bytes that its arrays may declare together.

    Returns:
        The arrays by name, those of `known` among them.

    Raises:
        DatasetCorruptError: It is damaged, or holds anything but plain arrays of the registry.
    """
    path, size = source.name, source.size
    found: dict[str, StoredArray] = dict(known or {})
    try:
        with source.open_hdf5() as file:
            if file.userblock_size:
                raise DatasetCorruptError(f"{path}: has a user block")
            if names is None:
                _walk(path, file.id, "", size, found, set())
            else:
                for name in dict.fromkeys(["sample/index", *names]):
                    if name not in found and (item := _open_array(path, file.id, name)) is not None:
                        found[name] = _index_array(path, item, name, size)
    except DatasetCorruptError:
        raise
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise DatasetCorruptError(f"{path}: not a readable HDF5 file: {error}") from None
    if "sample/index" not in found:
        raise DatasetCorruptError(f"{path}: holds no sample/index")
    declared = sum(stored.row_bytes * stored.shape[0] for stored in found.values())
    expansion = _MAX_EXPANSION_ZSTD if any(ZSTD in stored.filters for stored in found.values()) else _MAX_EXPANSION
    if declared > max_bytes or declared > max(_SMALL_BYTES, expansion * size):
        raise DatasetCorruptError(f"{path}: declares {declared} bytes of arrays in a file of {size} bytes")
    try:
        # Zero-stride stand-ins: shapes and dtypes are checked before a byte is allocated.
        validate_arrays({n: np.broadcast_to(np.zeros((), s.dtype), s.shape) for n, s in found.items()})
    except ValueError as error:
        raise DatasetCorruptError(f"{path}: {error}") from None
    return found


def _walk(path: str, group: Any, prefix: str, size: int, found: dict[str, StoredArray], seen: set[int]) -> None:
    import h5py

    if prefix.count("/") > _MAX_DEPTH or len(seen) > _MAX_OBJECTS:
        raise DatasetCorruptError(f"{path}: more groups or arrays than a shard has")
    links: list[bytes] = []

    def visit(name: bytes) -> int | None:
        links.append(name)
        return 1 if len(links) > _MAX_OBJECTS else None

    group.links.iterate(visit)
    for link in sorted(links):
        name = prefix + link.decode("utf-8", "replace")
        if group.links.get_info(link).type != h5py.h5l.TYPE_HARD:
            raise DatasetCorruptError(f"{path}: {name} is a soft or external link")
        item = h5py.h5o.open(group, link)
        address = h5py.h5o.get_info(item).addr
        if address in seen:
            raise DatasetCorruptError(f"{path}: {name} is a second link to another object")
        seen.add(address)
        if isinstance(item, h5py.h5g.GroupID):
            _walk(path, item, name + "/", size, found, seen)
        elif isinstance(item, h5py.h5d.DatasetID):
            found[name] = _index_array(path, item, name, size)
        else:
            raise DatasetCorruptError(f"{path}: {name} is neither a group nor an array")


def _open_array(path: str, group: Any, name: str) -> Any:
    """Open an array by its name, one hard link after the other; None where there is none."""
    import h5py

    for part in name.split("/"):
        link = part.encode()
        if not isinstance(group, h5py.h5g.GroupID) or not group.links.exists(link):
            return None
        if group.links.get_info(link).type != h5py.h5l.TYPE_HARD:
            raise DatasetCorruptError(f"{path}: {name} is a soft or external link")
        group = h5py.h5o.open(group, link)
    if not isinstance(group, h5py.h5d.DatasetID):
        raise DatasetCorruptError(f"{path}: {name} is no array")
    return group


def _index_array(path: str, item: Any, name: str, size: int) -> StoredArray:
    import h5py

    def refuse(reason: str) -> DatasetCorruptError:
        return DatasetCorruptError(f"{path}: {name} {reason}")

    try:
        spec = find_spec(name)
    except KeyError:
        raise refuse("is no array that a dataset of this version has; was it written by another one?") from None
    kind = item.get_type()
    if kind.get_class() not in (h5py.h5t.INTEGER, h5py.h5t.FLOAT) or kind.committed():
        raise refuse("has a type other than plain numbers (references, texts and compounds are refused)")
    plist = item.get_create_plist()
    if plist.get_external_count():
        raise refuse("keeps its values in another file")
    layout = plist.get_layout()
    if layout not in (h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED):
        raise refuse("has a virtual or unknown layout")
    dtype, shape, space = item.dtype, tuple(item.shape), item.get_space()
    if dtype.str not in spec.dtypes or not 1 <= len(shape) <= 5 or 0 in shape:
        raise refuse(
            f"has dtype {dtype.str!r} and shape {shape}; {' or '.join(spec.dtypes)} with axes {spec.axes} is expected"
        )
    if space.get_simple_extent_dims(True) != shape:
        raise refuse("can be resized, which no array of a shard can")
    rows = shape[0]
    sums = _read_checksums(item, rows)
    if not len(sums):
        raise refuse(f"does not carry the attribute {CHECKSUMS!r}, one number a row")
    row_bytes = dtype.itemsize * int(np.prod([float(length) for length in shape[1:]]))
    if rows > 1 << 32 or row_bytes > 1 << 40:
        raise refuse(f"declares the shape {shape}")
    if layout == h5py.h5d.CONTIGUOUS:
        offset = item.get_offset()
        if offset is None or item.get_storage_size() != rows * row_bytes or offset + rows * row_bytes > size:
            raise refuse("is not stored in full")
        return StoredArray(
            dtype=dtype, shape=shape, offsets=np.array([offset], np.int64), lengths=np.array([row_bytes], np.int64),
            checksums=sums, filters=(),
        )  # fmt: skip
    filters = tuple(plist.get_filter(index)[0] for index in range(plist.get_nfilters()))
    if not filters or filters not in FILTERS:
        raise refuse(f"has the filters {filters}; deflate or zstd, after shuffle or alone, are known")
    if plist.get_chunk() != (1, *shape[1:]) or item.get_num_chunks() != rows or rows * 4 > size:
        raise refuse("is not stored as one chunk for every row")
    offsets, lengths = np.full(rows, -1, np.int64), np.zeros(rows, np.int64)

    def place(chunk: Any) -> None:
        row = chunk.chunk_offset[0]
        if chunk.filter_mask:
            raise refuse(f"skips a filter at row {row}")
        offsets[row], lengths[row] = chunk.byte_offset, chunk.size

    item.chunk_iter(place)
    if (offsets < 0).any() or (lengths <= 0).any() or (offsets + lengths > size).any():
        raise refuse("has chunks outside the file")
    return StoredArray(dtype=dtype, shape=shape, offsets=offsets, lengths=lengths, checksums=sums, filters=filters)


def _read_checksums(item: Any, rows: int) -> Array:
    import h5py

    if not h5py.h5a.exists(item, CHECKSUMS.encode()):
        return np.empty(0, np.uint32)
    attribute = h5py.h5a.open(item, CHECKSUMS.encode())
    if attribute.shape != (rows,) or attribute.dtype.str != "<u4":
        return np.empty(0, np.uint32)
    sums = np.empty(rows, np.uint32)
    attribute.read(sums)
    return sums
