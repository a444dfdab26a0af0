"""The camera's sensor: measured by EMVA 1288's own analysis, and against exact distributions."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy import stats

from naive import camera as naive
from simloom.kernels.camera import apply_camera
from simloom.kernels.camera_profile import CameraProfile
from simloom.kernels.profiles import load_camera_profile
from simloom.kernels.responsivity import dark_doubling, electrons_per_radiance

CAMERA = load_camera_profile("generic_rgb")
MONO = dataclasses.replace(
    CAMERA, name="mono", mosaic="mono", natural_vignetting=False, vignetting=(0.0, 0.0, 0.0), hot_pixel_fraction=0.0
)
"""Every pixel sees the same light."""
PLAIN = dataclasses.replace(
    MONO, name="plain", photo_response_nonuniformity=0.0, dark_signal_nonuniformity=0.0, column_pattern=0.0,
    row_noise=0.0,
)  # fmt: skip
"""Neither patterns nor row noise."""
TIME = 1e-3


def _flat(electrons: float, count: int, side: int, profile: CameraProfile = PLAIN, **options: object) -> np.ndarray:
    """Image a flat field of so many expected light electrons per pixel; return digital numbers."""
    given = {"exposure_time": TIME, "index": np.arange(count), **options}
    radiance = np.empty((count, side, side, 3), np.float32)
    radiance[...] = electrons / (electrons_per_radiance(profile).sum() * float(given["exposure_time"]))
    return np.asarray(apply_camera(radiance, profile, raw=True, **given).raw)


def _pair(y: np.ndarray) -> dict[str, float]:
    """Sum up a pair of images as the EMVA 1288 package does with its files."""
    a, b = y[0].astype(np.int64), y[1].astype(np.int64)
    return {"sum": float((a + b).sum()), "pvar": float(2 * ((a - b) ** 2).sum()), "dmean": float(a.mean() - b.mean())}


def _stack(y: np.ndarray) -> dict[str, object]:
    """Sum up a stack of images as the EMVA 1288 package does."""
    total = y.astype(np.int64).sum(axis=0)
    pvar = ((len(y) * y.astype(np.int64) - total) ** 2).sum(axis=0)
    return {"sum": total, "pvar": pvar, "L": len(y)}


def _analyse(
    monkeypatch: pytest.MonkeyPatch, profile: CameraProfile, bright: float, levels: dict[float, tuple[float, ...]]
) -> Any:
    """Measure a camera by EMVA 1288's reference analysis."""
    # The package was written for NumPy 1, which had this name.
    monkeypatch.setattr(np, "asfarray", lambda value: np.asarray(value, dtype=np.float64), raising=False)
    import logging

    from emva1288.process.data import Data1288
    from emva1288.process.results import Results1288

    side = 300
    efficiency = 0.5
    temporal: dict[float, dict[float, object]] = {}
    seed = 0
    for time, bright_levels in levels.items():
        temporal[time * 1e9] = {}
        for electrons in (0.0, *bright_levels):
            seed += 1
            y = _flat(electrons, 2, side, profile, seed=1, index=[2 * seed, 2 * seed + 1], exposure_time=time)
            temporal[time * 1e9][electrons / efficiency] = _pair(y)
    spatial = {
        1.0: {
            electrons / efficiency: _stack(_flat(electrons, 60, side, profile, seed=1, index=np.arange(60) + 10_000))
            for electrons in (0.0, bright)
        }
    }
    data = Data1288({"width": side, "height": side, "temporal": temporal, "spatial": spatial}, loglevel=logging.ERROR)
    return Results1288(data.data, loglevel=logging.ERROR)


def test_emva_analysis_finds_the_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference analysis reads gain, efficiency, dark noise, saturation, DSNU and PRNU off the images."""
    profile = dataclasses.replace(MONO, bit_depth=16, row_noise=0.0, column_pattern=0.0, dark_signal_nonuniformity=3.0)
    found = _analyse(
        monkeypatch, profile, 5000.0, {TIME: tuple(np.linspace(300.0, 11_500.0, 36))}
    )  # fmt: skip

    assert found.K == pytest.approx(profile.gain, rel=0.01)
    assert found.QE == pytest.approx(50.0, rel=0.01)
    assert found.sigma_d == pytest.approx(profile.read_noise, rel=0.02)
    assert found.u_e_sat == pytest.approx(profile.full_well, rel=0.03)
    assert found.DSNU1288 == pytest.approx(profile.dark_signal_nonuniformity, rel=0.03)
    assert found.PRNU1288 == pytest.approx(100 * profile.photo_response_nonuniformity, rel=0.03)
    assert abs(found.LE_max) < 1.0


def test_dark_current_from_mean_is_that_from_variance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warm pixels gather charge and its noise with time: both slopes are the dark current, doubled per 8 K."""
    profile = dataclasses.replace(PLAIN, dark_current=5000.0, temperature=46.0, row_noise=0.0)
    levels = {float(time): (55_000.0 * float(time),) for time in np.linspace(0.001, 0.2, 12)}
    found = _analyse(monkeypatch, profile, 1000.0, levels)
    expected = 5000.0 * 2 ** (16.0 / 8.0)

    assert dark_doubling(profile) == pytest.approx(4.0, rel=1e-15)
    assert found.K == pytest.approx(profile.gain, rel=0.01)
    assert found.u_I_mean_DN == pytest.approx(expected * profile.gain, rel=0.002)
    assert found.u_I_var == pytest.approx(found.u_I_mean, rel=0.05)
    assert found.u_I_var == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("electrons", [0.4, 4.0, 60.0, 2500.0])
def test_digital_numbers_have_the_exact_distribution(electrons: float) -> None:
    """A third of a million pixels pass a chi-square test against Poisson plus Gauss, digitised."""
    y = _flat(electrons, 1, 580, seed=11).ravel()
    mean = electrons + PLAIN.dark_current * TIME
    counts = np.arange(int(stats.poisson.ppf(1e-12, mean)), int(stats.poisson.ppf(1 - 1e-12, mean)) + 1)
    weights = stats.poisson.pmf(counts, mean)
    low, high = np.percentile(y, [0.01, 99.99]).astype(int)
    edges = (np.arange(low, high) + 0.5 - PLAIN.black_level) / PLAIN.gain
    below = (weights * stats.norm.cdf((edges[:, None] - counts) / PLAIN.read_noise)).sum(axis=1)
    expected = np.diff(np.concatenate([[0.0], below, [1.0]])) * len(y)
    observed = np.bincount(np.clip(y, low, high) - low, minlength=len(expected))

    assert stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue > 1e-4


@pytest.mark.parametrize("electrons", [0.1, 1.0, 9.9, 10.0, 30.0, 1000.0])
def test_shot_noise_is_poisson(electrons: float) -> None:
    """Without read noise the electrons counted are Poisson by chi-square and by variance over mean."""
    profile = dataclasses.replace(PLAIN, read_noise=0.0, gain=1.0, bit_depth=16, black_level=0.0, dark_current=0.0)
    counts = _flat(electrons, 1, 500, profile, seed=5).ravel()
    low, high = (int(stats.poisson.ppf(q, electrons)) for q in (1e-4, 1 - 1e-4))
    below = stats.poisson.cdf(np.arange(low, high), electrons)
    expected = np.diff(np.concatenate([[0.0], below, [1.0]])) * len(counts)
    observed = np.bincount(np.clip(counts, low, high) - low, minlength=len(expected))
    kurtosis = 1 / electrons

    assert stats.chisquare(observed, expected).pvalue > 1e-4
    assert abs(counts.var() / counts.mean() - 1) < 5 * np.sqrt((2 + kurtosis) / len(counts)) + 5 * np.sqrt(
        kurtosis / len(counts)
    )


def test_full_well_ends_the_noise() -> None:
    """Beyond full well only read noise is left, at K times the full well; the converter's end is exact."""
    deep = dataclasses.replace(PLAIN, bit_depth=16)
    y = _flat(30_000.0, 1, 200, deep, seed=0).astype(np.float64)

    assert abs(y.mean() - (PLAIN.black_level + PLAIN.gain * PLAIN.full_well)) < 0.02
    assert y.std() == pytest.approx(np.sqrt((PLAIN.gain * PLAIN.read_noise) ** 2 + 1 / 12), rel=0.02)
    assert (_flat(30_000.0, 1, 20, dataclasses.replace(PLAIN, gain=1.0), seed=0) == 4095).all()


@pytest.mark.parametrize("shape", [0.0, -0.3, -0.1, 0.14])
def test_read_noise_has_its_deviation_whatever_its_shape(shape: float) -> None:
    """Normal or heavy-tailed, the dark image's deviation is the profile's, and its tails are Tukey's."""
    profile = dataclasses.replace(
        PLAIN, read_noise=50.0, read_noise_shape=shape, gain=2.0, black_level=3e4, bit_depth=16, dark_current=0.0
    )
    y = _flat(0.0, 1, 700, profile, seed=1, exposure_time=1e-6).astype(np.float64)
    noise = (y.ravel() - 3e4) / 100
    exact = stats.norm if shape == 0.0 else stats.tukeylambda(shape, scale=1 / stats.tukeylambda(shape).std())
    fourth = float(exact.stats(moments="k")) if shape > -0.25 else 200.0
    levels = np.array([0.001, 0.02, 0.16, 0.5, 0.84, 0.98, 0.999])
    below = np.array([(noise <= q).mean() for q in exact.ppf(levels)])

    assert noise.std() == pytest.approx(1.0, abs=5 * np.sqrt((2 + fourth) / 4 / noise.size) + 1e-4)
    assert np.all(np.abs(below - levels) < 5 * np.sqrt(levels * (1 - levels) / noise.size) + 0.005 * 0.4)


def test_light_falls_off_as_the_closed_form() -> None:
    """Means over many images follow cos^4 times the polynomial of the tangent; the oracle does so to 1e-12."""
    profile = dataclasses.replace(PLAIN, natural_vignetting=True, vignetting=(-0.3, 0.2, -0.05))
    count, side, fx, center = 3000, 9, 6.0, (3.0, 5.5)
    y = _flat(6000.0, count, side, profile, seed=3, fx=fx, center=center).astype(np.float64)
    measured = (y.mean(axis=0) - PLAIN.black_level) / PLAIN.gain - PLAIN.dark_current * TIME
    r = np.array([[np.hypot(u - center[0], v - center[1]) / fx for u in range(side)] for v in range(side)])
    exact = np.cos(np.arctan(r)) ** 4 * (1 - 0.3 * r**2 + 0.2 * r**4 - 0.05 * r**6)
    oracle = np.array([[naive.fall_off(u, v, fx, center, profile) for u in range(side)] for v in range(side)])

    assert np.allclose(oracle, (1 + r**2) ** -2.0 * (1 - 0.3 * r**2 + 0.2 * r**4 - 0.05 * r**6), rtol=1e-12)
    assert np.all(np.abs(measured - 6000.0 * exact) < 5 * np.sqrt(6000.0 * exact / count) + 0.1)


def test_row_and_column_noise_have_their_deviations() -> None:
    """Means of rows and columns scatter by their pattern and noise; patterns repeat from image to image."""
    profile = dataclasses.replace(
        PLAIN, row_pattern=6.0, column_pattern=9.0, row_noise=12.0, column_noise=15.0, gain=2.0, bit_depth=16,
        black_level=1e4, read_noise=1.0,
    )  # fmt: skip
    y = (_flat(0.0, 40, 400, profile, seed=1).astype(np.float64) - 1e4) / 2
    rows, columns = y.mean(axis=2), y.mean(axis=1)
    rows, columns = rows - rows.mean(axis=1, keepdims=True), columns - columns.mean(axis=1, keepdims=True)

    for means, pattern, noise in ((rows, 6.0, 12.0), (columns, 9.0, 15.0)):
        fixed, new = means.mean(axis=0), means - means.mean(axis=0)
        assert new.std() * np.sqrt(40 / 39) == pytest.approx(noise, rel=5 / np.sqrt(2 * 39 * 400) + 0.005)
        assert fixed.std() == pytest.approx(np.hypot(pattern, noise / np.sqrt(40)), rel=5 / np.sqrt(2 * 400))


def test_hot_pixels_are_as_many_and_as_hot() -> None:
    """Hot pixels' share and their mean excess current are the profile's, the law is exponential, units differ."""
    profile = dataclasses.replace(
        PLAIN, hot_pixel_fraction=0.02, hot_pixel_current=1e5, dark_current=0.0, read_noise=0.0, gain=1.0,
        black_level=0.0, bit_depth=16, full_well=1e7,
    )  # fmt: skip
    images = [_flat(0.0, 1, 500, profile, seed=1, exposure_time=0.05, unit=unit)[0].ravel() for unit in (0, 0, 1)]
    hot = images[0][images[0] > 25] - 25.0
    count = 500 * 500 * 0.02

    assert len(hot) == pytest.approx(count * np.exp(-25 / 5000), abs=5 * np.sqrt(count))
    assert hot.mean() == pytest.approx(5000.0, rel=5 / np.sqrt(count))
    assert stats.kstest(hot, "expon", args=(0, 5000.0)).pvalue > 1e-4
    assert np.array_equal(images[0] > 0, images[1] > 0)
    assert ((images[0] > 0) & (images[2] > 0)).sum() < 2 * count * 0.02 + 50


def test_pixels_are_independent() -> None:
    """No two neighbours, rows, seeds or sensors share noise."""
    base = _flat(800.0, 2, 300, seed=0).astype(np.float64)
    others = [
        np.roll(base[0], 1, axis=0),
        np.roll(base[0], 1, axis=1),
        base[1],
        _flat(800.0, 1, 300, seed=1)[0],
        _flat(800.0, 1, 300, seed=0, sensor=1)[0],
    ]
    limit = 5 / 300

    assert all(abs(np.corrcoef(base[0].ravel(), other.ravel())[0, 1]) < limit for other in others)


def test_patterns_are_independent() -> None:
    """Response and offset of a pixel, and those of its neighbours and of other units, have nothing in common."""
    from simloom.kernels.fixed_pattern import NORMAL_SCALE, make_patterns
    from simloom.kernels.philox import stream_key
    from simloom.kernels.tensors import find_place

    keys = np.array([stream_key(0, f"camera pattern/{unit}") for unit in (0, 1)], np.uint64)
    maps = make_patterns(find_place(np.empty(0)), keys, 200, 300, 1).reshape(2, 200, 3, 2, 150)
    normals = maps[:, :, :2].astype(np.float64) / NORMAL_SCALE
    parts = [normals[unit, :, kind, parity].ravel() for unit in (0, 1) for kind in (0, 1) for parity in (0, 1)]
    table = np.corrcoef(np.array([*parts, np.roll(parts[0], 1)]))

    assert np.abs(table - np.eye(len(table))).max() < 5 / np.sqrt(30_000)
    assert all(stats.kstest(part, "norm").pvalue > 1e-4 for part in parts)


def test_sensitivity_follows_the_formula() -> None:
    """Electrons per radiance equal the closed form of EMVA 1288."""
    assert np.allclose(electrons_per_radiance(CAMERA), naive.rates(CAMERA), rtol=1e-14)
