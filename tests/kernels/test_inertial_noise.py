"""Noise of inertial units by its Allan deviation, as an independent library estimates it."""

from __future__ import annotations

import dataclasses
import math

import allantools
import numpy as np
import pytest

from simloom.kernels.flicker import flicker_bank, gauss_markov_allan_variance
from simloom.kernels.inertial import apply_imu
from simloom.kernels.inertial_profile import PARTS, InertialProfile
from simloom.kernels.profiles import load_profile

BMI = load_profile("bosch_bmi088")
assert isinstance(BMI, InertialProfile)
_OFF = ("noise_density", "bias_instability", "random_walk", "bias_deviation", "turn_on_bias", "scale_error",
        "misalignment", "resolution", "bandwidth")  # fmt: skip
IDEAL = dataclasses.replace(
    BMI, gyroscope_g_sensitivity=0.0,
    **{f"{part}_{field}": 0.0 for part in PARTS for field in _OFF}, **{f"{part}_range": 1e6 for part in PARTS},
)  # fmt: skip
PLATEAU = math.sqrt(2 * math.log(2) / math.pi)


def _unit(**values: object) -> InertialProfile:
    """An ideal unit but for values that gyroscopes and accelerometers share, so that both are samples of one law."""
    return dataclasses.replace(IDEAL, **{f"{part}_{field}": v for field, v in values.items() for part in PARTS})


def _channels(profile: InertialProfile, rows: int, samples: int, rate: float, seed: int = 1) -> np.ndarray:
    """Readings at rest, one channel per row, part and axis: shape (6 rows, samples)."""
    still = np.zeros((rows, samples, 3))
    reading = apply_imu(still, still, profile, rate=rate, seed=seed)
    both = np.concatenate([reading.angular_rate, reading.specific_force], axis=2)
    return both.transpose(0, 2, 1).reshape(6 * rows, samples)


def _deviations(channels: np.ndarray, rate: float, taus: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Root mean Allan variance over the channels, and its relative deviation, from the channels' own scatter."""
    found = np.array([allantools.oadev(c, rate=rate, data_type="freq", taus=np.array(taus))[1] for c in channels]) ** 2
    assert found.shape == (len(channels), len(taus))
    mean = found.mean(axis=0)
    return np.sqrt(mean), found.std(axis=0, ddof=1) / math.sqrt(len(channels)) / mean / 2


def test_white_noise_falls_as_the_root() -> None:
    """Its level is N / sqrt(tau) at a slope of -1/2, within 3 %."""
    rate, density = 100.0, 3e-3
    taus = [0.1, 1.0, 10.0]

    found, spread = _deviations(_channels(_unit(noise_density=density), 8, 40_000, rate), rate, taus)

    ratio = found / (density / np.sqrt(taus))
    assert (np.abs(ratio - 1) < 5 * spread).all()
    assert (np.abs(ratio[:2] - 1) < 0.03).all()
    slope = math.log(found[1] / found[0]) / math.log(10.0)
    assert slope == pytest.approx(-0.5, abs=5 * math.hypot(*spread[:2]) / math.log(10.0))


def test_random_walk_rises_as_the_root() -> None:
    """Its level is K sqrt(tau / 3) at a slope of 1/2."""
    rate, density = 100.0, 2e-3
    taus = [0.5, 2.0, 8.0]

    found, spread = _deviations(_channels(_unit(random_walk=density), 16, 20_000, rate), rate, taus)

    assert (np.abs(found / (density * np.sqrt(np.array(taus) / 3)) - 1) < 5 * spread).all()
    assert (5 * spread < 0.1).all()
    slope = math.log(found[2] / found[0]) / math.log(16.0)
    assert slope == pytest.approx(0.5, abs=5 * math.hypot(spread[0], spread[2]) / math.log(16.0))


def test_flicker_is_flat_over_two_decades() -> None:
    """The plateau is 0.6643 B within 5 % at every averaging time of the band."""
    rate, level = 5.0, 0.7
    taus = [float(t) for t in np.geomspace(4.0, 400.0, 9).round(1)]
    unit = _unit(bias_instability=level, flicker_time=(4.0, 400.0))

    found, spread = _deviations(_channels(unit, 16, 60_000, rate), rate, taus)

    ratio = found / (PLATEAU * level)
    assert (np.abs(ratio - 1) < 0.05).all()
    assert (np.abs(ratio - 1) < 5 * spread + 0.01).all()
    assert (5 * spread < 0.09).all()


@pytest.mark.parametrize("span", [1.0, 10.0, 100.0, 1000.0])
def test_the_bank_itself_is_flat(span: float) -> None:
    """By its closed form the plateau is flat to 2 %, over two decades to 0.3 %; its times do not know the rate."""
    bank = flicker_bank(2.0, 7.0, 7.0 * span)
    taus = np.geomspace(7.0, 7.0 * span, 60)

    level = np.array([math.sqrt(sum(gauss_markov_allan_variance(t, *process) for process in bank)) for t in taus])

    assert (np.abs(level / (2.0 * PLATEAU) - 1) < (0.003 if span == 100.0 else 0.02)).all()


def test_gauss_markov_bias_follows_its_closed_form() -> None:
    """The Allan deviation has the hump of IEEE 952, whose peak is 0.4365 q sqrt(T) at 1.893 T."""
    rate, sigma, time = 50.0, 0.2, 2.0
    q = sigma * math.sqrt(2 / time)
    taus = [0.2, 0.8, 1.893 * time // 0.02 * 0.02, 20.0]

    found, spread = _deviations(_channels(_unit(bias_deviation=sigma, bias_time=time), 16, 40_000, rate), rate, taus)

    x = np.array(taus) / time
    form = q * time / np.sqrt(taus) * np.sqrt(1 - (3 - 4 * np.exp(-x) + np.exp(-2 * x)) / (2 * x))
    assert (np.abs(found / form - 1) < 5 * spread + 1e-3).all()
    assert found[2] == pytest.approx(0.4365 * q * math.sqrt(time), rel=5 * spread[2] + 1e-3)
    assert (5 * spread < 0.12).all()


def test_another_rate_has_the_same_densities() -> None:
    """At 400 Hz white noise, flicker, walk and Gauss-Markov bias are those of 100 Hz."""
    unit = _unit(noise_density=1e-2, bias_instability=2e-2, flicker_time=(0.5, 20.0), random_walk=2e-3,
                 bias_deviation=0.01, bias_time=5.0)  # fmt: skip
    taus = [0.1, 1.0, 8.0]

    slow, spread_slow = _deviations(_channels(unit, 16, 24_000, 100.0), 100.0, taus)
    fast, spread_fast = _deviations(_channels(unit, 16, 96_000, 400.0, seed=2), 400.0, taus)

    assert (np.abs(fast / slow - 1) < 5 * np.hypot(spread_slow, spread_fast)).all()
    assert (5 * np.hypot(spread_slow, spread_fast) < 0.15).all()


def test_biases_start_as_they_go_on() -> None:
    """Flicker and Gauss-Markov bias have their stationary spread from the first sample on; the walk starts at zero."""
    unit = _unit(bias_instability=0.1, flicker_time=(1.0, 100.0), bias_deviation=0.2, bias_time=3.0)
    rows = 400
    still = np.zeros((rows, 1, 3))
    reading = apply_imu(still, still, unit, rate=100.0, seed=1)
    walk = apply_imu(still, still, _unit(random_walk=1.0), rate=100.0, seed=1)

    sigma = math.sqrt(0.2**2 + sum(process.sigma**2 for process in flicker_bank(0.1, 1.0, 100.0)))
    assert reading.gyroscope_bias.std() / sigma == pytest.approx(1.0, abs=5 / math.sqrt(2 * 3 * rows))
    assert walk.gyroscope_bias.std() / 0.1 == pytest.approx(1.0, abs=5 / math.sqrt(2 * 3 * rows))
