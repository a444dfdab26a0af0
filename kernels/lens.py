"""Lenses: distortion models with OpenCV's coefficients, and their maps on arrays of points and directions.

The image plane is normalised: a point (x, y) is the pixel (fx x + cx, fy y + cy).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .device import Kernel, scalar
from .lens_maps import FIELD_COUNT, LIMIT, SIDEWAYS, TILT, UNTILT, grow_radius, project_ray, unproject_point

Array = NDArray[np.float64]

COUNTS: Final = {"brown_conrady": (4, 5, 8, 12, 14), "kannala_brandt": (4,)}
"""How many coefficients each model takes."""
_MAX_RADIUS = 1e3
"""Largest tangent of an angle off the axis for Brown-Conrady: 89.94 degrees."""
_SHRINK = 1.0 - 1e-9
"""Keeps the end of the monotonic range where the slope is above zero."""


@dataclass(frozen=True, kw_only=True)
class Lens:
    """A lens: its distortion model and coefficients, in OpenCV's order.

    Raises:
        ValueError: If the model is unknown, or the coefficients are not as many as it takes, finite and possible.

    Example:
        >>> lens = Lens(model="kannala_brandt", coefficients=(0.02, -0.004, 0.0, 0.0))
    """

    model: Literal["brown_conrady", "kannala_brandt"] = "brown_conrady"
    """"brown_conrady" (OpenCV's default, below 90 degrees) or "kannala_brandt" (OpenCV's fisheye, up to 180)."""
    coefficients: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    """Brown-Conrady: k1, k2, p1, p2 [, k3 [, k4, k5, k6 [, s1, s2, s3, s4 [, tau_x, tau_y]]]], the last two [rad];
    Kannala-Brandt: k1, k2, k3, k4."""

    def __post_init__(self) -> None:
        if self.model not in COUNTS:
            raise ValueError(f"model must be one of {', '.join(COUNTS)}, got {self.model!r}")
        values = tuple(float(value) for value in self.coefficients)
        object.__setattr__(self, "coefficients", values)
        counts = COUNTS[self.model]
        if len(values) not in counts:
            raise ValueError(
                f"{self.model} takes {' or '.join(map(str, counts))} coefficients, got {len(values)}; "
                "fill the missing ones with zeros"
            )
        if not all(math.isfinite(value) for value in values):
            raise ValueError(f"coefficients must be finite, got {values}")
        if any(abs(tilt) >= 0.5 * math.pi for tilt in values[12:]):
            raise ValueError(f"tau_x and tau_y must be in (-pi/2, pi/2) rad, got {values[12:]}; degrees were meant?")

    @property
    def max_angle(self) -> float:
        """Largest angle off the axis whose rays are told apart [rad]: where the distorted radius stops growing."""
        limit = _find_limit(self)
        return limit if self.model == "kannala_brandt" else math.atan(limit)

    @property
    def max_radius(self) -> float:
        """Largest distorted radius, in focal lengths, where the radius stops growing; infinity where it grows on.

        Tangential and prism terms, and a tilted sensor, are left out.
        """
        limit = _find_limit(self)
        grows_on = limit >= (math.pi if self.model == "kannala_brandt" else _MAX_RADIUS)
        return math.inf if grows_on else grow_radius(limit, 0, pack_lenses([self]))[0]


def _first_root(polynomial: Sequence[float]) -> float:
    """Return the smallest positive root, coefficients from the constant on; infinity where there is none."""
    roots = np.roots(np.trim_zeros(np.asarray(polynomial[::-1], np.float64), "f"))
    real = roots.real[(np.abs(roots.imag) <= 1e-9 * np.abs(roots)) & (roots.real > 0.0)]
    return float(real.min(initial=math.inf))


def _find_limit(lens: Lens) -> float:
    c = (*lens.coefficients, *(0.0,) * (14 - len(lens.coefficients)))
    if lens.model == "kannala_brandt":
        square = _first_root((1.0, 3.0 * c[0], 5.0 * c[1], 7.0 * c[2], 9.0 * c[3]))
        return min(math.sqrt(square) * _SHRINK, math.pi)
    # With s = r²: the radius r N / D grows while N D + 2 s (N' D - N D') and D are positive.
    above, below = np.poly1d([c[4], c[1], c[0], 1.0]), np.poly1d([c[7], c[6], c[5], 1.0])
    slope = above * below + np.poly1d([2.0, 0.0]) * (above.deriv() * below - above * below.deriv())
    square = min(_first_root(below.coeffs[::-1].tolist()), _first_root(slope.coeffs[::-1].tolist()))
    return min(math.sqrt(square) * _SHRINK, _MAX_RADIUS)


def _find_tilt(tau_x: float, tau_y: float) -> tuple[Array, Array]:
    """Return the homography of a tilted sensor and its inverse, as OpenCV's computeTiltProjectionMatrix."""
    sx, cx, sy, cy = math.sin(tau_x), math.cos(tau_x), math.sin(tau_y), math.cos(tau_y)
    turn = np.array([[cy, sy * sx, -sy * cx], [0.0, cx, sx], [sy, -cy * sx, cy * cx]])
    z, x, y = turn[2, 2], turn[0, 2], turn[1, 2]
    project = np.array([[z, 0.0, -x], [0.0, z, -y], [0.0, 0.0, 1.0]])
    back = np.array([[1.0 / z, 0.0, x / z], [0.0, 1.0 / z, y / z], [0.0, 0.0, 1.0]])
    tilt, untilt = np.empty((3, 3)), np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            tilt[i, j] = project[i, 0] * turn[0, j] + project[i, 1] * turn[1, j] + project[i, 2] * turn[2, j]
            untilt[i, j] = turn[0, i] * back[0, j] + turn[1, i] * back[1, j] + turn[2, i] * back[2, j]
    return tilt, untilt


def pack_lenses(lenses: Sequence[Lens | None]) -> Array:
    """Put lenses into a table for the scalar functions.

    Args:
        lenses: L lenses; None is a pinhole.

    Returns:
        The table, shape (L, FIELD_COUNT).
    """
    table = np.zeros((len(lenses), FIELD_COUNT))
    for row, given in zip(table, lenses, strict=True):
        lens = Lens() if given is None else given
        row[0] = float(lens.model == "kannala_brandt")
        row[1 : 1 + len(lens.coefficients)] = lens.coefficients
        row[LIMIT] = _find_limit(lens)
        tilt, untilt = _find_tilt(row[13], row[14])
        row[TILT:UNTILT], row[UNTILT:SIDEWAYS] = tilt.reshape(9), untilt.reshape(9)
        sideways = lens.coefficients[2:4] + lens.coefficients[8:12]
        row[SIDEWAYS] = float(lens.model == "brown_conrady" and any(value != 0.0 for value in sideways))
    return table


@scalar
def _project_element(index: int, lens_in: Any, ray_in: Any, point_out: Any) -> None:
    u, v, valid = project_ray(ray_in[index, 0], ray_in[index, 1], ray_in[index, 2], 0, lens_in)
    point_out[index, 0] = u if valid else math.nan
    point_out[index, 1] = v if valid else math.nan


@scalar
def _unproject_element(index: int, lens_in: Any, point_in: Any, ray_out: Any) -> None:
    x, y, z, valid = unproject_point(point_in[index, 0], point_in[index, 1], 0, lens_in)
    ray_out[index, 0] = x if valid else math.nan
    ray_out[index, 1] = y if valid else math.nan
    ray_out[index, 2] = z if valid else math.nan


PROJECT_RAYS = Kernel(_project_element)
UNPROJECT_POINTS = Kernel(_unproject_element)


def project_directions(directions: ArrayLike, lens: Lens, *, device: str = "cpu") -> Array:
    """Project directions through a lens.

    Args:
        directions: In the camera's frame, of any length, shape (..., 3).
        lens: The lens.
        device: "cpu" or "cuda".

    Returns:
        Points on the normalised, distorted image plane, shape (..., 2); NaN outside the lens's range.

    Raises:
        ValueError: If the shape is wrong.

    Example:
        >>> equidistant = Lens(model="kannala_brandt")
        >>> project_directions([1.0, 0.0, 0.0], equidistant)  # the radius is the angle, pi / 2
        array([1.57079633, 0.        ])
    """
    rays = _points(directions, 3, "directions")
    out = np.empty((rays.size // 3, 2))
    PROJECT_RAYS.launch(len(out), pack_lenses([lens]), rays.reshape(-1, 3), out, device=device)
    return out.reshape(*rays.shape[:-1], 2)


def unproject_points(points: ArrayLike, lens: Lens, *, device: str = "cpu") -> Array:
    """Find the directions that points of the distorted image plane were seen along.

    Args:
        points: On the normalised, distorted image plane, shape (..., 2).
        lens: The lens.
        device: "cpu" or "cuda".

    Returns:
        Unit directions in the camera's frame, shape (..., 3); NaN outside the lens's range.

    Raises:
        ValueError: If the shape is wrong.
    """
    plane = _points(points, 2, "points")
    out = np.empty((plane.size // 2, 3))
    UNPROJECT_POINTS.launch(len(out), pack_lenses([lens]), plane.reshape(-1, 2), out, device=device)
    return out.reshape(*plane.shape[:-1], 3)


def distort_points(points: ArrayLike, lens: Lens, *, device: str = "cpu") -> Array:
    """Distort points of the normalised image plane.

    Args:
        points: Where a pinhole would see them, (x / z, y / z), shape (..., 2).
        lens: The lens.
        device: "cpu" or "cuda".

    Returns:
        Where the lens puts them, shape (..., 2); NaN outside its range.

    Raises:
        ValueError: If the shape is wrong.

    Example:
        >>> distort_points([0.5, 0.0], Lens(coefficients=(-0.2, 0.0, 0.0, 0.0)))
        array([0.475, 0.   ])
    """
    plane = _points(points, 2, "points")
    return project_directions(np.concatenate([plane, np.ones((*plane.shape[:-1], 1))], axis=-1), lens, device=device)


def undistort_points(points: ArrayLike, lens: Lens, *, device: str = "cpu") -> Array:
    """Undo `distort_points`.

    Args:
        points: On the normalised, distorted image plane, shape (..., 2).
        lens: The lens.
        device: "cpu" or "cuda".

    Returns:
        Where a pinhole would see them, shape (..., 2); NaN outside the lens's range and from 90 degrees on.

    Raises:
        ValueError: If the shape is wrong.
    """
    rays = unproject_points(points, lens, device=device)
    z = rays[..., 2:]
    return rays[..., :2] / np.where(z > 0.0, z, np.nan)


def _points(value: ArrayLike, size: int, name: str) -> Array:
    array = np.asarray(value, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != size:
        raise ValueError(f"{name} must have shape (..., {size}), got {array.shape}")
    return array
