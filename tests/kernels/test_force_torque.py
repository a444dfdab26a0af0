"""Force/torque sensors: closed forms of each part, the naive oracle, continuation, addresses and the CUDA twin."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from naive import force_torque as naive
from naive.twin import run_simulated
from simloom.kernels.force_torque import ForceTorqueHistory, apply_force_torque
from simloom.kernels.profiles import load_profile

WRIST = load_profile("robotiq_ft300s")
ZERO = {f"{kind}_{name}": 0.0 for kind in ("force", "torque") for name in ("noise", "bias", "drift", "temperature")}
CLEAN = dataclasses.replace(
    WRIST, gain_error=0.0, crosstalk=0.0, hysteresis=0.0, bandwidth=0.0, force_step=1e-9, torque_step=1e-9, **ZERO
)
SPAN = naive.of_axes(WRIST, "range")


def _loads(rows: int, samples: int) -> np.ndarray:
    """Swings on every axis, some beyond the range."""
    t = np.arange(samples)[None, :, None] / 40.0
    phase = np.arange(rows)[:, None, None] + 0.9 * np.arange(6)
    size = np.array([100.0, 250.0, 320.0, 10.0, 25.0, 32.0])
    return size * np.sin(2 * np.pi * t + phase) * np.exp(-0.1 * t)


def _temperatures(rows: int, samples: int) -> np.ndarray:
    return 25.0 + np.linspace(0.0, 8.0, samples) * np.ones((rows, 1))


@pytest.mark.parametrize("warms", [False, True])
def test_readings_match_the_definitions(warms: bool) -> None:
    """Readings, overloads and offsets are those of the formulas, one by one."""
    loads, warm = _loads(2, 50), _temperatures(2, 50)
    reading = apply_force_torque(
        loads, WRIST, temperature=warm if warms else None, rate=200.0, seed=5, index=[2, 6000000000], sensor=3,
        unit=[0, 40], first=7, threads=1,
    )  # fmt: skip

    for k, (row, unit) in enumerate([(2, 0), (6000000000, 40)]):
        expected, overload, offset = naive.read(
            loads[k], WRIST, rate=200.0, seed=5, row=row, sensor=3, unit=unit, warm=warm[k] if warms else None, first=7
        )
        off = np.abs(reading.wrench[k] - expected) / naive.of_axes(WRIST, "step")
        assert np.allclose(reading.offset[k], offset, rtol=0, atol=1e-5)
        assert off.max() <= 1 + 1e-6  # deviates differ in the seventh digit: a reading on the edge goes either way
        assert (off > 0.5).mean() < 0.01
        assert np.array_equal(reading.overload[k], overload)


def test_crosstalk_is_found_from_unit_loads() -> None:
    """Six loads, one on each axis, give the matrix of gains and crosstalk by least squares."""
    profile = dataclasses.replace(CLEAN, gain_error=0.02, crosstalk=0.05, force_step=1e-12, torque_step=1e-12)
    loads = np.eye(6)[None] * np.array([10.0, 10.0, 10.0, 1.0, 1.0, 1.0])
    reading = apply_force_torque(loads, profile, seed=4, unit=8)

    found = np.linalg.lstsq(loads[0], reading.wrench[0], rcond=None)[0].T
    assert np.abs(found - reading.matrix[0]).max() < 1e-9
    assert np.abs(found - naive.matrix_of(profile, seed=4, sensor=0, unit=8)).max() < 1e-5


def test_specimens_have_the_stated_crosstalk() -> None:
    """Over specimens, gains and crosstalk deviate as the profile says, crosstalk over the ranges."""
    rows = 2000
    profile = dataclasses.replace(CLEAN, gain_error=0.02, crosstalk=0.03)
    matrix = apply_force_torque(np.zeros((rows, 1, 6)), profile, unit=np.arange(rows)).matrix
    relative = (matrix - np.eye(6)) * SPAN / SPAN[:, None]

    band = 5 / math.sqrt(2 * rows)
    expected = np.where(np.eye(6) > 0, 0.02, 0.03)
    assert np.allclose(relative.std(axis=0) / expected, 1.0, atol=1.3 * band)  # 36 figures
    assert np.abs(relative.mean(axis=0)).max() < 5 * 0.03 / math.sqrt(rows)


def _shown(path: np.ndarray, profile=None) -> np.ndarray:
    """What a clean sensor with hysteresis shows of forces along z."""
    loads = np.zeros((1, len(path), 6))
    loads[0, :, 2] = path
    return apply_force_torque(loads, profile or dataclasses.replace(CLEAN, hysteresis=0.02)).wrench[0, :, 2]


def test_hysteresis_is_as_wide_as_stated() -> None:
    """At full load the loop is as wide as the profile says, over the range, and its area that of its four parts."""
    points, most = 8000, 300.0 * (1 - 1e-6)
    path = most * np.sin(2 * np.pi * np.arange(3 * points) / points)
    shown = _shown(path)
    x, y = path[-points:], shown[-points:]

    up = int(np.flatnonzero((x[:-1] <= 0) & (x[1:] > 0))[-1]) if x[0] > 0 else 0
    down = points // 2
    assert y[down] - y[up] == pytest.approx(0.02 * 300.0, rel=1e-3)
    area = 0.5 * abs((x * (np.roll(y, -1) - np.roll(y, 1))).sum())
    expected = sum(
        4 * w * r * 300.0 * (most - r * 300.0)
        for w, r in zip(
            dataclasses.replace(WRIST, hysteresis=0.02).hysteresis_weights, WRIST.hysteresis_thresholds, strict=True
        )
    )
    assert area == pytest.approx(expected, rel=1e-4)


def test_small_loops_close_and_leave_no_trace() -> None:
    """An excursion that returns to where it left ends on the same reading, and is forgotten after (wiping-out)."""
    rise, dip = np.linspace(0, 200, 201), np.concatenate([np.linspace(200, 120, 81), np.linspace(120, 200, 81)])
    again = np.linspace(200, 280, 81)
    with_loop, without = _shown(np.concatenate([rise, dip, again])), _shown(np.concatenate([rise, again]))

    assert with_loop[200 + 2 * 81] == pytest.approx(with_loop[200], abs=1e-8)
    assert with_loop[200 + 81] != pytest.approx(with_loop[120], abs=0.1)
    assert np.allclose(with_loop[-81:], without[-81:], rtol=0, atol=1e-8)


def test_branches_are_the_first_one_twice_as_large() -> None:
    """Each branch after a turning point is the first loading curve, twice as large (Masing)."""
    first = _shown(np.linspace(0, 100, 101))
    turned = _shown(np.concatenate([np.linspace(0, 250, 251), 250 - np.linspace(0, 200, 101)]))
    branch = turned[251] - turned[251:]

    assert np.allclose(branch, 2 * first, rtol=0, atol=1e-8)


def test_hysteresis_does_not_know_speed() -> None:
    """The same path, three times as slow, gives the same readings."""
    path = _loads(1, 90)[0, :, 1]

    assert np.array_equal(_shown(path.repeat(3))[::3], _shown(path))


def test_drift_forgets_as_stated() -> None:
    """The drift's deviation stands from the first sample on, and its correlation falls off as e^(-t/T)."""
    rows, samples, rate = 500, 200, 10.0
    profile = dataclasses.replace(CLEAN, force_drift=0.5, torque_drift=0.02, drift_time=5.0)
    reading = apply_force_torque(np.zeros((rows, samples, 6)), profile, rate=rate, seed=3, threads=1)
    drift = reading.offset / naive.of_axes(profile, "drift")

    figures = 6 * rows
    assert np.allclose((drift**2).mean(axis=(0, 2)), 1.0, atol=5.5 * math.sqrt(2 / figures))
    for lag in (10, 50, 100):
        found = (drift[:, 0] * drift[:, lag]).mean()
        assert found == pytest.approx(math.exp(-lag / rate / 5.0), abs=5 * math.sqrt(2 / figures))
    assert np.allclose(reading.wrench, reading.offset, atol=1e-9)


@pytest.mark.parametrize("bandwidth", [0.0, 20.0])
def test_noise_has_its_density(bandwidth: float) -> None:
    """Noise has density times the root of the rate, less what the filter takes: share / (2 - share) of the variance."""
    rows, samples, rate = 100, 400, 100.0
    profile = dataclasses.replace(CLEAN, force_noise=0.01, torque_noise=1e-3, bandwidth=bandwidth)
    wrench = apply_force_torque(np.zeros((rows, samples, 6)), profile, rate=rate, seed=3, threads=1).wrench
    share = 1 - math.exp(-2 * math.pi * bandwidth / rate) if bandwidth else 1.0
    power = (wrench / (naive.of_axes(profile, "noise") * math.sqrt(rate))) ** 2

    held = (1 - share) ** 2  # correlation of the squares of successive samples
    figures = 6 * rows * samples * (1 - held) / (1 + held)
    expected = share / (2 - share)
    assert power.mean() == pytest.approx(expected, rel=5 * math.sqrt(2 / figures))
    assert power[:, 0].mean() == pytest.approx(expected, rel=5 * math.sqrt(2 / (6 * rows)))


def test_a_filter_settles_as_first_order() -> None:
    """After a step in force the reading comes up as 1 - e^(-2 pi f t)."""
    rate, corner = 500.0, 30.0
    loads = np.zeros((1, 60, 6))
    loads[:, 1:, 0] = 10.0
    shown = apply_force_torque(loads, dataclasses.replace(CLEAN, bandwidth=corner), rate=rate).wrench[0, :, 0]

    assert np.allclose(shown, 10 * (1 - np.exp(-2 * np.pi * corner * np.arange(60) / rate)), rtol=0, atol=1e-8)


def test_warmth_adds_in_proportion() -> None:
    """The offset grows with the temperature above the reference, by the specimen's own figure."""
    rows = 2000
    profile = dataclasses.replace(CLEAN, force_temperature=0.1, torque_temperature=0.01)
    warm = np.tile([25.0, 35.0, 20.0], (rows, 1))
    reading = apply_force_torque(np.zeros((rows, 3, 6)), profile, temperature=warm, unit=np.arange(rows))
    per_degree = reading.wrench[:, 1] / 10.0

    assert np.all(reading.wrench[:, 0] == 0.0)
    assert np.allclose(reading.wrench[:, 2], -5.0 * per_degree, atol=2e-8)
    scaled = per_degree / naive.of_axes(profile, "temperature")
    assert scaled.std() == pytest.approx(1.0, rel=5 / math.sqrt(2 * 6 * rows))


def test_overload_clips_and_is_flagged() -> None:
    """A reading ends exactly at the range and is flagged there, and only there."""
    profile = dataclasses.replace(CLEAN, force_step=0.01, torque_step=0.001)
    loads = np.zeros((1, 5, 6))
    loads[0, :, 0] = [299.98, 299.996, 300.0, 4000.0, -1000.0]
    loads[0, :, 5] = [0.0, 29.9, 31.0, -30.0, -29.999]
    reading = apply_force_torque(loads, profile)

    assert reading.wrench[0, 3:, 0].tolist() == [300.0, -300.0]
    assert reading.overload[0, :, 0].tolist() == [0, 1, 1, 1, 1]
    assert reading.wrench[0, 2:4, 5].tolist() == [30.0, -30.0]
    assert reading.overload[0, :, 5].tolist() == [0, 0, 1, 1, 0]
    assert not reading.overload[0, :, 1:5].any()


def test_readings_are_whole_steps() -> None:
    """Every reading of the built-in sensor is a multiple of its step."""
    wrench = apply_force_torque(_loads(2, 80), WRIST, seed=2).wrench
    steps = wrench / naive.of_axes(WRIST, "step")

    assert np.abs(steps - np.round(steps)).max() < 1e-7


@pytest.mark.parametrize("cut", [1, 20])
def test_a_series_can_be_cut(cut: int) -> None:
    """Two pieces give the same bytes as one."""
    loads, warm = _loads(3, 40), _temperatures(3, 40)
    options = {"rate": 250.0, "seed": 5, "index": [3, 1, 9], "unit": 2, "threads": 1}
    whole = apply_force_torque(loads, temperature=warm, **options)
    head = apply_force_torque(loads[:, :cut], temperature=warm[:, :cut], **options)
    tail = apply_force_torque(loads[:, cut:], temperature=warm[:, cut:], first=cut, history=head.history, **options)

    for part in ("wrench", "overload", "offset"):
        joined = np.concatenate([getattr(head, part), getattr(tail, part)], axis=1)
        assert joined.tobytes() == getattr(whole, part).tobytes()
    for part in ("plays", "filtered", "drift"):
        assert getattr(tail.history, part).tobytes() == getattr(whole.history, part).tobytes()


def test_rows_do_not_depend_on_the_batch() -> None:
    """Rows in another order, alone, or on two threads give the same bytes."""
    loads = _loads(6, 30)
    profiles = [WRIST, dataclasses.replace(WRIST, name="other", bandwidth=0.0)] * 3
    index, unit = np.array([5, 0, 3, 9, 2, 7]), np.arange(6)
    whole = apply_force_torque(loads, profiles, seed=1, index=index, unit=unit, threads=1)
    order = [4, 2, 0, 5, 1, 3]
    mixed = apply_force_torque(
        loads[order], [profiles[k] for k in order], seed=1, index=index[order], unit=unit[order], threads=2
    )
    alone = apply_force_torque(loads[3:4], profiles[3], seed=1, index=index[3:4], unit=unit[3:4], threads=1)

    assert mixed.wrench.tobytes() == whole.wrench[order].tobytes()
    assert alone.wrench.tobytes() == whole.wrench[3:4].tobytes()


def test_tensors_come_back_as_tensors() -> None:
    """Tensors in, tensors out, with the same numbers."""
    torch = pytest.importorskip("torch")
    loads = _loads(2, 20)
    theirs = apply_force_torque(torch.from_numpy(loads), seed=1)
    more = apply_force_torque(torch.from_numpy(loads), seed=1, first=20, history=theirs.history)

    assert np.array_equal(theirs.wrench.numpy(), apply_force_torque(loads, seed=1).wrench)
    assert isinstance(more.overload, torch.Tensor)


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's readings to a step."""
    loads, warm = _loads(2, 8), _temperatures(2, 8)
    code = """
from simloom.kernels.force_torque import apply_force_torque
reading = apply_force_torque(loads, temperature=warm, seed=4, unit=3, device="cuda")
more = apply_force_torque(loads, temperature=warm, seed=4, unit=3, first=8, history=reading.history, device="cuda")
out = {"wrench": more.wrench, "overload": more.overload, "offset": more.offset, "filtered": more.history.filtered}
"""
    twin = run_simulated(code, tmp_path, loads=loads, warm=warm)
    reading = apply_force_torque(loads, temperature=warm, seed=4, unit=3)
    more = apply_force_torque(loads, temperature=warm, seed=4, unit=3, first=8, history=reading.history)

    assert np.allclose(twin["offset"], more.offset, rtol=1e-12, atol=1e-12)
    assert np.allclose(twin["filtered"], more.history.filtered, rtol=1e-12, atol=1e-12)
    assert np.array_equal(twin["wrench"], more.wrench)
    assert np.array_equal(twin["overload"], more.overload)


@pytest.mark.parametrize(
    "field, value",
    [("rate", 0.0), ("force_range", -1.0), ("torque_step", 0.0), ("hysteresis_thresholds", (0.1, 0.2)),
     ("hysteresis", 0.5), ("torque_drift", -1.0)],
)  # fmt: skip
def test_impossible_values_are_refused(field: str, value: object) -> None:
    """A value outside its range gets an error that names the field to mend."""
    with pytest.raises(ValueError, match=f"{field} must be .*; set .*{field}"):
        dataclasses.replace(WRIST, **{field: value})


def test_wrong_inputs_are_refused() -> None:
    """Errors name what was given and what is allowed."""
    loads = np.zeros((2, 5, 6))
    with pytest.raises(ValueError, match=r"wrench must have shape \(rows, samples, 6\)"):
        apply_force_torque(loads[..., :3])
    with pytest.raises(ValueError, match="at least one sample"):
        apply_force_torque(loads[:, :0])
    with pytest.raises(ValueError, match="temperature must have shape"):
        apply_force_torque(loads, temperature=np.zeros(5))
    short = ForceTorqueHistory(plays=np.zeros((1, 6, 4)), filtered=np.zeros((2, 6)), drift=np.zeros((2, 6)))
    with pytest.raises(ValueError, match=r"history\.plays must have shape"):
        apply_force_torque(loads, history=short)
    with pytest.raises(ValueError, match="hysteresis must be below"):
        dataclasses.replace(WRIST, hysteresis=0.1, hysteresis_thresholds=(1e-3, 1e-3, 1e-3, 1e-3))
