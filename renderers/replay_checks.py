"""Checks of replay files: untrusted arrays, taken one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_RANGES = {
    "instance/instance": (0, 65535),
    "instance/class_id": (0, 255),
    "instance/part": (0, 255),
    "instance/casts_shadow": (0, 1),
    "material/base_color": (0, 1),
    "material/roughness": (0, 1),
    "material/metallic": (0, 1),
    "material/pattern": (0, 255),
    "material/pattern_color": (0, 1),
    "material/opacity": (0, 1),
    "lamp/lamp_kind": (0, 2),
}


def take_array(stored: dict[str, NDArray[Any]], name: str, dtype: type, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """Take one array out of what a file holds, checked for dtype, shape, range and finite values.

    Args:
        stored: The arrays of the file by name; the one taken is removed.
        name: Its name.
        dtype: Its type.
        shape: Its shape; None leaves a length open.

    Returns:
        The array, C-contiguous.

    Raises:
        ValueError: If it is not there or anything does not fit.
    """
    if name not in stored:
        raise ValueError(f"the replay file lacks {name!r}; it is damaged or of another version")
    array = stored.pop(name)
    fits = array.ndim == len(shape) and all(w is None or n == w for n, w in zip(array.shape, shape, strict=True))
    if array.dtype != dtype or not fits:
        raise ValueError(f"{name!r} must be {np.dtype(dtype)} {shape}, got {array.dtype} {array.shape}; it is damaged")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name!r} of the replay file holds NaN or infinite values; it is damaged")
    low, high = _RANGES.get(name, (None, None))
    if low is not None and array.size and not (low <= array.min() and array.max() <= high):
        raise ValueError(f"{name!r} must be in [{low}, {high}], got {array.min()} to {array.max()}; it is damaged")
    return np.ascontiguousarray(array)


def check_rows(name: str, rows: NDArray[Any], lowest: int, count: int) -> None:
    """Check that rows lie in [lowest, count).

    Args:
        name: What the error calls them.
        rows: The rows.
        lowest: Least value that is allowed.
        count: Rows there are.

    Raises:
        ValueError: If one is out of range.
    """
    if rows.size and not lowest <= rows.min() <= rows.max() < count:
        raise ValueError(f"{name} rows must be in [{lowest}, {count - 1}], got {rows.min()} to {rows.max()}")


def check_poses(name: str, poses: NDArray[np.float64]) -> None:
    """Check that poses are rigid, within the rounding of many products.

    Args:
        name: What the error calls them.
        poses: Shape (N, 4, 4).

    Raises:
        ValueError: If one is not.
    """
    if poses.size == 0:
        return
    rotation = poses[:, :3, :3]
    product = (rotation[:, :, :, None] * rotation[:, :, None, :]).sum(axis=1)
    bottom = np.abs(poses[:, 3] - (0.0, 0.0, 0.0, 1.0)).max()
    if np.abs(product - np.eye(3)).max() > 1e-4 or bottom > 1e-9 or (np.linalg.det(rotation) < 0).any():
        raise ValueError(f"{name} of the replay file holds matrices that are not rigid; it is damaged")
