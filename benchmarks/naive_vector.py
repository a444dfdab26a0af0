"""The tabletop with TinyRenderer's pictures, as a user would put it into an `AsyncVectorEnv`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scene_views import describe_bodies, make_view
from tiny_world import TinyWorld

from simloom.scenes.environments.tabletop import TabletopEnvironment


class TinyTabletop(TabletopEnvironment):
    """The same worlds and task; pictures come from a PyBullet client with visual shapes, one at a time.

    Args:
        **options: As for the environment.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(images=True, **options)
        self._tiny = TinyWorld()
        self._fixed: list[NDArray[np.float64]] = []
        self._loaded: Any = None

    def _picture(self) -> NDArray[np.uint8]:
        scene, moment = self.scene, self.moment
        assert self._stage is not None
        if self._loaded is not self._stage:
            robot, bodies, self._fixed = describe_bodies(scene, self._stage)  # type: ignore[arg-type]
            self._tiny.load_robot(robot)
            self._tiny.load_bodies(bodies)
            self._loaded = self._stage
        camera, snapshot = self.view.camera, self.view.snapshot
        view = make_view(camera, snapshot, moment.joint_position.tolist(), self._fixed, list(moment.body_poses))
        rgba, _, _ = self._tiny.shoot(view, camera.width, camera.height)
        return np.asarray(rgba, np.uint8).reshape(camera.height, camera.width, 4)[..., :3]

    def close(self) -> None:
        """Give back both clients."""
        if self._tiny is not None:
            self._tiny.close()
            self._tiny = None  # type: ignore[assignment]
        super().close()
