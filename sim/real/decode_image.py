"""Decode images of files as they are stored: colour as sRGB bytes, depth and masks as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dataset.specs import Array
from .source_file import UnreadableImageError


def decode_colour(data: bytes, *, oriented: bool = False) -> Array:
    """Decode a colour image.

    Args:
        data: Bytes of a PNG or JPEG file whose declared size was checked.
        oriented: Turn it as its Exif data say; annotations mostly speak of the stored pixels.

    Returns:
        sRGB bytes, shape (height, width, 3).

    Raises:
        UnreadableImageError: It cannot be decoded.
    """
    import cv2

    flags = cv2.IMREAD_COLOR if oriented else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    return np.ascontiguousarray(_decode(data, flags)[..., ::-1])


def decode_numbers(data: bytes) -> Array:
    """Decode an image of one channel, 8 or 16 bits.

    Returns:
        uint8 or uint16, shape (height, width).

    Raises:
        UnreadableImageError: It cannot be decoded, or has several channels.
    """
    import cv2

    image = _decode(data, cv2.IMREAD_UNCHANGED)
    if image.ndim == 3 and (image[..., :1] == image[..., :3]).all():
        image = image[..., 0]
    if image.ndim != 2 or image.dtype not in (np.uint8, np.uint16):
        raise UnreadableImageError("depth or mask image has several channels")
    return image


def _decode(data: bytes, flags: int) -> Array:
    import cv2

    try:
        image: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise UnreadableImageError("image cannot be decoded")
    return np.asarray(image)
