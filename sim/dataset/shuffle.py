"""The byte order of HDF5's shuffle filter: the first bytes of all elements, then the second ones, and so on."""

from __future__ import annotations

from typing import Any

import numpy as np

from .specs import Array

_CHANNELS = range(2, 5)
"""Element sizes that OpenCV takes apart four times faster than NumPy's strided copies."""


def shuffle_bytes(row: Array) -> Array:
    """Group the first bytes of all elements, then the second ones, and so on.

    Args:
        row: Values of one chunk, any shape, C order.

    Returns:
        The same bytes, shuffled, as uint8 of shape (itemsize, elements).
    """
    itemsize = row.dtype.itemsize
    elements = row.reshape(-1).view(np.uint8).reshape(-1, itemsize)
    planes = np.empty((itemsize, len(elements)), np.uint8)
    if itemsize in _CHANNELS:
        import cv2

        cv2.split(elements[np.newaxis], _as_images(planes))
    else:
        for byte in range(itemsize):
            planes[byte] = elements[:, byte]
    return planes


def unshuffle_bytes(data: Any, itemsize: int, row_out: Array) -> None:
    """Undo `shuffle_bytes`.

    Args:
        data: Shuffled bytes.
        itemsize: Bytes of one element.
        row_out: uint8, as long as `data`, contiguous.
    """
    elements, planes = row_out.reshape(-1, itemsize), np.frombuffer(data, np.uint8).reshape(itemsize, -1)
    if itemsize in _CHANNELS:
        import cv2

        cv2.merge(_as_images(planes), elements[np.newaxis])
    else:
        for byte in range(itemsize):
            elements[:, byte] = planes[byte]


def _as_images(planes: Array) -> list[Array]:
    return [plane[np.newaxis] for plane in planes]
