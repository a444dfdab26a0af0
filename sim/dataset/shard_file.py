"""Read one shard without trusting it: what it declares is checked first, chunks are read by offset and bounded."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .byte_source import ByteSource, LocalFile
from .errors import DatasetCorruptError
from .shard_index import MAX_DECODED_BYTES, index_shard
from .specs import Array
from .stored_array import StoredArray

_SPAN_BYTES = 256 << 10


@dataclass(frozen=True, kw_only=True)
class ShardIndex:
    """What is known of a shard file: it can be kept when the file is closed.

    Args:
        identity: Which file it is of.
        arrays: Where the rows of the arrays lie.
        columns: Small arrays that were read as a whole; None for those that could not be.
    """

    identity: tuple[object, ...]
    arrays: Mapping[str, StoredArray] = field(default_factory=dict)
    columns: dict[str, Array | None] = field(default_factory=dict)

    @cached_property
    def nbytes(self) -> int:
        """Memory that it takes beside its columns [byte]."""
        found = self.arrays.values()
        return sum(stored.checksums.nbytes + stored.offsets.nbytes + stored.lengths.nbytes for stored in found)


class ShardFile:
    """An open shard. It holds a source of bytes and an index, and no HDF5 handle: threads and forks may share it.

    Args:
        path: The shard file, of which a symbolic link is refused; or an open source of its bytes.
        names: Arrays that will be read, of which those that are not there are left out; all by default, and then the
            whole file is looked through.
        like: What was found when the file was open before; it counts where the file is the same.
        max_bytes: Most bytes that its arrays may declare together.

    Raises:
        DatasetCorruptError: It is damaged, or holds anything but plain arrays of the registry.
        FileNotFoundError: There is no such file.

    Example:
        >>> with ShardFile("shards/000000.h5") as shard:
        ...     shard.read("sensor/head/rgb", [0, 5]).shape
        (2, 480, 640, 3)
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | ByteSource,
        names: Iterable[str] | None = None,
        *,
        like: ShardIndex | None = None,
        max_bytes: int = MAX_DECODED_BYTES,
    ) -> None:
        self.source = path if isinstance(path, ByteSource) else LocalFile(path)
        self.path = self.source.name
        same = like is not None and like.identity == self.source.identity
        index = like if like is not None and same else ShardIndex(identity=self.source.identity)
        try:
            if names is None or not index.arrays.keys() >= {"sample/index", *names}:
                arrays = index_shard(self.source, names, known=index.arrays, max_bytes=max_bytes)
                index = dataclasses.replace(index, arrays=arrays)
        except BaseException:
            self.source.close()
            raise
        self.index = index
        self.arrays = index.arrays
        if "sample/index" not in self.arrays:
            self.source.close()
            raise DatasetCorruptError(f"{self.path}: holds no sample/index")
        self.rows = self.arrays["sample/index"].shape[0]

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
        with suppress(KeyError):
            return self.index.columns[name]
        column: Array | None = None
        if not self.arrays[name].filters:
            with suppress(DatasetCorruptError):
                column = self.read(name)
                column.flags.writeable = False
        self.index.columns[name] = column
        return column

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
            self.read_row(name, row, _row_bytes(rows_out, place) if flat is None else flat[place])

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
                self.read_row(name, row, _row_bytes(rows_out, place))

    def _check(self, name: str, row: int, data: Array) -> None:
        try:
            self.arrays[name].check_row(row, data)
        except ValueError as error:
            raise DatasetCorruptError(f"{self.path}: {name}, row {row} of the shard: {error}") from None

    def _fill(self, name: str, row: int, offset: int, data_out: Array) -> None:
        """Read as many bytes as there is room for."""
        if self.source.read_into(offset, data_out.data) < len(data_out):
            raise DatasetCorruptError(f"{self.path}: {name}, row {row} of the shard: the file ends before the data")


def _row_bytes(rows: Array, place: int) -> Array:
    """View the memory of one row; of a single number too, which an index alone would give as a copy."""
    return rows[place : place + 1].reshape(-1).view(np.uint8)


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
