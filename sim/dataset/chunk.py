"""The bytes of one chunk: the filters of HDF5 that a shard may use, run in threads outside HDF5."""

from __future__ import annotations

from typing import Any

import numpy as np

from .deflate import checksum as checksum
from .deflate import deflate_bytes, inflate_bytes
from .shuffle import shuffle_bytes, unshuffle_bytes
from .specs import Array
from .zstd import compress_bytes, decompress_bytes

DEFLATE, SHUFFLE, ZSTD = 1, 2, 32015
"""HDF5's registered numbers of the filters."""

Filters = tuple[int, ...]
"""Filters of an array in the order of writing; empty for rows stored as they are."""

FILTERS: tuple[Filters, ...] = ((), (DEFLATE,), (SHUFFLE, DEFLATE), (ZSTD,), (SHUFFLE, ZSTD))
"""What an array of a shard may have."""


def encode_chunk(row: Array, filters: Filters) -> bytes:
    """Encode one row as HDF5's filters would leave it.

    Args:
        row: Its values, C order.
        filters: One of `FILTERS` that compresses.

    Returns:
        The stored bytes.
    """
    data: Any = shuffle_bytes(row) if SHUFFLE in filters else np.ascontiguousarray(row)
    return compress_bytes(data) if ZSTD in filters else deflate_bytes(data)


def decode_chunk(data: Any, filters: Filters, itemsize: int, row_out: Array) -> None:
    """Undo `encode_chunk` straight into the row's memory, never making more bytes than were declared.

    Args:
        data: The stored bytes.
        filters: One of `FILTERS`.
        itemsize: Bytes of one element.
        row_out: uint8, as long as the decoded row, contiguous.

    Raises:
        ValueError: The stored bytes are damaged, or do not hold exactly as many bytes as `row_out`.
    """
    if not filters:
        row_out[:] = np.frombuffer(data, np.uint8)
        return
    plain = (decompress_bytes if ZSTD in filters else inflate_bytes)(data, len(row_out))
    if SHUFFLE in filters:
        unshuffle_bytes(plain, itemsize, row_out)
    else:
        row_out[:] = np.frombuffer(plain, np.uint8)
