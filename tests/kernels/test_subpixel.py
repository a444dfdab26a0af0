"""Sub-pixel refinement: right without noise, the Cramér-Rao deviation with it, and the CUDA source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from naive.dots import draw_pair
from naive.twin import run_simulated
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.subpixel import refine_disparity


@pytest.mark.parametrize("disparity", [9.0, 9.25, 9.5, 9.9])
def test_any_part_of_a_pixel_is_found(disparity: float) -> None:
    """Starting from the nearest whole pixel the dots' shift is found to within 0.03 px in the mean."""
    left, right = draw_pair(60, 120, disparity, spread=1.0)
    start = np.full(left.shape, round(disparity), np.float32)
    found, correlation = refine_disparity(left, right, start, block_size=9)
    inner = found[6:-6, 20:-6]

    assert np.median(inner) == pytest.approx(disparity, abs=0.03)
    assert inner.mean() == pytest.approx(disparity, abs=0.03)
    assert np.abs(inner - disparity).mean() < 0.04
    assert np.median(correlation[6:-6, 20:-6]) > 0.98


def test_noise_has_the_least_squares_deviation() -> None:
    """With noise s in both images the deviation is s sqrt(2 / sum of squared slopes), within 15 %."""
    left, right = draw_pair(80, 200, 9.0, spread=1.0)
    u = philox_uniforms(5, "noise", np.stack([np.arange(24 * left.size)] * 3, axis=1)).reshape(2, 12, *left.shape)
    noise = (u.sum(axis=1) - 6.0) * 3.0
    noisy = [
        np.rint(np.clip(image + n + 20, 0, 255)).astype(np.uint8) for image, n in zip((left, right), noise, strict=True)
    ]
    start = np.full(left.shape, 9.0, np.float32)
    found, _ = refine_disparity(*noisy, start, block_size=11)
    slope = 0.5 * (left[:, 2:].astype(float) - left[:, :-2])
    squares = np.zeros((70, 188))
    for dy in range(11):
        for dx in range(11):
            squares += slope[dy : dy + 70, dx : dx + 188] ** 2
    error = found[5:75, 6:194] - 9.0
    inner = np.s_[:, 15:]
    expected = np.sqrt((18.0 / squares[inner]).mean())

    assert np.sqrt((error[inner] ** 2).mean()) == pytest.approx(expected, rel=0.15)


def test_nothing_to_see_changes_nothing() -> None:
    """Flat windows keep their start and correlate with nothing; no disparity stays none."""
    flat = np.full((10, 40), 70, np.uint8)
    start = np.full(flat.shape, 5.25, np.float32)
    start[:, :3] = -1.0
    found, correlation = refine_disparity(flat, flat, start, block_size=5)

    assert np.array_equal(found, start)
    assert (correlation == 0).all()


def test_steps_stay_within_a_pixel() -> None:
    """A start that is wrong by pixels is kept, or changed by at most one."""
    left, right = draw_pair(40, 80, 9.0)
    start = np.full(left.shape, 14.0, np.float32)
    found, correlation = refine_disparity(left, right, start, block_size=7)
    kept, _ = refine_disparity(left, right, start, block_size=7, steps=0)

    assert np.abs(found - start).max() <= 1.0
    assert np.median(correlation) < 0.5
    assert np.array_equal(kept, start)


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's numbers to within rounding."""
    left, right = draw_pair(8, 30, 4.3, density=0.2)
    start = np.full(left.shape, 4.0, np.float32)
    code = """
from simloom.kernels.device import Kernel
from simloom.kernels.subpixel import refine_pixel
found, correlation = np.full(start.shape, np.nan, np.float32), np.full(start.shape, np.nan, np.float32)
Kernel(refine_pixel).launch(start.size, left, right, start, 2, 4, found, correlation, device="cuda")
out = {"found": found, "correlation": correlation}
"""
    twin = run_simulated(code, tmp_path, left=left, right=right, start=start)
    found, correlation = refine_disparity(left, right, start, block_size=5)

    assert np.allclose(twin["found"], found, atol=1e-6)
    assert np.allclose(twin["correlation"], correlation, atol=1e-6)
