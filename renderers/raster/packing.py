"""Packing: snapshots and cameras as the flat tables that the raster kernels read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..mesh_library import MeshLibrary
from ..snapshot import Snapshot
from ..view import Camera


@dataclass(frozen=True, kw_only=True)
class PackedWorlds:
    """W snapshots as one table of instances, one of materials and one of lights."""

    start: NDArray[np.int32]
    """First instance of each snapshot, shape (W + 1,)."""
    mesh: NDArray[np.int32]
    matrix: NDArray[np.float64]
    """World from mesh units (scale folded in), rows of a 3x4 matrix, shape (I, 12)."""
    normal_matrix: NDArray[np.float32]
    """World normal from mesh normal, up to length, shape (I, 9)."""
    object_matrix: NDArray[np.float32]
    """Object frame from mesh units, shape (I, 12)."""
    scale: NDArray[np.float32]
    """Scale along the mesh's axes, shape (I, 3)."""
    instance: NDArray[np.int32]
    class_id: NDArray[np.uint8]
    part: NDArray[np.uint8]
    casts_shadow: NDArray[np.uint8]
    material: NDArray[np.int32]
    """First look's row of `material_floats`, shape (I,); look l adds l times `material_stride`."""
    needs_uv: NDArray[np.uint8]
    """1 = texture coordinates matter: the mesh has them and a look of its material has a texture, shape (I,)."""
    material_stride: NDArray[np.int32]
    """Material rows per look, shape (W,)."""
    material_floats: NDArray[np.float32]
    """base r g b, roughness, metallic, pattern r g b, pattern period, texture repeats; shape (R, 10)."""
    material_ints: NDArray[np.int32]
    """texture row, pattern; shape (R, 2)."""
    light: NDArray[np.float32]
    """sun direction, sun irradiance, zenith, horizon, ground; shape (W, L, 15)."""

    @property
    def look_count(self) -> int:
        """Looks per snapshot."""
        return int(self.light.shape[1])

    @property
    def largest(self) -> int:
        """Instances of the fullest snapshot."""
        return int(np.diff(self.start).max(initial=0))


def _fold_scale(pose: NDArray[np.float64], scale: NDArray[np.float32]) -> NDArray[np.float64]:
    rows = pose[:, :3, :].copy()
    rows[:, :, :3] *= scale[:, None, :].astype(np.float64)
    return rows.reshape(-1, 12)


def pack_worlds(snapshots: Sequence[Snapshot], library: MeshLibrary) -> PackedWorlds:
    """Concatenate snapshots into tables.

    Args:
        snapshots: At least one snapshot, all with the same number of looks.
        library: The meshes and textures their rows point into.

    Returns:
        The tables, in the snapshots' order.

    Raises:
        ValueError: If look counts differ or a mesh or texture row is not in the library.
    """
    looks = {snapshot.look_count for snapshot in snapshots}
    if len(looks) != 1:
        raise ValueError(f"all snapshots of one call must have the same number of looks, got {sorted(looks)}")
    mesh_count, texture_count = len(library.mesh_level_start), len(library.texture_offset)
    counts = [snapshot.instance_count for snapshot in snapshots]
    floats, ints, first_rows, strides = [], [], [], []
    row = 0
    for snapshot in snapshots:
        table = snapshot.materials
        if snapshot.instance_count and not 0 <= int(snapshot.mesh.min()) <= int(snapshot.mesh.max()) < mesh_count:
            raise ValueError(f"snapshot.mesh must be rows in [0, {mesh_count}), got up to {int(snapshot.mesh.max())}")
        if table.texture.size and int(table.texture.max()) >= texture_count:
            raise ValueError(f"materials.texture must be < {texture_count}, got {int(table.texture.max())}")
        rows = int(table.roughness.size)
        columns = (
            table.base_color.reshape(rows, 3),
            table.roughness.reshape(rows, 1),
            table.metallic.reshape(rows, 1),
            table.pattern_color.reshape(rows, 3),
            table.pattern_scale.reshape(rows, 1),
            table.texture_scale.reshape(rows, 1),
        )
        floats.append(np.concatenate(columns, axis=1).astype(np.float32))
        ints.append(np.stack([table.texture.reshape(rows), table.pattern.reshape(rows)], axis=1).astype(np.int32))
        first_rows.append(snapshot.material + row)
        strides.append(table.roughness.shape[1])
        row += rows
    pose = np.concatenate([s.pose_world_instance for s in snapshots])
    scale = np.concatenate([s.scale for s in snapshots]).astype(np.float32)
    to_object = np.concatenate([s.pose_instance_part for s in snapshots])
    normal = pose[:, :3, :3] / scale[:, None, :].astype(np.float64)
    light = np.stack(
        [np.concatenate([getattr(s.lighting, field.name) for field in fields(s.lighting)], axis=1) for s in snapshots]
    )

    def join(name: str, dtype: Any) -> NDArray[Any]:
        return np.concatenate([getattr(s, name) for s in snapshots]).astype(dtype)

    mesh = join("mesh", np.int32)
    needs_uv = np.concatenate([np.any(s.materials.texture >= 0, axis=0)[s.material] for s in snapshots])
    return PackedWorlds(
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        mesh=mesh,
        matrix=_fold_scale(pose, scale),
        normal_matrix=normal.reshape(-1, 9).astype(np.float32),
        object_matrix=_fold_scale(to_object, scale).astype(np.float32),
        scale=scale,
        instance=join("instance", np.int32),
        class_id=join("class_id", np.uint8),
        part=join("part", np.uint8),
        casts_shadow=join("casts_shadow", np.uint8),
        material=np.concatenate(first_rows).astype(np.int32),
        needs_uv=(library.mesh_has_uv[mesh] * needs_uv).astype(np.uint8),
        material_stride=np.array(strides, np.int32),
        material_floats=np.ascontiguousarray(np.concatenate(floats)),
        material_ints=np.ascontiguousarray(np.concatenate(ints)),
        light=np.ascontiguousarray(light, dtype=np.float32),
    )


def pack_cameras(cameras: Sequence[Camera]) -> NDArray[np.float64]:
    """Put cameras into one table.

    Args:
        cameras: V cameras of one image size.

    Returns:
        fx, fy, cx, cy, near, far, camera-from-world rows (12), camera position (3), world-from-camera
        rotation (9); shape (V, 30).
    """
    table = np.empty((len(cameras), 30))
    for row, camera in zip(table, cameras, strict=True):
        pose = np.asarray(camera.pose_world_camera, np.float64)
        rotation = pose[:3, :3].T
        position = pose[:3, 3]
        # Written out, since a library's matrix product may round differently by batch shape.
        offset = -(rotation[:, 0] * position[0] + rotation[:, 1] * position[1] + rotation[:, 2] * position[2])
        row[:6] = camera.fx, camera.fy, camera.cx, camera.cy, camera.near, camera.far
        row[6:18] = np.concatenate([rotation, offset[:, None]], axis=1).reshape(12)
        row[18:21] = position
        row[21:30] = pose[:3, :3].reshape(9)
    return table
