"""Beams of rangers: even cones and the piston's pattern."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.special import j1

from simloom.kernels.profiles import load_sensor_profile
from simloom.kernels.ranger_beam import piston_amplitude, ranger_directions
from simloom.kernels.ultrasonic_profile import SPEED_AT_20


@pytest.mark.parametrize("name", ["hc_sr04", "vl53l0x"])
def test_rays_fill_the_cone_evenly(name: str) -> None:
    """Unit vectors within the cone whose moments are those of an even spread of solid angle."""
    profile = dataclasses.replace(load_sensor_profile("ranger", name), ray_count=2000)
    beam = ranger_directions(profile)
    edge = math.cos(profile.half_angle)

    np.testing.assert_allclose(np.linalg.norm(beam.direction, axis=1), 1.0, atol=1e-15)
    np.testing.assert_allclose(np.cos(beam.angle), beam.direction[:, 0], atol=1e-12)
    assert beam.angle.max() < profile.half_angle
    assert beam.direction[:, 0].mean() == pytest.approx((1 + edge) / 2, rel=1e-9)
    assert np.abs(beam.direction[:, 1:].mean(axis=0)).max() < 2e-3
    across = (beam.direction[:, 1] ** 2).mean()
    assert across == pytest.approx((1 - (1 - edge**3) / (3 * (1 - edge))) / 2, rel=1e-2)
    assert math.fsum(beam.weight) == pytest.approx(1.0, abs=1e-12)
    assert not beam.weight.flags.writeable


@pytest.mark.parametrize("degrees", [1.0, 10.0, 25.0, 40.0, 60.0, 89.0])
def test_a_piston_radiates_as_bessel_says(degrees: float) -> None:
    """The series is SciPy's 2 J1(x) / x."""
    x = 2 * math.pi * 4e4 / SPEED_AT_20 * 0.02 * math.sin(math.radians(degrees))

    assert piston_amplitude(4e4, 0.02, math.radians(degrees)) == pytest.approx(2 * j1(x) / x, abs=1e-9)


def test_a_light_rangers_view_is_even() -> None:
    """All sub-rays weigh the same, and sound's weigh as the pattern's fourth power."""
    light = ranger_directions(load_sensor_profile("ranger", "vl53l0x"))
    sound_profile = load_sensor_profile("ranger", "hc_sr04")
    sound = ranger_directions(sound_profile)
    ratio = piston_amplitude(4e4, sound_profile.aperture_radius, float(sound.angle[100])) ** 4
    ratio /= piston_amplitude(4e4, sound_profile.aperture_radius, float(sound.angle[3])) ** 4

    assert np.ptp(light.weight) == 0.0
    assert sound.weight[100] / sound.weight[3] == pytest.approx(ratio, rel=1e-12)
