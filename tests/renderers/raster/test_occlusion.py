"""Ambient occlusion: nothing on open surfaces, the closed form in a corner, no trace of batch or look."""

from dataclasses import replace

import numpy as np
import pytest

from naive.still_life import BOX, PLANE, SPHERE, Light, Thing, camera, look, pose, primitive_library, still_life
from naive.world_points import world_points
from simloom.renderers import Raster

SKY = Light(sun=0.0, zenith=1.0, horizon=1.0, ground=1.0)
FLOOR = Thing(mesh=PLANE, at=pose(), scale=(30.0, 30.0, 1.0), roughness=1.0, color=(0.5, 0.5, 0.5))


@pytest.fixture(scope="module")
def library():
    """Box, sphere, cylinder, plane."""
    return primitive_library()


def open_share(library, scene, view):
    """The share of the sky that each pixel sees: its colour over that without occlusion."""
    outputs = ("colour", "depth", "instance")
    frames = Raster(library, shadow=False).render([scene], [view], outputs=outputs)
    plain = Raster(library, shadow=False, ambient_occlusion=False).render([scene], [view], outputs=outputs)
    return (frames.colour / plain.colour)[0, 0, ..., 0].astype(float), frames


@pytest.mark.parametrize("size", [(64, 48), (320, 240), (640, 480)])
def test_an_open_plane_sees_all_of_the_sky(library, size):
    """A slanting plane has no horizon, at any image size, up to the rounding of depths."""
    view = camera(*size, 0.9 * size[0], at=look((0, -2.0, 1.0), (0, 0, 0)))
    share, _ = open_share(library, still_life(FLOOR, lights=(SKY,)), view)
    assert share.min() > 0.999
    assert share.max() <= 1 + 1e-5


def test_a_sphere_alone_hides_nothing_from_itself(library):
    """A convex body has no occlusion, but for its facets' edges."""
    ball = Thing(mesh=SPHERE, at=pose(0, 0, 0), roughness=1.0)
    view = camera(320, 240, 400.0, at=look((0, -2.5, 0.5), (0, 0, 0)))
    share, frames = open_share(library, still_life(ball, lights=(SKY,)), view)
    assert share[frames.instance[0] == 1].min() > 0.97


def test_a_corner_loses_what_the_closed_form_says(library):
    """Beside a long wall of height h, a floor point at distance x sees (1 + x / sqrt(x^2 + h^2)) / 2 of the sky.

    The view factor of an endless strip (Howell, "A catalog of radiation heat transfer configuration factors", B-5).
    The search sees what the camera sees, in eight directions, as far as 8 % of the image's width: within 0.17 of it.
    """
    height = 0.1
    wall = Thing(mesh=BOX, at=pose(0, 0.5, 0.5 * height), scale=(20.0, 1.0, height), roughness=1.0)
    view = camera(640, 480, 640.0, at=look((0, -1.2, 2.2), (0, -0.1, 0)))
    share, frames = open_share(library, still_life(FLOOR, wall, lights=(SKY,)), view)
    point = world_points(view, frames.depth[0].astype(float))
    floor = frames.instance[0] == 1
    x = -point[..., 1]
    found = [share[floor & (x > a) & (x < a + 0.01)].mean() for a in (0.01, 0.02, 0.04, 0.07, 0.4)]
    at = np.array([0.015, 0.025, 0.045, 0.075, 0.405])
    expected = (1 + at / np.hypot(at, height)) / 2
    assert np.abs(np.array(found) - expected).max() < 0.17
    assert (np.diff(found) > 0).all()


def test_it_depends_on_its_own_view_alone(library):
    """The same bytes alone, in a batch, and on one thread."""
    box = Thing(mesh=BOX, at=pose(0, 0, 0.25), scale=(0.5, 0.5, 0.5))
    scene = still_life(FLOOR, box, lights=(SKY,))
    views = [camera(90, 61, 70.0, at=look((x, -2.0, 1.5), (0, 0, 0))) for x in (-1.0, 0.0, 1.0)]
    raster = Raster(library, supersample=2, threads=2)
    batch = raster.render([scene], views, view_snapshot=[0, 0, 0], outputs=("colour",)).colour
    for k, view in enumerate(views):
        alone = replace(raster, threads=1).render([scene], [view], outputs=("colour",)).colour
        assert np.array_equal(alone[0], batch[k])
    assert (batch.std(axis=(2, 3)) > 0).all()
