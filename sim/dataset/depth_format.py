"""How depth is stored: float32 metres, or uint16 millimetres at half the size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from .specs import Array, find_spec

DepthFormat: TypeAlias = Literal["float32", "uint16_mm"]
"""How `sensor/<camera>/depth` and `ideal/<camera>/depth` are stored."""

DEPTH_FORMATS: tuple[DepthFormat, ...] = get_args(DepthFormat)

FARTHEST = 65535
"""Millimetres that stand for 65.535 m and everything beyond."""

_MILLIMETRES = np.dtype("<u2")


def is_depth(name: str) -> bool:
    """Tell whether an array is one that `depth_format` is about."""
    return find_spec(name).other is not None


def is_millimetres(name: str, array: Array) -> bool:
    """Tell whether an array is depth in millimetres."""
    return array.dtype == _MILLIMETRES and is_depth(name)


def store_depth(arrays: Mapping[str, Array], depth_format: DepthFormat) -> dict[str, Array]:
    """Give rows the depth format of their dataset.

    Args:
        arrays: Arrays by name, rows leading, depth in metres.
        depth_format: "float32" leaves them as they are.

    Returns:
        The same arrays, depth in the format asked for.
    """
    if depth_format == "float32":
        return dict(arrays)
    return {name: to_millimetres(array) if is_depth(name) else array for name, array in arrays.items()}


def stored_bytes(shapes: Mapping[str, tuple[type, tuple[int, ...]]], depth_format: DepthFormat) -> int:
    """Return the size of one row, uncompressed.

    Args:
        shapes: Type and shape of one row of every array, depth in metres.
        depth_format: How depth is stored.

    Returns:
        Its bytes.
    """
    return sum(
        stored_dtype(name, np.dtype(kind), depth_format).itemsize * int(np.prod(shape, dtype=np.int64))
        for name, (kind, shape) in shapes.items()
    )


def stored_dtype(name: str, dtype: np.dtype[Any], depth_format: DepthFormat) -> np.dtype[Any]:
    """Return the type in which an array is stored that is captured as `dtype`."""
    return _MILLIMETRES if depth_format != "float32" and is_depth(name) else dtype


def to_millimetres(depth: Array) -> Array:
    """Round metres to millimetres.

    Args:
        depth: Depth [m], any shape, at least one axis; 0 is no return.

    Returns:
        The nearest millimetre (ties to even) as uint16: 0 stays 0 and nothing else becomes 0; 65535 is 65.535 m or
        farther.

    Example:
        >>> to_millimetres(np.array([0.0, 1e-5, 1.2344, 80.0])).tolist()
        [0, 1, 1234, 65535]
    """
    out = np.empty(depth.shape, _MILLIMETRES)
    for place, plane in enumerate(depth):  # one image at a time: the intermediates are doubles
        wide = np.asarray(plane, np.float64)
        rounded = np.clip(np.rint(wide * 1000.0), 1, FARTHEST)
        out[place] = np.where(wide > 0, rounded, 0)
    return out


def depth_in_metres(depth: Array) -> Array:
    """Return depth in metres, however it is stored.

    Args:
        depth: `sensor/<camera>/depth` or `ideal/<camera>/depth` as a dataset gives it, any shape.

    Returns:
        Depth [m] as float32; 0 is no return. Millimetres of 65535 become 65.535, which means that far or farther.

    Example:
        >>> depth_in_metres(np.array([0, 1500], np.uint16)).tolist()
        [0.0, 1.5]
    """
    if depth.dtype.kind == "f":
        return depth.astype(np.float32, copy=False)
    return depth.astype(np.float32) / np.float32(1000.0)
