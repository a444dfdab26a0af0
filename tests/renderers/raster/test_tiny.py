"""Raster beside PyBullet's TinyRenderer, an independent witness, on PyBullet's robots and random objects.

TinyRenderer samples the pixel's centre too, but rounds otherwise where a centre lies near an edge, keeps a float depth
buffer that is not reversed, and drops triangles of less than 0.005 square pixels: its very dense meshes have pinholes,
through which lies what is behind. MuJoCo's renderer, which drops none, agrees with ours there.
"""

import numpy as np
import pytest

from naive.agreement import compare, off_silhouettes
from naive.robots import QUICK, ROBOTS, robot_scene
from naive.toys import toy_scene
from simloom.renderers import Raster, TinyRenderer

pytest.importorskip("pybullet")
NAMES = ("instance", "depth")
DENSE = {"microtaur": 5e-3}
"""Robots with so many triangles (419 000 within 4000 pixels a view) that pinholes count: the share allowed for them."""


def witness(library, scene, views):
    """Instance ids and depth by TinyRenderer."""
    with TinyRenderer(library, shadow=False) as tiny:
        frames = tiny.render([scene], views, NAMES, view_snapshot=[0] * len(views))
    return frames.instance, frames.depth


def ours(library, scene, views, lod="exact"):
    """Instance ids and depth by Raster."""
    frames = Raster(library, lod=lod).render([scene], views, view_snapshot=[0] * len(views), outputs=NAMES)
    return frames.instance, frames.depth


def check(found, record_property, what):
    """Hold the bands: off silhouettes 99.9 % of ids and of depths equal; silhouettes within a pixel."""
    record_property(what, str(found))
    share = DENSE.get(what, 1e-3)
    assert found.inner > 1000
    assert found.inner_different <= 1e-3 * found.inner
    assert found.inner_deep <= share * found.inner
    assert found.misplaced <= share * found.pixels


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in sorted(ROBOTS)]
)
def test_robots_agree(name, record_property):
    """Off silhouettes a robot's links have the same pixels and depth; levels of detail are within a pixel."""
    library, scene, views = robot_scene(name, levels=True)
    theirs, exact = witness(library, scene, views), ours(library, scene, views)
    check(compare(exact, theirs), record_property, name)
    instance, depth = ours(library, scene, views, lod="auto")
    inner = off_silhouettes(instance, depth) & off_silhouettes(*theirs) & (instance > 0)
    same = inner & (instance == theirs[0])
    assert same.sum() >= 0.995 * inner.sum()
    # A level of detail may lie half a pixel away, and its measured error holds for 95 % of the surface.
    off = np.abs(depth - theirs[1])[same] / depth[same] * views[0].fx
    record_property(f"{name}, levels of detail: depth within a pixel", float((off < 1.0).mean()))
    assert (off < 1.0).mean() >= 0.98


@pytest.mark.parametrize("number", [0, *(pytest.param(k, marks=pytest.mark.slow) for k in range(1, 12))])
def test_objects_agree(number, record_property):
    """Off silhouettes twenty-five objects that touch and hide each other have the same pixels and depth."""
    library, scene, views = toy_scene(number)
    found = compare(ours(library, scene, views), witness(library, scene, views))
    check(found, record_property, f"objects {25 * number} to {25 * number + 24}")
