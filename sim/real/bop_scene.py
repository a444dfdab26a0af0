"""One scene of a BOP dataset: its cameras, poses and masks, read without trusting them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..dataset.errors import DatasetCorruptError
from ..dataset.plain_file import Fields, parse_json, read_plain
from ..dataset.specs import Array
from ..errors import UsageError

SCENE_NAME = re.compile(r"[0-9]{6}")

_MAX_JSON_BYTES = 256 << 20
_MILLIMETRE = 1e-3
_NOT_ROTATED = 1e-2
_FARTHEST = 1e9


@dataclass(frozen=True, kw_only=True)
class BopObject:
    """One object of an image.

    Args:
        place: Its place in the image's list, which names its mask.
        number: Its `obj_id`.
        pose_camera_object: Pose that maps object to camera [m], shape (4, 4).
        info: Its entry of scene_gt_info.json; empty where there is none.
    """

    place: int
    number: int
    pose_camera_object: Array
    info: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class BopImage:
    """One image of a scene.

    Args:
        folder: Folder of the scene.
        scene: Number of the scene.
        number: Number of the image.
        camera_matrix: K, shape (3, 3).
        depth_scale: Millimetres per unit of the depth image.
        pose_world_camera: Pose that maps camera to world [m]; None where the file does not tell.
        objects: Its objects.
    """

    folder: Path
    scene: int
    number: int
    camera_matrix: Array
    depth_scale: float
    pose_world_camera: Array | None
    objects: tuple[BopObject, ...]


def find_scenes(folder: Path) -> list[Path]:
    """List the scenes of a split of a BOP dataset, or give the folder itself where it is one.

    Raises:
        UsageError: There is none.
    """
    if (folder / "scene_camera.json").is_file():
        return [folder]
    scenes = sorted(path for path in folder.iterdir() if SCENE_NAME.fullmatch(path.name) and path.is_dir())
    if not scenes:
        raise UsageError(
            f"{folder} holds no scene: give a split's folder with 000000, 000001 ... or a scene with scene_camera.json"
        )
    for path in scenes:
        if path.is_symlink():
            raise DatasetCorruptError(f"{path} is a link to somewhere else")
    return scenes


def read_scene(folder: Path, skipped: Counter[str]) -> list[BopImage]:
    """Read the images of a scene.

    Args:
        folder: The scene.
        skipped: Takes what is left out, counted by its reason.

    Returns:
        The images by number.

    Raises:
        DatasetCorruptError: A file is damaged.
    """
    cameras = _read_table(folder / "scene_camera.json", needed=True)
    poses = _read_table(folder / "scene_gt.json", needed=False)
    infos = _read_table(folder / "scene_gt_info.json", needed=False)
    scene = int(folder.name) if SCENE_NAME.fullmatch(folder.name) else 0
    images = []
    for number in sorted(cameras):
        where = f"{folder / 'scene_camera.json'}: image {number}"
        entry = Fields(cameras[number], where)
        scale = entry.value.get("depth_scale", 1.0)
        if not _are_numbers([scale]) or scale <= 0:
            raise DatasetCorruptError(f"{where}: depth_scale must be above 0")
        matrix = _numbers(entry, "cam_K", 9).reshape(3, 3)
        if matrix[0, 0] <= 0 or matrix[1, 1] <= 0 or not np.array_equal(matrix[2], (0, 0, 1)):
            raise DatasetCorruptError(f"{where}: cam_K is no camera matrix")
        pose = None
        if "cam_R_w2c" in entry.value and "cam_t_w2c" in entry.value:
            pose = _invert(_pose(entry, "cam_R_w2c", "cam_t_w2c"))
        images.append(
            BopImage(
                folder=folder, scene=scene, number=number, camera_matrix=matrix, depth_scale=float(scale),
                pose_world_camera=pose,
                objects=_read_objects(folder, number, poses.get(number, []), infos.get(number, []), skipped),
            )
        )  # fmt: skip
    lost = sum(len(entry) if isinstance(entry, list) else 1 for n, entry in poses.items() if n not in cameras)
    if lost:
        skipped["object of an image that scene_camera.json does not list"] += lost
    return images


def _read_objects(folder: Path, number: int, poses: Any, infos: Any, skipped: Counter[str]) -> tuple[BopObject, ...]:
    where = f"{folder / 'scene_gt.json'}: image {number}"
    if not isinstance(poses, list) or not isinstance(infos, list):
        raise DatasetCorruptError(f"{where} is no list of objects")
    found = []
    for place, item in enumerate(poses):
        entry = Fields(item, f"{where}, object {place}")
        try:
            pose = _pose(entry, "cam_R_m2c", "cam_t_m2c")
            info = infos[place] if place < len(infos) else {}
            found.append(
                BopObject(
                    place=place, number=entry.count("obj_id", 0, 1 << 19), pose_camera_object=pose,
                    info=Fields(info, f"{folder / 'scene_gt_info.json'}: image {number}").value,
                )
            )  # fmt: skip
        except DatasetCorruptError:
            skipped["object whose pose or number is damaged"] += 1
    return tuple(found)


def _read_table(path: Path, *, needed: bool) -> dict[int, Any]:
    """Read a file that maps numbers of images to something."""
    try:
        value = Fields(parse_json(read_plain(path, limit=_MAX_JSON_BYTES), path), path).value
    except FileNotFoundError:
        if needed:
            raise DatasetCorruptError(f"{path} is missing") from None
        return {}
    table = {int(key): item for key, item in value.items() if re.fullmatch(r"[0-9]{1,9}", key)}
    if len(table) != len(value):
        raise DatasetCorruptError(f"{path}: keys must be numbers of images, each once")
    return table


def _are_numbers(values: Any) -> bool:
    return isinstance(values, list) and all(
        isinstance(n, int | float) and not isinstance(n, bool) and abs(n) < _FARTHEST for n in values
    )


def _numbers(entry: Fields, key: str, count: int) -> Array:
    values = entry.array(key)
    if len(values) != count or not _are_numbers(values):
        raise DatasetCorruptError(f"{entry.source}: {key} must hold {count} numbers")
    return np.array(values, np.float64)


def _pose(entry: Fields, rotation: str, translation: str) -> Array:
    """Read a rotation and a translation in millimetres as a pose in metres."""
    pose = np.eye(4)
    pose[:3, :3] = _numbers(entry, rotation, 9).reshape(3, 3)
    pose[:3, 3] = _numbers(entry, translation, 3) * _MILLIMETRE
    turned = pose[:3, :3]
    if np.abs(compose(turned, turned.T) - np.eye(3)).max() > _NOT_ROTATED or np.linalg.det(turned) < 0:
        raise DatasetCorruptError(f"{entry.source}: {rotation} is no rotation")
    return pose


def compose(one: Array, other: Array) -> Array:
    """Multiply two small matrices, terms in a fixed order, so that no library's kernels decide over the last bit."""
    product = one[:, :1] * other[:1]
    for inner in range(1, one.shape[1]):
        product = product + one[:, inner : inner + 1] * other[inner : inner + 1]
    return np.asarray(product)


def _invert(pose: Array) -> Array:
    inverse = np.eye(4)
    inverse[:3, :3] = pose[:3, :3].T
    inverse[:3, 3] = -compose(pose[:3, :3].T, pose[:3, 3:])[:, 0]
    return inverse
