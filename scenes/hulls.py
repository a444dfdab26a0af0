"""Convex parts for collision, shrunk so that what touches in physics touches in the picture.

Bullet keeps a margin of 1 mm around a convex hull: the hull's surface is where its points are plus a ball of that
radius. Left alone, every object would hover 1 mm above the table. So each point is first moved inwards by the margin
along a direction that splits the error: with faces at up to an angle a from it, moving by 2 / (1 + cos a) margins
leaves the faces (1 - cos a) / (1 + cos a) margins out of place in one direction and the tip as far in the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
COLLISION_MARGIN: Final = 0.001
"""Margin that Bullet keeps around the hulls of a mesh file [m]."""
_LIMIT: Final = 2.0
_ROUNDS: Final = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class Hulls:
    """Convex parts of one body: P points in all, K parts.

    Raises:
        ValueError: If shapes disagree or a part has no point.
    """

    points: Array
    """Corners of the parts [m], shape (P, 3)."""
    inset: Array
    """Where each corner moves inwards, in margins, shape (P, 3); points outwards."""
    starts: NDArray[np.int64]
    """First point of each part, and P at the end, shape (K + 1,)."""

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.points.shape[1:] != (3,) or self.inset.shape != self.points.shape:
            raise ValueError(f"points and inset must be (P, 3), got {self.points.shape} and {self.inset.shape}")
        if self.starts.ndim != 1 or self.starts.size < 2 or (np.diff(self.starts) < 4).any():
            raise ValueError("a body needs at least one part, and every part at least 4 points")


def make_hulls(parts: Sequence[Array]) -> tuple[Hulls, Array, float]:
    """Build convex parts from point clouds.

    Args:
        parts: Points of each part [m], shape (N, 3) each; a part without a volume is left out.

    Returns:
        The hulls, their common centre of mass [m] (parts that overlap count twice), and the volume [m^3].

    Raises:
        ValueError: If no part has a volume.
    """
    from scipy.spatial import ConvexHull, QhullError

    points, faces, normals, starts = [], [], [], [0]
    volume, moment = 0.0, np.zeros(3)
    for cloud in parts:
        try:
            hull = ConvexHull(cloud)
        except (QhullError, ValueError):
            continue  # flat or too few points: nothing that could touch
        if hull.volume <= 0:
            continue
        corners = cloud[hull.simplices]
        middle = cloud[hull.vertices].mean(axis=0)
        arms = corners - middle
        sixths = np.abs((arms[:, 0] * np.cross(arms[:, 1], arms[:, 2])).sum(axis=1)) / 6.0
        volume += float(hull.volume)
        moment += (sixths[:, None] * (middle + arms.sum(axis=1) / 4.0)).sum(axis=0)
        row = np.full(cloud.shape[0], -1)
        row[hull.vertices] = starts[-1] + np.arange(hull.vertices.size)
        points.append(cloud[hull.vertices])
        faces.append(row[hull.simplices])
        normals.append(hull.equations[:, :3])
        starts.append(starts[-1] + hull.vertices.size)
    if not points:
        raise ValueError("no part has a volume; close the mesh or give it thickness")
    insets = _insets(np.concatenate(faces), np.concatenate(normals), starts[-1])
    return (
        Hulls(points=np.concatenate(points), inset=insets, starts=np.array(starts, np.int64)),
        moment / volume,
        volume,
    )


def _insets(faces: NDArray[np.int64], normals: Array, count: int) -> Array:
    """Find each corner's direction in the middle of its faces' normals (a cone of least angle) and how far it moves."""
    owner = faces.reshape(-1)
    order = np.argsort(owner, kind="stable")
    owner = owner[order]
    facing = np.repeat(normals, 3, axis=0)[order]
    first = np.searchsorted(owner, np.arange(count))
    middle = np.add.reduceat(facing, first, axis=0)
    middle = _unit(middle)
    for round_ in range(_ROUNDS):  # Badoiu and Clarkson: step towards the farthest, ever less
        along = (facing * middle[owner]).sum(axis=1)
        least = np.minimum.reduceat(along, first)
        is_least = np.flatnonzero(along == least[owner])
        farthest = facing[is_least[np.searchsorted(owner[is_least], np.arange(count))]]
        middle = _unit(middle + (farthest - middle) / (round_ + 2.0))
    cosine = np.minimum.reduceat((facing * middle[owner]).sum(axis=1), first)
    length = np.minimum(2.0 / (1.0 + np.maximum(cosine, 0.0)), _LIMIT)
    return np.asarray(middle * length[:, None])


def _unit(vectors: Array) -> Array:
    length = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    return np.asarray(vectors / np.where(length > 0.0, length, 1.0))


def write_hulls(hulls: Hulls, scale: float, path: Path) -> None:
    """Write convex parts as an OBJ for Bullet: one object each, every corner named once.

    Args:
        hulls: The parts.
        scale: Factor on their size.
        path: File to write.
    """
    shrunk = hulls.points * scale - COLLISION_MARGIN * hulls.inset
    starts = hulls.starts.tolist()
    path.write_text(format_obj([shrunk[a:b] for a, b in pairwise(starts)]), encoding="ascii")


def format_obj(parts: Sequence[Array]) -> str:
    """Write parts with faces that only name their corners: Bullet builds the hull itself, from the faces' corners."""
    lines = []
    base = 1
    for number, points in enumerate(parts):
        lines.append(f"o part{number}")
        lines.extend(f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in points.tolist())
        last = base + len(points) - 1
        lines.extend(f"f {i} {min(i + 1, last)} {min(i + 2, last)}" for i in range(base, last + 1, 3))
        base = last + 1
    return "\n".join(lines) + "\n"
