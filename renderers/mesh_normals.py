"""Normals and topology of triangle meshes: welding, smoothing groups, closedness."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

CREASE_ANGLE = math.radians(40.0)
"""Faces that meet at a larger angle keep separate normals [rad]."""


def weld_rows(rows: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find equal rows.

    Args:
        rows: Values, shape (N, K); -0.0 equals 0.0.

    Returns:
        The group of each row, shape (N,), and the first row of each group, shape (G,), ascending.
    """
    count = rows.shape[0]
    if count == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.lexsort(rows.T[::-1])
    ordered = rows[order]
    starts = np.concatenate(([True], (ordered[1:] != ordered[:-1]).any(axis=1)))
    sorted_group = np.cumsum(starts) - 1
    first = order[starts]  # lexsort is stable: the lowest index leads its group
    rank = np.empty_like(first)
    rank[np.argsort(first)] = np.arange(first.shape[0])
    group = np.empty(count, np.int64)
    group[order] = rank[sorted_group]
    return group, np.sort(first)


def connect(count: int, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Label the connected components of a graph.

    Args:
        count: Nodes.
        first: One end of each link, shape (E,).
        second: The other end, shape (E,).

    Returns:
        The lowest node of each node's component, shape (count,).
    """
    labels = np.arange(count, dtype=np.int64)
    while True:
        a, b = labels[first], labels[second]
        if (a == b).all():
            return labels
        np.minimum.at(labels, np.maximum(a, b), np.minimum(a, b))
        while True:  # follow the parents to the roots
            jumped = labels[labels]
            if (jumped == labels).all():
                break
            labels = jumped


def face_vectors(vertices: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute the face normals, as long as twice the area [m^2].

    Args:
        vertices: Positions [m], shape (N, 3).
        triangles: Vertex rows, shape (T, 3).

    Returns:
        Normals, shape (T, 3).
    """
    corner = vertices[triangles[:, 0]]
    return np.cross(vertices[triangles[:, 1]] - corner, vertices[triangles[:, 2]] - corner)


def normalize_rows(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale rows to unit length; rows of no length become +z.

    Args:
        vectors: Shape (N, 3).

    Returns:
        Unit vectors, shape (N, 3).
    """
    length = np.sqrt(vectors[:, 0] ** 2 + vectors[:, 1] ** 2 + vectors[:, 2] ** 2)
    safe = length > 1e-30
    unit = vectors / np.where(safe, length, 1.0)[:, None]
    unit[~safe] = (0.0, 0.0, 1.0)
    return unit


def smooth_corners(
    faces: NDArray[np.float64], corners: NDArray[np.int64], crease_angle: float = CREASE_ANGLE
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Group the corners of triangles that share a smooth normal.

    Two triangles that share an edge are smooth across it where their normals differ by less than the crease
    angle; a corner's normal is the area-weighted mean over the triangles that are reached so around its vertex.

    Args:
        faces: Face vectors as long as twice the area, shape (T, 3).
        corners: Welded vertex of each corner, shape (T, 3).
        crease_angle: Largest angle that is smoothed over [rad].

    Returns:
        Group of each corner, shape (T, 3), and the unit normal of each corner, shape (T, 3, 3).
    """
    count = faces.shape[0]
    unit = normalize_rows(faces)
    node = np.arange(3 * count, dtype=np.int64).reshape(count, 3)
    span = int(corners.max(initial=0)) + 1
    start, end = corners.reshape(-1), corners[:, [1, 2, 0]].reshape(-1)
    low, high = np.minimum(start, end), np.maximum(start, end)
    swapped = start > end
    here, there = node.reshape(-1), node[:, [1, 2, 0]].reshape(-1)
    low_node, high_node = np.where(swapped, there, here), np.where(swapped, here, there)
    key = low * span + high
    order = np.argsort(key, kind="stable")
    pair = np.flatnonzero(key[order[1:]] == key[order[:-1]])
    one, two = order[pair], order[pair + 1]
    a, b = unit[one // 3], unit[two // 3]
    smooth = a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1] + a[:, 2] * b[:, 2] > math.cos(crease_angle)
    one, two = one[smooth], two[smooth]
    group = connect(
        3 * count,
        np.concatenate((low_node[one], high_node[one])),
        np.concatenate((low_node[two], high_node[two])),
    )
    normal = np.empty((3 * count, 3))
    for axis in range(3):
        weights = np.repeat(faces[:, axis], 3)
        normal[:, axis] = np.bincount(group, weights=weights, minlength=3 * count)[group]
    return group.reshape(count, 3), normalize_rows(normal).reshape(count, 3, 3)


def signed_volumes(
    vertices: NDArray[np.float64], triangles: NDArray[np.int64], corners: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Measure the volume of each connected part of a mesh.

    Args:
        vertices: Positions [m], shape (N, 3).
        triangles: Vertex rows, shape (T, 3).
        corners: Welded vertex of each corner, shape (T, 3).

    Returns:
        Volumes [m^3], shape (parts,), negative where a part's faces point inwards.
    """
    span = int(corners.max(initial=0)) + 1
    labels = connect(
        span, np.concatenate((corners[:, 0], corners[:, 1])), np.concatenate((corners[:, 1], corners[:, 2]))
    )
    p, q, r = (vertices[triangles[:, k]] - vertices.mean(axis=0) for k in range(3))
    c = np.cross(q, r)
    six = p[:, 0] * c[:, 0] + p[:, 1] * c[:, 1] + p[:, 2] * c[:, 2]
    part = labels[corners[:, 0]]
    volumes: NDArray[np.float64] = np.bincount(part, weights=six, minlength=span)[np.unique(part)] / 6.0
    return volumes


def is_balanced(corners: NDArray[np.int64]) -> bool:
    """Tell whether every edge is walked as often in one direction as in the other (no border, consistent winding).

    Args:
        corners: Welded vertex of each corner, shape (T, 3).

    Returns:
        True for a closed mesh.
    """
    span = int(corners.max(initial=0)) + 1
    start, end = corners.reshape(-1), corners[:, [1, 2, 0]].reshape(-1)
    return bool((np.sort(start * span + end) == np.sort(end * span + start)).all())
