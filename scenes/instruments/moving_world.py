"""The world and a sensor's place in it, at the instants of a motion."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ...kernels.transforms import compose_pose
from ...renderers.snapshot import Snapshot
from ..motion import Motion
from .mount import InstrumentMount

Instants = slice | NDArray[np.int64]
_WHOLE = slice(None)


def mount_poses(mount: InstrumentMount, motion: Motion, instants: Instants = _WHOLE) -> NDArray[np.float64]:
    """Return the poses of an instrument at some instants of a motion.

    Args:
        mount: The instrument, on a link that was recorded, or standing in the world.
        motion: The motion.
        instants: Which of its instants.

    Returns:
        Poses that map the sensor to the world, shape (K, 4, 4).
    """
    pose = mount.pose_mount_sensor
    if mount.is_worldly:
        return np.broadcast_to(pose, (len(motion.time[instants]), 4, 4)).copy()
    return compose_pose(motion.frames[mount.mount].pose[instants], pose)


def world_states(
    snapshot: Snapshot, motion: Motion, instants: Instants = _WHOLE
) -> tuple[list[Snapshot], NDArray[np.int64] | None]:
    """Return the world at some instants of a motion.

    Args:
        snapshot: The world at the last instant.
        motion: The motion.
        instants: Which of its instants.

    Returns:
        One snapshot for each instant, and the instants [ns]; one snapshot and None where nothing moved.
    """
    if motion.pose_world_instance is None:
        return [snapshot], None
    poses = motion.pose_world_instance[instants]
    if not (poses != poses[-1]).any():
        return [snapshot], None
    return [dataclasses.replace(snapshot, pose_world_instance=pose) for pose in poses], motion.time[instants]
