"""Whether a mesh looks the same after a declared turn."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .asset_declaration import AssetDeclaration, SymmetryAxis
from .asset_shape import place_points
from .mesh_solid import Solid

Array = NDArray[np.float64]
_SAMPLES: Final = 20000
_PERCENTILE: Final = 99.5
"""A handle may have a hundredth of the surface, and a scan's stray points less than half of that."""
_ANGLES: Final = 5


def symmetry_error(solid: Solid, said: AssetDeclaration, axis: SymmetryAxis) -> float:
    """Return how far a mesh lies from itself after the turns of a symmetry.

    Args:
        solid: The placed mesh.
        said: How it was placed.
        axis: The symmetry, in the frame and unit of the file.

    Returns:
        99.5th percentile of the distance over the size [1], less what the sampling alone would give.
    """
    from scipy.spatial import cKDTree

    points = surface_points(solid, _SAMPLES)
    size = float(np.ptp(solid.vertices, axis=0).max())
    tree = cKDTree(points[::2])
    floor = _percentile(tree.query(points[1::2])[0])
    direction = place_points(np.array([axis.axis]), AssetDeclaration(up=said.up))[0]
    origin = place_points(np.array([axis.point]), said)[0]
    angles = (
        [2.0 * math.pi * (k + 1) / (_ANGLES + 1.37) for k in range(_ANGLES)]
        if axis.order is None
        else [2.0 * math.pi * k / axis.order for k in range(1, min(axis.order, 1 + _ANGLES))]
    )
    worst = max(_percentile(tree.query(_turn(points[1::2], direction, origin, angle))[0]) for angle in angles)
    return max(worst - 1.2 * floor, 0.0) / size


def surface_points(solid: Solid, count: int) -> Array:
    """Spread points over a surface, evenly by area and always the same.

    Args:
        solid: The mesh.
        count: Points.

    Returns:
        Positions [m], shape (count, 3).

    Source: Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018: the R2 sequence.
    """
    a, b, c = (solid.vertices[solid.triangles[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    share = np.cumsum(np.sqrt((cross * cross).sum(axis=1)))
    row = np.searchsorted(share, (np.arange(count) + 0.5) / count * share[-1])
    row = np.minimum(row, len(solid.triangles) - 1)
    step = np.arange(1, count + 1)
    u, v = (0.5 + step * 0.7548776662466927) % 1.0, (0.5 + step * 0.5698402909980532) % 1.0
    over = u + v > 1.0
    u, v = np.where(over, 1.0 - u, u)[:, None], np.where(over, 1.0 - v, v)[:, None]
    return np.asarray(a[row] + u * (b[row] - a[row]) + v * (c[row] - a[row]))


def _percentile(distance: Array) -> float:
    return float(np.percentile(distance, _PERCENTILE))


def _turn(points: Array, axis: Array, origin: Array, angle: float) -> Array:
    """Turn points about an axis (Rodrigues' formula)."""
    arm = points - origin
    along = (arm * axis).sum(axis=1, keepdims=True) * axis
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.asarray(origin + along + cosine * (arm - along) + sine * np.cross(axis, arm))
