"""Narrowing: half precision bit by bit, and conversions and repetitions on the device."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from naive.twin import run_simulated
from simloom.kernels.narrowing import half_bits


def test_half_precision_is_rounded_as_numpy_does() -> None:
    """Every half, what lies between each and the next, ties, the ends of the range and what is beyond them."""
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)[::7]
    between = np.float32(0.5) * (halves[1:] + halves[:-1])
    ends = np.float32([65504.0, 65519.9, 65520.0, 1e30, 6e-8, 2.9e-8, 2.99e-8, 0.0, np.inf])
    values = np.concatenate((halves[::40], between[::40], np.nextafter(between[::40], np.float32(0)), ends))
    values = np.concatenate((values, -values))
    found = np.array([half_bits(value) for value in values], np.uint16)
    with np.errstate(over="ignore"):
        expected = values.astype(np.float16)

    assert np.array_equal(found, expected.view(np.uint16))
    assert np.isnan(np.uint16(half_bits(np.float32(np.nan))).view(np.float16))


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """Conversion, repetition and the mean of channels give NumPy's values and stay on the device."""
    code = """
from simloom.kernels.device_stream import upload
from simloom.kernels.narrowing import mean_channels_on_device, narrow_on_device, repeat_on_device
there = upload(value)
out = {
    "half": narrow_on_device(there, np.float16, 3.0).copy_to_host(),
    "whole": narrow_on_device(there, np.int32).copy_to_host(),
    "twice": repeat_on_device(there, 2).copy_to_host(),
    "mean": mean_channels_on_device(upload(colour), 1).copy_to_host(),
    "same": np.array(narrow_on_device(there, np.float32) is there),
}
"""
    value = np.float32([[0.1, 2.5, 7.25], [-1.5, 1e-7, 65535.0]])
    colour = np.linspace(0.0, 1.0, 2 * 2 * 2 * 1 * 3, dtype=np.float32).reshape(2, 2, 2, 1, 3)
    found = run_simulated(code, tmp_path, value=value, colour=colour)
    mine = colour[:, 1]

    assert np.array_equal(found["half"], np.minimum(value, np.float32(3.0)).astype(np.float16).view(np.uint16))
    assert np.array_equal(found["whole"], value.astype(np.int32))
    assert np.array_equal(found["twice"], np.repeat(value, 2, axis=0))
    assert np.array_equal(found["mean"], (mine[..., 0] + mine[..., 1] + mine[..., 2]) * np.float32(1.0 / 3.0))
    assert found["same"]
