"""Levels of detail by vertex clustering: fewer triangles, none farther from the full mesh than a stated error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .mesh_normals import normalize_rows, weld_rows

MIN_TRIANGLES = 64
"""Meshes with fewer triangles get no coarser level."""
MAX_RATIO = 0.6
"""A level is kept when it has at most this share of the triangles of the one before."""
FINEST_CELL = 1.0 / 256.0
"""First cell, as a share of the bounding radius."""
COARSEST_CELL = 1.0 / 4.0
"""Last cell, as a share of the bounding radius."""
CELL_STEP = math.sqrt(2.0)
UV_CELLS = 4.0
"""Corners that merge must lie in the same 1/4 x 1/4 piece of the texture, so that seams do not smear."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeshLevel:
    """One level of detail of one mesh."""

    vertices: NDArray[np.float32]
    """Positions [m], shape (N, 3)."""
    normals: NDArray[np.float32]
    """Unit normals, shape (N, 3)."""
    uvs: NDArray[np.float32]
    """Texture coordinates, shape (N, 2)."""
    triangles: NDArray[np.int32]
    """Vertex rows, shape (T, 3)."""
    colors: NDArray[np.uint8] | None = None
    """Vertex colours, sRGB bytes, shape (N, 3); None = the mesh has none."""
    error: float = 0.0
    """Largest distance of the full mesh from this level [m]."""


def _direction(normals: NDArray[np.float64]) -> NDArray[np.int64]:
    """Sort normals into six classes by their dominant axis and its sign.

    Signs of all three components would be noise for the axis-aligned faces that most parts are made of.
    """
    axis = np.argmax(np.abs(normals), axis=1)
    negative = np.take_along_axis(normals, axis[:, None], axis=1)[:, 0] < 0
    result: NDArray[np.int64] = 2 * axis + negative
    return result


def _nearest_to_mean(points: NDArray[np.float64], cluster: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Pick for each cluster the point nearest to the cluster's mean, the lowest index among equals."""
    size = np.bincount(cluster, minlength=count)
    squared = np.zeros(points.shape[0])
    for axis in range(3):
        mean = np.bincount(cluster, weights=points[:, axis], minlength=count) / size
        squared += (points[:, axis] - mean[cluster]) ** 2
    order = np.lexsort((squared, cluster))
    return order[np.concatenate(([0], np.cumsum(size)[:-1]))]


def _unique_triangles(corners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of the triangles that are neither degenerate nor repeated with the same winding."""
    kept = np.flatnonzero(
        (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 2] != corners[:, 0])
    )
    rows = corners[kept]
    turn = np.argmin(rows, axis=1)[:, None]
    rows = np.take_along_axis(rows, (turn + np.arange(3)) % 3, axis=1)
    order = np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))
    ordered = rows[order]
    fresh = np.concatenate(([True], (ordered[1:] != ordered[:-1]).any(axis=1))) if len(order) else np.zeros(0, bool)
    return kept[np.sort(order[fresh])]


def build_levels(full: MeshLevel) -> tuple[MeshLevel, ...]:
    """Make coarser and coarser levels of a mesh.

    Vertices of one cell of a grid and one direction class merge into the one nearest to their mean. The grid sorts
    *positions* (welded vertices, with their mean normal), so that a crease or a texture seam does not open; normals
    and texture coordinates are merged after that, per direction class and piece of texture.

    Args:
        full: The full mesh.

    Returns:
        Levels, finest first; the first is `full`, errors ascend.

    Source:
        Rossignac and Borrel, "Multi-resolution 3D approximations for rendering complex scenes", 1993.

    Example:
        >>> levels = build_levels(full)
        >>> [level.triangles.shape[0] for level in levels]
        [14014, 8102, 4220, 2110, 980, 402, 164, 70]
    """
    levels = [full]
    if full.triangles.shape[0] < MIN_TRIANGLES:
        return (full,)
    weld, first = weld_rows(full.vertices)
    points = full.vertices[first].astype(np.float64)
    lower, upper = points.min(axis=0), points.max(axis=0)
    radius = float(np.sqrt(((upper - lower) ** 2).sum())) * 0.5
    own_normals = full.normals.astype(np.float64)
    mean_normals: NDArray[np.float64] = np.stack(
        [np.bincount(weld, weights=own_normals[:, axis], minlength=len(first)) for axis in range(3)], axis=1
    )
    point_direction = _direction(mean_normals)
    own_direction = _direction(own_normals)
    uv_cell = np.floor(full.uvs.astype(np.float64) * UV_CELLS).astype(np.int64)
    uv_piece = (uv_cell[:, 0] % 1024) * 1024 + uv_cell[:, 1] % 1024
    attribute = uv_piece * 6 + own_direction
    attribute_count = int(attribute.max()) + 1
    corners = weld[full.triangles]

    cell = radius * FINEST_CELL
    cluster_count = len(first)
    while cell <= radius * COARSEST_CELL * 1.0001:
        grid = np.floor((points - lower) / cell).astype(np.int64)
        key = ((grid[:, 0] * 4096 + grid[:, 1]) * 4096 + grid[:, 2]) * 6 + point_direction
        _, cluster = np.unique(key, return_inverse=True)
        count = int(cluster.max()) + 1
        cell *= CELL_STEP
        if count > 0.8 * cluster_count:  # far from 60 % of the triangles: spare the rest of the work
            continue
        rows = _unique_triangles(cluster[corners])
        if not 0 < len(rows) <= MAX_RATIO * levels[-1].triangles.shape[0]:
            continue
        representative = _nearest_to_mean(points, cluster, count)
        moved = points[representative][cluster] - points
        error = float(np.sqrt((moved**2).sum(axis=1)).max())
        while levels[-1].error >= error:  # a coarser grid that happens to lie better replaces the finer one
            levels.pop()
        levels.append(
            _assemble(full, rows, cluster[weld], points[representative], attribute, attribute_count, own_normals, error)
        )
        cluster_count = count
        if len(rows) < MIN_TRIANGLES // 2:
            break
    return tuple(levels)


def _assemble(
    full: MeshLevel,
    rows: NDArray[np.int64],
    cluster: NDArray[np.int64],
    positions: NDArray[np.float64],
    attribute: NDArray[np.int64],
    attribute_count: int,
    normals: NDArray[np.float64],
    error: float,
) -> MeshLevel:
    """Write the vertices that the kept triangles use, with merged normals and texture coordinates."""
    key = cluster * attribute_count + attribute
    _, first, vertex = np.unique(key, return_index=True, return_inverse=True)
    count = len(first)
    merged = normalize_rows(
        np.stack([np.bincount(vertex, weights=normals[:, axis], minlength=count) for axis in range(3)], axis=1)
    )
    position = positions[cluster[first]]
    # Of the corners that merge, the one nearest to the representative gives its texture coordinates and colour.
    squared = ((full.vertices - position[vertex]) ** 2).sum(axis=1)
    order = np.lexsort((squared, vertex))
    size = np.bincount(vertex, minlength=count)
    nearest = order[np.concatenate(([0], np.cumsum(size)[:-1]))]
    uvs = full.uvs[nearest]
    triangles = vertex[full.triangles[rows]]
    used = np.zeros(count, bool)
    used[triangles.reshape(-1)] = True
    # A cluster that no triangle uses any more keeps one vertex: the stated error holds for every vertex.
    alone = np.ones(positions.shape[0], bool)
    alone[cluster[first[used]]] = False
    lowest = np.zeros(count, bool)
    lowest[np.unique(cluster[first], return_index=True)[1]] = True
    used |= lowest & alone[cluster[first]]
    row = np.cumsum(used) - 1
    return MeshLevel(
        vertices=position[used].astype(np.float32),
        normals=merged[used].astype(np.float32),
        uvs=np.ascontiguousarray(uvs[used]),
        triangles=row[triangles].astype(np.int32),
        colors=None if full.colors is None else np.ascontiguousarray(full.colors[nearest][used]),
        error=float(np.nextafter(np.float32(error), np.float32(np.inf))),
    )
