"""Ultrasonic ranging: oracle, laws of loudness, arcs, temperature, statuses."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from naive.rangers import draw, hear
from naive.walls import meet_disc, meet_wall
from simloom.kernels.profiles import load_sensor_profile
from simloom.kernels.ranger import apply_ranger
from simloom.kernels.ranger_beam import ranger_directions
from simloom.kernels.ranger_reading import NO_ECHO, TOO_NEAR, VALID, RangerReading
from simloom.kernels.ultrasonic import speed_of_sound
from simloom.kernels.ultrasonic_profile import SPEED_AT_20, UltrasonicProfile

SR04: UltrasonicProfile = load_sensor_profile("ranger", "hc_sr04")
QUIET = dataclasses.replace(
    SR04, threshold_noise=0.0, time_noise=0.0, time_quantum=1e-9, absorption=0.0, assumed_speed=SPEED_AT_20
)
ONE = dataclasses.replace(QUIET, ray_count=1)
DIRECTION = ranger_directions(SR04).direction


def _measure(distance: np.ndarray, profile: UltrasonicProfile, **keys: Any) -> RangerReading:
    rows = len(distance)
    return apply_ranger(np.float32(distance), profile, **({"seed": 3, "index": np.arange(rows), "threads": 1} | keys))


def _wall(profile: UltrasonicProfile, distance: float, tilt: float = 0.0, **keys: Any) -> RangerReading:
    there, cosine = meet_wall(DIRECTION, distance, tilt)
    return _measure(there[None], profile, cosine=cosine[None], **keys)


def test_readings_are_those_of_the_oracle() -> None:
    """Walls, clutter and gaps: times and surfaces follow from a march along the envelope."""
    rng = np.random.default_rng(2)
    rows, rays = 24, SR04.ray_count
    distance = rng.uniform(0.3, 4.5, (rows, 4)).repeat(rays // 4, axis=1) * rng.uniform(1.0, 1.05, (rows, rays))
    distance[rng.uniform(size=distance.shape) < 0.2] = 0.0
    distance[0], distance[1, 5] = np.inf, np.nan
    distance = distance.astype(np.float32)
    cosine = rng.uniform(0.7, 1.0, (rows, rays)).astype(np.float32)
    reflectance = (rng.uniform(size=(rows, rays)) * rng.uniform(size=(rows, 1)) ** 2).astype(np.float32)
    weight = ranger_directions(SR04).weight
    profile = dataclasses.replace(SR04, threshold=0.02)

    ours = _measure(
        distance, profile, cosine=cosine, reflectance=reflectance, temperature=5.0, sensor=2, number=np.arange(rows)
    )

    heard = 0
    for row in range(rows):
        words = draw(3, row, (row, 0), 2, 0)
        parts = (np.float64(part[row]) for part in (distance, cosine, reflectance))
        time, _ = hear(*parts, weight, profile, 5.0, words)
        range_ = time * profile.assumed_speed / 2
        if range_ > profile.range_max:
            assert ours.status[row] == NO_ECHO
        else:
            heard += 1
            assert ours.status[row] == VALID
            assert ours.range[row] == pytest.approx(range_, abs=2e-4)
    assert 5 < heard < rows


@pytest.mark.parametrize("distance", [0.2, 1.0, 3.0])
def test_one_surface_is_met_where_its_echo_has_risen(distance: float) -> None:
    """The range is the distance and the way in which the amplitude rises to the level: rise level / amplitude."""
    reading = _measure(np.array([[distance]]), ONE)
    amplitude, level = 1.0 / distance, ONE.threshold / distance

    share = level / amplitude
    # The level falls while the echo rises: the crossing is where x / rise = level(x) / amplitude.
    for _ in range(20):
        share = ONE.threshold / (distance + share * ONE.rise_range) * distance
    assert reading.strength[0] == pytest.approx(amplitude, rel=1e-6)
    assert reading.range[0] == pytest.approx(distance + ONE.rise_range * share, abs=1e-6)


def test_cold_air_shows_longer_ranges() -> None:
    """The time of flight goes with the inverse root of the temperature; 0 degrees show 3.6 % more than 20."""
    air = np.array([-20.0, 0.0, 20.0, 40.0])
    profile = dataclasses.replace(ONE, rise_time=1e-9)
    reading = _measure(np.full((4, 1), 2.0), profile, temperature=air)

    np.testing.assert_allclose(reading.range, 2.0 * np.sqrt((273.15 + 20.0) / (273.15 + air)), rtol=1e-6)
    assert speed_of_sound(0.0) == 331.3
    assert speed_of_sound(20.0) == pytest.approx(343.2, abs=0.05)


def test_walls_fade_with_the_range_and_small_things_with_its_square() -> None:
    """Amplitudes of a facing wall go as 1/R; a patch that stays as large goes as 1/R^2."""
    profile = dataclasses.replace(QUIET, threshold=1e-4, ray_count=4096)
    direction = ranger_directions(profile).direction
    walls, patches = [], []
    for distance in (1.0, 2.0, 3.5):
        for what, (there, cosine) in (
            (walls, meet_wall(direction, distance)), (patches, meet_disc(direction, distance, 0.1 / distance))
        ):  # fmt: skip
            what.append(float(_measure(there[None], profile, cosine=cosine[None]).strength[0]))

    np.testing.assert_allclose(np.array(walls) * [1.0, 2.0, 3.5], walls[0], rtol=5e-3)
    np.testing.assert_allclose(np.array(patches) * [1.0, 4.0, 3.5**2], patches[0], rtol=6e-2)


def test_air_takes_its_share() -> None:
    """Decibels per metre, there and back."""
    strength = [
        _measure(np.array([[2.0]]), dataclasses.replace(ONE, absorption=loss)).strength[0] for loss in (0.0, 1.5)
    ]

    assert 20 * math.log10(strength[0] / strength[1]) == pytest.approx(2 * 2.0 * 1.5, rel=1e-5)


def test_gain_sets_how_far_a_wall_is_heard() -> None:
    """Beyond the range of the gain, the level stays and a wall is heard until 1 / R falls to it."""
    profile = dataclasses.replace(ONE, gain_range=1.0, threshold=0.4, rise_time=1e-9)
    distance = np.array([[1.0], [2.0], [2.49], [2.51], [3.0]])

    assert _measure(distance, profile).status.tolist() == [VALID, VALID, VALID, NO_ECHO, NO_ECHO]


def test_smooth_walls_vanish_beyond_the_critical_angle() -> None:
    """One ray on a mirror: heard below the critical incidence, lost from it on; rough walls stay."""
    smooth = dataclasses.replace(ONE, diffuse_share=0.0, threshold=1e-3)
    rough = dataclasses.replace(smooth, diffuse_share=0.1)
    angle = np.array([0.0, 0.2, 0.34, 0.36, 0.8])
    keys = {"cosine": np.float32(np.cos(angle))[:, None]}

    mirrored = _measure(np.ones((5, 1)), smooth, **keys)
    lobe = np.cos(np.pi / 2 * angle / 0.35) ** 2 * (angle < 0.35)
    np.testing.assert_allclose(mirrored.strength**2, lobe, atol=1e-6)
    assert mirrored.status.tolist() == [VALID, VALID, VALID, NO_ECHO, NO_ECHO]
    np.testing.assert_allclose(_measure(np.ones((5, 1)), rough, **keys).strength ** 2, 0.9 * lobe + 0.1 * np.cos(angle),
                               atol=1e-6)  # fmt: skip


@pytest.mark.parametrize("degrees", [0.0, 8.0, 16.0, 24.0])
def test_turned_walls_are_seen_from_the_foot_of_their_perpendicular(degrees: float) -> None:
    """A smooth wall within the beam reads its perpendicular distance: the arcs of sonar maps."""
    tilt = math.radians(degrees)
    smooth = dataclasses.replace(QUIET, diffuse_share=0.0, rise_time=1e-9, threshold=0.02)
    reading = _wall(smooth, 1.5, tilt)

    assert reading.status[0] == VALID
    assert reading.range[0] == pytest.approx(1.5 * math.cos(tilt), rel=4e-3)


def test_nothing_answers_from_before_a_surface() -> None:
    """Oblique mirrors shift no echo before the nearest ray."""
    rng = np.random.default_rng(0)
    distance = rng.uniform(1.0, 2.0, (50, SR04.ray_count))
    cosine = np.float32(rng.uniform(0.94, 1.0, distance.shape))
    reading = _measure(distance, dataclasses.replace(QUIET, threshold=1e-3), cosine=cosine)

    assert (reading.status == VALID).all()
    assert (reading.range >= reading.truth - 1e-5).all()


def test_the_first_loud_echo_counts() -> None:
    """A faint thing in front of a wall is passed over, a loud one hides the wall."""
    there, cosine = meet_wall(DIRECTION, 2.0)
    there[:3] = 1.0
    for reflectance, expected in ((1e-6, 2.0), (1.0, 1.0)):
        faint = np.ones_like(there)
        faint[:3] = reflectance
        reading = _measure(there[None], QUIET, cosine=cosine[None], reflectance=faint[None])
        assert reading.range[0] == pytest.approx(expected, abs=0.03)
        assert reading.truth[0] == 1.0


def test_times_are_counted_and_noisy() -> None:
    """Ranges are whole counts, and deviate as the time does."""
    profile = dataclasses.replace(ONE, time_quantum=1e-6, time_noise=4e-6, assumed_speed=340.0)
    reading = _measure(np.full((8000, 1), 1.0), profile)
    counts = np.float64(reading.range) / (0.5 * 340.0 * 1e-6)

    np.testing.assert_allclose(counts, counts.round(), atol=1e-3)
    deviation = math.hypot(4.0, 1 / math.sqrt(12))
    assert abs(counts.std() / deviation - 1) < 5 / math.sqrt(2 * 8000)
    np.testing.assert_allclose(reading.sigma, 0.5 * 340.0 * 4e-6, rtol=1e-6)


def test_other_sensors_come_first_as_often_as_stated() -> None:
    """Foreign pulses arrive at any time, and count where they come before the own echo."""
    profile = dataclasses.replace(ONE, crosstalk_rate=0.3, range_min=0.0)
    rows = 20000
    reading = _measure(np.full((rows, 1), 1.0), profile)
    foreign = reading.outlier.astype(bool)

    share = 0.3 * (1.0 / 4.0)
    assert abs(foreign.mean() - share) < 0.01 * share + 5 * math.sqrt(share * (1 - share) / rows)
    assert (reading.range[foreign] < 1.01).all()
    assert abs(reading.range[foreign].mean() - 0.5) < 5 * 0.29 / math.sqrt(foreign.sum()) + 2e-3
    empty = _measure(np.zeros((rows, 1)), profile)
    assert abs((empty.status == VALID).mean() - 0.3) < 5 * math.sqrt(0.21 / rows)


def test_what_is_too_near_or_not_there_is_told() -> None:
    """The membrane still rings, nothing is in the beam, or it is beyond the range."""
    distance = np.array([[0.01], [0.0], [np.nan], [5.0], [np.inf], [0.5]])
    reading = _measure(distance, ONE)

    assert reading.status.tolist() == [TOO_NEAR, NO_ECHO, NO_ECHO, NO_ECHO, NO_ECHO, VALID]
    assert reading.range[:5].tolist() == [0.0] * 5
    np.testing.assert_array_equal(reading.truth, np.float32([0.01, 0.0, 0.0, 5.0, 0.0, 0.5]))


def test_the_module_hears_a_wall_over_its_range() -> None:
    """The built-in module: a facing wall from 2 cm to nearly 4 m, within 2 cm and 1 %."""
    for distance in (0.03, 0.3, 1.0, 2.0, 3.0, 3.9):
        reading = _wall(SR04, distance)
        assert reading.status[0] == VALID
        assert reading.range[0] == pytest.approx(distance, rel=0.01, abs=0.01)
    assert _wall(SR04, 1.0, math.radians(60.0)).status[0] == NO_ECHO


def test_impossible_profiles_are_refused() -> None:
    """A pulse that ends before it has risen, and a membrane that sends nothing to the side."""
    with pytest.raises(ValueError, match="rise_time must be a number in"):
        dataclasses.replace(SR04, rise_time=1e-3)
    with pytest.raises(ValueError, match="half_angle reaches"):
        dataclasses.replace(SR04, aperture_radius=0.1)
    with pytest.raises(ValueError, match="range_max must be a number in"):
        dataclasses.replace(SR04, range_max=0.01)
