"""Records: meshes, textures and skies one by one, and how they are joined into the arrays of a mesh library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .level_of_detail import MeshLevel
from .mesh_layout import as_rows, find_starts, join_rows


class MeshRecord(NamedTuple):
    """One mesh."""

    levels: tuple[MeshLevel, ...]
    """Finest first."""
    has_uv: bool
    has_color: bool
    is_closed: bool


class TextureRecord(NamedTuple):
    """One texture."""

    mips: tuple[NDArray[np.uint8], ...]
    """Finest first."""
    is_data: bool


class SkyRecord(NamedTuple):
    """One sky."""

    mips: tuple[NDArray[np.float32], ...]
    """Finest first."""
    harmonics: NDArray[np.float32]
    """Shape (9, 3)."""


def _bound(meshes: list[MeshRecord]) -> dict[str, NDArray[np.float32]]:
    lower, upper, center = (np.zeros((len(meshes), 3), np.float32) for _ in range(3))
    radius = np.zeros(len(meshes), np.float32)
    for row, mesh in enumerate(meshes):
        points = mesh.levels[0].vertices
        lower[row], upper[row] = points.min(axis=0), points.max(axis=0)
        center[row] = 0.5 * (lower[row] + upper[row])
        distance = np.sqrt(((points.astype(np.float64) - center[row]) ** 2).sum(axis=1).max())
        radius[row] = np.nextafter(np.float32(distance), np.float32(np.inf))
    return {"mesh_lower": lower, "mesh_upper": upper, "mesh_center": center, "mesh_radius": radius}


def _join_images(
    prefix: str, texels: str, chains: list[tuple[NDArray[Any], ...]], dtype: type
) -> dict[str, NDArray[Any]]:
    return {
        texels: join_rows([mip for chain in chains for mip in chain], 3, dtype),
        f"{prefix}_offset": find_starts([sum(m.shape[0] * m.shape[1] for m in chain) for chain in chains]),
        f"{prefix}_width": as_rows([chain[0].shape[1] for chain in chains]),
        f"{prefix}_height": as_rows([chain[0].shape[0] for chain in chains]),
        f"{prefix}_levels": as_rows([len(chain) for chain in chains]),
    }


def join_records(
    meshes: Mapping[str, MeshRecord], textures: Mapping[str, TextureRecord], skies: Mapping[str, SkyRecord]
) -> dict[str, Any]:
    """Join records into the fields of a `MeshLibrary`, in their order.

    Args:
        meshes: Meshes by name.
        textures: Textures by name.
        skies: Skies by name.

    Returns:
        Every field of the library by name.

    Raises:
        ValueError: If there are more than 2^31 - 1 vertices, triangles or texels.
    """
    mesh_rows = list(meshes.values())
    levels = [level for mesh in mesh_rows for level in mesh.levels]
    vertex_counts = [len(level.vertices) for level in levels]
    triangle_counts = [len(level.triangles) for level in levels]
    level_counts = [len(mesh.levels) for mesh in mesh_rows]
    colors = [np.full_like(level.vertices, 255, np.uint8) if level.colors is None else level.colors for level in levels]
    harmonics = [sky.harmonics for sky in skies.values()]
    return {
        "vertices": join_rows([level.vertices for level in levels], 3, np.float32),
        "normals": join_rows([level.normals for level in levels], 3, np.float32),
        "uvs": join_rows([level.uvs for level in levels], 2, np.float32),
        "colors": join_rows(colors, 3, np.uint8),
        "triangles": join_rows([level.triangles for level in levels], 3, np.int32),
        "level_vertex_start": find_starts(vertex_counts),
        "level_vertex_count": as_rows(vertex_counts),
        "level_triangle_start": find_starts(triangle_counts),
        "level_triangle_count": as_rows(triangle_counts),
        "level_error": np.array([level.error for level in levels], np.float32),
        "mesh_level_start": find_starts(level_counts),
        "mesh_level_count": as_rows(level_counts),
        **_bound(mesh_rows),
        "mesh_has_uv": np.array([mesh.has_uv for mesh in mesh_rows], np.uint8),
        "mesh_has_color": np.array([mesh.has_color for mesh in mesh_rows], np.uint8),
        "mesh_is_closed": np.array([mesh.is_closed for mesh in mesh_rows], np.uint8),
        **_join_images("texture", "texels", [texture.mips for texture in textures.values()], np.uint8),
        "texture_is_data": np.array([texture.is_data for texture in textures.values()], np.uint8),
        **_join_images("sky", "sky_texel", [sky.mips for sky in skies.values()], np.float32),
        "sky_harmonics": np.stack(harmonics) if harmonics else np.zeros((0, 9, 3), np.float32),
        "names": tuple(meshes),
        "texture_names": tuple(textures),
        "sky_names": tuple(skies),
    }
