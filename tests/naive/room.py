"""A room of boxes, a spinning LiDAR's beams in it, and registration of what it measures."""

from __future__ import annotations

import numpy as np

from naive.still_life import BOX, Thing, pose, still_life, turn

ROOM = (12.0, 9.0, 4.0)
"""Length, width and height inside [m]."""


def room(*others: Thing):
    """A snapshot of a room round the origin with boxes in it; the first six instances are its walls."""
    length, width, height = ROOM
    walls = [
        Thing(mesh=BOX, at=pose(sign * (half + 0.1), 0, 0.5 * height), scale=(0.2, width + 1, height + 1))
        for sign, half in ((1, 0.5 * length), (-1, 0.5 * length))
    ]
    walls += [
        Thing(mesh=BOX, at=pose(0, sign * (0.5 * width + 0.1), 0.5 * height), scale=(length + 1, 0.2, height + 1))
        for sign in (1, -1)
    ]
    walls += [Thing(mesh=BOX, at=pose(0, 0, z), scale=(length + 1, width + 1, 0.2)) for z in (-0.1, height + 0.1)]
    boxes = [
        Thing(mesh=BOX, at=pose(3.5, 2.0, 0.6, turn((0, 0, 1), 0.5)), scale=(1.0, 0.8, 1.2)),
        Thing(mesh=BOX, at=pose(-3.0, 2.5, 1.0, turn((0, 0, 1), -0.3)), scale=(0.7, 1.5, 2.0)),
        Thing(mesh=BOX, at=pose(-2.0, -3.0, 0.8, turn((0, 0, 1), 1.0)), scale=(1.4, 0.6, 1.6)),
        Thing(mesh=BOX, at=pose(4.0, -2.5, 0.9, turn((0.2, 0, 1), 0.8)), scale=(0.9, 0.9, 1.8)),
    ]
    return still_life(*walls, *boxes, *others)


def spinning_beams(columns=900, elevations=range(-15, 16, 2), rate=10.0):
    """Directions (P, 3), times [s] and azimuths of a LiDAR that turns clockwise, column by column."""
    column, elevation = np.meshgrid(np.arange(columns), np.radians(list(elevations)), indexing="ij")
    azimuth = -2.0 * np.pi * column / columns
    directions = np.stack(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)], axis=-1
    )
    return directions.reshape(-1, 3), (column / columns / rate).ravel(), azimuth.ravel()


def register(points, target, normals, start, *, rounds=40, reach=0.5):
    """Point-to-plane ICP: the pose that takes points to the target's frame (Chen and Medioni 1992)."""
    from scipy.spatial import cKDTree

    tree, found = cKDTree(target), start.copy()
    for _ in range(rounds):
        moved = points @ found[:3, :3].T + found[:3, 3]
        distance, nearest = tree.query(moved)
        n = normals[nearest]
        off = ((target[nearest] - moved) * n).sum(1)
        limit = max(3.0 * np.median(np.abs(off)), 1e-4)
        keep = (distance < reach) & (np.abs(off) < limit)
        rows = np.concatenate([np.cross(moved, n), n], axis=1)[keep]
        step = np.linalg.lstsq(rows, off[keep], rcond=None)[0]
        angle = np.linalg.norm(step[:3])
        move = pose(*step[3:], turn(step[:3], angle) if angle > 0 else np.eye(3))
        found = move @ found
        if np.abs(step).max() < 1e-9:
            break
    return found


def pose_error(found, truth):
    """Distance [m] and angle [rad] between two poses."""
    off = np.linalg.inv(truth) @ found
    return float(np.linalg.norm(off[:3, 3])), float(np.linalg.norm(off[:3, :3] - np.eye(3)) / np.sqrt(2.0))
