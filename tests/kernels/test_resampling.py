"""Means over other intervals keep the integral, and instants do not drift."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from naive.twin import run_simulated
from simloom.kernels.inertial_truth import inertial_motion
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.resampling import resample_means, sample_instants
from simloom.kernels.strapdown import integrate_inertial


def _series(rows: int, samples: int) -> np.ndarray:
    addresses = np.stack([np.arange(rows * samples * 3)] * 3, axis=1)
    return philox_uniforms(1, "series", addresses).reshape(rows, samples, 3) - 0.5


@pytest.mark.parametrize("new_rate", [100.0, 240.0, 250.0, 1000.0])
def test_integrals_are_kept(new_rate: float) -> None:
    """Up to any instant at which both sets of intervals end, sums of mean times length agree."""
    value = _series(2, 240)
    edge, new_edge = sample_instants(240.0, 241), sample_instants(new_rate, round(new_rate) + 1)

    mean = resample_means(value, edge, new_edge)

    whole = (value * np.diff(edge)[None, :, None]).sum(1)
    assert np.allclose((mean * np.diff(new_edge)[None, :, None]).sum(1), whole, rtol=0, atol=1e-5)
    if new_rate == 240.0:
        assert np.array_equal(mean, value)


def test_means_are_those_of_the_integral() -> None:
    """Each is the difference of the linearly interpolated integral over its length."""
    value = _series(3, 50)
    edge = np.cumsum(np.concatenate([[7], 1000 + np.arange(50) ** 2 % 37 * 100]))
    new_edge = np.array([7, 8, 5000, 5001, 20000, int(edge[-1])])

    mean = resample_means(value, edge, new_edge)

    integral = np.concatenate([np.zeros((3, 1, 3)), np.cumsum(value * np.diff(edge)[None, :, None], axis=1)], axis=1)
    for row in range(3):
        for c in range(3):
            at = np.interp(new_edge, edge, integral[row, :, c])
            assert np.allclose(mean[row, :, c], np.diff(at) / np.diff(new_edge), rtol=0, atol=1e-9)


def test_a_slower_unit_loses_no_motion() -> None:
    """Physics at 480 Hz read by a unit at 100 Hz integrates to the speed of the path itself, and to its place."""
    rate, slow, turn, radius = 480.0, 100.0, 0.8, 3.0
    t = np.arange(round(2 * rate) + 1) / rate
    pose = np.tile(np.eye(4), (1, len(t), 1, 1))
    pose[0, :, 0, 0] = pose[0, :, 1, 1] = np.cos(turn * t)
    pose[0, :, 1, 0], pose[0, :, 0, 1] = np.sin(turn * t), -np.sin(turn * t)
    pose[0, :, 0, 3], pose[0, :, 1, 3] = radius * np.cos(turn * t), radius * np.sin(turn * t)
    linear = np.zeros((1, len(t), 3))
    linear[0, :, 0], linear[0, :, 1] = -radius * turn * np.sin(turn * t), radius * turn * np.cos(turn * t)
    felt = inertial_motion(pose, linear, np.tile([0.0, 0.0, turn], (1, len(t), 1)), rate=rate)
    edge, new_edge = sample_instants(rate, len(t)), sample_instants(slow, round(2 * slow) + 1)

    force, rates = (resample_means(value, edge, new_edge) for value in felt)
    path = integrate_inertial(force, rates, rate=slow, pose=pose[:, 0], linear_velocity=linear[:, 0])

    assert np.abs(path.linear_velocity[0, -1] - linear[0, -1]).max() < 1e-4
    assert np.abs(path.pose[0, -1] - pose[0, -1]).max() < 1e-4


@pytest.mark.parametrize("rate", [30.0, 400.0, 819.2, 1.0 / 3.0])
def test_instants_are_rounded_from_exact_times(rate: float) -> None:
    """However late a sample, its instant is within half a nanosecond of number over rate."""
    for first in (0, 10_000_019):
        found = sample_instants(rate, 3, first=first, origin=5)
        for k, instant in enumerate(found.tolist()):
            assert abs(Fraction(instant - 5) - Fraction(first + k) * 10**9 / Fraction(rate)) <= Fraction(1, 2)


def test_the_twin_in_the_simulator_agrees(tmp_path: Path) -> None:
    """Tensors come back as tensors, and the CUDA twin agrees."""
    torch = pytest.importorskip("torch")
    value, edge, new_edge = _series(2, 12), sample_instants(240.0, 13), sample_instants(100.0, 6)
    mean = resample_means(value, edge, new_edge)
    code = """
from simloom.kernels.resampling import resample_means
out = {"mean": resample_means(value, edge, new_edge, device="cuda")}
"""
    twin = run_simulated(code, tmp_path, value=value, edge=edge, new_edge=new_edge)

    assert np.array_equal(resample_means(torch.from_numpy(value), edge, new_edge).numpy(), mean)
    assert np.allclose(twin["mean"], mean, rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    "value, edge, new_edge, message",
    [
        (np.zeros((2, 3)), [0, 1, 2, 3], [0, 3], "value must have shape"),
        (np.zeros((1, 3, 1)), [0, 1, 2], [0, 2], r"edge must have shape \(4,\)"),
        (np.zeros((1, 3, 1)), [0, 2, 1, 3], [0, 3], "edge must rise"),
        (np.zeros((1, 3, 1)), [0, 1, 2, 3], [0, 4], "new_edge must lie within 0 and 3"),
        (np.zeros((1, 3, 1)), [0.0, 1, 2, 3], [0, 4], "whole numbers of nanoseconds"),
    ],
)
def test_wrong_intervals_are_answered(value, edge, new_edge, message: str) -> None:
    """What cannot be is told with what is allowed."""
    with pytest.raises(ValueError, match=message):
        resample_means(value, edge, new_edge)
