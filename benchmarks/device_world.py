"""Snapshots and cameras for the suites of a device: the Panda's that come with the package, or three boxes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from simloom.renderers.lighting import Lighting
from simloom.renderers.mesh_builder import MeshLibraryBuilder
from simloom.renderers.raster.raster import Raster
from simloom.renderers.replay import Replay, load_replay
from simloom.renderers.snapshot import Snapshot
from simloom.renderers.surfaces import Materials
from simloom.renderers.view import Camera
from simloom.sim.bench.motion import move_snapshots, resize_camera
from simloom.sim.bench.snapshots import BUILT_IN

SMALL_SHADOW = 64
"""Texels per side of a shadow map of the small world."""


@lru_cache(maxsize=2)
def open_world(small: bool) -> Replay:
    """Open the Panda's snapshots, or make the small world."""
    return _small_world() if small else load_replay(BUILT_IN)


def make_raster(world: Replay, device: str, small: bool, **options: Any) -> Raster:
    """Make a renderer of a world."""
    return Raster(world.library, device=device, shadow_resolution=SMALL_SHADOW if small else None, **options)


def make_cameras(world: Replay, views: int, side: int) -> list[Camera]:
    """Give every view a camera with square pictures."""
    resized = [resize_camera(camera, side) for camera in world.cameras]
    return [resized[view % len(resized)] for view in range(views)]


@lru_cache(maxsize=4)
def make_batch(small: bool, views: int, batch: int) -> tuple[Snapshot, ...]:
    """Give every view a snapshot with poses that no other batch has."""
    world = open_world(small)
    return tuple(move_snapshots([world.snapshots[row] for row in world.view_snapshot.tolist()], views, batch))


def _small_world() -> Replay:
    builder = MeshLibraryBuilder()
    box, plane = builder.add_box(), builder.add_plane()
    mesh = np.array([plane, box, box], np.int32)
    pose = np.tile(np.eye(4), (3, 1, 1))
    pose[:, :3, 3] = (0.0, 0.0, -0.5), (0.0, 0.0, 0.0), (0.9, 0.3, 0.2)
    colours = np.array([[[0.5, 0.5, 0.4], [0.7, 0.2, 0.2], [0.2, 0.3, 0.7]]], np.float32)
    ones = np.ones((1, 3), np.float32)
    snapshot = Snapshot(
        mesh=mesh,
        pose_world_instance=pose,
        previous_pose=pose,
        scale=np.array([[4, 4, 1], [1, 1, 1], [0.3, 0.9, 0.9]], np.float32),
        material=np.arange(3, dtype=np.int32),
        instance=np.arange(3, dtype=np.int32),
        class_id=np.array([2, 4, 4], np.int32),
        part=np.zeros(3, np.int32),
        pose_instance_part=np.tile(np.eye(4), (3, 1, 1)),
        casts_shadow=np.array([0, 1, 1], np.uint8),
        materials=Materials(
            base_color=colours,
            roughness=0.6 * ones,
            metallic=0 * ones,
            texture=np.full((1, 3), -1, np.int32),
            texture_scale=ones,
            pattern=np.zeros((1, 3), np.int32),
            pattern_color=0 * colours,
            pattern_scale=ones,
        ),
        lighting=Lighting(
            sun_direction=np.array([[0.36, 0.48, 0.8]], np.float32),
            sun_irradiance=np.full((1, 3), 3.0, np.float32),
            sky_zenith=np.full((1, 3), 0.5, np.float32),
            sky_horizon=np.full((1, 3), 0.4, np.float32),
            sky_ground=np.full((1, 3), 0.2, np.float32),
        ),
    )
    eye = np.eye(4)
    eye[:3, :3] = np.array([[0.0, 0.5, -0.8660254037844386], [1.0, 0.0, 0.0], [0.0, -0.8660254037844386, -0.5]])
    eye[:3, 3] = 2.4, 0.2, 1.3
    camera = Camera.from_field_of_view(width=8, height=8, field_of_view=0.9, pose_world_camera=eye)
    return Replay(
        library=builder.build(), snapshots=(snapshot,), cameras=(camera,), view_snapshot=np.zeros(1, np.int32)
    )
