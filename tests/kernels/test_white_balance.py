"""White balance: sorted and summed oracles, recovery of a light's colour, the lag's closed form, rows alone."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from naive.twin import run_simulated
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.white_balance import (
    WhiteBalanceControl,
    advance_white_balance,
    balance_levels,
    estimate_white_balance,
)

LIGHT = np.float32([0.5, 1.0, 0.7])


def _scene(count: int, height: int = 30, width: int = 40) -> np.ndarray:
    size = count * height * width * 3
    noise = philox_uniforms(6, "scene", np.stack([np.arange(size)] * 3, axis=1))
    return (0.01 + noise).reshape(count, height, width, 3).astype(np.float32)


def test_grey_world_follows_the_sum() -> None:
    """Gains are exact sums' ratios, without what is saturated, dark or missing."""
    image = _scene(2)
    image[0, :3], image[0, 4, 5], image[0, 6, 7, 1] = 2.0, np.nan, -1.0
    pixels = image[0].astype(float).reshape(-1, 3)
    kept = pixels[(pixels > 0).all(axis=1) & (pixels < 1.0).all(axis=1)]
    means = np.array([math.fsum(kept[:, k]) for k in range(3)])

    assert len(kept) < 30 * 40 - 3 * 40
    found = estimate_white_balance(image, saturation=1.0)
    assert np.allclose(found[0], means[1] / means, rtol=1e-12)


@pytest.mark.parametrize("percentile", [0.5, 0.9, 0.99, 1.0])
def test_white_patch_follows_the_sort(percentile: float) -> None:
    """Levels are the sorted percentiles within a cell's width, 1/64 of a value."""
    image = _scene(1) * LIGHT
    levels = np.quantile(image.reshape(-1, 3), percentile, axis=0)
    found = estimate_white_balance(image, "white_patch", percentile=percentile)[0]

    assert np.allclose(found, levels[1] / levels, rtol=2 / 64)


@pytest.mark.parametrize("method", ["grey_world", "white_patch"])
def test_a_lights_colour_is_recovered(method: str) -> None:
    """Under a coloured light the gains undo its colour: exactly where the scene's mean, or its brightest, is grey."""
    grey = np.repeat(_scene(1)[..., :1], 3, axis=3) * LIGHT
    found = estimate_white_balance(grey, method)[0]

    assert found[1] == 1.0
    assert found == pytest.approx(1 / LIGHT, rel=1e-6 if method == "grey_world" else 2 / 64)


def test_levels_are_balanced() -> None:
    """Raw statistics give gains as images do, and a dark channel none."""
    found = balance_levels(np.array([[0.2, 0.4, 0.1], [0.0, 0.4, 0.1], [0.3, 0.0, 0.1]]))

    assert np.allclose(found, [[2, 1, 4], [1, 1, 4], [1, 1, 1]])
    assert np.array_equal(estimate_white_balance(np.zeros((1, 3, 3, 3), np.float32)), [[1, 1, 1]])
    assert np.array_equal(estimate_white_balance(np.zeros((1, 3, 3, 3), np.float32), "white_patch"), [[1, 1, 1]])


@pytest.mark.parametrize("method", ["grey_world", "white_patch"])
def test_an_image_does_not_depend_on_its_batch(method: str) -> None:
    """However the batch is cut or ordered, and on any number of threads, the gains are the same to the bit."""
    images, limits = _scene(5), np.array([0.5, 0.6, 0.7, 0.8, 0.9])
    whole = estimate_white_balance(images, method, saturation=limits)
    for part in ([0], [3, 1], [4, 3, 2, 1, 0]):
        piece = estimate_white_balance(images[part], method, saturation=limits[part], threads=1)
        assert np.array_equal(piece, whole[part])


def test_gains_follow_with_a_lag() -> None:
    """Their logarithms decay by exp(-t / T), at any rate, within the limits, each row by its own control."""
    control = WhiteBalanceControl(time_constant=0.8, gain_max=3.0)
    state, target = np.array([[1.0, 1.0, 2.0], [1.0, 1.0, 1.0]]), np.array([[2.0, 1.0, 1.5], [9.0, 1.0, 0.01]])
    found = advance_white_balance(state, target, 0.3, [control, WhiteBalanceControl(time_constant=0.0)])
    share = math.exp(-0.3 / 0.8)

    assert np.allclose(found[0], target[0] * (state[0] / target[0]) ** share, rtol=1e-14)
    assert found[1].tolist() == [8.0, 1.0, 0.125]
    small = state
    for _ in range(30):
        small = advance_white_balance(small, target, 0.01, control)
    assert np.allclose(small[0], found[0], rtol=1e-12)
    assert small.max() <= 3.0


def test_tensors_stay_tensors() -> None:
    """Torch images and gains come back as tensors."""
    image = torch.from_numpy(_scene(1))
    gains = estimate_white_balance(image)
    later = advance_white_balance(gains, gains, 0.1, WhiteBalanceControl())

    assert isinstance(gains, torch.Tensor)
    assert isinstance(later, torch.Tensor)
    assert np.array_equal(gains.numpy(), estimate_white_balance(_scene(1)))


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's gains within rounding."""
    images = _scene(2, 5, 6)
    code = """
from simloom.kernels.white_balance import WhiteBalanceControl, advance_white_balance, estimate_white_balance
grey = estimate_white_balance(images, device="cuda")
patch = estimate_white_balance(images, "white_patch", device="cuda")
later = advance_white_balance(grey, patch, 0.2, WhiteBalanceControl(), device="cuda")
out = {"grey": grey, "patch": patch, "next": later}
"""
    twin = run_simulated(code, tmp_path, images=images)
    grey, patch = estimate_white_balance(images), estimate_white_balance(images, "white_patch")

    assert np.allclose(twin["grey"], grey, rtol=1e-14)
    assert np.allclose(twin["patch"], patch, rtol=1e-14)
    assert np.allclose(twin["next"], advance_white_balance(grey, patch, 0.2, WhiteBalanceControl()), rtol=1e-14)


def test_bad_input_is_refused() -> None:
    """Each mistake gets an error that names it."""
    image, gains = np.ones((1, 4, 4, 3), np.float32), np.ones((1, 3))
    for call, message in (
        (lambda: estimate_white_balance(image[0]), "image must have shape"),
        (lambda: estimate_white_balance(image, "retinex"), "method must be"),
        (lambda: estimate_white_balance(image, percentile=99), "percentile must be"),
        (lambda: estimate_white_balance(image, saturation=0.0), "saturation must be"),
        (lambda: balance_levels(gains[0]), "levels must have shape"),
        (lambda: advance_white_balance(gains, gains[0], 0.1, WhiteBalanceControl()), "state and estimated"),
        (lambda: advance_white_balance(-gains, gains, 0.1, WhiteBalanceControl()), "state must be positive"),
        (lambda: advance_white_balance(gains, gains, 0.1, "fast"), "control must be"),
        (lambda: WhiteBalanceControl(gain_min=2.0), "gain_min must be"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
