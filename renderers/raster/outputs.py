"""Outputs: the arrays that a render fills, new ones or those of an earlier call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import allocate, on_device
from ..frames import Frames
from .flow import DIRECTIONS


def name_filled(outputs: Sequence[str]) -> set[str]:
    """Return the fields of `Frames` that are filled for these outputs: some bring another."""
    names = set(outputs)
    if "visible_pixels" in names:
        names.add("box_visible")
    if "keypoints" in names:
        names.add("keypoint_state")
    if "total_pixels" in names:
        names.add("box_amodal")
    return names


def allocate_outputs(
    outputs: Sequence[str],
    views: int,
    looks: int,
    height: int,
    width: int,
    instance_count: int,
    points: int,
    out: Frames | None = None,
    device: str = "cpu",
) -> dict[str, NDArray[Any]]:
    """Give an array to every output: of no rows where it was not asked for, of `out` where that is given.

    Args:
        outputs: Names out of `frames.OUTPUTS`.
        views: Views V.
        looks: Looks L.
        height: Rows of an image [px].
        width: Columns of an image [px].
        instance_count: Instance ids S that pixels are counted for.
        points: Keypoints P.
        out: Frames to write into; None makes new arrays.
        device: Where the arrays lie, "cpu" or "cuda".

    Returns:
        The arrays by their names in `Frames`.

    Raises:
        ValueError: If an array of `out` has another shape or type, or cannot be written.
    """
    image = (height, width)
    shapes: dict[str, tuple[tuple[int, ...], Any]] = {
        "colour": ((looks, *image, 3), np.float32),
        "srgb": ((looks, *image, 3), np.uint8),
        "albedo": ((looks, *image, 3), np.float32),
        "depth": (image, np.float32),
        "range": (image, np.float32),
        "instance": (image, np.uint16),
        "class_id": (image, np.uint8),
        "part": (image, np.uint8),
        "normal": ((*image, 3), np.float32),
        "transparent_instance": (image, np.uint16),
        "transparent_depth": (image, np.float32),
        "coverage": ((looks, *image), np.float32),
        "object_coordinates": ((*image, 3), np.float32),
        **dict.fromkeys(DIRECTIONS, ((*image, 2), np.float32)),
        **{f"{name}_occlusion": (image, np.uint8) for name in DIRECTIONS},
        "keypoints": ((points, 3), np.float32),
        "keypoint_state": ((points,), np.uint8),
        "visible_pixels": ((instance_count,), np.int32),
        "in_frame_pixels": ((instance_count,), np.int32),
        "total_pixels": ((instance_count,), np.int32),
        "box_visible": ((instance_count, 4), np.float32),
        "box_amodal": ((instance_count, 4), np.float32),
    }
    asked, there = name_filled(outputs), device == "cuda"
    filled = {}
    for name, (shape, dtype) in shapes.items():
        if name not in asked:
            filled[name] = allocate((0, *shape), dtype, there)
        elif out is None:
            filled[name] = allocate((views, *shape), dtype, there)
        else:
            filled[name] = _check_reused(name, getattr(out, name), (views, *shape), dtype, there)
    return filled


def _check_reused(name: str, array: Any, shape: tuple[int, ...], dtype: Any, there: bool) -> Any:
    if there and on_device(array) and tuple(array.shape) == shape and array.dtype == dtype:
        return array
    if (
        there
        or not isinstance(array, np.ndarray)
        or array.shape != shape
        or array.dtype != dtype
        or not (array.flags.c_contiguous and array.flags.writeable)
    ):
        given = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        where = " on the device" if there else ""
        raise ValueError(
            f"out.{name} must be a writeable C-contiguous {np.dtype(dtype)} array of shape {shape}{where}, got "
            f"{given}; pass the frames of an earlier call with the same outputs and sizes, or None"
        )
    return array
