"""Cosine of incidence: how a surface leans away from the camera, from normals."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from .device import Kernel, scalar
from .image_rows import spread_centers, spread_numbers
from .tensors import find_place


@scalar
def _cosine_line(
    line: Any, normal_in: Any, fx_in: Any, fy_in: Any, center_in: Any, height: Any, cosine_out: Any
) -> None:
    image = line // height
    y = ((line - image * height) - center_in[image, 1]) / fy_in[image]
    for column in range(normal_in.shape[1]):
        x = (column - center_in[image, 0]) / fx_in[image]
        away = x * normal_in[line, column, 0] + y * normal_in[line, column, 1] + normal_in[line, column, 2]
        cosine_out[line, column] = np.float32(-away / math.sqrt(x * x + y * y + 1.0))


@scalar
def _cosine_pixel(
    index: Any, normal_in: Any, fx_in: Any, fy_in: Any, center_in: Any, height: Any, cosine_out: Any
) -> None:
    """Do one pixel: a CUDA thread."""
    index = np.int64(index)
    width = normal_in.shape[1]
    line = index // width
    column = index - line * width
    image = line // height
    y = ((line - image * height) - center_in[image, 1]) / fy_in[image]
    x = (column - center_in[image, 0]) / fx_in[image]
    away = x * normal_in[line, column, 0] + y * normal_in[line, column, 1] + normal_in[line, column, 2]
    cosine_out[line, column] = np.float32(-away / math.sqrt(x * x + y * y + 1.0))


_COSINE: Final = Kernel(_cosine_line)
_COSINE_PIXEL: Final = Kernel(_cosine_pixel)


def cosine_of_incidence(
    normals: Any,
    *,
    fx: ArrayLike,
    fy: ArrayLike | None = None,
    center: ArrayLike | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> Any:
    """Return the cosine between each surface's normal and the direction to the camera.

    Args:
        normals: Unit normals in the camera frame, shape (N, H, W, 3); zero where there is no surface. NumPy, torch, or
            any array that shows `__cuda_array_interface__`.
        fx: Focal length [px], a number or shape (N,).
        fy: The same along y; None for fx.
        center: Principal point (cx, cy) [px], shape (2,) or (N, 2); None for the image's centre.
        device: "cpu" or "cuda".
        threads: CPU threads; None for all.

    Returns:
        Cosines of the normals' kind, float32, shape (N, H, W), 1 where the surface faces the camera.

    Raises:
        ValueError: If a shape or a value is wrong.
        RuntimeError: If the device is not here.

    Example:
        >>> facing = np.broadcast_to(np.array([0.0, 0.0, -1.0], np.float32), (1, 5, 7, 3))
        >>> float(cosine_of_incidence(facing, fx=100.0)[0, 2, 3])
        1.0
    """
    place = find_place(normals, device)
    shape = tuple(normals.shape)
    if len(shape) != 4 or shape[3] != 3:
        raise ValueError(f"normals must have shape (N, H, W, 3), got {shape}")
    count, height, width, _ = shape
    n = place.borrow(normals, np.float32)
    centers = spread_centers(center, count, height, width)
    out = place.allocate((count * height, width), np.float32)
    f_x, f_y = spread_numbers(fx, count, "fx"), spread_numbers(fx if fy is None else fy, count, "fy")
    lines = count * height
    kernel, elements = (_COSINE_PIXEL, lines * width) if place.device == "cuda" else (_COSINE, lines)
    f_x, f_y, centers = place.lend_tables(f_x, f_y, centers)
    kernel.launch(
        elements, n.reshape(count * height, width, 3), f_x, f_y, centers, height, out,
        device=place.device, threads=threads,
    )  # fmt: skip
    return place.give(out.reshape(count, height, width))
