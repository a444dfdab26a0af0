"""The sRGB transfer: the standard's knots, exact codes, and the polynomial within its bound."""

from __future__ import annotations

import numpy as np
import pytest

from naive.camera import srgb
from simloom.kernels.device import Kernel, scalar
from simloom.kernels.srgb import encode_srgb, srgb_code, toned_code


@scalar
def _code_element(index, linear_in, code_out):
    code_out[index] = srgb_code(linear_in[index])


@scalar
def _toned_element(index, linear_in, tone, code_out):
    code_out[index] = toned_code(linear_in[index], np.float32(tone))


CODE, TONED = Kernel(_code_element), Kernel(_toned_element)
LINEAR = np.concatenate([np.linspace(0, 0.02, 300_001), np.linspace(0, 1, 1_000_003), [-1.0, 2.0]]).astype(np.float32)


def test_transfer_has_the_standard_knots() -> None:
    """The transfer meets the values of IEC 61966-2-1."""
    assert encode_srgb(0.0) == 0.0
    assert encode_srgb(1.0) == pytest.approx(1.0, abs=1e-12)
    assert encode_srgb(0.0031308) == pytest.approx(0.0404500, abs=1e-6)
    assert encode_srgb(0.214041) == pytest.approx(0.5, abs=1e-6)


def test_codes_are_exact() -> None:
    """Codes are the rounded transfer of the value's multiple of 2^-24; NaN is 0."""
    code = np.zeros(LINEAR.size, np.uint8)
    CODE.launch(LINEAR.size, LINEAR, code, threads=1)
    cut = np.floor(np.clip(LINEAR, 0, 1).astype(np.float64) * 2**24) / 2**24
    exact = np.floor(255 * srgb(cut) + 0.5)

    assert np.array_equal(code, exact)
    assert srgb_code(np.float32(np.nan)) == 0


@pytest.mark.parametrize("tone", [0.0, 0.3, 1.0])
def test_toned_codes_are_within_their_bound(tone: float) -> None:
    """One code in 10 000 at most is rounded to the other side, by one."""
    code = np.zeros(LINEAR.size, np.uint8)
    TONED.launch(LINEAR.size, LINEAR, tone, code, threads=1)
    encoded = srgb(LINEAR.astype(np.float64))
    exact = np.floor(255 * ((1 - tone) * encoded + tone * (3 * encoded**2 - 2 * encoded**3)) + 0.5)
    difference = np.abs(code - exact)

    assert difference.max() <= 1
    assert (difference > 0).mean() <= 1e-4
