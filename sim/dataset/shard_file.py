"""Read one shard without trusting it: what it declares is checked first, chunks are read by offset and bounded."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from .chunk import FILTERS, ZSTD
from .errors import DatasetCorruptError
from .shard import CHECKSUMS
from .specs import Array, find_spec, validate_arrays
from .stored_array import StoredArray as StoredArray

MAX_DECODED_BYTES = 16 << 30
"""Most bytes that the arrays of one shard may declare together."""

_MAX_OBJECTS = 4096
_MAX_DEPTH = 4
# Deflate never expands more than 1032 times, zstd 32768 times: what a file declares beyond that, it does not hold.
_MAX_EXPANSION, _MAX_EXPANSION_ZSTD = 1100, 33000
_SMALL_BYTES = 256 << 20


class ShardFile:
    """An open shard. It holds a file descriptor and an index, and no HDF5 handle: threads and forks may share it.

    Args:
        path: The shard file; a symbolic link is refused.
        max_bytes: Most bytes that its arrays may declare together.

    Raises:
        DatasetCorruptError: It is damaged, or holds anything but plain arrays of the registry.
        FileNotFoundError: There is no such file.

    Example:
        >>> with ShardFile("shards/000000.h5") as shard:
        ...     shard.read("sensor/head/rgb", [0, 5]).shape
        (2, 480, 640, 3)
    """

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int = MAX_DECODED_BYTES) -> None:
        self.path = Path(path)
        try:
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise DatasetCorruptError(f"{self.path}: cannot be read: {error.strerror}") from None
        try:
            self.arrays: Mapping[str, StoredArray] = _index_shard(self.path, self._descriptor, max_bytes)
        except BaseException:
            os.close(self._descriptor)
            raise
        self.rows = self.arrays["sample/index"].shape[0]

    def __enter__(self) -> ShardFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; calling it twice is fine."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def read(self, name: str, rows: Sequence[int] | None = None, *, executor: Executor | None = None) -> Array:
        """Decode some rows of one array.

        Args:
            name: Array name.
            rows: Row numbers within the shard, in any order; all by default.
            executor: Threads to decode in; by default a few of its own.

        Returns:
            The rows, leading axis as long as `rows`.

        Raises:
            KeyError: The shard holds no such array.
            DatasetCorruptError: A stored chunk is damaged; the text names the array and the row.
            CodecMissingError: It is stored by zstd, and zstandard is not installed.
        """
        stored = self.arrays[name]
        wanted = range(self.rows) if rows is None else rows
        out = np.empty((len(wanted), *stored.shape[1:]), stored.dtype)
        flat = out.reshape(len(wanted), -1).view(np.uint8)
        if not stored.filters and rows is None:
            self._fill(name, 0, int(stored.offsets[0]), flat.reshape(-1))
            for row in range(self.rows):
                self._check(name, row, flat[row])
        elif stored.filters and len(wanted) > 1 and executor is None:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(self.read_row, [name] * len(wanted), wanted, flat))
        elif stored.filters and executor is not None:
            list(executor.map(self.read_row, [name] * len(wanted), wanted, flat))
        else:
            for row, row_out in zip(wanted, flat, strict=True):
                self.read_row(name, row, row_out)
        return out

    def read_row(self, name: str, row: int, row_out: Array) -> None:
        """Decode one row straight into its memory; any number of threads may do so at once.

        Args:
            name: Array name.
            row: Row number within the shard.
            row_out: uint8, as many as the decoded row has, contiguous.

        Raises:
            KeyError: The shard holds no such array.
            DatasetCorruptError: The stored chunk is damaged; the text names the array and the row.
            CodecMissingError: It is stored by zstd, and zstandard is not installed.
        """
        stored = self.arrays[name]
        data = np.empty(int(stored.lengths[row]), np.uint8) if stored.filters else row_out
        self._fill(name, row, int(stored.offsets[row]), data)
        try:
            stored.decode_row(row, data, row_out)
        except ValueError as error:
            raise DatasetCorruptError(f"{self.path}: {name}, row {row} of the shard: {error}") from None

    def _check(self, name: str, row: int, data: Array) -> None:
        try:
            self.arrays[name].check_row(row, data)
        except ValueError as error:
            raise DatasetCorruptError(f"{self.path}: {name}, row {row} of the shard: {error}") from None

    def _fill(self, name: str, row: int, offset: int, data_out: Array) -> None:
        """Read as many bytes as there is room for."""
        view, done = data_out.data, 0
        while done < len(view):
            count = os.preadv(self._descriptor, [view[done:]], offset + done)
            if count == 0:
                raise DatasetCorruptError(f"{self.path}: {name}, row {row} of the shard: the file ends before the data")
            done += count


def read_shard(
    path: str | os.PathLike[str], names: Iterable[str] | None = None, *, max_bytes: int = MAX_DECODED_BYTES
) -> dict[str, Array]:
    """Read the arrays of a shard file that need not be trusted.

    Args:
        path: The shard file.
        names: Arrays wanted; all by default.
        max_bytes: Most bytes that its arrays may declare together.

    Returns:
        Arrays by name, rows leading.

    Raises:
        DatasetCorruptError: The file is damaged, or holds links, references, external or virtual storage, texts of
            varying length, unknown filters, unknown names, or declares far more than it can hold.
        FileNotFoundError: There is no such file.
        KeyError: A wanted array is not there.
    """
    with ShardFile(path, max_bytes=max_bytes) as shard:
        return {name: shard.read(name) for name in (sorted(shard.arrays) if names is None else names)}


def _index_shard(path: Path, descriptor: int, max_bytes: int) -> dict[str, StoredArray]:
    import h5py

    size = os.fstat(descriptor).st_size
    found: dict[str, StoredArray] = {}
    try:
        # Through the descriptor: the file that was checked to be no link is the file that is read.
        same = f"/proc/self/fd/{descriptor}"
        with h5py.File(same if os.path.exists(same) else path, "r", locking=False) as file:
            if file.userblock_size:
                raise DatasetCorruptError(f"{path}: has a user block")
            _walk(path, file.id, "", size, found, set())
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


def _walk(path: Path, group: Any, prefix: str, size: int, found: dict[str, StoredArray], seen: set[int]) -> None:
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
            if len(found[name].checksums) == 0:
                raise DatasetCorruptError(
                    f"{path}: {name} does not carry the attribute {CHECKSUMS!r}, one number a row"
                )
        else:
            raise DatasetCorruptError(f"{path}: {name} is neither a group nor an array")


def _index_array(path: Path, item: Any, name: str, size: int) -> StoredArray:
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
    if dtype.str != spec.dtype or not 1 <= len(shape) <= 5 or 0 in shape:
        raise refuse(f"has dtype {dtype.str!r} and shape {shape}; {spec.dtype!r} with axes {spec.axes} is expected")
    if space.get_simple_extent_dims(True) != shape:
        raise refuse("can be resized, which no array of a shard can")
    rows = shape[0]
    sums = _read_checksums(item, rows)
    row_bytes = dtype.itemsize * int(np.prod([float(length) for length in shape[1:]]))
    if rows > 1 << 32 or row_bytes > 1 << 40:
        raise refuse(f"declares the shape {shape}")
    if layout == h5py.h5d.CONTIGUOUS:
        offset = item.get_offset()
        if offset is None or item.get_storage_size() != rows * row_bytes or offset + rows * row_bytes > size:
            raise refuse("is not stored in full")
        offsets = offset + row_bytes * np.arange(rows, dtype=np.int64)
        return StoredArray(
            dtype=dtype, shape=shape, offsets=offsets, lengths=np.full(rows, row_bytes), checksums=sums, filters=()
        )
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
