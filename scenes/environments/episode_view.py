"""Episode views: how an episode looks through one camera, whatever has moved since it began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.transfer import to_host
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
    camera: Camera | None
    """The camera as the episode began; None: there is none, and no picture can be taken."""
    camera_link: int
    """Row of the link that carries it, -1 = none."""
    links: Array
    """Poses of the links as the episode began, shape (1 + links, 4, 4)."""
    bodies: Array
    """Positions and quaternions of the bodies as it began, shape (B, 7)."""
    carriers: NDArray[np.int64] | None = None
    """Number of the body that carries each instance, -1 = none; None: each object is a body, and nothing else."""
    white: float = 0.0
    """Radiance that its pictures show as white [W/(sr m^2)]; 0 = not metered yet."""

    @classmethod
    def of_stage(cls, stage: Stage, camera: str | None, camera_link: int, links: Array, bodies: Array) -> EpisodeView:
        """Make the view of a stage that has just been made.

        Args:
            stage: The stage.
            camera: Name of the camera; None = there is none.
            camera_link: Row of the link that carries it, -1 = none.
            links: Poses of the robot's links.
            bodies: Positions and quaternions of the bodies.

        Returns:
            The view.
        """
        return cls(
            snapshot=stage.snapshots[0],
            camera=None if camera is None else stage.cameras[camera][0],
            camera_link=camera_link,
            links=links.copy(),
            bodies=bodies.copy(),
            carriers=stage.carriers,
        )

    def at(self, links: Array, bodies: Array) -> tuple[Snapshot, Camera]:
        """Return what is seen with links and bodies elsewhere.

        Args:
            links: Poses of the robot's links, shape (1 + links, 4, 4).
            bodies: Positions and quaternions of the bodies, shape (B or more, 7).

        Returns:
            The snapshot and the camera.
        """
        return see([(self, links, bodies)])[0]

    @cached_property
    def _on_link(self) -> NDArray[np.int64]:
        """Rows of the robot's meshes in the snapshot."""
        return np.flatnonzero(self.snapshot.instance == 1)

    @cached_property
    def _on_body(self) -> NDArray[np.int64]:
        """Rows of the bodies' meshes in the snapshot."""
        return np.flatnonzero(self._numbers >= 0)

    @cached_property
    def _body(self) -> NDArray[np.int64]:
        """Which body each of those is."""
        return self._numbers[self._on_body]

    @cached_property
    def _numbers(self) -> NDArray[np.int64]:
        """Number of the body that carries each mesh, negative = none."""
        if self.carriers is not None:
            return self.carriers
        return np.asarray(self.snapshot.instance, np.int64) - 2

    @cached_property
    def _carrier(self) -> NDArray[np.int64]:
        """Rows of the links that carry the robot's meshes, and after them the camera where one does."""
        rows = self.snapshot.part[self._on_link].tolist()
        return np.array(rows if self.camera_link < 0 else [*rows, self.camera_link], np.int64)

    @cached_property
    def _carried(self) -> Array:
        """Poses of these meshes, and of the camera, on their links; they stay for the episode."""
        poses = self.snapshot.pose_world_instance[self._on_link]
        if self.camera is not None and self.camera_link >= 0:
            poses = np.concatenate((poses, self.camera.pose_world_camera[None]))
        return compose_pose(invert_pose(self.links[self._carrier]), poses)

    def is_start(self, links: Array, bodies: Array) -> bool:
        """Whether nothing has moved yet."""
        return np.array_equal(links, self.links) and np.array_equal(bodies[: len(self.bodies)], self.bodies)


Shot = tuple[EpisodeView, Array, Array]
"""A view with the links' poses and the bodies' rows of one instant."""


def see(shots: Sequence[Shot]) -> list[tuple[Snapshot, Camera]]:
    """Return what each shot sees; all shots' poses are computed at once, each for itself.

    Args:
        shots: What to show, at least one.

    Returns:
        The snapshot and the camera of each.
    """
    on_links = compose_pose(
        np.concatenate([links[view._carrier] for view, links, _ in shots]),
        np.concatenate([view._carried for view, _, _ in shots]),
    )
    rows = np.concatenate([bodies[view._body] for view, _, bodies in shots])
    on_bodies = pose_from_position_quaternion(rows[:, :3], rows[:, 3:])
    seen = []
    link = body = 0
    for view, _, _ in shots:
        poses, camera = view.snapshot.pose_world_instance.copy(), view.camera
        assert camera is not None  # who asks for pictures was refused without one
        end = link + len(view._on_link)
        poses[view._on_link] = on_links[link:end]
        link = end
        if view.camera_link >= 0:
            camera = replace(camera, pose_world_camera=on_links[link])
            link += 1
        end = body + len(view._on_body)
        poses[view._on_body] = on_bodies[body:end]
        body = end
        seen.append((replace(view.snapshot, pose_world_instance=poses, previous_pose=poses, next_pose=poses), camera))
    return seen


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

    def take(self, shots: Sequence[Shot], *, resident: bool = False) -> Any:
        """Take pictures.

        Args:
            shots: What to show, at least one.
            resident: Whether pictures that were rendered on a device stay there.

        Returns:
            sRGB bytes, shape (shots, height, width, 3): NumPy, or on the device.
        """
        wanted, metered = list(shots), {}
        for row, (view, links, bodies) in enumerate(shots):
            if view.white <= 0.0 and id(view) not in metered:
                if view.is_start(links, bodies):
                    metered[id(view)] = (view, row)
                else:
                    metered[id(view)] = (view, len(wanted))
                    wanted.append((view, view.links, view.bodies))
        seen = see(wanted)
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
        pictures = expose(colour[: len(shots)], white, device=self._device, threads=self._threads)
        return pictures if resident else to_host(pictures)
