"""Other renderers on the snapshots and cameras that ours is timed on, where they are installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Final

from ...renderers.mesh_library import MeshLibrary
from ...renderers.snapshot import Snapshot
from ...renderers.view import Camera
from .mujoco_world import MujocoWorld, describe_geoms, describe_shot, find_obstacle

TINY: Final = "PyBullet TinyRenderer"
MUJOCO: Final = "MuJoCo on Mesa"

Views = Sequence[tuple[Snapshot, Camera]]


@contextmanager
def open_peers(library: MeshLibrary, views: Views) -> Iterator[dict[str, Callable[[], None]]]:
    """Make what is there ready to draw some views: colour with the sun's shadow, depth and ids, one sample a pixel.

    Args:
        library: The meshes.
        views: Snapshots of one look, each with its camera, all pictures of one size, without lenses.

    Yields:
        By name, a function that draws all views once, in the calling thread.
    """
    drawers: dict[str, Callable[[], None]] = {}
    if any(camera.lens is not None or camera.shutter is not None for _, camera in views):
        yield drawers
        return
    tiny, mujoco = None, None
    try:
        if find_spec("pybullet") is not None:
            from ...renderers.bullet import TinyRenderer

            tiny = TinyRenderer(library)
            drawers[TINY] = _tiny(tiny.render, views)
        if find_obstacle() is None:
            camera = views[0][1]
            mujoco = MujocoWorld(shadow=256 if camera.width <= 320 else 512)
            mujoco.load(describe_geoms(library, views[0][0]), camera.width, camera.height)
            drawers[MUJOCO] = _mujoco(mujoco, views)
        yield drawers
    finally:
        if tiny is not None:
            tiny.close()
        if mujoco is not None:
            mujoco.close()


def explain_absent() -> str:
    """Say which peers are not here, "" where all are."""
    absent = []
    if find_spec("pybullet") is None:
        absent.append("PyBullet's TinyRenderer: pybullet is not installed")
    if (obstacle := find_obstacle()) is not None:
        absent.append(obstacle)
    return "; ".join(absent)


def _tiny(render: Callable[..., object], views: Views) -> Callable[[], None]:
    snapshots, cameras = [snapshot for snapshot, _ in views], [camera for _, camera in views]

    def run() -> None:
        render(snapshots, cameras, view_snapshot=list(range(len(views))))

    return run


def _mujoco(world: MujocoWorld, views: Views) -> Callable[[], None]:
    shots = [describe_shot(snapshot, camera) for snapshot, camera in views]
    return lambda: world.render(shots)
