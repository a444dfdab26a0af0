"""Stages in motion: what the views of a stage show once links and bodies have moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import compose_pose, invert_pose
from ..renderers.view import Camera
from .instance_rows import InstanceRows
from .link_tree import PRISMATIC, REVOLUTE, LinkTree
from .sensors import Rig
from .stage import Stage

Array = NDArray[np.float64]


def move_stage(
    stage: Stage,
    rows: InstanceRows,
    *,
    object: Mapping[str, NDArray[Any]],
    state: Mapping[str, NDArray[Any]],
    cameras: Mapping[str, tuple[Camera, ...]],
    nominal_cameras: Mapping[str, tuple[Camera, ...]],
) -> Stage:
    """Make the stage of a later instant; lights and materials stay as they were.

    Args:
        stage: The stage.
        rows: The same instances where they are now, in the same order.
        object: The arrays `object/<name>`.
        state: The arrays `state/<name>`.
        cameras: One camera per view, by name.
        nominal_cameras: The same as a calibration believes them.

    Returns:
        The stage of now; it keeps no recorded motion.
    """
    pose, local = np.array(rows.pose), np.array(rows.local)
    scale = np.array(rows.scale).astype(np.float32)
    return replace(
        stage,
        snapshots=tuple(
            replace(
                snapshot,
                pose_world_instance=pose,
                previous_pose=pose,
                next_pose=pose,
                scale=scale,
                pose_instance_part=local,
            )
            for snapshot in stage.snapshots
        ),
        object=object,
        state=state,
        cameras=cameras,
        nominal_cameras=nominal_cameras,
        motion=None,
    )


def move_cameras(
    cameras: Mapping[str, tuple[Camera, ...]], rig: Rig, mounts: Mapping[str, int], start: Array, links: Array
) -> dict[str, tuple[Camera, ...]]:
    """Move the cameras that links carry; those mounted to the world stay.

    Args:
        cameras: The cameras where they stood, by name.
        rig: The rig.
        mounts: Row of the link of each mount.
        start: Poses of the links at that time, shape (1 + links, 4, 4).
        links: Poses of the links now.

    Returns:
        The cameras where they stand, by name.
    """
    moved = dict(cameras)
    for mount in rig.mounts:
        row = mounts.get(mount.mount)
        if row is None or mount.name not in cameras:
            continue
        way = compose_pose(links[row], invert_pose(start[row]))
        moved[mount.name] = tuple(
            replace(camera, pose_world_camera=compose_pose(way, camera.pose_world_camera))
            for camera in cameras[mount.name]
        )
    return moved


def report_links(tree: LinkTree, links: Array, offsets: Mapping[int, float]) -> Array:
    """Return where a robot believes its links to be, whose joints report other positions than they have.

    Args:
        tree: The links.
        links: Where they are, shape (N, 4, 4).
        offsets: True position less the reported one of the joint above each row that has one [rad or m].

    Returns:
        The poses, shape (N, 4, 4).
    """
    believed = links.copy()
    for row in range(1, len(links)):
        above = int(tree.parent[row])
        step = compose_pose(invert_pose(links[above]), links[row])
        if offset := offsets.get(row, 0.0):
            step = compose_pose(step, _joint_pose(int(tree.kind[row]), tree.axis[row], -offset))
        believed[row] = compose_pose(believed[above], step)
    return believed


def _joint_pose(kind: int, axis: Array, amount: float) -> Array:
    pose = np.eye(4)
    if kind == PRISMATIC:
        pose[:3, 3] = amount * axis
    elif kind == REVOLUTE:
        x, y, z = axis.tolist()
        cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
        # Rodrigues, written out: I + sin K + (1 - cos) (a a^T - I).
        outer = axis[:, None] * axis[None, :]
        pose[:3, :3] += np.sin(amount) * cross + (1.0 - np.cos(amount)) * (outer - np.eye(3))
    return pose
