"""Texture: the windowed gradient energy against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from naive import stereo as naive
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.texture import SUMS, TEXTURE, WORK


def _measure(images: np.ndarray, windows: np.ndarray, band: int) -> np.ndarray:
    count, height, width = images.shape
    lines = count * height
    bands = -(-lines // band)
    work, sums = np.full((bands, WORK), np.nan, np.float32), np.full((lines, 2, width), np.nan, np.float32)
    out = np.full((lines, width), np.nan, np.float32)
    which = np.arange(count)
    SUMS.launch(bands, images.reshape(lines, width), which, windows, height, band, work, sums)
    TEXTURE.launch(bands, sums, which, windows, height, band, work, out)
    return out.reshape(images.shape)


@pytest.mark.parametrize("shape", [(3, 12, 30), (2, 1, 9), (1, 9, 1), (1, 1, 1), (1, 3, 4)])
@pytest.mark.parametrize("band", [1, 5])
def test_follows_brute_force(shape: tuple[int, int, int], band: int) -> None:
    """Every pixel's texture is that of its window, cut off at the border, for any window."""
    count = int(np.prod(shape))
    images = philox_uniforms(1, "image", np.stack([np.arange(count)] * 3, axis=1)).reshape(shape).astype(np.float32)
    images.flat[:: max(count // 7, 2)] = np.nan
    images[0, :, : shape[2] // 3] = 0.0
    windows = np.array([7, 1, 4])[: shape[0]]
    expected = np.stack([naive.texture(image, window) for image, window in zip(images, windows, strict=True)])

    assert np.allclose(_measure(images, windows, band), expected, rtol=1e-5, atol=0)


def test_a_wave_has_its_texture() -> None:
    """A wave of contrast m and wave number k has t² = (m sin k)² / 2."""
    x = np.arange(2000)
    image = np.tile(1.0 + 0.2 * np.sin(0.3 * x), (1, 70, 1)).astype(np.float32)
    measured = _measure(image, np.array([63]), 16)[0, 35, 100:1900].mean()

    assert measured == pytest.approx((0.2 * np.sin(0.3)) ** 2 / 2, rel=0.01)
