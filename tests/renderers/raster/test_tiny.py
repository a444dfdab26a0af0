"""Raster beside PyBullet's TinyRenderer, an independent witness, on PyBullet's own robots."""

import numpy as np
import pytest

from naive.robots import ROBOTS, add_robot, bounds
from naive.still_life import Thing, camera, look, pose, still_life
from simloom.renderers import MeshLibraryBuilder, Raster, TinyRenderer

pytest.importorskip("pybullet")


@pytest.fixture(scope="module", params=sorted(ROBOTS))
def robot(request):
    """A library with one robot and a plane, the robot's things, and two views that it fills."""
    builder = MeshLibraryBuilder()
    floor = builder.add_plane()
    things = add_robot(builder, request.param, levels=True)
    library = builder.build()
    low, high = bounds(things, library)
    centre, size = (low + high) / 2, np.linalg.norm(high - low)
    ground = Thing(mesh=floor, at=pose(*centre[:2], low[2] - 0.01), scale=(6.0, 6.0, 1.0), instance=0, class_id=1)
    views = []
    for direction in ((1.0, 0.6, 0.5), (-0.7, -1.0, 0.9)):
        eye = centre + 1.3 * size * np.array(direction) / np.linalg.norm(direction)
        views.append(camera(200, 150, 170.0, at=look(eye, centre), near=0.05, far=20.0))
    return request.param, library, still_life(ground, *sorted(things, key=lambda t: t.instance)), views


def inner_pixels(instance, depth):
    """Pixels whose eight neighbours are of the same instance, without a step in depth: no silhouette passes there."""
    inner = np.ones(instance.shape, bool)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            inner &= np.roll(instance, (dy, dx), axis=(1, 2)) == instance
            inner &= np.abs(np.roll(depth, (dy, dx), axis=(1, 2)) - depth) < 0.02
    inner[:, [0, -1]] = False
    inner[:, :, [0, -1]] = False
    return inner


@pytest.mark.parametrize("lod", ["exact", "auto"])
def test_raster_agrees_with_tiny(robot, lod, record_property):
    """Off silhouettes 99.5 % of the ids are equal, and depth is within a millimetre (of full detail) there."""
    name, library, scene, views = robot
    names = ("instance", "depth", "class_id")
    frames = Raster(library, lod=lod).render([scene], views, view_snapshot=[0, 0], outputs=names)
    with TinyRenderer(library, shadow=False) as tiny:
        witness = tiny.render([scene], views, names, view_snapshot=[0, 0])
    inner = inner_pixels(frames.instance, frames.depth) & inner_pixels(witness.instance, witness.depth)
    robot_pixels = inner & (frames.instance > 0)
    assert robot_pixels.sum() > 1000
    share = (frames.instance == witness.instance)[robot_pixels].mean()
    same = robot_pixels & (frames.instance == witness.instance)
    off = np.abs(frames.depth - witness.depth)[same]
    # A level of detail may lie half a pixel away, and its measured error holds for 95 % of the surface.
    allowed = 1e-3 if lod == "exact" else 1.0 * frames.depth[same] / views[0].fx
    within = (off < allowed).mean()
    record_property("robot", name)
    record_property("pixels", int(robot_pixels.sum()))
    record_property("ids_equal", float(share))
    record_property("within_1_mm", float((off < 1e-3).mean()))
    record_property("depth_p99", float(np.quantile(off, 0.99)))
    assert share >= 0.995
    assert within >= (0.995 if lod == "exact" else 0.98)
