"""Single-beam light ranging: photon budget, mean over the view, deviations, statuses."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from naive.rangers import count_photons, see
from naive.walls import meet_wall
from simloom.kernels.optical_ranger_profile import OpticalRangerProfile
from simloom.kernels.profiles import load_sensor_profile
from simloom.kernels.ranger import apply_ranger
from simloom.kernels.ranger_beam import ranger_directions
from simloom.kernels.ranger_reading import (
    HIGH_SIGMA,
    LOW_SIGNAL,
    NO_ECHO,
    OUT_OF_BOUNDS,
    TOO_NEAR,
    VALID,
    RangerReading,
)  # fmt: skip

L0X: OpticalRangerProfile = load_sensor_profile("ranger", "vl53l0x")
FINE = dataclasses.replace(L0X, range_quantum=1e-6, offset_sigma=0.0)
ONE = dataclasses.replace(FINE, ray_count=1)


def _measure(distance: np.ndarray, profile: OpticalRangerProfile, **keys: Any) -> RangerReading:
    rows = len(distance)
    return apply_ranger(np.float32(distance), profile, **({"seed": 3, "index": np.arange(rows), "threads": 1} | keys))


def test_deviation_and_rate_are_those_of_the_oracle() -> None:
    """Mean, sigma and rate of bundles with gaps follow from moments in NumPy."""
    rng = np.random.default_rng(2)
    rows, rays = 20, L0X.ray_count
    distance = rng.uniform(0.3, 0.8, (rows, rays)).astype(np.float32)
    distance[rng.uniform(size=distance.shape) < 0.2] = 0.0
    distance[3, 2], distance[4, 5] = np.nan, np.inf
    cosine = rng.uniform(0.3, 1.0, (rows, rays)).astype(np.float32)
    reflectance = rng.uniform(0.2, 1.0, (rows, rays)).astype(np.float32)
    profile = dataclasses.replace(FINE, glass_rate=5e3, sigma_max=10.0, signal_rate_min=0.0)
    ambient = rng.uniform(0.0, 1.0, rows)

    ours = _measure(distance, profile, cosine=cosine, reflectance=reflectance, ambient=ambient)

    weight = ranger_directions(profile).weight
    for row in range(rows):
        parts = (np.float64(part[row]) for part in (distance, cosine, reflectance))
        mean, sigma, rate = see(*parts, weight, profile, float(ambient[row]))
        assert ours.sigma[row] == pytest.approx(sigma, rel=1e-5)
        assert abs(ours.range[row] - mean) < 6.4 * sigma + 1e-5
        assert ours.strength[row] == pytest.approx(rate, rel=0.2)


@pytest.mark.parametrize("ambient", [0.0, 900.0])
def test_sigma_is_that_of_counted_photons(ambient: float) -> None:
    """Photons drawn one by one have a first moment that deviates as the formula says."""
    photons, pulse, window, trials = 400.0, 0.15, 1.0, 4000
    found = count_photons(1.0, pulse, photons, ambient, window, trials, 1)
    sigma = math.sqrt(pulse**2 / photons + window**2 / 12 * ambient / photons**2)
    profile = dataclasses.replace(
        ONE, signal_rate=photons / 0.033, dark_rate=ambient / 0.033, pulse_sigma=pulse, window=window
    )

    assert abs(found.std() / sigma - 1) < 5 / math.sqrt(2 * trials)
    assert _measure(np.ones((1, 1)), profile).sigma[0] == pytest.approx(sigma, rel=1e-6)


def test_ranges_deviate_by_sigma() -> None:
    """Many measurements have the stated mean and deviation."""
    rows = 8000
    reading = _measure(np.full((rows, 1), 1.2), ONE)
    departure = np.float64(reading.range) - np.float32(1.2)

    assert abs(departure.std() / reading.sigma[0] - 1) < 5 / math.sqrt(2 * rows)
    assert abs(departure.mean()) < 5 * reading.sigma[0] / math.sqrt(rows)


def test_an_edge_gives_a_range_between_its_sides() -> None:
    """Two surfaces share the view by their light: the near one weighs more, by the square and its reflectance."""
    half = FINE.ray_count // 2
    distance = np.array([[0.5] * half + [1.0] * half])
    reflectance = np.float32([[0.4] * half + [0.8] * half])
    near, far = 0.4 / 0.5**2, 0.8 / 1.0**2

    reading = _measure(distance, FINE, reflectance=reflectance)

    mean = (near * 0.5 + far * 1.0) / (near + far)
    assert abs(reading.range[0] - mean) < 6.4 * reading.sigma[0]
    assert reading.sigma[0] < 0.01
    assert reading.truth[0] == 0.5


def test_cover_glass_draws_ranges_nearer() -> None:
    """Light from range 0 shares the mean."""
    profile = dataclasses.replace(ONE, glass_rate=0.1 * ONE.signal_rate)
    reading = _measure(np.ones((1, 1)), profile)

    assert abs(reading.range[0] - 1.0 / 1.1) < 6.4 * reading.sigma[0]


def test_reach_goes_with_the_root_of_the_reflectance() -> None:
    """The built-in sensor sees 88 % to 2 m, and 22 % half as far; lower light is told as such."""
    direction = ranger_directions(L0X).direction
    for reflectance, reach in ((0.88, 2.0), (0.22, 1.0)):
        for factor, status in ((0.95, VALID), (1.05, LOW_SIGNAL)):
            there, cosine = meet_wall(direction, reach * factor)
            keys = {"cosine": cosine[None], "reflectance": np.full((1, len(there)), np.float32(reflectance))}
            assert _measure(there[None], L0X, **keys).status[0] == status


def test_ambient_light_shortens_the_reach() -> None:
    """Sigma grows with the root of the ambient light's rate until the limit ends it."""
    dark, bright = (
        _measure(np.full((1, 1), 1.5), dataclasses.replace(ONE, dark_rate=0.0), ambient=light) for light in (0.0, 1.0)
    )
    n = ONE.signal_rate / 1.5**2 * ONE.timing_budget
    added = 1.0 / 12 * ONE.ambient_rate * ONE.timing_budget / n**2

    assert bright.sigma[0] ** 2 - dark.sigma[0] ** 2 == pytest.approx(added, rel=1e-4)
    strict = dataclasses.replace(ONE, sigma_max=0.01)
    assert _measure(np.full((1, 1), 1.5), strict, ambient=0.0).status[0] == VALID
    assert _measure(np.full((1, 1), 1.5), strict, ambient=3.0).status[0] == HIGH_SIGMA


def test_each_reason_is_told() -> None:
    """Nothing there, too near, too far for the pulses, too dark."""
    strong = dataclasses.replace(ONE, signal_rate=1e9, ray_count=1)
    distance = np.array([[0.0], [0.01], [2.6], [1.0]])

    assert _measure(distance, strong).status.tolist() == [NO_ECHO, TOO_NEAR, OUT_OF_BOUNDS, VALID]
    black = np.zeros((1, 1), np.float32)
    assert _measure(np.ones((1, 1)), strong, reflectance=black).status[0] == LOW_SIGNAL


def test_ranges_are_whole_millimetres() -> None:
    """What is reported is quantised as stated."""
    reading = _measure(np.linspace(0.5, 1.0, 50)[:, None], dataclasses.replace(L0X, ray_count=1))
    thousandths = np.float64(reading.range) * 1000

    assert (reading.status == VALID).all()
    np.testing.assert_allclose(thousandths, thousandths.round(), atol=1e-4)


def test_offsets_belong_to_the_specimen() -> None:
    """Offsets of many specimens deviate as stated, and one specimen keeps its own in every row."""
    profile = dataclasses.replace(
        ONE, offset_sigma=0.02, signal_rate=1e11, pulse_sigma=1e-5, window=1e-3, dark_rate=0.0
    )
    rows = 5000
    offset = np.float64(_measure(np.ones((rows, 1)), profile, unit=np.arange(rows)).range) - 1.0
    same = np.float64(_measure(np.ones((9, 1)), profile, unit=7).range) - 1.0

    assert abs(offset.std() / 0.02 - 1) < 5 / math.sqrt(2 * rows)
    np.testing.assert_allclose(same, offset[7], atol=3e-6)


def test_foreign_light_gives_any_range() -> None:
    """Outliers come as often as stated, over the whole range."""
    rows = 20000
    reading = _measure(np.ones((rows, 1)), dataclasses.replace(ONE, crosstalk_rate=0.05))
    foreign = reading.outlier.astype(bool)

    assert abs(foreign.mean() - 0.05) < 5 * math.sqrt(0.05 * 0.95 / rows)
    middle, width = (0.03 + 2.5) / 2, (2.5 - 0.03) / math.sqrt(12)
    assert abs(reading.range[foreign].mean() - middle) < 5 * width / math.sqrt(foreign.sum())
