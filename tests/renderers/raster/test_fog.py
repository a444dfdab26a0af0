"""Fog: Beer-Lambert extinction between the eye and what it sees."""

import numpy as np
import pytest

from naive.still_life import BOX, PLANE, Light, Thing, camera, look, pose, primitive_library, relight, still_life
from simloom.renderers import Raster
from simloom.renderers.raster.fog import exp_negative


def test_the_exponential_is_accurate():
    """e^-x over all the range that a float32 has, against the library's."""
    x = np.concatenate([np.linspace(0, 1, 5000), np.geomspace(1e-6, 79.9, 5000)]).astype(np.float32)
    found = np.array([exp_negative(value) for value in x], float)
    assert np.abs(found / np.exp(-x.astype(float)) - 1).max() < 1e-5


@pytest.mark.parametrize("extinction", [0.0, 0.2, 1.5])
def test_radiance_follows_beer_lambert(extinction):
    """Each pixel is its own radiance times e^(-extinction range) plus the fog's; the sky stands at the far plane."""
    floor = Thing(mesh=PLANE, at=pose(), scale=(6.0, 6.0, 1.0), pattern=1)
    box = Thing(mesh=BOX, at=pose(0, 0, 0.3), scale=(0.6, 0.6, 0.6))
    scene = still_life(floor, box, lights=(Light(sun=2.0, towards=(1, 1, 1), zenith=0.4),))
    view = camera(80, 60, 50.0, at=look((0.5, -4.0, 1.0), (0, 0, 0.8)), far=20.0)
    raster = Raster(primitive_library())
    outputs = ("colour", "range")
    clear = raster.render([scene], [view], outputs=outputs)
    radiance = np.array([0.3, 0.5, 0.7])
    foggy = raster.render(
        [relight(scene, fog_extinction=extinction, fog_radiance=radiance)], [view], outputs=outputs
    ).colour[0, 0]
    distance = clear.range[0].astype(float)
    assert (distance == 0).any()
    kept = np.exp(-extinction * np.where(distance > 0, distance, 20.0))[..., None]
    expected = clear.colour[0, 0] * kept + radiance * (1 - kept)
    assert foggy == pytest.approx(expected, rel=2e-4, abs=1e-6)
