"""Episode views: what is seen of worlds that have moved."""

from __future__ import annotations

import numpy as np

from simloom.scenes import DrivingEnvironment, TabletopEnvironment
from simloom.scenes.environments.episode_view import see


def test_worlds_are_seen_alike_alone_and_together():
    """What a batch's shots show has the bytes of each shot alone, cameras on links included."""
    shots = []
    for kind in (TabletopEnvironment, DrivingEnvironment):
        environment = kind()
        try:
            environment.reset(seed=3)
            for _ in range(2):
                environment.step(np.full(environment.action_space.shape, 0.4, np.float32))
                shots.append((environment.view, environment.moment.links, environment.moment.bodies))
        finally:
            environment.close()

    for shot, (snapshot, camera) in zip(shots, see(shots), strict=True):
        alone, its_camera = shot[0].at(*shot[1:])
        np.testing.assert_array_equal(snapshot.pose_world_instance, alone.pose_world_instance)
        np.testing.assert_array_equal(camera.pose_world_camera, its_camera.pose_world_camera)
        assert not np.array_equal(snapshot.pose_world_instance, shot[0].snapshot.pose_world_instance)
