"""Deflate streams as HDF5's standard filter reads and writes them, made and undone outside HDF5.

HDF5 runs its filters under one process-wide lock; these run in threads. isal makes ordinary zlib streams five times
faster than zlib, and libdeflate undoes them fastest (docs/decisions/0003-deflate-compressor.md); where they are absent
zlib serves.
"""

from __future__ import annotations

import importlib
import zlib
from typing import Any

LEVEL = 1
"""Deflate level, as written into HDF5's filter pipeline."""


def _find(*names: str) -> Any:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return zlib


_CODEC = _find("isal.isal_zlib")
_INFLATER = _find("deflate")
COMPRESSOR: str = "isal" if _CODEC is not zlib else "zlib"
"""Library that compresses chunks here: "isal", or "zlib" where isal is not installed."""


def deflate_bytes(data: Any) -> bytes:
    """Compress bytes to one zlib stream.

    Args:
        data: Bytes, or a C-contiguous array.
    """
    stream: bytes = _CODEC.compress(data, LEVEL)
    return stream


def inflate_bytes(stream: Any, size: int) -> bytes:
    """Undo `deflate_bytes`, never making more bytes than were declared.

    Args:
        stream: The stored bytes.
        size: Bytes that it must hold.

    Raises:
        ValueError: The stream is damaged, or does not hold exactly `size` bytes.
    """
    if _INFLATER is not zlib:
        try:
            whole: bytes = _INFLATER.zlib_decompress(stream, size)
        except _INFLATER.DeflateError as error:
            raise ValueError(f"deflate stream is damaged, or does not hold exactly {size} bytes: {error}") from None
        if len(whole) != size:
            raise ValueError(f"deflate stream does not hold exactly {size} bytes")
        return whole
    decoder = _CODEC.decompressobj()
    try:
        data: bytes = decoder.decompress(stream, size)
        if not decoder.eof and len(data) == size:
            # The checksum behind the last byte is read only when more is asked for.
            data += decoder.decompress(decoder.unconsumed_tail, 1)
    except (zlib.error, _CODEC.error) as error:
        raise ValueError(f"damaged deflate stream: {error}") from None
    if len(data) != size or not decoder.eof or decoder.unused_data:
        raise ValueError(f"deflate stream does not hold exactly {size} bytes")
    return data


def checksum(data: Any) -> int:
    """Compute the CRC-32 of stored bytes; it finds every damage of up to 32 neighbouring bits, which Adler-32 does not.

    Args:
        data: Bytes, or a C-contiguous array.
    """
    crc: int = _CODEC.crc32(data)
    return crc
