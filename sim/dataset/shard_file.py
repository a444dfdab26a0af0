"""Read one shard without trusting it: what it declares is checked first, chunks are read by offset and bounded."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np

from .byte_source import ByteSource, LocalFile
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
_SPAN_BYTES = 256 << 10


class ShardFile:
    """An open shard. It holds a source of bytes and an index, and no HDF5 handle: threads and forks may share it.

    Args:
        path: The shard file, of which a symbolic link is refused; or an open source of its bytes.
        max_bytes: Most bytes that its arrays may declare together.

    Raises:
        DatasetCorruptError: It is damaged, or holds anything but plain arrays of the registry.
        FileNotFoundError: There is no such file.

    Example:
        >>> with ShardFile("shards/000000.h5") as shard:
        ...     shard.read("sensor/head/rgb", [0, 5]).shape
        (2, 480, 640, 3)
    """

    def __init__(self, path: str | os.PathLike[str] | ByteSource, *, max_bytes: int = MAX_DECODED_BYTES) -> None:
        self.source = path if isinstance(path, ByteSource) else LocalFile(path)
        self.path = self.source.name
        try:
            self.arrays: Mapping[str, StoredArray] = _index_shard(self.source, max_bytes)
        except BaseException:
            self.source.close()
            raise
        self.rows = self.arrays["sample/index"].shape[0]
        self._columns: dict[str, Array | None] = {}

    @property
    def index_bytes(self) -> int:
        """Memory that the index takes [byte]."""
        return sum(
            stored.checksums.nbytes + stored.offsets.nbytes + stored.lengths.nbytes for stored in self.arrays.values()
        )

    def forget_others(self, names: Iterable[str]) -> None:
        """Drop the index of all arrays but some, which can no longer be read here; memory is saved."""
        self.arrays = {name: self.arrays[name] for name in names if name in self.arrays}

    def __enter__(self) -> ShardFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; calling it twice is fine."""
        self.source.close()

    def read(self, name: str, rows: Sequence[int] | None = None) -> Array:
        """Decode some rows of one array, in threads.

        Args:
            name: Array name.
            rows: Row numbers within the shard, in any order; all by default.

        Returns:
            The rows, leading axis as long as `rows`.

        Raises:
            KeyError: The shard holds no such array.
            DatasetCorruptError: A stored chunk is damaged; the text names the array and the row.
        """
        stored = self.arrays[name]
        wanted = range(self.rows) if rows is None else rows
        out = np.empty((len(wanted), *stored.shape[1:]), stored.dtype)
        pieces = min(os.cpu_count() or 1, len(wanted)) if stored.filters else 1
        if pieces > 1:
            with ThreadPoolExecutor(pieces) as pool:
                list(pool.map(lambda k: self.read_into(name, wanted[k::pieces], out[k::pieces]), range(pieces)))
        else:
            self.read_into(name, wanted, out)
        return out

    def column(self, name: str) -> Array | None:
        """Decode all rows of one uncompressed array once, and keep them; not to be written to.

        Args:
            name: Array name.

        Returns:
            The rows; None where the array is compressed or one of its rows is damaged, which `read_into` tells.

        Raises:
            KeyError: The shard holds no such array.
        """
        if name not in self._columns:
            column: Array | None = None
            if not self.arrays[name].filters:
                with suppress(DatasetCorruptError):
                    column = self.read(name)
                    column.flags.writeable = False
            self._columns[name] = column
        return self._columns[name]

    def read_into(self, name: str, rows: Sequence[int], rows_out: Array) -> None:
        """Decode some rows of one array into place, in this thread; others may do so at the same time.

        Args:
            name: Array name.
            rows: Row numbers within the shard, in any order.
            rows_out: Where to, of the array's dtype; each row contiguous.

        Raises:
            KeyError: The shard holds no such array.
            DatasetCorruptError: A stored chunk is damaged; the text names the array and the row.
        """
        if not self.arrays[name].filters:
            self._copy_into(name, np.asarray(rows, np.int64), rows_out)
            return
        flat = rows_out.reshape(len(rows), -1).view(np.uint8) if rows_out.flags.c_contiguous else None
        for place, row in enumerate(rows):
            self.read_row(name, row, rows_out[place].reshape(-1).view(np.uint8) if flat is None else flat[place])

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
        offset, length = stored.place(row)
        data = np.empty(length, np.uint8) if stored.filters else row_out
        self._fill(name, row, offset, data)
        try:
            stored.decode_row(row, data, row_out)
        except ValueError as error:
            raise DatasetCorruptError(f"{self.path}: {name}, row {row} of the shard: {error}") from None

    def _copy_into(self, name: str, rows: Array, rows_out: Array) -> None:
        """Copy rows that are stored as they are: one read for all where they lie close together."""
        stored = self.arrays[name]
        if not len(rows):
            return
        low, high, size = int(rows.min()), int(rows.max()) + 1, stored.row_bytes
        if rows_out.flags.c_contiguous and (rows[1:] - rows[:-1] == 1).all():
            flat = rows_out.reshape(len(rows), -1).view(np.uint8)
            self._fill(name, low, stored.place(low)[0], flat.reshape(-1))
            for place, row in enumerate(rows.tolist()):
                self._check(name, row, flat[place])
        elif (high - low) * size <= _SPAN_BYTES:
            span = np.empty((high - low, size), np.uint8)
            self._fill(name, low, stored.place(low)[0], span.reshape(-1))
            for row in set(rows.tolist()):
                self._check(name, row, span[row - low])
            rows_out[...] = span[rows - low].view(stored.dtype).reshape(len(rows), *stored.shape[1:])
        else:
            for place, row in enumerate(rows.tolist()):
                self.read_row(name, row, rows_out[place].reshape(-1).view(np.uint8))

    def _check(self, name: str, row: int, data: Array) -> None:
        try:
            self.arrays[name].check_row(row, data)
        except ValueError as error:
            raise DatasetCorruptError(f"{self.path}: {name}, row {row} of the shard: {error}") from None

    def _fill(self, name: str, row: int, offset: int, data_out: Array) -> None:
        """Read as many bytes as there is room for."""
        if self.source.read_into(offset, data_out.data) < len(data_out):
            raise DatasetCorruptError(f"{self.path}: {name}, row {row} of the shard: the file ends before the data")


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


def _index_shard(source: ByteSource, max_bytes: int) -> dict[str, StoredArray]:
    path, size = source.name, source.size
    found: dict[str, StoredArray] = {}
    try:
        with source.open_hdf5() as file:
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
            if len(found[name].checksums) == 0:
                raise DatasetCorruptError(
                    f"{path}: {name} does not carry the attribute {CHECKSUMS!r}, one number a row"
                )
        else:
            raise DatasetCorruptError(f"{path}: {name} is neither a group nor an array")


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
