"""From raw vertices and triangles to a mesh that can be rendered: checked, welded, with normals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .level_of_detail import MeshLevel
from .mesh_layout import MAX_TRIANGLES
from .mesh_normals import (
    CREASE_ANGLE,
    face_vectors,
    is_balanced,
    normalize_rows,
    signed_volumes,
    smooth_corners,
    weld_rows,
)


def _check_arrays(
    name: str, vertices: ArrayLike, triangles: ArrayLike
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return a mesh's vertices and triangles, checked."""
    points = np.asarray(vertices)
    faces = np.asarray(triangles)
    if points.ndim != 2 or points.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise ValueError(f"mesh {name!r} needs vertices (N, 3) and triangles (T, 3), got {points.shape}, {faces.shape}")
    if faces.dtype.kind not in "iu":
        raise ValueError(f"mesh {name!r} needs integer triangles, got {faces.dtype}")
    if not 0 < faces.shape[0] <= MAX_TRIANGLES:
        raise ValueError(f"mesh {name!r} must have 1 to {MAX_TRIANGLES} triangles, got {faces.shape[0]}; decimate it")
    with np.errstate(over="ignore"):
        points = points.astype(np.float32) + np.float32(0.0)  # -0.0 becomes 0.0
    if not np.isfinite(points).all():
        raise ValueError(f"mesh {name!r} has NaN or infinite vertices; mend the file")
    if faces.min() < 0 or faces.max() >= points.shape[0]:
        raise ValueError(
            f"mesh {name!r} names vertices {faces.min()} to {faces.max()}; it has {points.shape[0]}, counted from 0"
        )
    return points, faces.astype(np.int64)


def _check_values(
    name: str, what: str, values: ArrayLike | None, count: int, width: int, dtype: type = np.float32
) -> NDArray[Any]:
    """Return one array per vertex, checked; zeros stand for None."""
    given = np.zeros((count, width), dtype) if values is None else np.asarray(values)
    if dtype is np.uint8 and given.dtype != np.uint8:
        raise ValueError(f"{what} of mesh {name!r} must be uint8 (sRGB bytes), got {given.dtype}; scale them to 0..255")
    array: NDArray[Any] = given.astype(dtype)
    if array.shape != (count, width) or not np.isfinite(array).all():
        raise ValueError(f"{what} of mesh {name!r} must be finite, shape {(count, width)}, got {array.shape}")
    return np.asarray(array + dtype(0))


def prepare_mesh(
    name: str,
    vertices: ArrayLike,
    triangles: ArrayLike,
    normals: ArrayLike | None = None,
    uvs: ArrayLike | None = None,
    crease_angle: float = CREASE_ANGLE,
    colors: ArrayLike | None = None,
) -> tuple[MeshLevel, bool]:
    """Check and weld a mesh, and give it normals where it has none.

    Args:
        name: What errors call it.
        vertices: Positions [m], shape (N, 3), finite.
        triangles: Vertex rows, shape (T, 3), T <= 2^20.
        normals: Normals per vertex, shape (N, 3), or None: smooth, split where faces meet above the crease angle.
        uvs: Texture coordinates (v up), shape (N, 2), or None.
        crease_angle: Largest angle that is smoothed over [rad].
        colors: Vertex colours, sRGB bytes, shape (N, 3), or None.

    Returns:
        The full level, and whether the mesh is closed and wound outwards.

    Raises:
        ValueError: If shapes disagree, values are not finite, an index is out of range, or no triangle has an area.
    """
    points, faces = _check_arrays(name, vertices, triangles)
    file_normals = _check_values(name, "normals", normals, len(points), 3)
    coordinates = _check_values(name, "uvs", uvs, len(points), 2)
    paint = _check_values(name, "colors", colors, len(points), 3, np.uint8)

    weld, _ = weld_rows(points)
    corners = weld[faces.astype(np.int64)]
    simple = (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 2] != corners[:, 0])
    corners, faces = corners[simple], faces[simple]
    exact = points.astype(np.float64)
    is_closed = corners.shape[0] > 0 and is_balanced(corners)
    if is_closed:
        volumes = signed_volumes(exact, faces, corners)
        if (volumes < 0).all():  # inside out as a whole; the file's normals, if any, stay
            corners, faces = corners[:, ::-1].copy(), faces[:, ::-1].copy()
        is_closed = bool((volumes >= 0).all() or (volumes < 0).all())
    vectors = face_vectors(exact, faces)
    square = (vectors**2).sum(axis=1)
    edges = sum(((exact[faces[:, k]] - exact[faces[:, k - 1]]) ** 2).sum(axis=1) for k in range(3))
    solid = square > 1e-20 * np.asarray(edges) ** 2  # thinner than 1e-10 of its length: on one line
    corners, faces, vectors = corners[solid], faces[solid], vectors[solid]
    if faces.shape[0] == 0:
        raise ValueError(f"mesh {name!r} has no triangle with an area")

    smooth = smooth_corners(vectors, corners, crease_angle)[1]
    smooth = smooth.reshape(-1, 3).astype(np.float32)
    source = faces.reshape(-1)
    if normals is not None:
        given = file_normals[source]
        usable = (given**2).sum(axis=1) > 1e-12
        smooth = np.where(usable[:, None], normalize_rows(given.astype(np.float64)).astype(np.float32), smooth)
    columns = [points[source], smooth, coordinates[source]]
    if colors is not None:
        columns.append(paint[source].astype(np.float32))
    rows = np.concatenate(columns, axis=1) + np.float32(0.0)
    vertex, kept = weld_rows(rows)
    level = MeshLevel(
        vertices=np.ascontiguousarray(rows[kept, :3]),
        normals=np.ascontiguousarray(rows[kept, 3:6]),
        uvs=np.ascontiguousarray(rows[kept, 6:8]),
        triangles=vertex.reshape(-1, 3).astype(np.int32),
        colors=None if colors is None else np.ascontiguousarray(rows[kept, 8:].astype(np.uint8)),
    )
    return level, is_closed


def prepare_deformable(name: str, vertices: ArrayLike, triangles: ArrayLike, uvs: ArrayLike | None = None) -> MeshLevel:
    """Check a mesh and give it smooth normals; its vertices and triangles stay as they are, one to one.

    Args:
        name: What errors call it.
        vertices: Positions [m], shape (N, 3), finite.
        triangles: Vertex rows, shape (T, 3), T <= 2^20.
        uvs: Texture coordinates (v up), shape (N, 2), or None.

    Returns:
        Its only level. A vertex's normal is the mean of its faces' by their areas, +z where that is nothing.

    Raises:
        ValueError: If shapes disagree, values are not finite, or an index is out of range.
    """
    points, faces = _check_arrays(name, vertices, triangles)
    coordinates = _check_values(name, "uvs", uvs, len(points), 2)
    around = np.repeat(face_vectors(points.astype(np.float64), faces), 3, axis=0)
    sums = [np.bincount(faces.reshape(-1), weights=around[:, k], minlength=len(points)) for k in range(3)]
    normals: NDArray[np.float64] = np.stack(sums, axis=1)
    normals[(normals == 0).all(axis=1)] = 0.0, 0.0, 1.0
    return MeshLevel(
        vertices=points,
        normals=normalize_rows(normals).astype(np.float32),
        uvs=coordinates,
        triangles=faces.astype(np.int32),
    )
