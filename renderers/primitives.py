"""Primitive meshes, tessellated from their formulas at several levels of detail."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .level_of_detail import MeshLevel

_ROUND = ((64, 32), (40, 20), (24, 12), (12, 6))
"""Segments around and from pole to pole of the round primitives' levels (both even)."""


def _level(
    vertices: NDArray[np.float64],
    normals: NDArray[np.float64],
    uvs: NDArray[np.float64],
    triangles: NDArray[np.int64],
    error: float = 0.0,
) -> MeshLevel:
    return MeshLevel(
        vertices=vertices.astype(np.float32),
        normals=normals.astype(np.float32),
        uvs=uvs.astype(np.float32),
        triangles=triangles.astype(np.int32),
        error=error,
    )


def _grid_triangles(rows: int, columns: int) -> NDArray[np.int64]:
    """Split a grid of (rows + 1) x (columns + 1) vertices, row-major, into triangles."""
    row, column = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    a = (row * (columns + 1) + column).reshape(-1)
    below = a + columns + 1
    return np.stack([np.stack([a, below, below + 1], axis=1), np.stack([a, below + 1, a + 1], axis=1)], axis=1).reshape(
        -1, 3
    )


def make_plane() -> tuple[MeshLevel, ...]:
    """Make a unit square in the xy plane, centred at the origin, normal +z.

    Returns:
        One level of two triangles.
    """
    vertices = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
    uvs = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    normals = np.tile([0.0, 0.0, 1.0], (4, 1))
    return (_level(vertices, normals, uvs, np.array([[0, 1, 2], [0, 2, 3]])),)


def make_box() -> tuple[MeshLevel, ...]:
    """Make a cube of side 1, centred at the origin, each face with its own normals and the whole texture.

    Returns:
        One level of twelve triangles.
    """
    square = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    uvs = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    vertices: list[NDArray[np.float64]] = []
    normals: list[NDArray[np.float64]] = []
    triangles: list[NDArray[np.int64]] = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            face = np.zeros((4, 3))
            face[:, axis] = 0.5 * sign
            face[:, (axis + 1) % 3] = square[:, 0] * sign
            face[:, (axis + 2) % 3] = square[:, 1]
            normal = np.zeros((4, 3))
            normal[:, axis] = sign
            triangles.append(np.array([[0, 1, 2], [0, 2, 3]]) + 4 * len(vertices))
            vertices.append(face)
            normals.append(normal)
    return (_level(np.concatenate(vertices), np.concatenate(normals), np.tile(uvs, (6, 1)), np.concatenate(triangles)),)


def _drop_degenerate(vertices: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.int64]:
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    solid: NDArray[np.int64] = triangles[area > 1e-12]
    return solid


def _revolve(
    radius: NDArray[np.float64],
    height: NDArray[np.float64],
    normal_radius: NDArray[np.float64],
    normal_height: NDArray[np.float64],
    v: NDArray[np.float64],
    segments: int,
    error: float,
) -> MeshLevel:
    """Revolve a profile, from top to bottom, about z; the first and last column are the texture's seam."""
    turn = np.arange(segments + 1) / segments
    angle = 2.0 * math.pi * (np.arange(segments + 1) % segments) / segments
    cosine, sine = np.cos(angle), np.sin(angle)

    def spin(across: NDArray[np.float64], along: NDArray[np.float64]) -> NDArray[np.float64]:
        z = np.broadcast_to(along[:, None], (len(along), segments + 1))
        return np.stack([across[:, None] * cosine, across[:, None] * sine, z], axis=2).reshape(-1, 3)

    vertices = spin(radius, height)
    uvs = np.stack(np.broadcast_arrays(turn[None, :], v[:, None]), axis=2).reshape(-1, 2)
    triangles = _drop_degenerate(vertices, _grid_triangles(len(radius) - 1, segments))
    return _level(vertices, spin(normal_radius, normal_height), uvs, triangles, error)


def _exact(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round away the 1e-17 that sin(pi) leaves, so that poles are points."""
    return np.where(np.abs(values) < 1e-15, 0.0, values)


def _round_error(around: int, along: int) -> float:
    """Return the gap between a unit sphere and its facets: half a facet's diagonal, seen from the centre."""
    return 1.0 - math.cos(math.pi / around) * math.cos(0.5 * math.pi / along)


def make_sphere() -> tuple[MeshLevel, ...]:
    """Make a sphere of radius 0.5, centred at the origin, poles along z.

    Returns:
        Levels of 3968 triangles and fewer; the vertices lie on the sphere.
    """
    levels = []
    for index, (around, along) in enumerate(_ROUND):
        polar = math.pi * np.arange(along + 1) / along
        across, up = _exact(np.sin(polar)), _exact(np.cos(polar))
        error = 0.5 * _round_error(around, along) if index else 0.0
        levels.append(_revolve(0.5 * across, 0.5 * up, across, up, 1.0 - polar / math.pi, around, error))
    return tuple(levels)


def make_capsule(radius: float, length: float) -> tuple[MeshLevel, ...]:
    """Make a capsule along z, centred at the origin.

    Args:
        radius: Radius [m], > 0.
        length: Distance between the centres of its two half spheres [m], > 0.

    Returns:
        Levels, finest first.

    Raises:
        ValueError: If a size is not positive.
    """
    if not (math.isfinite(radius) and radius > 0 and math.isfinite(length) and length > 0):
        raise ValueError(
            f"a capsule's radius and length must be > 0 m, got {radius} and {length}; use a sphere for length 0"
        )
    levels = []
    for index, (around, along) in enumerate(_ROUND):
        polar = math.pi * np.arange(along + 1) / along
        half = along // 2
        polar = np.concatenate((polar[: half + 1], polar[half:]))
        shift = np.repeat([0.5 * length, -0.5 * length], half + 1)
        across, up = _exact(np.sin(polar)), _exact(np.cos(polar))
        height = radius * up + shift
        arc = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(radius * across), np.diff(height)))))
        error = radius * _round_error(around, along) if index else 0.0
        levels.append(_revolve(radius * across, height, across, up, 1.0 - arc / arc[-1], around, error))
    return tuple(levels)


def make_cylinder() -> tuple[MeshLevel, ...]:
    """Make a cylinder of radius 0.5 and height 1 along z, centred at the origin.

    Returns:
        Levels of 256 triangles (64 segments) and fewer; the caps map the texture's inscribed circle.
    """
    levels = []
    for segments in (64, 32, 16, 8):
        ends = np.array([0.5, -0.5])
        error = 0.5 * (1.0 - math.cos(math.pi / segments)) if segments < 64 else 0.0
        side = _revolve(np.full(2, 0.5), ends, np.ones(2), np.zeros(2), np.array([1.0, 0.0]), segments, error)
        angle = 2.0 * math.pi * np.arange(segments) / segments
        ring = 0.5 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        vertices = [side.vertices.astype(np.float64)]
        normals = [side.normals.astype(np.float64)]
        uvs = [side.uvs.astype(np.float64)]
        triangles = [side.triangles.astype(np.int64)]
        start = side.vertices.shape[0]
        index = np.arange(segments)
        for z in ends:
            cap = np.concatenate((ring, np.zeros((1, 2))))
            vertices.append(np.column_stack((cap, np.full(segments + 1, z))))
            normals.append(np.tile([0.0, 0.0, 2.0 * z], (segments + 1, 1)))
            uvs.append(0.5 + cap)
            fan = np.stack([np.full(segments, segments), index, (index + 1) % segments], axis=1)
            triangles.append((fan if z > 0 else fan[:, ::-1]) + start)
            start += segments + 1
        levels.append(
            _level(
                np.concatenate(vertices), np.concatenate(normals), np.concatenate(uvs), np.concatenate(triangles), error
            )
        )
    return tuple(levels)
