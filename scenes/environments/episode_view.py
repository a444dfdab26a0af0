"""Episode views: how an episode looks through one camera, whatever has moved since it began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.transforms import compose_pose, invert_pose, pose_from_position_quaternion
from ...renderers.exposure import expose, meter_white
from ...renderers.frames import Frames
from ...renderers.mesh_library import MeshLibrary
from ...renderers.snapshot import Snapshot
from ...renderers.view import Camera
from ..stage import Stage

Array = NDArray[np.float64]


@dataclass(kw_only=True, eq=False)
class EpisodeView:
    """What an episode looks like; a few kilobytes that cross once per episode from physics to rendering.

    Appearance is fixed for an episode; only the robot's links, the bodies and cameras on links move.
    """

    snapshot: Snapshot
    """The world as the episode began."""
    camera: Camera
    """The camera as the episode began."""
    camera_link: int
    """Row of the link that carries it, -1 = none."""
    links: Array
    """Poses of the links as the episode began, shape (1 + links, 4, 4)."""
    bodies: Array
    """Positions and quaternions of the bodies as it began, shape (B, 7)."""
    white: float = 0.0
    """Radiance that its pictures show as white [W/(sr m^2)]; 0 = not metered yet."""

    @classmethod
    def of_stage(cls, stage: Stage, camera: str, camera_link: int, links: Array, bodies: Array) -> EpisodeView:
        """Make the view of a stage that has just been made.

        Args:
            stage: The stage.
            camera: Name of the camera.
            camera_link: Row of the link that carries it, -1 = none.
            links: Poses of the robot's links.
            bodies: Positions and quaternions of the bodies.

        Returns:
            The view.
        """
        return cls(
            snapshot=stage.snapshots[0],
            camera=stage.cameras[camera][0],
            camera_link=camera_link,
            links=links.copy(),
            bodies=bodies.copy(),
        )

    def at(self, links: Array, bodies: Array) -> tuple[Snapshot, Camera]:
        """Return what is seen with links and bodies elsewhere.

        Args:
            links: Poses of the robot's links, shape (1 + links, 4, 4).
            bodies: Positions and quaternions of the bodies, shape (B or more, 7).

        Returns:
            The snapshot and the camera.
        """
        snapshot, camera = self.snapshot, self.camera
        moved = compose_pose(links, invert_pose(self.links))
        poses = snapshot.pose_world_instance.copy()
        on_link = snapshot.instance == 1
        poses[on_link] = compose_pose(moved[snapshot.part[on_link]], poses[on_link])
        on_body = snapshot.instance > 1
        if on_body.any():
            placed = pose_from_position_quaternion(bodies[: len(self.bodies), :3], bodies[: len(self.bodies), 3:])
            poses[on_body] = placed[snapshot.instance[on_body] - 2]
        if self.camera_link >= 0:
            pose = compose_pose(moved[self.camera_link], camera.pose_world_camera)
            camera = replace(camera, pose_world_camera=pose)
        return replace(snapshot, pose_world_instance=poses, previous_pose=poses, next_pose=poses), camera

    def is_start(self, links: Array, bodies: Array) -> bool:
        """Whether nothing has moved yet."""
        return np.array_equal(links, self.links) and np.array_equal(bodies[: len(self.bodies)], self.bodies)


Shot = tuple[EpisodeView, Array, Array]
"""A view with the links' poses and the bodies' rows of one instant."""


class Photographer:
    """Takes pictures of episodes, all that are asked for in one render; a picture depends on its own episode alone.

    An episode's exposure is metered on its first instant and held, so that pictures do not flicker.

    Args:
        library: Meshes and textures.
        device: Where to render, `cpu` or `cuda`.
        threads: CPU threads; None for all.
    """

    def __init__(self, library: MeshLibrary, *, device: str = "cpu", threads: int | None = None) -> None:
        from ...renderers.raster.raster import Raster

        self._raster = Raster(library, device=device, threads=threads)
        self._device, self._threads = device, threads
        self._frames: dict[int, Frames] = {}

    def take(self, shots: Sequence[Shot]) -> NDArray[np.uint8]:
        """Take pictures.

        Args:
            shots: What to show, at least one.

        Returns:
            sRGB bytes, shape (shots, height, width, 3).
        """
        wanted, metered = list(shots), {}
        for row, (view, links, bodies) in enumerate(shots):
            if view.white <= 0.0 and id(view) not in metered:
                if view.is_start(links, bodies):
                    metered[id(view)] = (view, row)
                else:
                    metered[id(view)] = (view, len(wanted))
                    wanted.append((view, view.links, view.bodies))
        seen = [view.at(links, bodies) for view, links, bodies in wanted]
        count = len(seen)
        frames = self._raster.render(
            [snapshot for snapshot, _ in seen],
            [camera for _, camera in seen],
            outputs=("colour",),
            out=self._frames.get(count),
        )
        self._frames = {count: frames}
        colour: Any = frames.colour
        colour = colour.reshape(count, *colour.shape[2:])
        for view, row in metered.values():
            view.white = meter_white(colour[row])
        white = np.array([view.white for view, _, _ in shots], np.float32)
        return expose(colour[: len(shots)], white, device=self._device, threads=self._threads)
