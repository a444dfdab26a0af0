"""Placing objects: on a stable side, and where nothing else stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import pose_from_position_quaternion, quaternion_from_pose
from .asset_library import Asset
from .distributions import Choice
from .space import Parameter

Array = NDArray[np.float64]
PLACEMENTS: Final = ("dropped", "upright", "piled", "hanging")
"""Options of `placement`."""
_AXES: Final = np.concatenate((np.eye(3), -np.eye(3)))
_GOLDEN: Final = math.pi * (3.0 - math.sqrt(5.0))
_TRIES: Final = 300
_STRIDE: Final = 0.02


def placement_parameters() -> list[Parameter]:
    """Return how objects come to lie as a parameter; neutral is dropped."""
    return [
        Parameter(
            name="placement",
            distribution=Choice(options=PLACEMENTS, weights=(0.4, 0.4, 0.1, 0.1)),
            unit="1",
            meaning="How objects come to lie: dropped in any turn, set down stably, dropped at one spot, or hung up",
            group="placement",
            nominal=0,
        )
    ]


def lay_stable(asset: Asset, quaternion: Array) -> Array:
    """Turn an object by the least that brings it onto a side on which it rests.

    A side is stable where the centre of mass stands over it. Cylinders stand or lie, capsules lie.

    Args:
        asset: What it is.
        quaternion: Rotation from which to turn, xyzw, shape (4,).

    Returns:
        The rotation, xyzw, shape (4,); of a sphere the same.
    """
    if asset.kind == "sphere":
        return quaternion
    turn = pose_from_position_quaternion((0.0, 0.0, 0.0), quaternion)[:3, :3]
    down = -turn[2]  # straight down in the object's frame
    sides = _stable_sides(asset, down)
    along = sides[:, 0] * down[0] + sides[:, 1] * down[1] + sides[:, 2] * down[2]
    side = sides[int(np.argmax(along))]
    faces = np.array([float(turn[k, 0] * side[0] + turn[k, 1] * side[1] + turn[k, 2] * side[2]) for k in range(3)])
    found = np.eye(4)
    found[:3, :3] = _turned_down(faces, turn)
    return quaternion_from_pose(found)


def _turned_down(faces: Array, turn: Array) -> Array:
    """Return a rotation, turned on by the least that brings a direction to -z."""
    x, y, z = (float(value) for value in faces)
    level = math.hypot(x, y)
    if level < 1e-12:
        if z < 0:
            return turn
        axis, cosine, sine = (1.0, 0.0), -1.0, 0.0
    else:
        # About faces x (0, 0, -1).
        axis, cosine, sine = (-y / level, x / level), -z, level
    a, b = axis
    more = 1.0 - cosine
    matrix = (
        (cosine + a * a * more, a * b * more, b * sine),
        (a * b * more, cosine + b * b * more, -a * sine),
        (-b * sine, a * sine, cosine),
    )
    return np.array([[sum(matrix[i][k] * float(turn[k, j]) for k in range(3)) for j in range(3)] for i in range(3)])


def _stable_sides(asset: Asset, down: Array) -> Array:
    """Return directions in the object's frame that may point down at rest, unit, shape (S, 3)."""
    if asset.kind == "box":
        return _AXES
    if asset.kind in ("cylinder", "capsule"):
        level = math.hypot(float(down[0]), float(down[1]))
        lying = (1.0, 0.0, 0.0) if level < 1e-12 else (float(down[0]) / level, float(down[1]) / level, 0.0)
        ends = [] if asset.kind == "capsule" else [(0.0, 0.0, 1.0), (0.0, 0.0, -1.0)]
        return np.array([lying, *ends])
    assert asset.hulls is not None
    return _stable_facets(asset.hulls.points)


def _stable_facets(points: Array) -> Array:
    """Return the outward normals of a hull's facets over which its origin stands, unit, shape (S, 3)."""
    from scipy.spatial import ConvexHull

    hull = ConvexHull(points)
    normals, away = hull.equations[:, :3], -hull.equations[:, 3]
    a, b, c = (points[hull.simplices[:, k]] for k in range(3))
    foot = normals * away[:, None]
    # The foot is inside a triangle where it lies on the same side of all three edges.
    signs = []
    for start, end in ((a, b), (b, c), (c, a)):
        cross = np.cross(end - start, foot - start)
        signs.append(cross[:, 0] * normals[:, 0] + cross[:, 1] * normals[:, 1] + cross[:, 2] * normals[:, 2])
    sides = np.stack(signs)
    inside = (sides >= 0).all(axis=0) | (sides <= 0).all(axis=0)
    return np.asarray(normals[inside] if inside.any() else normals[np.argmin(away)][None])


def find_spot(
    wanted: tuple[float, float],
    reach: float,
    discs: Sequence[tuple[float, float, float]],
    is_allowed: Callable[[float, float], bool],
    *,
    apart: float = 0.005,
) -> tuple[float, float] | None:
    """Find the first free point of a spiral of even density around a point.

    Args:
        wanted: The point x, y [m].
        reach: Radius that must be free around it [m].
        discs: What is taken: x, y, radius [m].
        is_allowed: Whether something may stand at a point x, y.
        apart: Distance to keep from what is taken [m].

    Returns:
        The point [m], None where the spiral ends without one.
    """
    for step in range(_TRIES):
        far = _STRIDE * math.sqrt(step) * (1.0 + 0.02 * step)
        x, y = wanted[0] + far * math.cos(step * _GOLDEN), wanted[1] + far * math.sin(step * _GOLDEN)
        if is_allowed(x, y) and all((x - a) ** 2 + (y - b) ** 2 >= (reach + r + apart) ** 2 for a, b, r in discs):
            return x, y
    return None


def reach_of(asset: Asset, scale: Array, quaternion: Array) -> float:
    """Return the radius of the upright cylinder around an object's origin that holds its box [m]."""
    turn = pose_from_position_quaternion((0.0, 0.0, 0.0), quaternion)
    half, center = 0.5 * asset.extent * scale, asset.center * scale
    far = 0.0
    for i in range(8):
        corner = [float(center[k]) + (1 if i >> k & 1 else -1) * float(half[k]) for k in range(3)]
        x, y = (sum(float(turn[row, k]) * corner[k] for k in range(3)) for row in range(2))
        far = max(far, math.hypot(x, y))
    return far
