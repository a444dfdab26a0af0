"""Satellite positioning: oracle, closed forms, addresses, pieces, the simulated device."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from naive.gnss import receive
from naive.twin import run_simulated
from simloom.kernels.gnss import GnssReading, apply_gnss, status_odds
from simloom.kernels.gnss_profile import GnssProfile
from simloom.kernels.profiles import load_sensor_profile

M8: GnssProfile = load_sensor_profile("gnss", "ublox_m8")
RTK: GnssProfile = load_sensor_profile("gnss", "ublox_f9p_rtk")
BUSY = dataclasses.replace(
    RTK, name="busy", startup_sigma=0.4, startup_time=3.0, outages_per_hour=400.0, outage_duration=2.0,
    slips_per_hour=400.0, float_duration=3.0, multipath_per_hour=600.0, multipath_duration=3.0, correlation_time=4.0,
)  # fmt: skip
PARTS = ("position", "velocity", "status", "deviation", "error", "multipath")


def _truth(rows: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    time = np.arange(samples) / 10.0
    path = np.stack([20 * np.sin(time / 5), 3 * time, 0.1 * time], axis=-1)
    velocity = np.stack([4 * np.cos(time / 5), np.full(samples, 3.0), np.full(samples, 0.1)], axis=-1)
    return np.tile(path, (rows, 1, 1)), np.tile(velocity, (rows, 1, 1))


def _still(profile: GnssProfile, rows: int, samples: int, rate: float | None = None) -> GnssReading:
    zero = np.zeros((rows, samples, 3))
    return apply_gnss(zero, zero, profile, rate=rate, seed=11, index=np.arange(rows), threads=1)


def _same(one: GnssReading, two: GnssReading) -> bool:
    return all(np.asarray(getattr(one, part)).tobytes() == np.asarray(getattr(two, part)).tobytes() for part in PARTS)


@pytest.mark.parametrize("profile", [BUSY, dataclasses.replace(M8, outages_per_hour=600.0), RTK])
def test_fixes_are_those_of_the_oracle(profile: GnssProfile) -> None:
    """Position, velocity, status and errors of every sample follow from their own addresses."""
    position, velocity = _truth(2, 200)
    ours = apply_gnss(position, velocity, profile, rate=8.0, seed=5, index=[3, 2**35], sensor=4, threads=1)

    for row, index in enumerate((3, 2**35)):
        theirs = receive(position[row], velocity[row], profile, 8.0, 5, index, 4)
        assert np.array_equal(ours.status[row], theirs.status)
        assert np.array_equal(ours.multipath[row].astype(bool), theirs.multipath)
        for part in ("position", "velocity", "error"):
            np.testing.assert_allclose(getattr(ours, part)[row], getattr(theirs, part), atol=2e-5, rtol=0)


def test_half_of_all_fixes_lie_within_the_circular_error() -> None:
    """The data sheet's 2.5 m hold half, 1.1774 deviations; twice the radial deviation holds 1 - e^-4."""
    settled = dataclasses.replace(M8, startup_sigma=0.0)
    rows = 40000
    radius = np.hypot(*np.moveaxis(_still(settled, rows, 1).error[:, 0, :2], -1, 0))

    assert settled.cep == pytest.approx(2.5, abs=0.005)
    assert settled.cep == pytest.approx(1.1774 * math.hypot(2.1, 0.3), rel=1e-4)
    assert abs((radius < settled.cep).mean() - 0.5) < 5 * 0.5 / math.sqrt(rows)
    share = 1.0 - math.exp(-4.0)
    within = (radius < 2 * math.sqrt(2) * math.hypot(2.1, 0.3)).mean()
    assert abs(within - share) < 5 * math.sqrt(share * (1 - share) / rows)


@pytest.mark.parametrize("rate", [0.2, 1.0, 10.0])
def test_errors_do_not_depend_on_the_rate(rate: float) -> None:
    """Variance, and the correlation between samples five seconds apart, are the process' at every rate."""
    settled = dataclasses.replace(M8, startup_sigma=0.0, correlation_time=10.0, horizontal_noise=0.0)
    rows, samples = 6000, 1 + round(5 * rate)
    east = _still(settled, rows, samples, rate).error[:, :, 0]

    for k in (0, samples - 1):
        assert abs(east[:, k].var() / 2.1**2 - 1.0) < 5 * math.sqrt(2 / rows)
    expected = math.exp(-0.5)
    found = np.corrcoef(east[:, 0], east[:, -1])[0, 1]
    assert abs(found - expected) < 5 * (1 - expected**2) / math.sqrt(rows)


@pytest.mark.parametrize("rate", [1.0, 8.0])
def test_outages_and_slips_last_as_stated(rate: float) -> None:
    """Shares of status are the chain's stationary ones, and so are the odds of being out a time after being out."""
    rows, lag = 20000, round(2 * rate)
    status = _still(BUSY, rows, 1 + lag, rate).status
    stationary, transition = status_odds(BUSY, 2.0)

    for k in (0, lag):
        for state, place in ((0, 0), (2, 1), (3, 2)):
            share = stationary[place]
            assert abs((status[:, k] == state).mean() - share) < 5 * math.sqrt(share * (1 - share) / rows)
    for state, place in ((0, 0), (2, 1), (3, 2)):
        was = status[:, 0] == state
        share = transition[place][place]
        found = (status[was, lag] == state).mean()
        assert abs(found - share) < 5 * math.sqrt(share * (1 - share) / was.sum())


def test_multipath_shifts_and_stays() -> None:
    """The shift has its share and deviation, and is the same from sample to sample while it lasts."""
    profile = dataclasses.replace(
        M8, multipath_per_hour=360.0, multipath_duration=10.0, horizontal_sigma=0.0, horizontal_noise=0.0,
        startup_sigma=0.0,
    )  # fmt: skip
    reading = _still(profile, 4000, 20, 10.0)
    shifted = reading.multipath.astype(bool)

    share = 0.5
    assert abs(shifted[:, 0].mean() - share) < 5 * math.sqrt(share**2 / 4000)
    assert (reading.error[:, :, 0][~shifted] == 0.0).all()
    both = shifted[:, 1:] & shifted[:, :-1]
    assert (reading.error[:, 1:, 0][both] == reading.error[:, :-1, 0][both]).all()
    deviation = reading.error[shifted[:, 0], 0, 0].std() / 5.0
    assert abs(deviation - 1.0) < 5 / math.sqrt(2 * shifted[:, 0].sum())


def test_the_error_at_power_up_falls() -> None:
    """It starts with its own deviation and is 1/e of itself after startup_time."""
    profile = dataclasses.replace(M8, horizontal_sigma=0.0, horizontal_noise=0.0)
    error = _still(profile, 5000, 31, 1.0).error[:, :, 1]

    assert abs(error[:, 0].std() / 3.0 - 1.0) < 5 / math.sqrt(2 * 5000)
    np.testing.assert_allclose(error[:, 30], error[:, 0] / math.e, rtol=1e-12)


def test_pieces_and_other_batches_have_the_same_bytes() -> None:
    """Cut in time, shuffled in rows, on two threads: the numbers of a row are its own."""
    position, velocity = _truth(3, 90)
    index = np.array([7, 2**33, 1])
    whole = apply_gnss(position, velocity, BUSY, rate=5.0, seed=2, index=index, threads=1)
    head = apply_gnss(position[:, :41], velocity[:, :41], BUSY, rate=5.0, seed=2, index=index, threads=1)
    tail = apply_gnss(
        position[:, 41:], velocity[:, 41:], BUSY, rate=5.0, seed=2, index=index, first=41, history=head.history,
        threads=2,
    )  # fmt: skip
    shuffled = apply_gnss(position, velocity, [BUSY] * 3, rate=5.0, seed=2, index=index[[2, 0, 1]], threads=2)

    for part in PARTS:
        joined = np.concatenate([getattr(head, part), getattr(tail, part)], axis=1)
        assert joined.tobytes() == getattr(whole, part).tobytes()
        assert getattr(shuffled, part)[[1, 2, 0]].tobytes() == getattr(whole, part).tobytes()
    assert tail.history.state.tobytes() == whole.history.state.tobytes()
    with pytest.raises(ValueError, match="first must be 41, where the history ends"):
        apply_gnss(position, velocity, BUSY, seed=2, index=index, history=head.history)


def test_tensors_stay_tensors() -> None:
    """Torch gives the bytes that NumPy gives."""
    position, velocity = _truth(2, 30)
    ours = apply_gnss(position, velocity, BUSY, seed=2, index=[0, 1], threads=1)
    theirs = apply_gnss(torch.from_numpy(position), torch.from_numpy(velocity), BUSY, seed=2, index=[0, 1], threads=1)

    assert isinstance(theirs.position, torch.Tensor)
    assert _same(ours, theirs)


def test_stated_deviation_covers_what_the_receiver_knows() -> None:
    """White and wandering errors, the error at power-up, and the floating factor; no multipath."""
    reading = _still(BUSY, 1, 400, 10.0)
    floating, fixed = reading.status == 2, reading.status == 3
    rest = 0.4 * np.exp(-np.arange(400) / 30.0)[None]
    flat = math.hypot(BUSY.horizontal_sigma, BUSY.horizontal_noise)

    assert floating.any()
    assert fixed.any()
    np.testing.assert_allclose(reading.deviation[..., 0][floating], np.hypot(30 * flat, rest)[floating])
    np.testing.assert_allclose(reading.deviation[..., 0][fixed], np.hypot(flat, rest)[fixed])


def test_impossible_receivers_are_refused() -> None:
    """Slips without a carrier phase, a wrong kind of profile and mixed rates have errors of their own."""
    with pytest.raises(ValueError, match="slips_per_hour must be 0 for mode 'single'"):
        dataclasses.replace(M8, slips_per_hour=1.0)
    with pytest.raises(ValueError, match="horizontal_sigma must be a number in"):
        dataclasses.replace(M8, horizontal_sigma=-1.0)
    position, velocity = _truth(2, 5)
    with pytest.raises(ValueError, match="not of kind 'gnss'"):
        apply_gnss(position, velocity, "generic_rgb", seed=0, index=[0, 1])
    with pytest.raises(ValueError, match="rates of their own"):
        apply_gnss(position, velocity, [M8, dataclasses.replace(M8, update_rate=1.0)], seed=0, index=[0, 1])
    with pytest.raises(ValueError, match=r"velocity must have shape \(2, 5, 3\)"):
        apply_gnss(position, velocity[:, :4], seed=0, index=[0, 1])


def test_fixes_arrive_late() -> None:
    """The profile's timing has its rate and latency."""
    assert M8.timing.sampling_rate == 10.0
    assert M8.timing.delay == 0.1


def test_the_simulated_device_measures_the_same(tmp_path: Path) -> None:
    """The element in plain Python, as CUDA's simulator runs it, gives the same fixes."""
    position, velocity = _truth(2, 12)
    ours = apply_gnss(position, velocity, BUSY, rate=1.0, seed=5, index=[3, 4], threads=1)

    twin = run_simulated(
        """
import dataclasses
from simloom.kernels.gnss import apply_gnss
from simloom.kernels.gnss_profile import GnssProfile
import json
profile = GnssProfile(**json.loads(str(settings)))
reading = apply_gnss(position, velocity, profile, rate=1.0, seed=5, index=[3, 4], device="cuda")
out = {part: getattr(reading, part) for part in ("position", "velocity", "status", "error")}
""",
        tmp_path,
        position=position,
        velocity=velocity,
        settings=json.dumps(dataclasses.asdict(BUSY)),
    )

    assert np.array_equal(twin["status"], ours.status)
    for part in ("position", "velocity", "error"):
        np.testing.assert_allclose(twin[part], getattr(ours, part), atol=1e-9, rtol=0)
