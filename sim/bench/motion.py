"""Batches of snapshots whose poses move, and cameras of another size: what a renderer is timed on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...renderers.snapshot import Snapshot
from ...renderers.view import Camera

SWING = 0.02
"""Largest turn of a batch [rad]."""


def move_snapshots(snapshots: Sequence[Snapshot], count: int, batch: int) -> list[Snapshot]:
    """Make snapshots with poses of their own: all that is no background is turned a little about the vertical.

    Args:
        snapshots: What is moved, gone round as often as needed.
        count: Snapshots to make.
        batch: Number of the batch; another one has other poses.

    Returns:
        The snapshots, the same for the same numbers.
    """
    moved = []
    for number in range(count):
        snapshot = snapshots[number % len(snapshots)]
        angle = SWING * math.sin(0.7 * number + 1.3 * batch + 0.4)
        cosine, sine = math.cos(angle), math.sin(angle)
        pose: NDArray[np.float64] = snapshot.pose_world_instance.copy()
        rows = snapshot.instance > 0
        x, y = snapshot.pose_world_instance[rows, 0], snapshot.pose_world_instance[rows, 1]
        pose[rows, 0], pose[rows, 1] = cosine * x - sine * y, sine * x + cosine * y
        moved.append(replace(snapshot, pose_world_instance=pose, previous_pose=pose, next_pose=pose))
    return moved


def keep_first_look(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot with its first look alone."""
    tables: dict[str, Any] = {
        name: replace(table, **{field.name: getattr(table, field.name)[:1] for field in fields(table)})
        for name, table in (("materials", snapshot.materials), ("lighting", snapshot.lighting))
    }
    return replace(snapshot, **tables)


def resize_camera(camera: Camera, side: int) -> Camera:
    """Return a camera with square pictures of another size, which show about what they showed."""
    focal = side * max(camera.fx / camera.width, camera.fy / camera.height)
    middle = 0.5 * (side - 1)
    return replace(camera, width=side, height=side, fx=focal, fy=focal, cx=middle, cy=middle, lens=None, shutter=None)
