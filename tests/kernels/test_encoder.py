"""Joint encoders: closed forms of each part, the naive oracle, continuation, addresses and the CUDA twin."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from naive import encoder as naive
from naive.twin import run_simulated
from simloom.kernels.encoder import EncoderReading, apply_encoder
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.profiles import load_profile

MAGNETIC = load_profile("ams_as5048")
OPTICAL = load_profile("incremental_encoder")
CLEAN = dataclasses.replace(
    MAGNETIC, zero_offset=0.0, eccentricity=0.0, noise=0.0, velocity_window=1, velocity_cutoff=0.0
)
STEP = 2 * math.pi / 16384


def _motion(rows: int, samples: int, joints: int) -> np.ndarray:
    """Swings of different phase and size, with some roughness."""
    count = rows * samples * joints
    u = philox_uniforms(3, "motion", np.stack([np.arange(count)] * 3, axis=1)).reshape(rows, samples, joints)
    t = np.arange(samples)[None, :, None] / 50.0
    phase = np.arange(rows)[:, None, None] + 0.7 * np.arange(joints)
    return (0.4 + 0.1 * np.arange(joints)) * np.sin(2 * np.pi * t + phase) + 1e-3 * u


def _loop(amplitude: float, points: int) -> np.ndarray:
    """One cosine period after another until the loop has closed, shape (1, T, 1)."""
    return amplitude * np.cos(2 * np.pi * np.arange(3 * points + 1) / points)[None, :, None]


@pytest.mark.parametrize("name", ["ams_as5048", "incremental_encoder"])
def test_readings_match_the_definitions(name: str) -> None:
    """Positions, velocities and counts are those of the formulas, one by one."""
    q = _motion(2, 60, 5)
    profile = dataclasses.replace(load_profile(name), backlash=0.01, velocity_window=3)
    reading = apply_encoder(
        q, profile, rate=500.0, seed=9, index=[4, 8000000000], sensor=2, unit=[1, 77], first=11, threads=1
    )

    for k, (row, unit) in enumerate([(4, 1), (8000000000, 77)]):
        position, velocity, count = naive.read(
            q[k], profile, rate=500.0, seed=9, row=row, sensor=2, unit=unit, first=11
        )
        assert np.array_equal(reading.count[k], count)
        assert np.allclose(reading.position[k], position, rtol=0, atol=1e-12)
        assert np.allclose(reading.velocity[k], velocity, rtol=0, atol=1e-9)


def test_backlash_is_as_wide_as_stated() -> None:
    """The loop's width is b, its amplitude X - b/2 and its area 2 b (X - b/2)."""
    b, amplitude, points = 0.06, 0.5, 20000
    q = _loop(amplitude, points)
    profile = dataclasses.replace(CLEAN, backlash=b)
    y = apply_encoder(q, profile, rate=1000.0).follower[0, -points:, 0]
    x = q[0, -points:, 0]

    down, up = points // 4, 3 * points // 4
    assert y.max() == amplitude - b / 2
    assert y.min() == -(amplitude - b / 2)
    assert y[down - 1] - y[up - 1] == pytest.approx(b, abs=1e-12)
    area = 0.5 * np.abs((x * (np.roll(y, -1) - np.roll(y, 1))).sum())
    assert area == pytest.approx(2 * b * (amplitude - b / 2), rel=1e-6)


def test_backlash_does_not_know_speed() -> None:
    """The same path, twice as slow and with rests, ends every step in the same place."""
    q = _motion(1, 100, 1)
    profile = dataclasses.replace(CLEAN, backlash=0.05)

    fast = apply_encoder(q, profile, rate=1000.0).follower
    slow = apply_encoder(q.repeat(3, axis=1), profile, rate=10.0).follower
    assert np.array_equal(slow[:, ::3], fast)


def test_positions_are_whole_steps() -> None:
    """Without other errors every position is a multiple of the step, and the nearest one."""
    q = _motion(1, 300, 2)
    reading = apply_encoder(q, CLEAN, rate=1000.0)

    assert np.array_equal(reading.position, reading.count * STEP)
    assert np.abs(reading.position - q).max() <= STEP / 2 * (1 + 1e-9)


def test_a_gear_divides_the_step() -> None:
    """Behind a gear of N the step at the joint is N times finer; a ratio can be given for each joint."""
    q = _motion(1, 300, 2)
    reading = apply_encoder(q, CLEAN, rate=1000.0, gear_ratio=[1.0, 100.0])

    error = np.abs(reading.position - q).max(axis=(0, 1))
    assert STEP / 4 < error[0] <= STEP / 2 * (1 + 1e-9)
    assert STEP / 400 < error[1] <= STEP / 200 * (1 + 1e-6)


@pytest.mark.parametrize("window", [1, 4])
def test_velocity_has_its_quantum(window: int) -> None:
    """Velocities are multiples of the step over the time that the difference spans, and near the truth."""
    rate = 1000.0
    q = np.linspace(0.0, 0.3, 301)[None, :, None]  # 1 rad/s
    profile = dataclasses.replace(CLEAN, velocity_window=window)
    velocity = apply_encoder(q, profile, rate=rate).velocity[0, :, 0]
    quantum = STEP * rate / window

    assert np.allclose(velocity / quantum, np.round(velocity / quantum), atol=1e-9)
    assert velocity[0] == 0.0
    assert np.abs(velocity[window:] - 1.0).max() <= quantum
    assert velocity[window:].mean() == pytest.approx(1.0, abs=quantum / 20)


def test_a_filter_settles_as_first_order() -> None:
    """After a step in velocity the filtered one comes up as 1 - e^(-2 pi f t)."""
    rate, cutoff = 1000.0, 20.0
    fine = dataclasses.replace(CLEAN, counts_per_turn=1 << 28, velocity_cutoff=cutoff)
    q = np.arange(200)[None, :, None] / rate
    velocity = apply_encoder(q, fine, rate=rate).velocity[0, :, 0]

    assert np.allclose(velocity, 1 - np.exp(-2 * np.pi * cutoff * np.arange(200) / rate), atol=1e-3)


def test_eccentricity_repeats_every_turn() -> None:
    """The error over a turn is the specimen's sine, and the amplitudes' mean square is the profile's."""
    rows = 4000
    profile = dataclasses.replace(CLEAN, counts_per_turn=1 << 28, eccentricity=0.01, wraps=False)
    q = np.linspace(0.0, 2 * np.pi, 13)[None, :, None].repeat(rows, axis=0)
    reading = apply_encoder(q, profile, rate=1.0, unit=np.arange(rows))
    amplitude, phase = reading.eccentricity[:, 0, 0], reading.eccentricity[:, 0, 1]

    expected = amplitude[:, None] * np.sin(q[:, :, 0] + phase[:, None])
    assert np.allclose(reading.position[:, :, 0] - q[:, :, 0], expected, atol=2e-8)
    mean_square = (amplitude**2).mean() / 0.01**2
    assert mean_square == pytest.approx(1.0, abs=5 / math.sqrt(rows))  # an exponential: its deviation is its mean
    assert abs(np.exp(1j * phase).mean()) < 5 / math.sqrt(rows)


def test_noise_and_zero_have_their_deviations() -> None:
    """Noise differs from sample to sample, the zero from specimen to specimen, as much as the profile says."""
    rows, samples = 400, 100
    profile = dataclasses.replace(CLEAN, counts_per_turn=1 << 28, noise=2e-3, zero_offset=5e-3)
    q = np.full((rows, samples, 1), 0.3)
    reading = apply_encoder(q, profile, rate=1.0, unit=np.arange(rows))
    error = reading.position[:, :, 0] - 0.3 - reading.zero_offset

    assert error.std() == pytest.approx(2e-3, rel=5 / math.sqrt(2 * rows * samples))
    assert reading.zero_offset.std() == pytest.approx(5e-3, rel=5 / math.sqrt(2 * rows))


def test_turns_are_counted_or_not() -> None:
    """A wrapped count stays within its turn, and the velocity does not jump where it starts again."""
    q = np.linspace(0.0, 20.0, 2001)[None, :, None]
    whole = apply_encoder(q, CLEAN, rate=100.0)
    wrapped = apply_encoder(q, dataclasses.replace(CLEAN, wraps=True), rate=100.0)

    assert np.array_equal(wrapped.count, whole.count % 16384)
    assert wrapped.position.min() >= -math.pi - 1e-12
    assert wrapped.position.max() < math.pi
    assert np.allclose(np.exp(1j * wrapped.position), np.exp(1j * whole.position))
    assert np.array_equal(wrapped.velocity, whole.velocity)


def test_incremental_encoders_start_from_home() -> None:
    """An incremental encoder counts from power-up and from the position it is told."""
    q = 0.7 + _motion(1, 50, 2)
    profile = dataclasses.replace(CLEAN, absolute=False)
    reading = apply_encoder(q, profile, rate=100.0, home=[0.25, -1.0])

    assert np.array_equal(reading.count[:, 0], np.zeros((1, 2)))
    assert np.array_equal(reading.position[0, 0], [0.25, -1.0])
    assert np.abs(reading.position - reading.position[:, :1] - (q - q[:, :1])).max() <= STEP * (1 + 1e-9)


def _same(one: EncoderReading, other: EncoderReading) -> bool:
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in ("position", "velocity"))


@pytest.mark.parametrize("name", ["ams_as5048", "incremental_encoder"])
@pytest.mark.parametrize("cut", [1, 3, 25])
def test_a_series_can_be_cut(name: str, cut: int) -> None:
    """Two pieces give the same bytes as one, even where a piece is shorter than the velocity's window."""
    q = _motion(3, 40, 5)
    profile = dataclasses.replace(load_profile(name), backlash=0.02, velocity_window=7)
    options = {"rate": 250.0, "seed": 5, "index": [3, 1, 9], "unit": 2, "threads": 1}
    whole = apply_encoder(q, profile, **options)
    head = apply_encoder(q[:, :cut], profile, **options)
    middle = apply_encoder(q[:, cut : cut + 2], profile, first=cut, history=head.history, **options)
    tail = apply_encoder(q[:, cut + 2 :], profile, first=cut + 2, history=middle.history, **options)

    for part in ("position", "velocity", "count", "follower"):
        joined = np.concatenate([getattr(reading, part) for reading in (head, middle, tail)], axis=1)
        assert joined.tobytes() == getattr(whole, part).tobytes()
    for part in ("follower", "counts", "velocity", "origin"):
        assert getattr(tail.history, part).tobytes() == getattr(whole.history, part).tobytes()


def test_rows_do_not_depend_on_the_batch() -> None:
    """Rows in another order, alone, or on two threads give the same bytes."""
    q = _motion(6, 30, 3)
    profiles = [MAGNETIC, OPTICAL] * 3
    index, unit = np.array([5, 0, 3, 9, 2, 7]), np.arange(6)
    whole = apply_encoder(q, profiles, rate=200.0, seed=1, index=index, unit=unit, threads=1)
    order = [4, 2, 0, 5, 1, 3]
    mixed = apply_encoder(
        q[order], [profiles[k] for k in order], rate=200.0, seed=1, index=index[order], unit=unit[order], threads=2
    )
    alone = apply_encoder(q[3:4], profiles[3], rate=200.0, seed=1, index=index[3:4], unit=unit[3:4], threads=1)

    assert mixed.position.tobytes() == whole.position[order].tobytes()
    assert mixed.velocity.tobytes() == whole.velocity[order].tobytes()
    assert alone.position.tobytes() == whole.position[3:4].tobytes()


def test_tensors_come_back_as_tensors() -> None:
    """Torch in, torch out, with the same numbers."""
    torch = pytest.importorskip("torch")
    q = _motion(2, 20, 2)
    ours = apply_encoder(q, rate=100.0, seed=1)
    theirs = apply_encoder(torch.from_numpy(q), rate=100.0, seed=1)
    more = apply_encoder(torch.from_numpy(q), rate=100.0, seed=1, first=20, history=theirs.history)

    assert np.array_equal(theirs.position.numpy(), ours.position)
    assert isinstance(more.velocity, torch.Tensor)


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's counts."""
    q = _motion(2, 12, 5)
    code = """
from simloom.kernels.encoder import apply_encoder
reading = apply_encoder(q, ["ams_as5048", "incremental_encoder"], seed=4, unit=3, device="cuda")
more = apply_encoder(q, ["ams_as5048", "incremental_encoder"], seed=4, unit=3, first=12, history=reading.history,
    device="cuda")
out = {"count": more.count, "position": more.position, "velocity": more.velocity}
"""
    twin = run_simulated(code, tmp_path, q=q)
    profiles = ["ams_as5048", "incremental_encoder"]
    reading = apply_encoder(q, profiles, seed=4, unit=3)
    more = apply_encoder(q, profiles, seed=4, unit=3, first=12, history=reading.history)

    assert np.array_equal(twin["count"], more.count)
    assert np.allclose(twin["position"], more.position, rtol=1e-15, atol=0)
    assert np.allclose(twin["velocity"], more.velocity, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "field, value",
    [("rate", 0.0), ("counts_per_turn", 3), ("absolute", 1), ("gear_ratio", 0.0), ("velocity_window", 0)],
)
def test_impossible_values_are_refused(field: str, value: object) -> None:
    """A value outside its range gets an error that names the field to mend."""
    with pytest.raises(ValueError, match=f"{field} must be .*; set .*{field}"):
        dataclasses.replace(MAGNETIC, **{field: value})


def test_wrong_inputs_are_refused() -> None:
    """Errors name what was given and what is allowed."""
    q = np.zeros((2, 5, 3))
    with pytest.raises(ValueError, match=r"position must have shape \(rows, samples, joints\)"):
        apply_encoder(q[0])
    with pytest.raises(ValueError, match="gear_ratio must be a number, or one for each joint"):
        apply_encoder(q, gear_ratio=[1.0, 2.0])
    with pytest.raises(ValueError, match="gear_ratio must be above 0"):
        apply_encoder(q, gear_ratio=-1.0)
    with pytest.raises(ValueError, match="unit must be a whole number"):
        apply_encoder(q, unit=-1)
    with pytest.raises(ValueError, match=r"history\.follower must have shape"):
        apply_encoder(q, history=apply_encoder(q[:1]).history)
    with pytest.raises(ValueError, match="rate must be given"):
        apply_encoder(q, [MAGNETIC, dataclasses.replace(MAGNETIC, rate=50.0)])
