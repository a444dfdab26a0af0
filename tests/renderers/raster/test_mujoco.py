"""Raster beside MuJoCo's renderer on Mesa, a second independent witness, on PyBullet's robots and random objects.

Both sample the centre of the pixel and draw the same triangles at full detail. MuJoCo keeps a reversed float32 depth
buffer, whose step is 6e-8 of the depth wherever near and far lie, as ours; its model matrices are float32, which moves
points by some 1e-7 of their distance.
"""

import pytest

from naive.agreement import compare
from naive.robots import QUICK, ROBOTS, robot_scene
from naive.still_life import BOX, PLANE, Thing, camera, look, pose, primitive_library, still_life
from naive.toys import toy_scene
from simloom.renderers import Raster
from simloom.sim.bench.mujoco_world import MujocoWorld, describe_geoms, describe_shot, find_obstacle

pytest.importorskip("pybullet")
pytestmark = pytest.mark.skipif(find_obstacle() is not None, reason=str(find_obstacle()))


def both(library, scene, views):
    """Instance ids and depth of all views of a scene by Raster and by MuJoCo."""
    ours = Raster(library, lod="exact").render(
        [scene], views, view_snapshot=[0] * len(views), outputs=("instance", "depth")
    )
    with MujocoWorld() as world:
        world.load(describe_geoms(library, scene), views[0].width, views[0].height)
        theirs = world.pictures([describe_shot(scene, view) for view in views], passes=1)
    return (ours.instance, ours.depth), (theirs["instance"], theirs["depth"])


def check(found, record_property, what):
    """Hold the bands: off silhouettes 99.9 % of ids and of depths equal; silhouettes within a pixel."""
    record_property(what, str(found))
    assert found.inner > 1000
    assert found.inner_different <= 1e-3 * found.inner
    assert found.inner_deep <= 1e-3 * found.inner
    assert found.misplaced <= 1e-4 * found.pixels
    # Both sample the pixel's centre: silhouettes agree but where a centre lies within rounding of an edge.
    assert found.different <= 2e-3 * found.pixels
    assert found.depth_median < 1e-6 * found.away


def test_intrinsics_and_poses_mean_the_same():
    """Unequal focal lengths, a principal point far off the centre, a turned camera: every pixel centre agrees."""
    library = primitive_library()
    things = [Thing(mesh=PLANE, at=pose(0, 0, -0.3), scale=(4.0, 3.0, 1.0)), Thing(mesh=BOX, at=pose(0.2, 0.1, 0.2))]
    views = [
        camera(97, 65, 80.0, fy=95.0, cx=30.3, cy=44.8, at=look((2, 1, 1.5), (0, 0, 0)), near=0.1, far=9.0),
        camera(97, 65, 60.0, fy=50.0, cx=55.1, cy=12.2, at=look((-1, 2, 0.5), (0, 0.5, 0), (0.4, 0, 1.0)), near=0.3),
    ]
    (instance, depth), (other, other_depth) = both(library, still_life(*things), views)
    assert (instance > 0).mean() > 0.3
    assert (instance != other).mean() < 1e-3
    same = instance == other
    assert depth[same] == pytest.approx(other_depth[same], rel=5e-6)


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in sorted(ROBOTS)]
)
def test_robots_agree(name, record_property):
    """A robot's links have the same pixels and depth."""
    check(compare(*both(*robot_scene(name, levels=False))), record_property, name)


@pytest.mark.parametrize("number", [0, *(pytest.param(k, marks=pytest.mark.slow) for k in range(1, 40))])
def test_objects_agree(number, record_property):
    """Twenty-five objects that touch and hide each other have the same pixels and depth."""
    check(compare(*both(*toy_scene(number))), record_property, f"objects {25 * number} to {25 * number + 24}")
