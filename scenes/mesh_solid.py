"""Solids: what a triangle mesh encloses, whether it is closed, its pieces, its inertia."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Triangles = NDArray[np.int64]
WELD: float = 1e-6
"""Vertices closer than this share of the size count as one [1]."""
_CONVEX: float = 0.99
_FEW_OPEN: float = 0.03


@dataclass(frozen=True, kw_only=True, eq=False)
class Solid:
    """A welded triangle mesh; made by `weld_solid`."""

    vertices: Array
    """Positions [m], shape (N, 3)."""
    triangles: Triangles
    """Vertex rows, shape (T, 3), none degenerate."""
    dropped: int = 0
    """Triangles of no area, or that stood twice, which were left out."""

    @cached_property
    def _edges(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Count each undirected edge, and how often it is run through forwards less backwards."""
        ends = np.concatenate([self.triangles[:, [0, 1]], self.triangles[:, [1, 2]], self.triangles[:, [2, 0]]])
        forward = np.where(ends[:, 0] < ends[:, 1], 1, -1)
        key = np.sort(ends, axis=1)
        _, inverse, count = np.unique(
            key[:, 0] * np.int64(len(self.vertices)) + key[:, 1], return_inverse=True, return_counts=True
        )
        balance = np.zeros(len(count), np.int64)
        np.add.at(balance, inverse.reshape(-1), forward)
        return count, balance

    @property
    def open_edges(self) -> int:
        """Edges that belong to one triangle only: the rims of holes."""
        return int((self._edges[0] == 1).sum())

    @property
    def is_watertight(self) -> bool:
        """Whether every edge belongs to an even number of triangles."""
        return bool(len(self.triangles)) and bool((self._edges[0] % 2 == 0).all())

    @property
    def is_wound_consistently(self) -> bool:
        """Whether neighbouring triangles agree about which side is outside."""
        count, balance = self._edges
        return bool((balance[count == 2] == 0).all())

    @cached_property
    def _integrals(self) -> tuple[float, Array, Array]:
        """Integrate 1, x and x x^T over the inside, about the middle of the box.

        Source: Blow and Binstock, "How to find the inertia tensor (or other mass properties) of a 3D solid body
        represented by a triangle mesh", 2004: sums over tetrahedra with one corner at the origin.
        """
        middle = 0.5 * (self.vertices.min(axis=0) + self.vertices.max(axis=0))
        a, b, c = (self.vertices[self.triangles[:, k]] - middle for k in range(3))
        sixths = (a * np.cross(b, c)).sum(axis=1) / 6.0
        total = a + b + c
        volume = float(sixths.sum())
        first = (sixths[:, None] * total).sum(axis=0) / 4.0
        second = np.zeros((3, 3))
        for i in range(3):
            for j in range(3):
                corners = a[:, i] * a[:, j] + b[:, i] * b[:, j] + c[:, i] * c[:, j]
                second[i, j] = (sixths * (corners + total[:, i] * total[:, j])).sum() / 20.0
        return volume, first, second

    @property
    def volume(self) -> float:
        """Enclosed volume [m^3]; negative where the mesh is turned inside out."""
        return self._integrals[0]

    @property
    def enclosed_volume(self) -> float:
        """Volume to weigh [m^3], >= 0: the enclosed one, or that of the pieces' hulls where too much is open."""
        if self.open_edges <= _FEW_OPEN * len(self._edges[0]) and self.is_wound_consistently:
            return abs(self.volume)
        return float(sum(abs(piece.volume) if piece.is_watertight else piece.hull_volume for piece in self.pieces()))

    @property
    def mass_center(self) -> Array:
        """Centre of the enclosed volume [m], shape (3,); the middle of the box where there is none."""
        volume, first, _ = self._integrals
        middle = 0.5 * (self.vertices.min(axis=0) + self.vertices.max(axis=0))
        return np.asarray(middle + first / volume) if volume != 0.0 else middle

    def inertia(self, mass: float) -> Array:
        """Return the inertia tensor of a homogeneous body about its centre [kg m^2], shape (3, 3).

        Args:
            mass: Mass [kg].
        """
        volume, first, second = self._integrals
        about = second - first[:, None] * first[None, :] / volume
        trace = float(about[0, 0] + about[1, 1] + about[2, 2])
        return np.asarray((mass / volume) * (np.eye(3) * trace - about))

    def pieces(self) -> tuple[Solid, ...]:
        """Split it where it does not hang together, in the order of the first vertices."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        count = len(self.vertices)
        ends = np.concatenate([self.triangles[:, [0, 1]], self.triangles[:, [1, 2]]])
        graph = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(count, count))
        label = connected_components(graph, directed=False)[1]
        used = label[self.triangles[:, 0]]
        found = []
        for number in dict.fromkeys(label.tolist()):
            rows = self.triangles[used == number]
            if len(rows):
                members, inverse = np.unique(rows, return_inverse=True)
                found.append(Solid(vertices=self.vertices[members], triangles=inverse.reshape(-1, 3).astype(np.int64)))
        return tuple(found)

    @cached_property
    def hull_volume(self) -> float:
        """Volume of its convex hull [m^3]; 0 where it is flat."""
        from scipy.spatial import ConvexHull, QhullError

        try:
            return float(ConvexHull(self.vertices).volume)
        except (QhullError, ValueError):
            return 0.0

    @property
    def is_convex(self) -> bool:
        """Whether it is closed and all but fills its convex hull."""
        return self.is_watertight and self.hull_volume > 0.0 and abs(self.volume) >= _CONVEX * self.hull_volume


def weld_solid(vertices: NDArray[Any], triangles: NDArray[Any]) -> Solid:
    """Join vertices at the same place, and leave out triangles of no area and those that stand twice.

    Args:
        vertices: Positions [m], shape (N, 3).
        triangles: Vertex rows, shape (T, 3).

    Returns:
        The welded mesh; it may hold no triangle.
    """
    points = np.asarray(vertices, np.float64)
    size = float(np.ptp(points, axis=0).max()) or 1.0
    cells = np.rint((points - points.min(axis=0)) / (WELD * size)).astype(np.int64)
    _, first, inverse = np.unique(cells, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")  # vertices keep the order of the file
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    welded, rows = points[first[order]], rank[inverse.reshape(-1)][np.asarray(triangles, np.int64)]
    a, b, c = (welded[rows[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    twice_area = np.sqrt((cross * cross).sum(axis=1))
    kept = twice_area > 1e-12 * size * size
    # A triangle is the same whichever corner comes first; the other way round it is another.
    shift = np.argmin(rows, axis=1)
    turned = np.stack([rows[np.arange(len(rows)), (shift + k) % 3] for k in range(3)], axis=1)
    _, unique = np.unique(turned, axis=0, return_index=True)
    once = np.zeros(len(rows), bool)
    once[unique] = True
    kept &= once
    return Solid(vertices=welded, triangles=rows[kept], dropped=int(len(rows) - kept.sum()))
