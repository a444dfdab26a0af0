"""Exposure: each view's white, and the sRGB curve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from naive.twin import run_simulated
from simloom.renderers.exposure import expose, meter_white
from simloom.renderers.textures import linear_to_srgb


def test_each_view_has_its_own_white():
    """Bytes are the sRGB curve of radiance over white, within one step of a NumPy oracle."""
    rng = np.random.default_rng(1)
    colour = rng.uniform(0, 3, (3, 5, 7, 3)).astype(np.float32)
    white = np.array([1.0, 0.25, 4.0], np.float32)
    found = expose(colour, white, threads=1)
    expected = 255.0 * linear_to_srgb(np.clip(colour.astype(np.float64) / white[:, None, None, None], 0.0, 1.0))

    assert found.dtype == np.uint8
    assert np.abs(found - expected).max() <= 0.51


def test_a_view_does_not_depend_on_the_others():
    """One view alone gives the bytes that it has in a batch."""
    colour = np.random.default_rng(2).uniform(0, 1, (4, 6, 5, 3)).astype(np.float32)
    white = np.array([0.3, 0.5, 0.7, 0.9], np.float32)
    together = expose(colour, white, threads=1)

    for view in range(4):
        np.testing.assert_array_equal(
            expose(colour[view : view + 1], white[view : view + 1], threads=1)[0], together[view]
        )


def test_metering_puts_the_bright_end_at_four_fifths():
    """The 95th percentile gets 0.8, and black pictures stay black without a division by zero."""
    colour = np.linspace(0.0, 2.0, 10001, dtype=np.float32)

    assert 1.9 / meter_white(colour) == pytest.approx(0.8, rel=1e-6)
    assert meter_white(np.zeros(4, np.float32)) > 0


def test_shapes_are_checked():
    """A white is needed for each view."""
    with pytest.raises(ValueError, match="white"):
        expose(np.zeros((2, 3, 3, 3), np.float32), np.ones(1, np.float32))


def test_simulated_cuda_agrees(tmp_path: Path):
    """Pictures on a device are encoded there, to the same bytes; metering reads one back."""
    colour = np.random.default_rng(3).uniform(0, 2, (2, 3, 4, 3)).astype(np.float32)
    white = np.array([0.5, 2.0], np.float32)
    code = """
from simloom.kernels.device import on_device
from simloom.kernels.device_stream import upload
from simloom.kernels.transfer import to_host
from simloom.renderers.exposure import expose, meter_white
there = upload(colour)
pictures = expose(there, white)
assert on_device(pictures)
out = {"there": to_host(pictures), "back": expose(colour, white, device="cuda"), "white": meter_white(there)}
"""
    found = run_simulated(code, tmp_path, colour=colour, white=white)

    assert np.array_equal(found["there"], expose(colour, white, threads=1))
    assert np.array_equal(found["back"], found["there"])
    assert float(found["white"]) == meter_white(colour)
