"""Textures: colour conversion, mip chains in linear light, image files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAX_TEXTURE_SIDE = 8192
"""Largest side of a texture [px]."""


def srgb_to_linear(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Convert display-referred sRGB to linear light.

    Args:
        values: sRGB values [1], any shape, range [0, 1].

    Returns:
        Linear values [1], the same shape, range [0, 1].

    Source:
        IEC 61966-2-1:1999.
    """
    values = np.asarray(values, np.float64)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Convert linear light to display-referred sRGB.

    Args:
        values: Linear values [1], any shape; clipped to [0, 1].

    Returns:
        sRGB values [1], the same shape, range [0, 1].

    Source:
        IEC 61966-2-1:1999.
    """
    values = np.clip(np.asarray(values, np.float64), 0.0, 1.0)
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1.0 / 2.4) - 0.055)


def mip_level_count(width: int, height: int) -> int:
    """Count the levels of a full mip chain, down to one texel.

    Args:
        width: Width of the finest level [px].
        height: Height of the finest level [px].

    Returns:
        Levels, at least 1.
    """
    return max(width, height).bit_length()


def _halve(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Box-filter one axis to half its size (rounded down, at least 1); each output covers an equal share."""
    size = values.shape[axis]
    target = max(1, size >> 1)
    if size == target:
        return values
    if size == 2 * target:
        shape = list(values.shape)
        shape[axis : axis + 1] = [target, 2]
        pairs = values.reshape(shape)
        halved: NDArray[np.float64] = 0.5 * (pairs.take(0, axis + 1) + pairs.take(1, axis + 1))
        return halved
    low = np.arange(target) * (size / target)
    high = low + size / target
    result = np.zeros((*values.shape[:axis], target, *values.shape[axis + 1 :]))
    column = [1] * values.ndim
    column[axis] = target
    first = np.floor(low).astype(np.int64)
    for tap in range(4):  # an odd side: between two and three texels, which touch at most four
        source = np.minimum(first + tap, size - 1)
        weight = np.clip(np.minimum(high, first + tap + 1) - np.maximum(low, first + tap), 0.0, None)
        weight = np.where(first + tap < size, weight, 0.0)
        result += values.take(source, axis) * (weight * (target / size)).reshape(column)
    return result


def check_image(name: str, image: NDArray[np.uint8]) -> None:
    """Check that an array can be a texture.

    Args:
        name: What the error calls it.
        image: sRGB bytes, shape (height, width, 3).

    Raises:
        ValueError: If the shape, the dtype or the size is wrong.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            f"texture {name!r} must be uint8 of shape (height, width, 3), got {image.dtype} {image.shape};"
            " convert grey or float images first"
        )
    if not (1 <= image.shape[0] <= MAX_TEXTURE_SIDE and 1 <= image.shape[1] <= MAX_TEXTURE_SIDE):
        raise ValueError(
            f"texture {name!r} must have sides in [1, {MAX_TEXTURE_SIDE}] px, got {image.shape[1]} x {image.shape[0]};"
            " scale it down"
        )


def build_mips(image: NDArray[np.uint8], *, data: bool = False) -> tuple[NDArray[np.uint8], ...]:
    """Build a full mip chain, box-filtered in linear light.

    Args:
        image: sRGB bytes, shape (height, width, 3).
        data: True = the bytes are linear numbers.

    Returns:
        Levels, finest first, level k of max(1, width >> k) x max(1, height >> k) texels; the last is one texel.

    Example:
        >>> [level.shape[:2] for level in build_mips(np.zeros((4, 2, 3), np.uint8))]
        [(4, 2), (2, 1), (1, 1)]
    """
    check_image("", image)
    table = np.arange(256) / 255.0 if data else srgb_to_linear(np.arange(256) / 255.0)
    linear = table[image]
    levels = [image]
    for _ in range(mip_level_count(image.shape[1], image.shape[0]) - 1):
        linear = _halve(_halve(linear, 0), 1)
        levels.append(np.rint(255.0 * (linear if data else linear_to_srgb(linear))).astype(np.uint8))
    return tuple(levels)


def load_image(path: str | Path) -> NDArray[np.uint8]:
    """Read an image file as a texture.

    Args:
        path: PNG, JPEG, BMP, TGA or another format that OpenCV or Pillow reads; alpha is dropped.

    Returns:
        sRGB bytes, shape (height, width, 3).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no image that can be read.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"texture file {file} does not exist")
    return decode_image(str(file), file.read_bytes())


def decode_image(name: str, data: bytes) -> NDArray[np.uint8]:
    """Decode an image as a texture.

    Args:
        name: What errors call it.
        data: The bytes of a PNG, JPEG or other file that OpenCV reads; alpha is dropped.

    Returns:
        Bytes, shape (height, width, 3), red first.

    Raises:
        ValueError: If it is no image that can be read, or too large.
    """
    import cv2  # only reading files needs it

    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise ValueError(f"{name} is not an image that OpenCV reads; convert it to PNG or JPEG")
    result = np.ascontiguousarray(image[:, :, ::-1]).astype(np.uint8, copy=False)
    check_image(name, result)
    return result
