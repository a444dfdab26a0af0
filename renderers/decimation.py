"""Levels of detail by quadric edge collapse, each with a measured distance from the full mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .level_of_detail import MeshLevel
from .mesh_normals import face_vectors, normalize_rows, weld_rows

REDUCTION = 0.4
"""Each level aims at this share of the triangles of the one before."""
FEWEST = 64
"""A level is not made with fewer triangles."""
SMALLEST = 512
"""Meshes with fewer triangles get no coarser level: they cost less than the pixels that they cover."""
AGGRESSIVENESS = 2
"""How fast the library's threshold rises: lower is slower and keeps more of the shape."""
COVERED = 0.95
"""Share of either surface that lies within a level's error of the other."""
WORKING_SIZE = 0.25
"""Diagonal to which a mesh is scaled for the library, whose threshold is absolute; levels do not depend on units."""
SAMPLE_COUNT = 6000
"""Points spread over a mesh to find the triangles near a point."""
NEIGHBOURS = 3
"""Nearest of those points whose triangles are tried when a distance is measured."""
SMOOTH_COSINE = 0.6
"""A corner takes a full vertex's normal only if it lies within this of the level's own face normal."""


def _distance_to_triangles(
    points: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each point's distance to its own triangle, shapes (n, 3) → (n,).

    Source: Ericson, "Real-Time Collision Detection", 2005, section 5.1.5.
    """

    def dot(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        product: NDArray[np.float64] = x[:, 0] * y[:, 0] + x[:, 1] * y[:, 1] + x[:, 2] * y[:, 2]
        return product

    def squared_to_segment(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
        along = q - p
        length = dot(along, along)
        t = np.clip(dot(points - p, along) / np.where(length > 0, length, 1.0), 0.0, 1.0)
        gap = points - (p + t[:, None] * along)
        return dot(gap, gap)

    ab, ac, ap = b - a, c - a, points - a
    normal = np.cross(ab, ac)
    area = dot(normal, normal)
    safe = np.where(area > 0, area, 1.0)
    weight_c = dot(np.cross(ab, ap), normal) / safe
    weight_b = dot(np.cross(ap, ac), normal) / safe
    inside = (area > 0) & (weight_b >= 0) & (weight_c >= 0) & (weight_b + weight_c <= 1)
    plane = dot(ap, normal) ** 2 / safe
    edges = np.minimum(np.minimum(squared_to_segment(a, b), squared_to_segment(b, c)), squared_to_segment(c, a))
    distance: NDArray[np.float64] = np.sqrt(np.where(inside, plane, edges))
    return distance


class _Surface:
    """A mesh to which distances are measured."""

    def __init__(self, vertices: NDArray[np.float64], triangles: NDArray[np.int64]) -> None:
        from scipy.spatial import cKDTree

        self.corners = [vertices[triangles[:, i]] for i in range(3)]
        faces = face_vectors(vertices, triangles)
        area = np.sqrt((faces**2).sum(axis=1))
        # As many points per triangle as its area asks for, on a regular barycentric grid.
        side = np.ceil(np.sqrt(area / max(area.sum(), 1e-30) * SAMPLE_COUNT)).astype(np.int64).clip(1, 200)
        points, owners = [], []
        for n in np.unique(side):
            rows = np.flatnonzero(side == n)
            i, j = np.divmod(np.arange(n * n), n)
            keep = i + j < n
            u, v = (i[keep] + 1 / 3) / n, (j[keep] + 1 / 3) / n
            a, b, c = (corner[rows][:, None, :] for corner in self.corners)
            points.append((a + u[:, None] * (b - a) + v[:, None] * (c - a)).reshape(-1, 3))
            owners.append(np.repeat(rows, len(u)))
        self.owner = np.concatenate(owners)
        self.points = np.concatenate(points)
        self.tree = cKDTree(self.points)

    def bound_distance(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bound points' distance to the mesh from above; exact where the nearest triangle is among those tried."""
        count = min(NEIGHBOURS, len(self.owner))
        _, near = self.tree.query(points, k=count)
        owner = self.owner[np.asarray(near).reshape(len(points), count)]
        best = np.full(len(points), np.inf)
        for column in range(count):
            corners = [corner[owner[:, column]] for corner in self.corners]
            best = np.minimum(best, _distance_to_triangles(points, *corners))
        return best


def bound_distance(
    points: NDArray[np.float64], vertices: NDArray[np.float64], triangles: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Bound the distance of points to a mesh from above.

    Args:
        points: Points [m], shape (n, 3).
        vertices: Vertices of the mesh [m], shape (N, 3).
        triangles: Vertex rows, shape (T, 3).

    Returns:
        Distances [m], shape (n,), never below the true ones.
    """
    return _Surface(vertices, triangles).bound_distance(points)


def _shade(full: MeshLevel, vertices: NDArray[np.float64], triangles: NDArray[np.int64], error: float) -> MeshLevel:
    """Give each corner the normal of the full mesh's nearest vertex that faces the same way."""
    from scipy.spatial import cKDTree

    count = min(12, len(full.vertices))
    _, near = cKDTree(full.vertices).query(vertices, k=count)
    near = np.asarray(near).reshape(len(vertices), count)
    faces = normalize_rows(face_vectors(vertices, triangles))
    candidates = full.normals[near[triangles.reshape(-1)]].astype(np.float64)
    face = np.repeat(faces, 3, axis=0)
    agrees = (candidates * face[:, None, :]).sum(axis=2) > SMOOTH_COSINE
    chosen = candidates[np.arange(len(face)), np.argmax(agrees, axis=1)]
    normals = np.where(agrees.any(axis=1)[:, None], chosen, face).astype(np.float32)
    corners = np.concatenate([vertices[triangles.reshape(-1)].astype(np.float32), normals], axis=1)
    group, first = weld_rows(corners)
    return MeshLevel(
        vertices=np.ascontiguousarray(corners[first, :3]),
        normals=np.ascontiguousarray(corners[first, 3:]),
        uvs=np.zeros((len(first), 2), np.float32),
        triangles=group.reshape(-1, 3).astype(np.int32),
        error=error,
    )


def decimate(full: MeshLevel) -> tuple[MeshLevel, ...]:
    """Make coarser and coarser levels of a mesh without texture coordinates.

    Args:
        full: The full mesh.

    Returns:
        Levels, finest first; the first is `full`; errors ascend. Within a level's error lie 95 % of the full mesh's
        area from the level, and of the level's area from the full mesh; what remains are bolts and grooves.

    Source:
        Garland and Heckbert, "Surface simplification using quadric error metrics", 1997, by the library
        fast-simplification; the errors are measured here, afterwards.

    Example:
        >>> [level.triangles.shape[0] for level in decimate(full)]
        [12516, 6258, 3129, 1564, 782, 391, 195]
    """
    import fast_simplification

    group, first = weld_rows(full.vertices)
    points = full.vertices[first].astype(np.float64)
    corners = group[full.triangles]
    solid = (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 2] != corners[:, 0])
    corners = corners[solid]
    levels, target, error = [full], int(REDUCTION * len(corners)), 0.0
    if len(corners) < SMALLEST:
        return (full,)
    surface = _Surface(points, corners)
    diagonal = np.ptp(points, axis=0)
    unit = WORKING_SIZE / float(np.sqrt((diagonal**2).sum()))
    while target >= FEWEST:
        made_points, made = fast_simplification.simplify(
            points * unit, corners, target_count=target, agg=AGGRESSIVENESS
        )
        made = np.asarray(made, np.int64)
        target = int(REDUCTION * target)
        if not 0 < len(made) <= 0.75 * levels[-1].triangles.shape[0]:
            continue
        used, made = np.unique(made, return_inverse=True)
        made = made.reshape(-1, 3)
        made_points = (np.asarray(made_points, np.float64)[used] / unit).astype(np.float32).astype(np.float64)
        if not np.isfinite(made_points).all():
            break
        level = _Surface(made_points, made)
        there = np.quantile(level.bound_distance(surface.points), COVERED)
        back = np.quantile(surface.bound_distance(level.points), COVERED)
        error = max(error, float(there), float(back))
        levels.append(_shade(full, made_points, made, float(np.nextafter(np.float32(error), np.float32(np.inf)))))
    return tuple(levels)
