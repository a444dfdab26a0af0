"""Demosaicing: against published implementations and on scenes that it must reproduce exactly."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest

from naive import camera as naive
from simloom.kernels.camera_profile import MOSAICS
from simloom.kernels.demosaic import SUM_SIZES, demosaic_weights
from simloom.kernels.develop import develop, prepare_looks
from simloom.kernels.mosaic import reflect, site_colors
from simloom.kernels.philox import philox_words
from simloom.kernels.profile_rows import find_profile_rows
from simloom.kernels.profiles import load_camera_profile
from simloom.kernels.tensors import find_place

BAYER = ("RGGB", "BGGR", "GRBG", "GBRG")
PLAIN = dataclasses.replace(
    load_camera_profile("generic_rgb"), quantum_efficiency=(0.5,) * 3, wavelength=(5.5e-7,) * 3, black_level=0.0,
    gain=1.0, full_well=255.0, bit_depth=8,
)  # fmt: skip
"""Its linear image is its digital numbers over 255."""


def _raw(height: int, width: int, largest: int = 256) -> np.ndarray:
    items = np.arange(height * width)
    words = philox_words(0, "mosaic", np.stack([items] * 3, axis=1))[:, 0]
    return (words % largest).astype(np.uint16).reshape(height, width)


def _planes(raw: np.ndarray, mosaic: str, method: str) -> np.ndarray:
    """Demosaic by the six sums and their weights, in float64."""
    weights, (height, width) = demosaic_weights(mosaic, method), raw.shape
    out = np.full((height, width, 3), np.nan)
    for y in range(height):
        for x in range(width):

            def look(dy: int, dx: int, y: int = y, x: int = x) -> float:
                return float(raw[reflect(y + dy, height), reflect(x + dx, width)])

            sums = [
                look(0, 0), look(0, -1) + look(0, 1), look(-1, 0) + look(1, 0),
                look(-1, -1) + look(-1, 1) + look(1, -1) + look(1, 1), look(0, -2) + look(0, 2),
                look(-2, 0) + look(2, 0),
            ]  # fmt: skip
            for k in range(3):
                out[y, x, k] = sum(w * s for w, s in zip(weights[(y % 2) * 2 + x % 2, k], sums, strict=True))
    return out


@pytest.mark.parametrize("mosaic", BAYER)
def test_planes_are_those_of_colour_demosaicing(mosaic: str) -> None:
    """Malvar and bilinear agree with the colour-demosaicing package to 1e-12 in the interior."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports SciPy by a name of old, and asks for plotting
        from colour_demosaicing import demosaicing_CFA_Bayer_bilinear, demosaicing_CFA_Bayer_Malvar2004

    raw = _raw(14, 18).astype(np.float64)
    inside = (slice(2, -2), slice(2, -2))
    for method, other in (("malvar", demosaicing_CFA_Bayer_Malvar2004), ("bilinear", demosaicing_CFA_Bayer_bilinear)):
        assert np.allclose(_planes(raw, mosaic, method)[inside], other(raw, mosaic)[inside], atol=1e-12)


@pytest.mark.parametrize("method", ["bilinear", "malvar"])
@pytest.mark.parametrize("mosaic", MOSAICS)
def test_planes_are_the_oracles(mosaic: str, method: str) -> None:
    """Weights of the six sums say what the published 5x5 kernels say, borders included."""
    raw = _raw(7, 10).astype(np.float64)

    assert np.allclose(_planes(raw, mosaic, method), naive.demosaic(raw, mosaic, method), atol=1e-12)


@pytest.mark.parametrize("method", ["bilinear", "malvar"])
@pytest.mark.parametrize("mosaic", MOSAICS)
def test_weights_keep_a_constant(mosaic: str, method: str) -> None:
    """The weights of each plane add up to one, on pixels of that plane's colour and others that cancel out."""
    weights = demosaic_weights(mosaic, method)

    assert np.allclose((weights * np.array(SUM_SIZES)).sum(axis=2), 1.0, atol=1e-15)


@pytest.mark.parametrize("mosaic, name", list(zip(BAYER, ("BG", "RG", "GB", "GR"), strict=True)))
def test_bilinear_pictures_are_opencvs(mosaic: str, name: str) -> None:
    """In the interior, bilinear images are OpenCV's, encoded, but for its rounding of halves before encoding."""
    import cv2

    raw = _raw(40, 50)
    rows = find_profile_rows(dataclasses.replace(PLAIN, mosaic=mosaic, demosaic="bilinear"), 1, load_camera_profile)
    rgb, place = np.empty((40, 150), np.uint8), find_place(raw)
    develop(place, raw, prepare_looks(place, rows, None, 40, 50), slice(0, 1), rgb, 1)
    linear = cv2.cvtColor(raw.astype(np.uint8), getattr(cv2, f"COLOR_Bayer{name}2RGB")).astype(np.float64)
    low, high = (np.floor(255 * naive.srgb((linear + d) / 255) + 0.5) for d in (-0.5, 0.5))
    inside = (slice(2, -2), slice(2, -2))

    assert np.all((rgb.reshape(40, 50, 3) >= low)[inside])
    assert np.all((rgb.reshape(40, 50, 3) <= high)[inside])


def test_mosaics_are_named_by_their_first_two_rows() -> None:
    """A mosaic's letters are its pixels (0, 0), (0, 1), (1, 0) and (1, 1)."""
    for mosaic in MOSAICS:
        for site, color in enumerate(site_colors(mosaic)):
            assert "RGBC"[color] == naive.MOSAIC[mosaic][site // 2][site % 2]


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_mirroring_keeps_colours(size: int) -> None:
    """Places beyond the image are mirrored about its outermost pixels, as often as it takes."""
    assert [reflect(k, size) for k in range(-2, size + 2)] == [naive.mirror(k, size) for k in range(-2, size + 2)]
