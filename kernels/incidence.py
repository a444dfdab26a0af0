"""Cosine of incidence: how a surface leans away from the camera, from normals."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .device import Kernel, scalar
from .image_rows import spread_numbers


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


_COSINE: Final = Kernel(_cosine_line)


def cosine_of_incidence(
    normals: ArrayLike, *, fx: ArrayLike, fy: ArrayLike | None = None, center: ArrayLike | None = None
) -> NDArray[np.float32]:
    """Return the cosine between each surface's normal and the direction to the camera.

    Args:
        normals: Unit normals in the camera frame, shape (N, H, W, 3); zero where there is no surface.
        fx: Focal length [px], a number or shape (N,).
        fy: The same along y; None for fx.
        center: Principal point (cx, cy) [px], shape (2,) or (N, 2); None for the image's centre.

    Returns:
        Cosines, shape (N, H, W), 1 where the surface faces the camera.

    Raises:
        ValueError: If a shape or a value is wrong.
    """
    n = np.ascontiguousarray(normals, dtype=np.float32)
    if n.ndim != 4 or n.shape[3] != 3:
        raise ValueError(f"normals must have shape (N, H, W, 3), got {n.shape}")
    count, height, width, _ = n.shape
    middle = ((width - 1) / 2.0, (height - 1) / 2.0) if center is None else center
    centers = np.broadcast_to(np.asarray(middle, dtype=np.float64), (count, 2)).copy()
    out = np.empty((count * height, width), np.float32)
    f_x, f_y = spread_numbers(fx, count, "fx"), spread_numbers(fx if fy is None else fy, count, "fy")
    _COSINE.launch(count * height, n.reshape(count * height, width, 3), f_x, f_y, centers, height, out)
    return out.reshape(count, height, width)
