"""The bytes of a shard file in memory, laid out by HDF5 without copying what it is handed.

h5py writes into a `ShardImage` as into an open file. Data that were announced are kept by reference where HDF5 passes
them through, so that a shard costs its stored bytes once, in the buffers that the compressor made, and no copy.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Buffer: TypeAlias = bytes | bytearray | memoryview

_LEAST_REFERENCE = 4096
"""Shorter data are copied: a reference costs as much."""


@dataclass(kw_only=True)
class _Piece:
    """A stretch of the file.

    Args:
        start: Its first byte.
        data: Its bytes.
        turn: Number of the write that it came with, -1 for what lies between.
        owned: Whether the bytes belong to the image and may be changed.
    """

    start: int
    data: Buffer
    turn: int
    owned: bool


class ShardImage:
    """A file that exists in memory only: a file-like object for h5py, and afterwards a list of buffers.

    Example:
        >>> image = ShardImage()
        >>> with h5py.File(image, "w") as file:
        ...     image.announce(stream)
        ...     dataset.id.write_direct_chunk((0, 0), stream)
        >>> data = b"".join(image.pieces())
    """

    def __init__(self) -> None:
        self.size = 0
        self._place = 0
        self._announced: memoryview | None = None
        self._writes: list[tuple[int, Buffer, bool]] = []

    def announce(self, data: Any) -> None:
        """Say which buffer HDF5 is handed next; it must stay as it is until the pieces have been used.

        Args:
            data: Bytes or a C-contiguous array.
        """
        self._announced = memoryview(data).cast("B") if len(data) else None

    def pieces(self) -> Sequence[Buffer]:
        """Give the file's bytes as buffers that follow one another."""
        found: list[_Piece] = []
        end = 0
        placed = set()
        for turn in sorted(range(len(self._writes)), key=lambda turn: self._writes[turn][0]):
            start, data, is_reference = self._writes[turn]
            if is_reference and start >= end and start + len(data) <= self.size:
                if start > end:
                    found.append(_Piece(start=end, data=bytearray(start - end), turn=-1, owned=True))
                found.append(_Piece(start=start, data=data, turn=turn, owned=False))
                end = start + len(data)
                placed.add(turn)
        if self.size > end:
            found.append(_Piece(start=end, data=bytearray(self.size - end), turn=-1, owned=True))
        starts = np.array([piece.start for piece in found], np.int64)
        for turn, (start, data, _) in enumerate(self._writes):
            if turn not in placed:
                _paint(found, max(int(np.searchsorted(starts, start, "right")) - 1, 0), start, data, turn)
        return [piece.data for piece in found]

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a byte, as files do."""
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self.size}[whence]
        return self._place

    def tell(self) -> int:
        """Return the byte that the next call reads or writes."""
        return self._place

    def write(self, data: Any) -> int:
        """Take bytes, by reference where they are those that were announced."""
        view, given = memoryview(data), self._announced
        is_reference = (
            given is not None and len(given) == len(view) >= _LEAST_REFERENCE and _address(view) == _address(given)
        )
        kept: Buffer = given if is_reference and given is not None else bytes(view)
        self._announced = None if is_reference else given
        self._writes.append((self._place, kept, is_reference))
        self._place += len(view)
        self.size = max(self.size, self._place)
        return len(view)

    def readinto(self, data_out: Any) -> int:
        """Give bytes back that were written; HDF5 asks for some of its own metadata."""
        view = memoryview(data_out).cast("B")
        whole = [_Piece(start=self._place, data=bytearray(len(view)), turn=-1, owned=True)]
        for turn, (start, data, _) in enumerate(self._writes):
            _paint(whole, 0, start, data, turn)
        view[:] = whole[0].data
        self._place += len(view)
        return len(view)

    def read(self, size: int) -> bytes:
        """Give bytes back; h5py takes an object for a file by this name and calls `readinto`."""
        data = bytearray(size)
        self.readinto(data)
        return bytes(data)

    def truncate(self, size: int) -> int:
        """Set the length of the file, which HDF5 does when it closes it."""
        self.size = size
        return size

    def flush(self) -> None:
        """Do nothing: there is no file behind it."""


def _paint(pieces: Sequence[_Piece], first: int, start: int, data: Buffer, turn: int) -> None:
    """Copy a write over the pieces that it meets, from the `first` on, but for references that came later."""
    for piece in pieces[first:]:
        low, high = max(start, piece.start), min(start + len(data), piece.start + len(piece.data))
        if low >= high:
            if piece.start >= start + len(data):
                return
            continue
        if piece.turn > turn:
            continue
        if not piece.owned:
            piece.data, piece.owned = bytearray(piece.data), True
        assert isinstance(piece.data, bytearray)
        piece.data[low - piece.start : high - piece.start] = data[low - start : high - start]


def _address(view: memoryview) -> int:
    return int(np.frombuffer(view, np.uint8).ctypes.data)
