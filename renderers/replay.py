"""Replay files: snapshots, cameras, and the part of the mesh library that they use, in one `.npz` without pickle.

A machine without PyBullet or trimesh renders one; only NumPy reads it. Files are untrusted: everything is checked.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .mesh_layout import LAYOUT
from .mesh_library import MeshLibrary
from .replay_cameras import gather_cameras, take_cameras
from .replay_checks import check_poses, check_rows, take_array
from .snapshot import Deformation, Lighting, Materials, Snapshot
from .view import Camera

REPLAY_VERSION = 2
MAX_REPLAY_BYTES = 64 * 1024**3
"""Largest replay file, unpacked [byte]."""

_INSTANCE: dict[str, tuple[type, tuple[int, ...]]] = {
    "mesh": (np.int32, ()),
    "pose_world_instance": (np.float64, (4, 4)),
    "previous_pose": (np.float64, (4, 4)),
    "scale": (np.float32, (3,)),
    "material": (np.int32, ()),
    "instance": (np.int32, ()),
    "class_id": (np.int32, ()),
    "part": (np.int32, ()),
    "pose_instance_part": (np.float64, (4, 4)),
    "casts_shadow": (np.uint8, ()),
    "next_pose": (np.float64, (4, 4)),
}
_MATERIAL: dict[str, tuple[type, tuple[int, ...]]] = {
    "base_color": (np.float32, (3,)),
    "roughness": (np.float32, ()),
    "metallic": (np.float32, ()),
    "texture": (np.int32, ()),
    "texture_scale": (np.float32, ()),
    "pattern": (np.int32, ()),
    "pattern_color": (np.float32, (3,)),
    "pattern_scale": (np.float32, ()),
    "opacity": (np.float32, ()),
    "emission": (np.float32, (3,)),
    "metallic_roughness_texture": (np.int32, ()),
    "normal_texture": (np.int32, ()),
}
_LIGHT: dict[str, tuple[type, tuple[int, ...]]] = {
    "sun_direction": (np.float32, (3,)),
    "sun_irradiance": (np.float32, (3,)),
    "sky_zenith": (np.float32, (3,)),
    "sky_horizon": (np.float32, (3,)),
    "sky_ground": (np.float32, (3,)),
    "sun_radius": (np.float32, ()),
    "sky_image": (np.int32, ()),
    "sky_scale": (np.float32, (3,)),
    "sky_yaw": (np.float32, ()),
    "fog_extinction": (np.float32, ()),
    "fog_radiance": (np.float32, (3,)),
}
_LAMP: dict[str, tuple[type, tuple[int, ...]]] = {
    "lamp_kind": (np.int32, ()),
    "lamp_position": (np.float32, (3,)),
    "lamp_intensity": (np.float32, (3,)),
    "lamp_direction": (np.float32, (3,)),
    "lamp_cone": (np.float32, (2,)),
    "lamp_radius": (np.float32, ()),
}
_KEYPOINT: dict[str, tuple[type, tuple[int, ...]]] = {
    "keypoint_row": (np.int32, ()),
    "keypoint_position": (np.float64, (3,)),
}
_TEXTURES = ("texture", "metallic_roughness_texture", "normal_texture")


@dataclass(frozen=True, kw_only=True, eq=False)
class Replay:
    """What a replay file holds; pass it to a renderer as it is."""

    library: MeshLibrary
    """The meshes and textures that the snapshots use."""
    snapshots: tuple[Snapshot, ...]
    """Snapshots, mesh and texture rows in `library`."""
    cameras: tuple[Camera, ...]
    """One camera for each view."""
    view_snapshot: NDArray[np.int32]
    """Snapshot that each view sees, shape (V,)."""


def save_replay(
    path: str | Path,
    library: MeshLibrary,
    snapshots: Sequence[Snapshot],
    cameras: Sequence[Camera],
    view_snapshot: ArrayLike,
) -> None:
    """Write a replay file.

    Args:
        path: File to write, usually `*.npz`; replaced atomically.
        library: Library that the snapshots refer to; only what they use is written.
        snapshots: Snapshots, at least one.
        cameras: One camera for each view.
        view_snapshot: Snapshot that each view sees, shape (V,), range [0, number of snapshots).

    Raises:
        ValueError: If there is no snapshot, or a row does not exist.

    Example:
        >>> save_replay("scene.npz", library, [snapshot], [camera], [0])
    """
    if not snapshots:
        raise ValueError("a replay needs at least one snapshot")
    views = np.asarray(view_snapshot, np.int32)
    _check_views(views, len(cameras), len(snapshots))
    used_meshes = np.unique(np.concatenate([snapshot.mesh for snapshot in snapshots]))
    used_textures = np.unique(
        np.concatenate([getattr(s.materials, name).reshape(-1) for s in snapshots for name in _TEXTURES])
    )
    check_rows("mesh", used_meshes, 0, library.mesh_count)
    check_rows("texture", used_textures, -1, library.texture_count)
    used_skies = np.unique(np.concatenate([s.lighting.sky_image for s in snapshots]))
    check_rows("sky", used_skies, -1, library.sky_count)
    subset, mesh_map, texture_map, sky_map = library.subset(used_meshes, used_textures, used_skies)

    names = json.dumps({"meshes": subset.names, "textures": subset.texture_names, "skies": subset.sky_names}).encode()
    arrays: dict[str, NDArray[Any]] = {
        "version": np.array([REPLAY_VERSION], np.int64),
        "names": np.frombuffer(names, np.uint8),
        "view_snapshot": views,
        "instance_count": np.array([s.instance_count for s in snapshots], np.int32),
        "look_count": np.array([s.look_count for s in snapshots], np.int32),
        "material_count": np.array([s.materials.roughness.shape[1] for s in snapshots], np.int32),
        "lamp_count": np.array([s.lighting.lamp_kind.shape[1] for s in snapshots], np.int32),
        "keypoint_count": np.array([len(s.keypoint_row) for s in snapshots], np.int32),
    }
    arrays |= {f"library/{name}": array for name, array in subset.arrays().items()}
    for name, (dtype, _) in _INSTANCE.items():
        parts = [np.asarray(getattr(s, name)) for s in snapshots]
        if name == "mesh":
            parts = [mesh_map[part] for part in parts]
        arrays[f"instance/{name}"] = np.concatenate(parts).astype(dtype)
    for name, (dtype, tail) in _MATERIAL.items():
        parts = [np.asarray(getattr(s.materials, name)).reshape(-1, *tail) for s in snapshots]
        if name in _TEXTURES:
            parts = [np.where(part < 0, -1, np.append(texture_map, -1)[part]) for part in parts]
        arrays[f"material/{name}"] = np.concatenate(parts).astype(dtype)
    for name, (dtype, _) in _LIGHT.items():
        parts = [getattr(s.lighting, name) for s in snapshots]
        if name == "sky_image":
            parts = [np.append(sky_map, -1)[part] for part in parts]  # -1 takes the last
        arrays[f"lighting/{name}"] = np.concatenate(parts).astype(dtype)
    for name, (dtype, tail) in _LAMP.items():
        parts = [getattr(s.lighting, name).reshape(-1, *tail) for s in snapshots]
        arrays[f"lamp/{name}"] = np.concatenate(parts).astype(dtype)
    for name, (dtype, _) in _KEYPOINT.items():
        arrays[f"keypoint/{name}"] = np.concatenate([getattr(s, name) for s in snapshots]).astype(dtype)

    arrays |= gather_cameras(cameras) | _gather_deformations(snapshots)
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _gather_deformations(snapshots: Sequence[Snapshot]) -> dict[str, NDArray[Any]]:
    """Lay out deformations; a file without any has no arrays for them."""
    found = [(number, d) for number, snapshot in enumerate(snapshots) for d in snapshot.deformations]
    if not found:
        return {}
    return {
        "deformation/snapshot": np.array([number for number, _ in found], np.int32),
        "deformation/row": np.array([d.row for _, d in found], np.int32),
        "deformation/count": np.array([len(d.vertices) for _, d in found], np.int32),
        "deformation/vertices": np.concatenate([d.vertices for _, d in found]).astype(np.float32),
    }


def _take_deformations(stored: dict[str, NDArray[Any]], instance_count: NDArray[Any]) -> list[list[Deformation]]:
    """Take every snapshot's deformations out of a file."""
    found: list[list[Deformation]] = [[] for _ in instance_count]
    if "deformation/row" not in stored:
        return found
    rows = take_array(stored, "deformation/row", np.int32, (None,))
    owners = take_array(stored, "deformation/snapshot", np.int32, (len(rows),))
    counts = take_array(stored, "deformation/count", np.int32, (len(rows),))
    check_rows("deformation/snapshot", owners, 0, len(instance_count))
    if (counts < 0).any() or (rows < 0).any() or (rows >= instance_count[owners]).any():
        raise ValueError("the deformations of the replay file point outside their snapshots; it is damaged")
    vertices = take_array(stored, "deformation/vertices", np.float32, (int(counts.sum(dtype=np.int64)), 3))
    ends = np.cumsum([0, *counts.tolist()])
    for number, owner in enumerate(owners.tolist()):
        part = vertices[ends[number] : ends[number + 1]]
        found[owner].append(Deformation(row=int(rows[number]), vertices=part))
    return found


def _check_views(views: NDArray[np.int32], cameras: int, snapshots: int) -> None:
    if views.shape != (cameras,):
        raise ValueError(f"view_snapshot must have one entry for each of {cameras} cameras, got shape {views.shape}")
    check_rows("view_snapshot", views, 0, snapshots)


def _read_arrays(path: Path, max_bytes: int) -> dict[str, NDArray[Any]]:
    if not path.is_file():
        raise FileNotFoundError(f"replay file {path} does not exist")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        if size > max_bytes:
            raise ValueError(f"{path} unpacks to {size} bytes, more than {max_bytes}; raise max_bytes if you trust it")
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, EOFError, OSError, MemoryError) as error:
        raise ValueError(f"{path} is not a replay file: {error}") from error


def _read_library(stored: dict[str, NDArray[Any]]) -> MeshLibrary:
    try:
        names = json.loads(take_array(stored, "names", np.uint8, (None,)).tobytes().decode())
        meshes, textures, skies = names["meshes"], names["textures"], names["skies"]
        if not all(isinstance(name, str) for name in [*meshes, *textures, *skies]):
            raise TypeError("names must be strings")
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"the names in the replay file are damaged: {error}") from error
    arrays: dict[str, Any] = {}
    for name, (dtype, shape) in LAYOUT.items():
        tail = tuple(None if isinstance(length, str) else length for length in shape)
        arrays[name] = take_array(stored, f"library/{name}", dtype, tail)
    return MeshLibrary(names=tuple(meshes), texture_names=tuple(textures), sky_names=tuple(skies), **arrays)


def load_replay(path: str | Path, *, max_bytes: int = MAX_REPLAY_BYTES) -> Replay:
    """Read and check a replay file.

    Args:
        path: A file from `save_replay`.
        max_bytes: Largest size, unpacked, that is accepted [byte].

    Returns:
        Its library, snapshots and views.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no replay file, is too large, or anything in it is missing or out of range.

    Example:
        >>> replay = load_replay("scene.npz")
        >>> views = [replay.snapshots[row] for row in replay.view_snapshot]
    """
    stored = _read_arrays(Path(path), max_bytes)
    version = int(take_array(stored, "version", np.int64, (1,))[0])
    if version != REPLAY_VERSION:
        raise ValueError(f"{path} has replay version {version}; this simloom reads version {REPLAY_VERSION}")
    library = _read_library(stored)
    kinds = ("instance", "look", "material", "lamp", "keypoint")
    counts = {name: take_array(stored, f"{name}_count", np.int32, (None,)) for name in kinds}
    snapshot_count = counts["instance"].shape[0]
    if snapshot_count < 1 or any(c.shape != (snapshot_count,) or (c < 0).any() for c in counts.values()):
        raise ValueError(f"the counts of {path} are damaged")
    looks = counts["look"].astype(np.int64)
    instances = int(counts["instance"].sum(dtype=np.int64))
    entries = looks * counts["material"]
    instance = {n: take_array(stored, f"instance/{n}", t, (instances, *s)) for n, (t, s) in _INSTANCE.items()}
    material = {n: take_array(stored, f"material/{n}", t, (int(entries.sum()), *s)) for n, (t, s) in _MATERIAL.items()}
    light = {n: take_array(stored, f"lighting/{n}", t, (int(looks.sum()), *s)) for n, (t, s) in _LIGHT.items()}
    lamps = looks * counts["lamp"]
    lamp = {n: take_array(stored, f"lamp/{n}", t, (int(lamps.sum()), *s)) for n, (t, s) in _LAMP.items()}
    points = int(counts["keypoint"].sum(dtype=np.int64))
    keypoint = {n: take_array(stored, f"keypoint/{n}", t, (points, *s)) for n, (t, s) in _KEYPOINT.items()}
    check_rows("instance/mesh", instance["mesh"], 0, library.mesh_count)
    check_rows("instance/material", instance["material"], 0, 2**31 - 1)
    for name in _TEXTURES:
        check_rows(f"material/{name}", material[name], -1, library.texture_count)
    check_rows("lighting/sky_image", light["sky_image"], -1, library.sky_count)
    if (instance["scale"] <= 0).any() or (material["pattern_scale"] <= 0).any():
        raise ValueError(f"scales in {path} must be > 0; it is damaged")
    for name in ("pose_world_instance", "previous_pose", "next_pose", "pose_instance_part"):
        check_poses(name, instance[name])

    cameras = take_cameras(stored)
    deformations = _take_deformations(stored, counts["instance"])
    views = take_array(stored, "view_snapshot", np.int32, (len(cameras),))
    _check_views(views, len(cameras), snapshot_count)
    if stored:
        raise ValueError(f"{path} holds arrays that no replay has: {', '.join(sorted(stored))}; it is damaged")
    sizes = (counts["instance"], entries, looks, lamps, counts["keypoint"])
    ends = [np.cumsum([0, *size]) for size in sizes]
    snapshots = []
    for row in range(snapshot_count):
        i, m, v, k, p = (slice(int(end[row]), int(end[row + 1])) for end in ends)
        shape = (int(looks[row]), int(counts["material"][row]))
        of_lamps = (int(looks[row]), int(counts["lamp"][row]))
        given: dict[str, Any] = {name: array[i] for name, array in instance.items()}
        given |= {name: array[p] for name, array in keypoint.items()}
        snapshots.append(
            Snapshot(
                **given,
                deformations=tuple(deformations[row]),
                materials=Materials(**{n: a[m].reshape(*shape, *a.shape[1:]) for n, a in material.items()}),
                lighting=Lighting(
                    **{name: array[v] for name, array in light.items()},
                    **{name: array[k].reshape(*of_lamps, *array.shape[1:]) for name, array in lamp.items()},
                ),
            )
        )
    return Replay(library=library, snapshots=tuple(snapshots), cameras=cameras, view_snapshot=views)
