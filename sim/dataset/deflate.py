"""The bytes of one chunk: shuffle and deflate as HDF5's standard filters define them, made and undone outside HDF5.

HDF5 runs its filters under one process-wide lock; these run in threads. isal's streams are ordinary zlib streams, five
times faster to make (docs/decisions/0003-deflate-compressor.md); where isal is absent, zlib serves.
"""

from __future__ import annotations

import importlib
import zlib
from typing import Any

import numpy as np

from .specs import Array

LEVEL = 1
"""Deflate level, as written into HDF5's filter pipeline."""


def _find_codec() -> Any:
    try:
        return importlib.import_module("isal.isal_zlib")
    except ImportError:
        return zlib


_CODEC = _find_codec()
COMPRESSOR: str = "isal" if _CODEC is not zlib else "zlib"
"""Library that compresses chunks here: "isal", or "zlib" where isal is not installed."""


def shuffle_bytes(row: Array) -> Array:
    """Group the first bytes of all elements, then the second ones, and so on.

    Args:
        row: Values of one chunk, any shape, C order.

    Returns:
        The same bytes, shuffled, as uint8 of shape (itemsize, elements).
    """
    return np.ascontiguousarray(row.reshape(-1).view(np.uint8).reshape(-1, row.dtype.itemsize).T)


def unshuffle_bytes(data: bytes, itemsize: int, row_out: Array) -> None:
    """Undo `shuffle_bytes`.

    Args:
        data: Shuffled bytes.
        itemsize: Bytes of one element.
        row_out: uint8, as long as `data`, contiguous.
    """
    elements, planes = row_out.reshape(-1, itemsize), np.frombuffer(data, np.uint8).reshape(itemsize, -1)
    # One strided copy per plane is several times faster than one transposed copy.
    for byte in range(itemsize):
        elements[:, byte] = planes[byte]


def encode_chunk(row: Array) -> bytes:
    """Compress one chunk: shuffled where an element has more than one byte, then deflated.

    Args:
        row: Values of one chunk, C order.

    Returns:
        A zlib stream, as HDF5's shuffle and deflate filters would leave it.
    """
    data: Any = shuffle_bytes(row) if row.dtype.itemsize > 1 else np.ascontiguousarray(row)
    stream: bytes = _CODEC.compress(data, LEVEL)
    return stream


def checksum(data: Any) -> int:
    """Compute the CRC-32 of stored bytes; it finds every damage of up to 32 neighbouring bits, which Adler-32 does not.

    Args:
        data: Bytes, or a C-contiguous array.
    """
    crc: int = _CODEC.crc32(data)
    return crc


def decode_chunk(stream: Any, itemsize: int, row_out: Array, *, shuffled: bool) -> None:
    """Undo `encode_chunk`, never making more bytes than were declared.

    Args:
        stream: The stored bytes.
        itemsize: Bytes of one element.
        row_out: uint8, as long as the decoded row, contiguous.
        shuffled: Whether the shuffle filter was applied.

    Raises:
        ValueError: The stream is damaged, or does not hold exactly as many bytes as `row_out`.
    """
    decoder, size = _CODEC.decompressobj(), len(row_out)
    try:
        data: bytes = decoder.decompress(stream, size)
        if not decoder.eof and len(data) == size:
            # The checksum behind the last byte is read only when more is asked for.
            data += decoder.decompress(decoder.unconsumed_tail, 1)
    except (zlib.error, _CODEC.error) as error:
        raise ValueError(f"damaged deflate stream: {error}") from None
    if len(data) != size or not decoder.eof or decoder.unused_data:
        raise ValueError(f"deflate stream does not hold exactly {size} bytes")
    if shuffled:
        unshuffle_bytes(data, itemsize, row_out)
    else:
        row_out[:] = np.frombuffer(data, np.uint8)
