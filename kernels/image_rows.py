"""Checks of what comes once per image, or once per pixel, of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .tensors import Place


def check_rows(index: ArrayLike, count: int) -> NDArray[np.int64]:
    """Return global row indices as int64.

    Raises:
        ValueError: If they are not `count` whole numbers from 0.
    """
    rows = np.asarray(index)
    if rows.shape != (count,) or (count and (rows.dtype.kind not in "iu" or int(rows.min()) < 0)):
        raise ValueError(f"index must be {count} row numbers ≥ 0, one per image, got shape {rows.shape} {rows.dtype}")
    return rows.astype(np.int64)


def check_sensor(sensor: int) -> np.uint64:
    """Return the number of a sensor within its rig as a kernel takes it.

    Raises:
        ValueError: If it is not in [0, 2^16).
    """
    if not 0 <= sensor < 1 << 16:
        raise ValueError(f"sensor must be in [0, 65536), got {sensor}")
    return np.uint64(sensor)


def spread_numbers(value: ArrayLike, count: int, name: str) -> NDArray[np.float64]:
    """Return a positive number for each image.

    Raises:
        ValueError: If it is not one positive number, or one for each image.
    """
    values = np.asarray(value, dtype=np.float64)
    if values.shape not in ((), (count,)) or not (np.isfinite(values).all() and (values > 0.0).all()):
        raise ValueError(f"{name} must be a positive number or an array of shape ({count},), got {value!r}")
    return np.broadcast_to(values, (count,)).copy()


def spread_centers(center: ArrayLike | None, count: int, height: int, width: int) -> NDArray[np.float64]:
    """Return the principal point of each image, shape (N, 2); the image's middle where none is given.

    Raises:
        ValueError: If it is not two finite numbers, or two for each image.
    """
    middle = ((width - 1) / 2.0, (height - 1) / 2.0)
    value = np.asarray(middle if center is None else center, dtype=np.float64)
    if value.shape not in ((2,), (count, 2)) or not np.isfinite(value).all():
        raise ValueError(f"center must be two numbers or an array of shape ({count}, 2), got {center!r}")
    return np.broadcast_to(value, (count, 2)).copy()


def borrow_pixels(place: Place, value: Any, shape: tuple[int, int, int], name: str) -> Any:
    """Return one float32 number per pixel as lines of shape (N H, W); of shape (0, 1) where there are none.

    Raises:
        ValueError: If they have another shape.
    """
    if value is None:
        return np.empty((0, 1), np.float32)
    if tuple(value.shape) != tuple(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)}, got {tuple(value.shape)}")
    return place.borrow(value, np.float32).reshape(shape[0] * shape[1], shape[2])
