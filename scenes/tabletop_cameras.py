"""Where the tabletop's cameras stand: the rig's pose for each view, and what is mounted to the robot."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import compose_pose, look_at
from ..renderers.view import Camera
from .sensors import Rig

Array = NDArray[np.float64]
_CLEARANCE: Final = 0.2


def place_cameras(
    rig: Rig, carriers: Mapping[str, Array], param: Mapping[str, Array], views: int, top: float, outline: Array
) -> dict[str, tuple[Camera, ...]]:
    """Place all cameras of a rig for all views.

    Args:
        rig: The rig.
        carriers: Pose of the link that each mount names, but for `world`, shape (4, 4).
        param: Values by name, shape (V, L[, K]).
        views: V.
        top: Height of the table's top [m].
        outline: Points of the robot that cameras keep away from [m], shape (P, 3).

    Returns:
        Camera name to one camera per view.
    """
    cameras: dict[str, list[Camera]] = {mount.name: [] for mount in rig.mounts}
    for view in range(views):
        value = {name: float(given[view, 0]) for name, given in param.items() if name.startswith("camera.")}
        pose = _place_rig(value, top, outline)
        for mount in rig.mounts:
            camera = Camera.from_field_of_view(
                width=mount.width,
                height=mount.height,
                field_of_view=mount.field_of_view or value["camera.field_of_view"],
                pose_world_camera=compose_pose(carriers.get(mount.mount, pose), mount.pose_mount_camera),
            )
            cameras[mount.name].append(dataclasses.replace(camera, lens=mount.lens))
    return {name: tuple(found) for name, found in cameras.items()}


def _place_rig(value: Mapping[str, float], top: float, outline: Array) -> Array:
    target = np.array([value["camera.target_x"], value["camera.target_y"], top + value["camera.target_z"]])
    level = math.cos(value["camera.elevation"])
    direction = np.array(
        [
            level * math.cos(value["camera.azimuth"]),
            level * math.sin(value["camera.azimuth"]),
            math.sin(value["camera.elevation"]),
        ]
    )
    distance = value["camera.distance"]
    for _ in range(8):  # step back from the robot, so that no lens stands inside a link
        away = outline - (target + distance * direction)
        near = float((away[:, 0] ** 2 + away[:, 1] ** 2 + away[:, 2] ** 2).min())
        if near > _CLEARANCE**2:
            break
        distance += 0.15
    return look_at(target + distance * direction, target, roll=value["camera.roll"])
