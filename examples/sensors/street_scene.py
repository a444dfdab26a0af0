"""A street of simple shapes: houses, cars, trees, poles, people, a fence."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent / "gallery"))  # its staging

from staging import Staging, light

from simloom.kernels import pose_from_position_quaternion
from simloom.renderers import MeshLibrary, MeshLibraryBuilder, Snapshot

CLASSES = ("nothing", "ground", "building", "car", "vegetation", "pole", "person", "fence")
"""Name of each class id."""


def _turned(x: float, y: float, z: float, yaw: float = 0.0) -> np.ndarray:
    return pose_from_position_quaternion((x, y, z), (0.0, 0.0, np.sin(0.5 * yaw), np.cos(0.5 * yaw)))


def make_street() -> tuple[MeshLibrary, Snapshot]:
    """Return the meshes and the street, along x, 90 m long; the instance ids follow the order of things."""
    builder, staging = MeshLibraryBuilder(), Staging()
    plane, box, sphere, pole = builder.add_plane(), builder.add_box(), builder.add_sphere(), builder.add_cylinder()
    person = builder.add_capsule(0.25, 1.2)
    classes: list[int] = []

    def put(kind: str, mesh: int, pose: np.ndarray, scale: tuple[float, float, float], grey: float) -> None:
        staging.add(mesh, pose=pose, scale=scale, instance=ids, base_color=(grey, grey, grey))
        classes.append(CLASSES.index(kind))

    ids = 1
    put("ground", plane, _turned(0, 0, 0), (400, 400, 1), 0.15)
    houses = (
        (-38, 12, 13, 8, 8), (36, 12, 18, 8, 7), (-40, -13, 24, 8, 9), (37, -13, 20, 8, 6), (-22, 13, 14, 8, 7),
        (-4, 14, 16, 9, 9), (16, 13, 13, 8, 6), (-14, -13, 18, 8, 8), (12, -14, 20, 9, 7),
    )  # fmt: skip
    for x, y, length, depth, height in houses:
        ids += 1
        put("building", box, _turned(x, y, 0.5 * height), (length, depth, height), 0.45)
    for x, y, yaw, grey in ((9, 4.5, 0.05, 0.6), (-8, 4.8, 0.0, 0.25), (16, -4.2, 3.1, 0.4), (-15, -4.6, 0.1, 0.7)):
        ids += 1
        put("car", box, _turned(x, y, 0.65, yaw), (4.3, 1.75, 0.7), grey)
        put("car", box, _turned(x, y, 1.25, yaw), (2.2, 1.6, 0.55), grey)
    for x, y, size in ((3.5, 7.5, 3.0), (-13, 7.8, 3.6), (22, 6.5, 3.2), (0, -7.2, 2.8), (26, -7.0, 3.4)):
        ids += 1
        put("vegetation", pole, _turned(x, y, 1.3), (0.3, 0.3, 2.6), 0.3)
        put("vegetation", sphere, _turned(x, y, 2.6 + 0.4 * size), (size, size, size), 0.5)
    for x, y in ((7, -6.2), (-7, -6.2), (20, -6.2), (-20, -6.2), (-3, 6.3), (13, 6.3)):
        ids += 1
        put("pole", pole, _turned(x, y, 3.0), (0.16, 0.16, 6.0), 0.5)
    for x, y in ((5.5, -3.4), (6.2, -3.9), (-4.2, 3.0), (12, 1.4)):
        ids += 1
        put("person", person, _turned(x, y, 0.85), (1.0, 1.0, 1.0), 0.35)
    ids += 1
    put("fence", box, _turned(-1.0, -9.0, 0.6), (9.0, 0.08, 1.2), 0.55)
    snapshot = dataclasses.replace(staging.snapshot(light()), class_id=np.array(classes, np.int32))
    return builder.build(), snapshot
