"""Zstandard frames as the HDF5 filter 32015 of hdf5plugin reads and writes them, made and undone outside HDF5.

A chunk is one frame that tells its size. The package `zstandard` makes it, byte for byte as hdf5plugin would.
"""

from __future__ import annotations

from typing import Any

from .errors import CodecMissingError

LEVEL = 1
"""Level of compression, as written into HDF5's filter pipeline."""


def require_zstd(what: str) -> Any:
    """Import the package `zstandard`.

    Args:
        what: What needs it, for the message.

    Raises:
        CodecMissingError: It is not installed.
    """
    try:
        import zstandard
    except ImportError:
        raise CodecMissingError(
            f"{what} needs the package zstandard, which is not installed: pip install 'simloom[zstd]'"
        ) from None
    return zstandard


def compress_bytes(data: Any) -> bytes:
    """Compress bytes to one frame.

    Args:
        data: Bytes, or a C-contiguous array.

    Raises:
        CodecMissingError: zstandard is not installed.
    """
    # A compressor belongs to one thread; making one takes 1 % of compressing an image.
    frame: bytes = require_zstd("codec 'zstd'").ZstdCompressor(level=LEVEL).compress(data)
    return frame


def decompress_bytes(frame: Any, size: int) -> bytes:
    """Undo `compress_bytes`, never making more bytes than were declared.

    Args:
        frame: The stored bytes.
        size: Bytes that it must hold.

    Raises:
        ValueError: The frame is damaged, or does not hold exactly `size` bytes.
        CodecMissingError: zstandard is not installed.
    """
    zstandard = require_zstd("an array stored by zstd")
    try:
        # The frame's own claim is what is allocated: it is read first.
        claimed = zstandard.frame_content_size(frame)
        if claimed not in (size, -1):
            raise ValueError(f"zstd frame does not hold exactly {size} bytes but {claimed}")
        decoder = zstandard.ZstdDecompressor()
        data: bytes = decoder.decompress(frame, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise ValueError(f"damaged zstd frame: {error}") from None
    if len(data) != size:
        raise ValueError(f"zstd frame does not hold exactly {size} bytes")
    return data
