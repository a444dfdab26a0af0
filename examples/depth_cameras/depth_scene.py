"""The scene that depth cameras are compared on: what is easy for them, and all that is hard."""

from __future__ import annotations

import numpy as np
from staging import Staging, light

from simloom.kernels.transforms import look_at, pose_from_position_quaternion
from simloom.renderers import Camera, MeshLibrary, MeshLibraryBuilder, Pattern, Snapshot

FOCAL_WIDTH = 446.8 / 848
"""Focal length over the image's width, of a field of 87 degrees."""


def stage_scene() -> tuple[MeshLibrary, Snapshot]:
    """Stage a corner of a room: smooth and speckled walls, posts, glass, black and metal things, a grazing board."""
    builder = MeshLibraryBuilder()
    plane, box, sphere, cylinder = builder.add_plane(), builder.add_box(), builder.add_sphere(), builder.add_cylinder()
    staging = Staging()
    grey, ids = (0.55, 0.55, 0.55), iter(range(1, 100))
    speckle = {"pattern": int(Pattern.SPECKLE), "pattern_color": (0.06, 0.06, 0.07), "pattern_scale": 0.03}
    staging.add(plane, scale=(20, 20, 1), shadow=0, base_color=(0.45, 0.43, 0.40))
    # The wall is smooth on the left and coarsely speckled on the right.
    staging.add(box, (3.55, 0.0, 1.5), scale=(0.1, 9, 3.2), base_color=(0.62, 0.62, 0.60))
    staging.add(box, (3.49, -1.55, 1.5), scale=(0.02, 2.2, 3.0), base_color=(0.75, 0.73, 0.68),
                **speckle | {"pattern_scale": 0.09})  # fmt: skip
    # A grazing board on the left, seen at about 80 degrees from its normal.
    staging.add(box, pose=_turned((1.9, 1.35, 0.95), -0.44), scale=(1.9, 0.02, 0.8), instance=next(ids),
                base_color=(0.7, 0.66, 0.55))  # fmt: skip
    # Boxes: smooth, speckled, black.
    staging.add(box, pose=_turned((1.75, 0.62, 0.32), 0.5), scale=(0.36, 0.36, 0.64), instance=next(ids),
                base_color=grey)  # fmt: skip
    staging.add(box, pose=_turned((1.35, -0.62, 0.30), -0.35), scale=(0.34, 0.34, 0.6), instance=next(ids),
                base_color=(0.8, 0.5, 0.2), **speckle)  # fmt: skip
    staging.add(box, pose=_turned((1.9, -1.25, 0.40), 0.3), scale=(0.4, 0.4, 0.8), instance=next(ids),
                base_color=(0.008, 0.008, 0.008))  # fmt: skip
    # Thin posts of 5, 10, 20 and 40 mm before the wall.
    for place, width in zip((0.30, 0.16, 0.0, -0.18), (0.005, 0.01, 0.02, 0.04), strict=True):
        staging.add(cylinder, (1.45, place, 0.75), scale=(width, width, 1.5), instance=next(ids),
                    base_color=(0.7, 0.68, 0.66))  # fmt: skip
    # A metal ball and a white one.
    staging.add(sphere, (2.3, 0.2, 0.22), scale=0.44, instance=next(ids), base_color=(0.9, 0.85, 0.75), metallic=0.97,
                roughness=0.25)  # fmt: skip
    staging.add(sphere, (0.72, 0.28, 0.66), scale=0.16, instance=next(ids), base_color=(0.9, 0.9, 0.9))
    # A pane of glass before the speckled wall.
    staging.add(box, pose=_turned((1.6, -0.95, 1.25), 0.25), scale=(0.01, 0.6, 0.5), instance=next(ids),
                base_color=(0.8, 0.9, 0.88), opacity=0.25, roughness=0.05)  # fmt: skip
    lighting = light(azimuth=2.4, elevation=0.8, sun=(1.2, 1.15, 1.05), sun_radius=0.05)
    return builder.build(), staging.snapshot(lighting)


def place_camera(width: int = 848) -> Camera:
    """Place the camera's left imager."""
    height, focal = width * 480 // 848, FOCAL_WIDTH * width
    return Camera(
        width=width, height=height, fx=focal, fy=focal, cx=0.5 * (width - 1), cy=0.5 * (height - 1),
        pose_world_camera=look_at((0.0, 0.0, 1.0), (3.0, 0.0, 0.8)),
    )  # fmt: skip


def _turned(position: tuple[float, float, float], yaw: float) -> np.ndarray:
    return pose_from_position_quaternion(position, (0.0, 0.0, float(np.sin(0.5 * yaw)), float(np.cos(0.5 * yaw))))
