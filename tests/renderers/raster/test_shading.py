"""Light: bounds that energy sets, Lambert's closed form, the sky, and what metals and roughness do."""

import numpy as np
import pytest

from naive.still_life import PLANE, SPHERE, Light, Thing, camera, look, pose, primitive_library, still_life, turn
from simloom.renderers import Raster

SKY = Light(sun=0.0, zenith=2.0, horizon=2.0, ground=2.0)
DARK = {"zenith": 0.0, "horizon": 0.0, "ground": 0.0}


@pytest.fixture(scope="module")
def raster():
    """No shadows: only what a surface does with light."""
    return Raster(primitive_library(), lod="exact", shadow=False)


def shade(raster, thing, *lights, at=None):
    """Colours (look, height, width, 3) and the instance map of one thing seen from above."""
    view = camera(48, 36, 60.0, at=look((0.0, -0.01, 3.0), (0, 0, 0), (0, 1, 0)) if at is None else at)
    frames = raster.render([still_life(thing, lights=lights)], [view], outputs=("colour", "instance", "normal"))
    return frames.colour[0].astype(float), frames.instance[0] == 1


@pytest.mark.parametrize("roughness", [0.03, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("metallic", [0.0, 1.0])
def test_a_white_body_under_a_uniform_sky_neither_glows_nor_swallows(raster, roughness, metallic):
    """With albedo 1 and the same radiance from everywhere, what leaves is what arrives, within the model's bounds."""
    white = Thing(mesh=SPHERE, at=pose(), color=(1.0, 1.0, 1.0), roughness=roughness, metallic=metallic)
    colour, seen = shade(raster, white, SKY)
    ratio = colour[0][seen] / 2.0
    assert seen.sum() > 200
    assert ratio.max() <= 1.05
    assert ratio.min() >= 0.8
    assert colour[0][~seen] == pytest.approx(2.0, rel=1e-6)


def test_a_black_dielectric_reflects_a_few_percent(raster):
    """Albedo 0 leaves the Fresnel reflection only: some 4 % at normal incidence."""
    black = Thing(mesh=PLANE, at=pose(), scale=(5.0, 5.0, 1.0), color=(0.0, 0.0, 0.0), roughness=0.1)
    colour, _ = shade(raster, black, SKY)
    assert 0.03 < colour[0][18, 24, 0] / 2.0 < 0.06


@pytest.mark.parametrize("albedo", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("angle", [0.0, 0.5, 1.0])
def test_a_rough_plane_obeys_lambert(raster, albedo, angle):
    """A rough dielectric plane has radiance albedo/pi E cos(theta), less 4 % that the surface reflects."""
    sun = Light(towards=(np.sin(angle), 0.0, np.cos(angle)), sun=3.0, **DARK)
    # Its specular lobe is wide: looked at from the other side of the normal it adds at most a few percent of E/pi.
    plane = Thing(mesh=PLANE, at=pose(), scale=(9.0, 9.0, 1.0), color=(albedo,) * 3, roughness=1.0)
    colour, seen = shade(raster, plane, sun, at=look((1.2, 0, 2.5), (0, 0, 0)))
    assert seen.all()
    lambert = albedo / np.pi * 3.0 * np.cos(angle)
    specular = 0.012 * 3.0 * np.cos(angle)
    assert colour[0].mean() == pytest.approx(lambert * 0.96, abs=0.02 * lambert + specular)


def test_light_adds_up(raster):
    """The colour under sun and sky is the sum of the colours under each, and twice the light is twice the colour."""
    parts = (
        Light(towards=(1, 2, 3), sun=2.0, **DARK),
        Light(towards=(1, 2, 3), sun=0.0, zenith=0.7, horizon=0.0, ground=0.0),
        Light(towards=(1, 2, 3), sun=0.0, zenith=0.0, horizon=0.4, ground=0.0),
        Light(towards=(1, 2, 3), sun=0.0, zenith=0.0, horizon=0.0, ground=0.3),
    )
    whole = Light(towards=(1, 2, 3), sun=2.0, zenith=0.7, horizon=0.4, ground=0.3)
    twice = Light(towards=(1, 2, 3), sun=4.0, zenith=1.4, horizon=0.8, ground=0.6)
    body = Thing(mesh=SPHERE, at=pose(), color=(0.8, 0.4, 0.1), roughness=0.3, metallic=0.3)
    colour, _ = shade(raster, body, *parts, whole, twice)
    assert colour[:4].sum(axis=0) == pytest.approx(colour[4], rel=1e-5, abs=1e-7)
    assert colour[5] == pytest.approx(2 * colour[4], rel=1e-5)
    assert (colour >= 0).all()


def test_colours_follow_the_material(raster):
    """A dielectric's highlight is white, a metal's has its colour; a smaller roughness makes it higher and narrower."""
    sun = Light(towards=(0, 0, 1), sun=1.0, **DARK)
    peak, width = {}, {}
    for metallic in (0.0, 1.0):
        for roughness in (0.2, 0.6):
            ball = Thing(
                mesh=SPHERE, at=pose(), color=(0.9, 0.3, 0.0), roughness=roughness, metallic=metallic, scale=(2.0,) * 3
            )
            colour, seen = shade(raster, ball, sun)
            top = colour[0][seen]
            peak[metallic, roughness] = top.max(axis=0)
            width[metallic, roughness] = (top[:, 0] > 0.5 * top[:, 0].max()).mean()
    assert peak[0.0, 0.2][2] > 0.02
    assert peak[1.0, 0.2][2] == pytest.approx(0.0, abs=1e-3)
    assert peak[1.0, 0.2][1] / peak[1.0, 0.2][0] == pytest.approx(1 / 3, rel=0.02)
    for metallic in (0.0, 1.0):
        assert peak[metallic, 0.2][0] > peak[metallic, 0.6][0]
        assert width[metallic, 0.2] < width[metallic, 0.6]


def test_the_back_of_a_sheet_is_lit_from_its_own_side(raster):
    """A plane seen from below shows the light that falls on its underside."""
    sheet = Thing(mesh=PLANE, at=pose(), scale=(9.0, 9.0, 1.0), roughness=1.0)
    above, below = (Light(towards=(0, 0.2, z), sun=1.0, **DARK) for z in (1.0, -1.0))
    colour, seen = shade(raster, sheet, above, below, at=look((0.3, 0, -2), (0, 0, 0)))
    assert seen.all()
    assert not colour[0].any()
    assert colour[1].min() > 0.1


def test_the_sky_is_the_gradient_that_is_asked_for(raster):
    """Straight up is the zenith, straight down the ground, just above the horizon nearly the horizon's radiance."""
    light = Light(zenith=3.0, horizon=1.0, ground=0.25)
    hidden = Thing(mesh=SPHERE, at=pose(0, 0, 1e4), scale=(1e-3,) * 3)
    for direction, expected in (((0.01, 0, 1), 3.0), ((0.01, 0, -1), 0.25), ((1, 0, 0.2), 1.0 + 2 * 0.184)):
        colour, seen = shade(raster, hidden, light, at=look((0, 0, 0), direction))
        assert not seen.any()
        assert colour[0, 18, 24] == pytest.approx(np.full(3, expected), rel=0.015)


def test_shading_normals_are_smooth_and_faces_stay_flat(raster):
    """Neighbouring facets of a sphere shade alike; the faces of a turned box are of one colour each."""
    sun = Light(towards=(0.2, 0.1, 1), sun=1.0, **DARK)
    ball = still_life(Thing(mesh=SPHERE, at=pose(), scale=(2.0,) * 3, roughness=1.0), lights=(sun,))
    view = camera(300, 200, 200.0, at=look((0.0, -0.01, 3.0), (0, 0, 0), (0, 1, 0)))
    frames = raster.render([ball], [view], outputs=("colour", "normal"))
    red = frames.colour[0, 0, ..., 0]
    inner = frames.normal[0, ..., 2] < -0.8
    both = inner[:, 1:] & inner[:, :-1]
    # A facet is 5.6 degrees, up to 10 % of the light; the smooth sphere changes by 2 % at most from pixel to pixel.
    assert both.sum() > 5000
    assert np.abs(np.diff(red, axis=1))[both].max() < 0.03 * red.max()
    box, seen = shade(raster, Thing(mesh=0, at=pose(0, 0, 0, turn((1, 1, 0), 0.5)), roughness=1.0, metallic=0.0), sun)
    values = box[0][seen][:, 0]
    groups = np.sort(values)
    assert (np.diff(groups) > 0.02).sum() <= 2
