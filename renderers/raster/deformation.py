"""Deformation: a chunk's tables with one more mesh for every instance that has a shape of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..level_of_detail import MeshLevel
from ..mesh_library import MeshLibrary
from ..mesh_preparation import prepare_deformable
from ..snapshot import Snapshot
from .tables import Geometry, Worlds


def deform(
    geometry: Geometry, worlds: Worlds, snapshots: Sequence[Snapshot], library: MeshLibrary
) -> tuple[Geometry, Worlds]:
    """Put the new shapes of deformed instances into the tables.

    Args:
        geometry: The meshes.
        worlds: The snapshots, packed.
        snapshots: The same.
        library: Where the meshes come from.

    Returns:
        The tables themselves where nothing is deformed; else tables with a mesh of one level for each deformed
        instance, whose triangles are the library's, with new normals and bounds.

    Raises:
        ValueError: If a deformation does not fit its mesh or is not finite.
    """
    if not any(snapshot.deformations for snapshot in snapshots):
        return geometry, worlds
    mesh = worlds.mesh.copy()
    sources: list[int] = []
    levels: list[MeshLevel] = []
    for snapshot, first in zip(snapshots, worlds.start[:-1].tolist(), strict=True):
        for deformation in snapshot.deformations:
            source = int(snapshot.mesh[deformation.row])
            rest, vertices = library.level(source), np.asarray(deformation.vertices, np.float32)
            if vertices.shape != rest.vertices.shape or not np.isfinite(vertices).all():
                raise ValueError(
                    f"a deformation of row {deformation.row} needs {rest.vertices.shape} finite positions, "
                    f"got {vertices.shape}"
                )
            mesh[first + deformation.row] = len(library.mesh_level_start) + len(levels)
            sources.append(source)
            levels.append(prepare_deformable(library.names[source], vertices, rest.triangles, rest.uvs))
    full = library.mesh_level_start[sources]  # each mesh's finest level
    lower = np.stack([level.vertices.min(axis=0) for level in levels])
    upper = np.stack([level.vertices.max(axis=0) for level in levels])
    center = np.float32(0.5) * (lower + upper)
    far = [((level.vertices - middle).astype(np.float64) ** 2) for level, middle in zip(levels, center, strict=True)]
    radius = np.array([np.sqrt((d[:, 0] + d[:, 1] + d[:, 2]).max()) * (1.0 + 1e-6) for d in far], np.float32)
    counts = library.level_vertex_count[full]
    first_vertex = len(library.vertices) + np.cumsum([0, *counts[:-1]])
    color = geometry.color
    if library.mesh_has_color.any():
        starts = library.level_vertex_start[full]
        color = np.concatenate([color, *(color[a : a + n] for a, n in zip(starts, counts, strict=True))])
    vertex = np.concatenate([geometry.vertex, *(level.vertices for level in levels)])
    extended = geometry._replace(
        vertex=vertex,
        position=np.ascontiguousarray(vertex.T),
        normal=np.concatenate([geometry.normal, *(level.normals for level in levels)]),
        uv=np.concatenate([geometry.uv, *(library.level(source).uvs for source in sources)]),
        color=color,
        level_vertex_start=np.concatenate([geometry.level_vertex_start, first_vertex]).astype(np.int32),
        level_vertex_count=np.concatenate([geometry.level_vertex_count, counts]),
        level_triangle_start=np.concatenate([geometry.level_triangle_start, library.level_triangle_start[full]]),
        level_triangle_count=np.concatenate([geometry.level_triangle_count, library.level_triangle_count[full]]),
        level_error=np.concatenate([geometry.level_error, np.zeros(len(levels), np.float32)]),
        mesh_level_start=np.concatenate(
            [geometry.mesh_level_start, len(library.level_error) + np.arange(len(levels))]
        ).astype(np.int32),
        mesh_level_count=np.concatenate([geometry.mesh_level_count, np.ones(len(levels), np.int32)]),
        mesh_center=np.concatenate([geometry.mesh_center, center]),
        mesh_radius=np.concatenate([geometry.mesh_radius, radius]),
        mesh_lower=np.concatenate([geometry.mesh_lower, lower]),
        mesh_upper=np.concatenate([geometry.mesh_upper, upper]),
        mesh_is_closed=np.concatenate([geometry.mesh_is_closed, library.mesh_is_closed[sources]]),
    )
    return extended, worlds._replace(mesh=mesh)
