"""Packing: snapshots and cameras as the flat tables that the raster kernels read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lighting import Lighting
from ..mesh_library import MeshLibrary
from ..snapshot import Snapshot
from ..surfaces import Materials
from ..view import Camera
from .tables import Worlds

# Snapshots are small and many: each array is joined over all of them first, and then worked with once.


def _fold_scale(pose: NDArray[np.float64], scale: NDArray[np.float32]) -> NDArray[np.float64]:
    rows = pose[:, :3, :].reshape(-1, 12).astype(np.float64)
    for axis in range(3):
        factor = scale[:, axis].astype(np.float64)
        for row in range(3):
            rows[:, 4 * row + axis] *= factor
    return rows


def _unfold_scale(pose: NDArray[np.float64], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the normals' matrices: the rotations, over the scales along the mesh's axes."""
    rows = np.empty((len(pose), 9), np.float32)
    for axis in range(3):
        divisor = scale[:, axis].astype(np.float64)
        for row in range(3):
            rows[:, 3 * row + axis] = pose[:, row, axis] / divisor
    return rows


def _pack_light(lights: Sequence[Lighting]) -> NDArray[np.float32]:
    names = (
        "sun_direction", "sun_irradiance", "sky_zenith", "sky_horizon", "sky_ground", "sun_radius", "fog_extinction",
        "fog_radiance", "sky_scale", "sky_yaw",
    )  # fmt: skip
    columns = [np.array([getattr(light, name) for light in lights], np.float32) for name in names]
    shape = columns[0].shape[:2]
    return np.concatenate([column.reshape(*shape, -1) for column in columns], axis=2)


def _pack_lamps(lights: Sequence[Lighting]) -> NDArray[np.float32]:
    """Lay out lamps, padded to the most that a snapshot has: kind 0 gives no light."""
    looks, most = lights[0].lamp_kind.shape[0], max(light.lamp_kind.shape[1] for light in lights)
    table = np.zeros((len(lights), looks, most, 13), np.float32)
    if not most:
        return table
    for row, light in zip(table, lights, strict=True):
        lamps = light.lamp_kind.shape[1]
        row[:, :lamps, 0:3] = light.lamp_position
        row[:, :lamps, 3:6] = light.lamp_intensity
        row[:, :lamps, 6:9] = light.lamp_direction
        row[:, :lamps, 9:11] = np.cos(light.lamp_cone.astype(np.float64))
        row[:, :lamps, 11] = light.lamp_radius
        row[:, :lamps, 12] = light.lamp_kind
    return table


def _join_rows(tables: Sequence[Materials], *names: str, dtype: Any) -> NDArray[Any]:
    """Lay out columns of the material tables, look by look of one snapshot after the other."""
    joined = []
    for name in names:
        parts = [getattr(table, name) for table in tables]
        joined.append(np.concatenate([part.reshape(-1, *part.shape[2:]) for part in parts]))
    return np.ascontiguousarray(np.concatenate([column.reshape(len(column), -1) for column in joined], axis=1), dtype)


def _any_look(tables: Sequence[Materials], name: str, test: Callable[[NDArray[Any]], Any]) -> NDArray[np.bool_]:
    """Return of each snapshot's materials, one after the other, whether any look of them passes a test."""
    joined = np.concatenate([getattr(table, name) for table in tables], axis=1)
    return np.asarray(np.any(test(joined), axis=0), bool)


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

    def join(name: str, dtype: Any) -> NDArray[Any]:
        return np.concatenate([getattr(s, name) for s in snapshots]).astype(dtype)

    tables, lights = [s.materials for s in snapshots], [s.lighting for s in snapshots]
    mesh_count, texture_count = len(library.mesh_level_start), len(library.texture_offset)
    mesh = join("mesh", np.int32)
    if len(mesh) and not 0 <= int(mesh.min()) <= int(mesh.max()) < mesh_count:
        raise ValueError(f"snapshot.mesh must be rows in [0, {mesh_count}), got up to {int(mesh.max())}")
    ints = _join_rows(tables, "texture", "pattern", "metallic_roughness_texture", "normal_texture", dtype=np.int32)
    highest = int(ints[:, (0, 2, 3)].max(initial=-1))
    if highest >= texture_count:
        raise ValueError(f"a material's texture must be < {texture_count}, got {highest}")
    sky_image = np.array([light.sky_image for light in lights], np.int32)
    if int(sky_image.max(initial=-1)) >= len(library.sky_offset):
        raise ValueError(f"sky_image must be < {len(library.sky_offset)}, got {int(sky_image.max())}")
    counts = [snapshot.instance_count for snapshot in snapshots]
    strides = np.array([table.roughness.shape[1] for table in tables], np.int32)
    own = np.concatenate([snapshot.material for snapshot in snapshots])
    # A snapshot's materials start after those of the ones before: of one look, and of all looks.
    before = np.repeat(np.cumsum(strides) - strides, counts)
    material = own + before

    def find(name: str, test: Callable[[NDArray[Any]], Any]) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = _any_look(tables, name, test)[material]
        return found

    bumpy = find("normal_texture", lambda row: row >= 0)
    needs_uv = bumpy | find("texture", lambda row: row >= 0) | find("metallic_roughness_texture", lambda row: row >= 0)
    transparent = find("opacity", lambda share: share < 1.0).astype(np.uint8)
    pose = np.concatenate([s.pose_world_instance for s in snapshots])
    scale = join("scale", np.float32)
    return Worlds(
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        mesh=mesh,
        matrix=_fold_scale(pose, scale),
        normal_matrix=_unfold_scale(pose, scale),
        object_matrix=_fold_scale(np.concatenate([s.pose_instance_part for s in snapshots]), scale).astype(np.float32),
        scale=scale,
        instance=join("instance", np.int32),
        class_id=join("class_id", np.uint8),
        part=join("part", np.uint8),
        casts_shadow=join("casts_shadow", np.uint8) * (1 - transparent),
        transparent=transparent,
        material=(own + before * next(iter(looks))).astype(np.int32),
        needs_uv=(library.mesh_has_uv[mesh] * needs_uv).astype(np.uint8),
        needs_local=(needs_uv | find("pattern", lambda kind: kind != 0)).astype(np.uint8),
        has_color=library.mesh_has_color[mesh],
        needs_frame=(library.mesh_has_uv[mesh] * bumpy).astype(np.uint8),
        stride=strides,
        material_floats=_join_rows(
            tables, "base_color", "roughness", "metallic", "pattern_color", "pattern_scale", "texture_scale", "opacity",
            "emission", dtype=np.float32,
        ),
        material_ints=ints,
        light=_pack_light(lights),
        sky_image=sky_image,
        glows=np.array([np.any(table.emission > 0, axis=(1, 2)) for table in tables], np.uint8),
        lamp=_pack_lamps(lights),
    )  # fmt: skip


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
    table[:, :6] = [(c.fx, c.fy, c.cx, c.cy, c.near, c.far) for c in cameras]
    pose = np.array([camera.pose_world_camera for camera in cameras], np.float64)
    position = pose[:, :3, 3]
    for axis in range(3):
        # Written out, since a library's matrix product may round differently by batch shape.
        row, place = pose[:, :3, axis], 6 + 4 * axis
        table[:, place : place + 3] = row
        table[:, place + 3] = -(row[:, 0] * position[:, 0] + row[:, 1] * position[:, 1] + row[:, 2] * position[:, 2])
    table[:, 18:21] = position
    table[:, 21:30] = pose[:, :3, :3].reshape(-1, 9)
    table[:, 30] = density
    return table
