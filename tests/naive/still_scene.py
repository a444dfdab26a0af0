"""A scene without physics: a box and a ball on a plane, so that a capture needs neither PyBullet nor a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from simloom.renderers import MeshLibrary, MeshLibraryBuilder
from simloom.scenes.capture import Capturer
from simloom.scenes.scenario import Scenario
from simloom.scenes.scene import Scene
from simloom.scenes.sensors import Rig
from simloom.scenes.space import ParameterSpace
from simloom.scenes.stage import Reason, Stage

from .still_life import Light, Thing, camera, look, pose, still_life

OUTPUTS = (
    "rgb", "raw", "depth", "instance", "class", "normal", "object_coordinates", "boxes", "visibility", "ideal/depth",
    "ideal/colour", "ideal/range",
)  # fmt: skip


class StillScene(Scene):
    """Two looks of two views of the same things, with a camera and a depth sensor of one size."""

    name = "still"
    classes = ("nothing", "floor", "box", "ball")

    def __init__(self, *, width: int = 16, height: int = 12, views: int = 2, looks: int = 2) -> None:
        builder = MeshLibraryBuilder()
        self._box, self._ball, self._plane = builder.add_box(), builder.add_sphere(), builder.add_plane()
        self._library = builder.build()
        self._size, self._views, self._looks = (width, height), views, looks
        self._rig = Rig.from_json({
            "head": {"camera": "generic_rgb", "depth": "realsense_d435", "width": width, "height": height}
        })  # fmt: skip

    space = property(lambda self: ParameterSpace(parameters=()))
    slots = property(lambda self: 3)
    slot_names = property(lambda self: ("box", "ball", "free"))
    joint_names = property(lambda self: ())
    contact_pad = property(lambda self: 1)
    rig = property(lambda self: self._rig)
    asset_digests = property(lambda self: {})

    def close(self) -> None:
        """There is nothing to close."""

    @property
    def library(self) -> MeshLibrary:
        """Three primitives."""
        return self._library

    def stage(self, scenario: Scenario) -> Stage:
        """The box stands a little elsewhere in each scenario."""
        width, height = self._size
        shift = 0.02 * (scenario.index % 5)
        things = (
            Thing(mesh=self._plane, at=pose(), scale=(4.0, 4.0, 1.0), instance=0, class_id=1),
            Thing(mesh=self._box, at=pose(shift, 0.1, 0.15), scale=(0.3, 0.2, 0.3), instance=1, class_id=2),
            Thing(mesh=self._ball, at=pose(0.2, -0.2, 0.1), scale=(0.2, 0.2, 0.2), instance=2, class_id=3),
        )
        lights = tuple(Light(towards=(0.3, 0.2 * k, 1.0), sun=2.0, zenith=0.5) for k in range(self._looks))
        snapshot = still_life(*things, lights=lights)
        eyes = [(0.9, 0.3 * k, 0.7) for k in range(self._views)]
        cameras = tuple(camera(width, height, 1.1 * width, look(eye, (0.0, 0.0, 0.1))) for eye in eyes)
        state: Mapping[str, Any] = {"time": np.array(0.5), "settle_steps": np.array(0, np.int32)}
        return Stage(
            scenario=scenario,
            valid=True,
            reason=Reason.NONE,
            snapshots=(snapshot,) * self._views,
            cameras={"head": cameras},
            object={},
            state=state,
            param={},
        )


def still_scenario(index: int, *, views: int = 2, looks: int = 2) -> Scenario:
    """A scenario of a scene without parameters."""
    return Scenario(
        index=index, u_scenario=np.empty(0), u_view=np.empty((views, 0)), u_look=np.empty((views, looks, 0))
    )


def capture_still(
    device: str, *, width: int = 16, height: int = 12, count: int = 1, plain: bool = False
) -> dict[str, np.ndarray]:
    """Rows of some scenarios, the captures of which are all begun before the first is finished.

    Args:
        device: Where.
        width: Of the images.
        height: Of the images.
        count: Scenarios.
        plain: Whether shadows, ambient light and what counts hidden pixels are left out, as the simulator is slow.
    """
    from simloom.renderers import Raster

    scene = StillScene(width=width, height=height)
    outputs = tuple(name for name in OUTPUTS if not (plain and name in ("boxes", "visibility")))
    capturer = Capturer(scene=scene, outputs=outputs, seed=5, views=2, looks=2, device=device, supersample=1)
    if plain:
        capturer.__dict__["_raster"] = Raster(
            scene.library, device=device, supersample=1, shadow=False, ambient_occlusion=False
        )
    rows = capturer.allocate(4 * count)
    begun = [capturer.begin([scene.stage(still_scenario(k))], rows, start=4 * k) for k in range(count)]
    for pending in begun:
        assert set(pending.finish()) == {"render", "sensors", "gather"}
    return rows
