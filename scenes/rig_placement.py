"""Where a scene's cameras stand: the rig's pose for each view, and what is mounted to the robot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import compose_pose, invert_pose, look_at, transform_points
from ..renderers.view import Camera
from .sensors import Rig

Array = NDArray[np.float64]
_CLEARANCE: Final = 0.2
_STEP: Final = 0.15


@dataclass(frozen=True, kw_only=True, eq=False)
class Stance:
    """What the parameters `camera.*` are relative to, and what lenses keep away from."""

    origin: tuple[float, float, float]
    """Point from which the target is counted [m], world."""
    heading: float = 0.0
    """Direction of the robot's forward axis about z [rad]."""
    outline: Array
    """Points of the robot that cameras keep away from [m], shape (P, 3)."""
    blocks: Sequence[tuple[Array, Array]] = ()
    """Boxes that no camera stands in: their poses (4, 4) and half sides [m] (3,)."""
    steps: int = 8
    """How often a camera steps back."""


def place_cameras(
    rig: Rig, carriers: Mapping[str, Array], param: Mapping[str, Array], views: int, stance: Stance
) -> dict[str, tuple[Camera, ...]]:
    """Place all cameras of a rig for all views.

    Args:
        rig: The rig.
        carriers: Pose of the link that each mount names, but for `world`, shape (4, 4).
        param: Values by name, shape (V, L[, K]).
        views: V.
        stance: Where the robot stands.

    Returns:
        Camera name to one camera per view: where the rig is meant to be, without errors of calibration.
    """
    cameras: dict[str, list[Camera]] = {mount.name: [] for mount in rig.mounts}
    for view in range(views):
        value = {name: float(given[view, 0]) for name, given in param.items() if name.startswith("camera.")}
        pose = _place_rig(value, stance)
        for mount in rig.mounts:
            place = compose_pose(carriers.get(mount.mount, pose), mount.pose_mount_camera)
            cameras[mount.name].append(mount.make_camera(place, value["camera.field_of_view"]))
    return {name: tuple(found) for name, found in cameras.items()}


def _place_rig(value: Mapping[str, float], stance: Stance) -> Array:
    forward, left = value["camera.target_x"], value["camera.target_y"]
    cosine, sine = math.cos(stance.heading), math.sin(stance.heading)
    x, y, z = stance.origin
    target = np.array(
        [x + cosine * forward - sine * left, y + sine * forward + cosine * left, z + value["camera.target_z"]]
    )
    level = math.cos(value["camera.elevation"])
    azimuth = value["camera.azimuth"] + stance.heading
    direction = np.array([level * math.cos(azimuth), level * math.sin(azimuth), math.sin(value["camera.elevation"])])
    distance = value["camera.distance"]
    for _ in range(stance.steps):  # step back, so that no lens stands inside a thing
        if not _is_crowded(target + distance * direction, stance):
            break
        distance += _STEP
    return look_at(target + distance * direction, target, roll=value["camera.roll"])


def _is_crowded(eye: Array, stance: Stance) -> bool:
    away = stance.outline - eye
    if float((away[:, 0] ** 2 + away[:, 1] ** 2 + away[:, 2] ** 2).min()) <= _CLEARANCE**2:
        return True
    for pose, half in stance.blocks:
        beyond = np.abs(transform_points(invert_pose(pose), eye)) - half
        if float(beyond.max()) < _CLEARANCE:
            return True
    return False
