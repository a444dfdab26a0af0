"""Where the rows of one array lie in a shard file, and what undoes their filters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .chunk import Filters, checksum, decode_chunk
from .specs import Array


@dataclass(frozen=True, kw_only=True)
class StoredArray:
    """Where the rows of one array lie in the file.

    Args:
        dtype: Little-endian NumPy dtype.
        shape: Shape with rows leading.
        offsets: Byte offset of every row; of the first alone where rows are stored as they are, one after the other.
        lengths: Stored bytes of every row, or of the first alone likewise.
        checksums: CRC-32 of the stored bytes of every row.
        filters: HDF5 filter numbers, in the order of writing; empty for rows stored as they are.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offsets: Array
    lengths: Array
    checksums: Array
    filters: Filters

    def place(self, row: int) -> tuple[int, int]:
        """Tell where a row lies: its offset in the file, and its stored bytes."""
        if self.filters:
            return int(self.offsets[row]), int(self.lengths[row])
        return int(self.offsets[0]) + row * self.row_bytes, self.row_bytes

    @cached_property
    def row_bytes(self) -> int:
        """Bytes of one decoded row."""
        return self.dtype.itemsize * int(np.prod(self.shape[1:], dtype=np.int64))

    def check_row(self, row: int, data: Array) -> None:
        """Compare the stored bytes of one row with their checksum.

        Args:
            row: Row number within the shard.
            data: Its stored bytes, uint8.

        Raises:
            ValueError: They are not the bytes that were written.
        """
        if checksum(data) != self.checksums[row]:
            raise ValueError("the stored bytes are damaged")

    def decode_row(self, row: int, data: Array, row_out: Array) -> None:
        """Check the stored bytes of one row and decode them straight into the row's memory.

        It needs no file: the bytes may come from anywhere. Any number of threads may decode at once.

        Args:
            row: Row number within the shard.
            data: Its stored bytes, uint8; may be `row_out` itself where there is no filter.
            row_out: uint8 [row_bytes], contiguous.

        Raises:
            ValueError: The stored bytes are damaged.
            CodecMissingError: They are stored by zstd, and zstandard is not installed.
        """
        self.check_row(row, data)
        if data is not row_out:
            decode_chunk(data, self.filters, self.dtype.itemsize, row_out)
