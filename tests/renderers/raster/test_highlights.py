"""Highlights: a smooth sphere sends as much light to the eye as a mirror ball does, however wide it spreads it."""

import math

import numpy as np
import pytest

from naive.still_life import SPHERE, Light, Thing, camera, look, pose, primitive_library, relight, still_life
from simloom.renderers import Raster
from simloom.renderers.lighting import Lamp

EYE = np.array([0.0, -6.0, 4.5])
FOCAL = 2000.0
TOWARDS = np.array([-0.36, -0.48, 0.8])


def highlight(roughness: float, **light) -> float:
    """Radiance of a black dielectric ball of radius 0.5 m, summed over the picture's solid angle."""
    ball = Thing(mesh=SPHERE, at=pose(), color=(0.0, 0.0, 0.0), roughness=roughness)
    night = Light(towards=tuple(TOWARDS), sun=0.0, zenith=0.0, horizon=0.0, ground=0.0)
    snapshot = relight(still_life(ball, lights=(night,)), **light)
    view = camera(300, 300, FOCAL, look(EYE, (0.0, 0.0, 0.0)))
    frames = Raster(primitive_library(), supersample=4, shadow=False).render([snapshot], [view], outputs=("colour",))
    return float(frames.colour[0, 0, ..., 0].sum(dtype=np.float64)) / FOCAL**2


def mirror_ball(irradiance: float, source: float = math.inf) -> float:
    """The same of a ball that mirrors 4 %: it shows the light's image, half a radius within it or nearer.

    A convex mirror of radius R sends F E R^2 / 4 per steradian of a far light away from that image; of a light at a
    distance s from the surface, what paraxial optics says: an image at s R / (2 s + R), as large as that.
    """
    towards, seen = TOWARDS, EYE / np.linalg.norm(EYE)
    cosine = math.sqrt(0.5 * (1.0 + float(towards @ seen)))
    fresnel = 0.04 + 0.96 * (1.0 - cosine) ** 5
    radius, depth = 0.5, 0.25 if math.isinf(source) else source * 0.5 / (2.0 * source + 0.5)
    distance = np.linalg.norm(EYE) - radius * cosine + depth
    spread = radius / 2.0 if math.isinf(source) else depth
    return fresnel * irradiance * (spread / distance) ** 2


@pytest.mark.parametrize("roughness", [0.1, 0.15, 0.25])
def test_the_sun_shines_back_as_from_a_mirror_ball(roughness: float) -> None:
    """Smooth or less so, for a hard sun and one of 3 degrees: within 4 % of a mirror ball."""
    for radius in (0.0, 0.026):
        found = highlight(roughness, sun_irradiance=[2.0] * 3, sun_radius=radius)

        assert found == pytest.approx(mirror_ball(2.0), rel=0.04)


@pytest.mark.parametrize("radius", [0.0, 0.1, 0.4])
def test_the_size_of_a_lamp_widens_its_highlight_only(radius: float) -> None:
    """A ball of light of any size at 8 m has the highlight of a point of its intensity: within 4 % of a mirror's."""
    distance = 8.0
    lamp = {
        "lamp_kind": [int(Lamp.POINT)],
        "lamp_position": [distance * TOWARDS],
        "lamp_intensity": [[100.0] * 3],
        "lamp_radius": [radius],
        "lamp_direction": [[0.0, 0.0, -1.0]],
        "lamp_cone": [[0.0, 0.0]],
    }
    surface = distance - 0.5

    assert highlight(0.15, **lamp) == pytest.approx(mirror_ball(100.0 / surface**2, surface), rel=0.04)
