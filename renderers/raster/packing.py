"""Packing: snapshots and cameras as the flat tables that the raster kernels read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lighting import Lighting
from ..mesh_library import MeshLibrary
from ..snapshot import Snapshot
from ..surfaces import Materials
from ..view import Camera
from .tables import Worlds


def _fold_scale(pose: NDArray[np.float64], scale: NDArray[np.float32]) -> NDArray[np.float64]:
    rows = pose[:, :3, :].copy()
    rows[:, :, :3] *= scale[:, None, :].astype(np.float64)
    return rows.reshape(-1, 12)


def _uses_texture(table: Materials) -> NDArray[np.bool_]:
    textures = np.maximum(np.maximum(table.texture, table.metallic_roughness_texture), table.normal_texture)
    return np.asarray(np.any(textures >= 0, axis=0))


def _pack_light(light: Lighting) -> NDArray[np.float32]:
    columns = (
        light.sun_direction, light.sun_irradiance, light.sky_zenith, light.sky_horizon, light.sky_ground,
        light.sun_radius[:, None], light.fog_extinction[:, None], light.fog_radiance, light.sky_scale,
        light.sky_yaw[:, None],
    )  # fmt: skip
    return np.concatenate(columns, axis=1).astype(np.float32)


def _pack_lamps(snapshots: Sequence[Snapshot]) -> NDArray[np.float32]:
    """Lay out lamps, padded to the most that a snapshot has: kind 0 gives no light."""
    looks = snapshots[0].look_count
    table = np.zeros((len(snapshots), looks, max(s.lighting.lamp_kind.shape[1] for s in snapshots), 13), np.float32)
    for row, snapshot in zip(table, snapshots, strict=True):
        light = snapshot.lighting
        lamps = light.lamp_kind.shape[1]
        row[:, :lamps, 0:3] = light.lamp_position
        row[:, :lamps, 3:6] = light.lamp_intensity
        row[:, :lamps, 6:9] = light.lamp_direction
        row[:, :lamps, 9:11] = np.cos(light.lamp_cone.astype(np.float64))
        row[:, :lamps, 11] = light.lamp_radius
        row[:, :lamps, 12] = light.lamp_kind
    return table


def pack_worlds(snapshots: Sequence[Snapshot], library: MeshLibrary) -> Worlds:
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
        kinds = (table.texture, table.metallic_roughness_texture, table.normal_texture)
        highest = max(int(kind.max(initial=-1)) for kind in kinds)
        if highest >= texture_count:
            raise ValueError(f"a material's texture must be < {texture_count}, got {highest}")
        skies = snapshot.lighting.sky_image
        if int(skies.max(initial=-1)) >= len(library.sky_offset):
            raise ValueError(f"sky_image must be < {len(library.sky_offset)}, got {int(skies.max())}")
        rows = int(table.roughness.size)
        columns = (
            table.base_color.reshape(rows, 3),
            table.roughness.reshape(rows, 1),
            table.metallic.reshape(rows, 1),
            table.pattern_color.reshape(rows, 3),
            table.pattern_scale.reshape(rows, 1),
            table.texture_scale.reshape(rows, 1),
            table.opacity.reshape(rows, 1),
            table.emission.reshape(rows, 3),
        )
        floats.append(np.concatenate(columns, axis=1).astype(np.float32))
        numbers = (table.texture, table.pattern, table.metallic_roughness_texture, table.normal_texture)
        ints.append(np.stack([column.reshape(rows) for column in numbers], axis=1).astype(np.int32))
        first_rows.append(snapshot.material + row)
        strides.append(table.roughness.shape[1])
        row += rows
    pose = np.concatenate([s.pose_world_instance for s in snapshots])
    scale = np.concatenate([s.scale for s in snapshots]).astype(np.float32)
    to_object = np.concatenate([s.pose_instance_part for s in snapshots])
    normal = pose[:, :3, :3] / scale[:, None, :].astype(np.float64)

    def join(name: str, dtype: Any) -> NDArray[Any]:
        return np.concatenate([getattr(s, name) for s in snapshots]).astype(dtype)

    mesh = join("mesh", np.int32)
    needs_uv = np.concatenate([_uses_texture(s.materials)[s.material] for s in snapshots])
    patterned = np.concatenate([np.any(s.materials.pattern != 0, axis=0)[s.material] for s in snapshots])
    clear = np.concatenate([np.any(s.materials.opacity < 1.0, axis=0)[s.material] for s in snapshots])
    transparent = clear.astype(np.uint8)
    needs_frame = np.concatenate([np.any(s.materials.normal_texture >= 0, axis=0)[s.material] for s in snapshots])
    return Worlds(
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        mesh=mesh,
        matrix=_fold_scale(pose, scale),
        normal_matrix=normal.reshape(-1, 9).astype(np.float32),
        object_matrix=_fold_scale(to_object, scale).astype(np.float32),
        scale=scale,
        instance=join("instance", np.int32),
        class_id=join("class_id", np.uint8),
        part=join("part", np.uint8),
        casts_shadow=join("casts_shadow", np.uint8) * (1 - transparent),
        transparent=transparent,
        material=np.concatenate(first_rows).astype(np.int32),
        needs_uv=(library.mesh_has_uv[mesh] * needs_uv).astype(np.uint8),
        needs_local=(needs_uv | patterned).astype(np.uint8),
        has_color=library.mesh_has_color[mesh],
        needs_frame=(library.mesh_has_uv[mesh] * needs_frame).astype(np.uint8),
        stride=np.array(strides, np.int32),
        material_floats=np.ascontiguousarray(np.concatenate(floats)),
        material_ints=np.ascontiguousarray(np.concatenate(ints)),
        light=np.stack([_pack_light(s.lighting) for s in snapshots]),
        sky_image=np.stack([s.lighting.sky_image for s in snapshots]).astype(np.int32),
        glows=np.stack([np.any(s.materials.emission > 0, axis=(1, 2)) for s in snapshots]).astype(np.uint8),
        lamp=_pack_lamps(snapshots),
    )


def pack_poses(snapshots: Sequence[Snapshot], name: str) -> NDArray[np.float64]:
    """Lay out one of the snapshots' poses as `Worlds.matrix`.

    Args:
        snapshots: The snapshots.
        name: "pose_world_instance", "next_pose" or "previous_pose".

    Returns:
        World from mesh units, shape (I, 12).
    """
    scale = np.concatenate([s.scale for s in snapshots]).astype(np.float32)
    return _fold_scale(np.concatenate([getattr(s, name) for s in snapshots]), scale)


def pack_cameras(cameras: Sequence[Camera], density: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put cameras into one table.

    Args:
        cameras: V cameras of one image size.
        density: Pixels per radian of their lenses where they are closest, 0 for a pinhole, shape (V,).

    Returns:
        The rows of `tables.Views.camera`, shape (V, 31).
    """
    table = np.empty((len(cameras), 31))
    table[:, 30] = density
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
