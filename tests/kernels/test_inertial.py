"""Inertial units: against an oracle, closed forms, the twin in the CUDA simulator, and addresses."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from naive import inertial as naive
from naive.twin import run_simulated
from simloom.kernels.inertial import InertialReading, apply_imu
from simloom.kernels.inertial_parameters import filter_step
from simloom.kernels.inertial_profile import PARTS, InertialProfile
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.profiles import list_profiles, load_profile

BMI = load_profile("bosch_bmi088")
assert isinstance(BMI, InertialProfile)
_OFF = ("noise_density", "bias_instability", "random_walk", "bias_deviation", "turn_on_bias", "scale_error",
        "misalignment", "resolution", "bandwidth")  # fmt: skip
IDEAL = dataclasses.replace(
    BMI, gyroscope_g_sensitivity=0.0, **{f"{part}_{field}": 0.0 for part in PARTS for field in _OFF}
)
"""A unit without errors."""
BUSY = dataclasses.replace(
    BMI, gyroscope_random_walk=1e-3, gyroscope_bias_deviation=0.01, gyroscope_bias_time=0.1, gyroscope_resolution=0.0,
    gyroscope_bias_instability=0.02, gyroscope_flicker_time=(0.01, 1.0), accelerometer_random_walk=0.1,
    accelerometer_bias_deviation=0.3, accelerometer_bias_time=0.2, accelerometer_resolution=0.0,
    accelerometer_bias_instability=0.5, gyroscope_bandwidth=30.0, accelerometer_bandwidth=50.0,
)  # fmt: skip
"""A unit in which every error shows within some samples."""


def _motion(rows: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    addresses = np.stack([np.arange(rows * samples * 6)] * 3, axis=1)
    noise = philox_uniforms(3, "motion", addresses).reshape(2, rows, samples, 3) - 0.5
    return noise[0] * 20.0 + [0.0, 0.0, 9.81], noise[1] * 4.0


def _still(rows: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((rows, samples, 3)), np.zeros((rows, samples, 3))


def _arrays(reading: InertialReading) -> dict[str, np.ndarray]:
    return {field.name: getattr(reading, field.name) for field in dataclasses.fields(reading)}


def test_ideal_unit_reads_the_truth() -> None:
    """Without errors the reading is the motion, to the bit."""
    force, turn = _motion(2, 50)

    reading = apply_imu(force, turn, IDEAL, seed=1)

    assert np.array_equal(reading.specific_force, force)
    assert np.array_equal(reading.angular_rate, turn)
    assert not reading.gyroscope_bias.any()
    assert np.array_equal(reading.gyroscope_matrix, np.tile(np.eye(3), (2, 1, 1)))


def test_reading_agrees_with_the_oracle() -> None:
    """Reading and bias are those of a slow program that knows matrices and words alone."""
    force, turn = _motion(2, 40)
    rows, units = [5, (7 << 32) + 1], [3, 9]

    reading = apply_imu(force, turn, BUSY, rate=200.0, seed=11, index=rows, unit=units, sensor=2)

    for k in range(2):
        value, bias = naive.read(force[k], turn[k], BUSY, 200.0, 11, rows[k], 2, units[k])
        found = np.concatenate([reading.angular_rate[k], reading.specific_force[k]], axis=1)
        found_bias = np.concatenate([reading.gyroscope_bias[k], reading.accelerometer_bias[k]], axis=1)
        assert np.allclose(found, value, rtol=1e-6, atol=5e-6)
        assert np.allclose(found_bias, bias, rtol=1e-6, atol=5e-6)
        gyro, accel, g = naive.specimen(BUSY, 11, units[k], 2)
        assert np.allclose(reading.gyroscope_matrix[k], gyro, rtol=0, atol=1e-8)
        assert np.allclose(reading.accelerometer_matrix[k], accel, rtol=0, atol=1e-8)
        assert np.allclose(reading.g_sensitivity[k], g, rtol=0, atol=1e-8)


def test_rows_do_not_depend_on_the_batch() -> None:
    """A row is the same alone, among others, shuffled, and on two threads."""
    force, turn = _motion(5, 30)
    index = np.array([4, 0, 9, 2, 7])
    whole = _arrays(apply_imu(force, turn, BUSY, seed=2, index=index, unit=index, threads=2))
    order = [3, 1, 4, 0, 2]
    shuffled = _arrays(
        apply_imu(force[order], turn[order], BUSY, seed=2, index=index[order], unit=index[order], threads=1)
    )
    alone = _arrays(apply_imu(force[2:3], turn[2:3], BUSY, seed=2, index=[9], unit=9))

    for name, value in whole.items():
        assert shuffled[name].tobytes() == value[order].tobytes()
        assert alone[name].tobytes() == value[2:3].tobytes()


def test_a_series_goes_on_from_its_history() -> None:
    """Pieces that begin with the history of the piece before are the whole series, to the bit."""
    force, turn = _motion(2, 60)
    whole = apply_imu(force, turn, "bosch_bmi088", seed=4)
    first = apply_imu(force[:, :23], turn[:, :23], "bosch_bmi088", seed=4)
    second = apply_imu(force[:, 23:], turn[:, 23:], "bosch_bmi088", seed=4, first=23, history=first.history)

    for name, value in _arrays(whole).items():
        if value.ndim == 3 and value.shape[1] == 60:
            pieces = np.concatenate([getattr(first, name), getattr(second, name)], axis=1)
            assert pieces.tobytes() == value.tobytes()
    assert second.history.tobytes() == whole.history.tobytes()


def test_sensors_and_seeds_are_apart() -> None:
    """Another sensor number or seed is another noise and another specimen."""
    force, turn = _still(1, 50)
    base = apply_imu(force, turn, BUSY, seed=1)
    other = apply_imu(force, turn, BUSY, seed=1, sensor=1)
    again = apply_imu(force, turn, BUSY, seed=2)

    assert not np.array_equal(base.gyroscope_matrix, other.gyroscope_matrix)
    assert not np.array_equal(base.gyroscope_matrix, again.gyroscope_matrix)
    assert not (base.angular_rate == other.angular_rate).any()
    assert not (base.angular_rate == again.angular_rate).any()


def test_profiles_come_one_for_each_row() -> None:
    """Each row follows its own profile as it would alone; rates that differ must be told."""
    force, turn = _motion(3, 20)
    names = ["bosch_bmi088", "xsens_mti", "bosch_bmi088"]
    mixed = apply_imu(force, turn, names, seed=1)
    alone = apply_imu(force[1:2], turn[1:2], "xsens_mti", seed=1, index=[1])

    assert alone.specific_force.tobytes() == mixed.specific_force[1:2].tobytes()
    with pytest.raises(ValueError, match=r"rates \[200.0, 400.0\] Hz; give the rate"):
        apply_imu(force[:2], turn[:2], ["analog_adis16448", "xsens_mti"])


def test_turn_on_bias_is_constant_and_drawn_anew() -> None:
    """It does not change in time, differs from row to row, and has the profile's deviation."""
    profile = dataclasses.replace(IDEAL, gyroscope_turn_on_bias=0.02, accelerometer_turn_on_bias=0.3)
    rows = 600
    reading = apply_imu(*_still(rows, 3), profile, seed=5)

    for value, sigma in ((reading.angular_rate, 0.02), (reading.specific_force, 0.3)):
        assert (value == value[:, :1]).all()
        count = rows * 3
        assert len(np.unique(value[:, 0])) == count
        assert value[:, 0].std() / sigma == pytest.approx(1.0, abs=5 / math.sqrt(2 * count))
        assert abs(value[:, 0].mean()) < 5 * sigma / math.sqrt(count)
    assert np.array_equal(reading.gyroscope_bias, reading.angular_rate)


def test_scale_and_misalignment_belong_to_the_unit() -> None:
    """They are the same in every row and power-up of a unit, and spread from unit to unit as the profile says."""
    profile = dataclasses.replace(IDEAL, gyroscope_scale_error=0.01, gyroscope_misalignment=0.004,
                                  accelerometer_scale_error=0.02)  # fmt: skip
    force, turn = _motion(2, 4)
    same = apply_imu(force, turn, profile, seed=5, unit=7)
    units = 400
    many = apply_imu(*_still(units, 1), profile, seed=5, unit=np.arange(units))

    assert np.array_equal(same.gyroscope_matrix[0], same.gyroscope_matrix[1])
    assert np.array_equal(same.gyroscope_matrix[0], many.gyroscope_matrix[7])
    assert np.allclose(same.angular_rate, np.einsum("rij,rtj->rti", same.gyroscope_matrix, turn), rtol=1e-14)
    diagonal = np.einsum("rii->ri", many.gyroscope_matrix) - 1.0
    sideways = many.gyroscope_matrix[:, ~np.eye(3, dtype=bool)]
    assert diagonal.std() / 0.01 == pytest.approx(1.0, abs=5 / math.sqrt(2 * diagonal.size))
    assert sideways.std() / 0.004 == pytest.approx(1.0, abs=5 / math.sqrt(2 * sideways.size) + 0.001)
    assert not many.accelerometer_matrix[:, ~np.eye(3, dtype=bool)].any()


def test_gyroscopes_feel_specific_force() -> None:
    """At rest a gyroscope reads G times the specific force, before its own scale."""
    profile = dataclasses.replace(IDEAL, gyroscope_g_sensitivity=1e-3, gyroscope_scale_error=0.02)
    force, turn = _motion(3, 5)

    reading = apply_imu(force, turn, profile, seed=5, unit=[1, 2, 3])

    felt = turn + np.einsum("rij,rtj->rti", reading.g_sensitivity, force)
    assert np.allclose(reading.angular_rate, np.einsum("rij,rtj->rti", reading.gyroscope_matrix, felt), rtol=1e-13)
    assert 1e-4 < np.abs(reading.g_sensitivity).mean() < 3e-3


@pytest.mark.parametrize("name", list_profiles("imu"))
def test_readings_are_counts_within_the_range(name: str) -> None:
    """Readings are whole counts, nothing lies outside the range, and its ends are flagged."""
    profile = load_profile(name)
    assert isinstance(profile, InertialProfile)
    force, turn = _motion(4, 400)
    ends = dict(zip(PARTS, (turn * 60.0, force * 60.0), strict=True))
    reading = apply_imu(ends["accelerometer"], ends["gyroscope"], profile, seed=1)

    for part, value, full in (
        ("gyroscope", reading.angular_rate, reading.gyroscope_saturated),
        ("accelerometer", reading.specific_force, reading.accelerometer_saturated),
    ):
        limit, lsb = getattr(profile, f"{part}_range"), getattr(profile, f"{part}_resolution")
        if lsb:
            counts = np.rint(value / lsb)
            assert np.array_equal(counts * lsb, value)
            limit = math.floor(limit / lsb + 1e-9) * lsb
            assert len(np.unique(counts)) > 100
        assert np.abs(value).max() == limit
        assert np.array_equal(full, np.abs(value) == limit)
        assert 0 < full.mean() < 1


def test_counts_are_the_nearest() -> None:
    """A ramp is rounded to the nearest count, halves upwards."""
    profile = dataclasses.replace(IDEAL, gyroscope_resolution=0.25, gyroscope_range=1.1)
    force, turn = _still(1, 9)
    turn[0, :, 0] = [0.0, 0.124, 0.125, 0.374, -0.125, -0.126, 1.0, 3.0, -1.05]

    reading = apply_imu(force, turn, profile)

    assert reading.angular_rate[0, :, 0].tolist() == [0.0, 0.0, 0.25, 0.25, 0.0, -0.25, 1.0, 1.0, -1.0]
    assert reading.gyroscope_saturated[0, :, 0].tolist() == [False] * 6 + [True] * 3


@pytest.mark.parametrize(
    "frequency, gain", [(5.0, 1.0 / math.sqrt(1 + 0.1**4)), (50.0, math.sqrt(0.5)), (100.0, 17**-0.5)]
)
def test_response_is_butterworths(frequency: float, gain: float) -> None:
    """A sine comes through with the gain of a second-order Butterworth filter, 3 dB down at the bandwidth."""
    profile = dataclasses.replace(IDEAL, gyroscope_bandwidth=50.0)
    rate, samples = 20000.0, 16000
    t = np.arange(samples) / rate
    force, turn = _still(1, samples)
    turn[0, :, 0] = np.sin(2 * math.pi * frequency * t)

    read = apply_imu(force, turn, profile, rate=rate).angular_rate[0, samples // 2 :, 0]

    part = t[samples // 2 :]
    amplitude = 2 * abs(np.mean(read * np.exp(-2j * math.pi * frequency * part)))
    assert amplitude == pytest.approx(gain, rel=2e-3)


def test_response_does_not_depend_on_the_rate() -> None:
    """A motion that is held over longer steps is passed alike when it is sampled four times as often."""
    force, turn = _motion(1, 50)
    profile = dataclasses.replace(IDEAL, gyroscope_bandwidth=40.0, accelerometer_bandwidth=90.0)

    slow = apply_imu(force, turn, profile, rate=100.0)
    fast = apply_imu(np.repeat(force, 4, axis=1), np.repeat(turn, 4, axis=1), profile, rate=400.0)

    assert np.allclose(fast.angular_rate[:, 3::4], slow.angular_rate, rtol=0, atol=1e-12)
    assert np.allclose(fast.specific_force[:, 3::4], slow.specific_force, rtol=0, atol=1e-11)
    assert filter_step(0.01, 0.0) == (0.0, 0.0, 0.0, 0.0)


def test_torch_tensors_come_back_as_tensors() -> None:
    """Tensors are read as arrays are, and the results are tensors."""
    torch = pytest.importorskip("torch")
    force, turn = _motion(2, 10)

    arrays = apply_imu(force, turn, BUSY, seed=1)
    tensors = apply_imu(torch.from_numpy(force), torch.from_numpy(turn), BUSY, seed=1)

    for name, value in _arrays(arrays).items():
        assert isinstance(getattr(tensors, name), torch.Tensor)
        assert np.array_equal(getattr(tensors, name).numpy(), value)


def test_the_twin_in_the_simulator_agrees(tmp_path: Path) -> None:
    """The same source as CUDA kernels gives the same counts, biases within rounding, and goes on from a history."""
    force, turn = _motion(2, 6)
    code = """
from simloom.kernels.inertial import apply_imu
first = apply_imu(force[:, :4], turn[:, :4], "bosch_bmi088", seed=1, index=[3, 8], unit=2, device="cuda")
rest = apply_imu(force[:, 4:], turn[:, 4:], "bosch_bmi088", seed=1, index=[3, 8], unit=2, first=4,
                 history=first.history, device="cuda")
out = {name: np.concatenate([getattr(first, name), getattr(rest, name)], axis=1) for name in
       ("specific_force", "angular_rate", "gyroscope_bias", "accelerometer_bias", "gyroscope_saturated")}
out["matrix"] = first.gyroscope_matrix
"""
    twin = run_simulated(code, tmp_path, force=force, turn=turn)
    reading = apply_imu(force, turn, "bosch_bmi088", seed=1, index=[3, 8], unit=2)

    assert np.array_equal(twin["specific_force"], reading.specific_force)
    assert np.array_equal(twin["angular_rate"], reading.angular_rate)
    assert np.array_equal(twin["gyroscope_saturated"], reading.gyroscope_saturated)
    assert np.allclose(twin["gyroscope_bias"], reading.gyroscope_bias, rtol=1e-12)
    assert np.allclose(twin["accelerometer_bias"], reading.accelerometer_bias, rtol=1e-12)
    assert np.allclose(twin["matrix"], reading.gyroscope_matrix, rtol=1e-12)


@pytest.mark.parametrize(
    "field, value",
    [
        ("rate", 0.0),
        ("gyroscope_noise_density", -1.0),
        ("gyroscope_flicker_time", (10.0, 1.0)),
        ("gyroscope_flicker_time", (1.0, 2000.0)),
        ("accelerometer_flicker_time", (1.0,)),
        ("accelerometer_bias_time", 0.0),
        ("gyroscope_resolution", 1e3),
        ("accelerometer_bandwidth", float("nan")),
    ],
)
def test_impossible_values_are_refused(field: str, value: object) -> None:
    """A value outside its range gets an error that names the field to mend."""
    with pytest.raises(ValueError, match=f"{field} must be .*; set InertialProfile.{field}"):
        dataclasses.replace(BMI, **{field: value})


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"unit": 1 << 32}, "unit must be a whole number in"),
        ({"unit": [1, 2]}, "or 1 of them"),
        ({"index": [1, 2]}, "index must be 1 row numbers"),
        ({"rate": -1.0}, "rate must be a positive"),
        ({"first": -1}, "first must be in"),
        ({"history": np.zeros((1, 3))}, r"history must have shape \(1, 72\)"),
        ({"profile": "generic_rgb"}, "not of kind 'imu'"),
        ({"profile": load_profile("generic_rgb")}, "must be an InertialProfile"),
        ({"angular_rate": np.zeros((1, 3, 3))}, r"angular_rate must have shape \(1, 4, 3\)"),
    ],
)
def test_wrong_arguments_are_answered(changes: dict[str, object], message: str) -> None:
    """What cannot be is told with what is allowed."""
    force, turn = _still(1, 4)
    arguments: dict[str, object] = {"angular_rate": turn, "profile": BMI, **changes}
    with pytest.raises(ValueError, match=message):
        apply_imu(force, **arguments)
    with pytest.raises(ValueError, match="at least one sample"):
        apply_imu(force[:, :0], turn[:, :0])
