"""Laws of camera noise: their distributions, and the variance that a camera with the drawn fields has."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from simloom.kernels.camera_laws import (
    ELD_CAMERAS,
    draw_eld_profiles,
    draw_unprocessing_profiles,
)
from simloom.kernels.camera_profile import CameraProfile
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.profiles import load_camera_profile

BASE = load_camera_profile("generic_rgb")
ROWS = 4000


def _white(camera: CameraProfile) -> float:
    return 2.0**camera.bit_depth - 1 - camera.black_level


def _expose(camera: CameraProfile, signal: float, count: int) -> np.ndarray:
    """Simulate pixels of a normalised signal by EMVA 1288, in NumPy and SciPy, normalised again."""
    places = np.stack([np.arange(count)] * 3, axis=1)
    shot = stats.poisson.ppf(philox_uniforms(1, "shot", places), signal * _white(camera) / camera.gain)
    uniform = philox_uniforms(1, "read", places)
    if camera.read_noise_shape:
        noise = stats.tukeylambda.ppf(uniform, camera.read_noise_shape) / stats.tukeylambda.std(camera.read_noise_shape)
    else:
        noise = stats.norm.ppf(uniform)
    charge = np.minimum(shot, camera.full_well) + camera.read_noise * noise
    number = np.clip(np.floor(camera.gain * charge + camera.black_level + 0.5), 0, 2**camera.bit_depth - 1)
    return (number - camera.black_level) / _white(camera)


def _variance_band(values: np.ndarray) -> float:
    """Return 5 standard deviations of the sample variance."""
    centred = values - values.mean()
    return 5 * math.sqrt((np.mean(centred**4) - np.mean(centred**2) ** 2) / len(values))


def test_unprocessing_follows_its_distributions() -> None:
    """Shot noise a is log-uniform, log b normal about its line, and the gains are the law's (KS tests)."""
    cameras = draw_unprocessing_profiles(BASE, seed=3, index=np.arange(ROWS))
    shot = np.array([c.gain / _white(c) for c in cameras])
    read = np.array([(c.read_noise * c.gain / _white(c)) ** 2 + 1 / 12 / _white(c) ** 2 for c in cameras])
    residual = np.log(read) - 2.18 * np.log(shot) - 1.20
    low, high = math.log(1e-4), math.log(1.2e-2)

    assert stats.kstest(np.log(shot), "uniform", (low, high - low)).pvalue > 1e-4
    some = shot > 1.5e-4  # below, the converter's own noise can exceed b
    assert stats.kstest(residual[some], "norm", (0, 0.26)).pvalue > 1e-4
    balance = np.array([c.white_balance for c in cameras])
    assert stats.kstest(balance[:, 0], "uniform", (1.9, 0.5)).pvalue > 1e-4
    assert stats.kstest(balance[:, 2], "uniform", (1.5, 0.4)).pvalue > 1e-4
    dimming = np.array([c.exposure_target for c in cameras]) / BASE.exposure_target
    assert stats.kstest(dimming, "norm", (0.8, 0.1)).pvalue > 1e-4
    assert np.allclose([c.full_well for c in cameras], 1 / shot)


def test_read_noise_has_the_published_middle() -> None:
    """On its line the read deviation is 8.0e-5, 9.8e-4 and 1.47e-2 at a = 1e-4, 1e-3 and 1.2e-2."""
    for shot, published in ((1e-4, 8.0e-5), (1e-3, 9.8e-4), (1.2e-2, 1.47e-2)):
        assert math.exp(0.5 * (2.18 * math.log(shot) + 1.20)) == pytest.approx(published, rel=0.01)


def test_equal_radiance_stays_grey() -> None:
    """White balance undoes what the channels' efficiencies do."""
    for camera in draw_unprocessing_profiles(BASE, seed=0, index=np.arange(20)):
        rates = np.array(camera.quantum_efficiency) * camera.wavelength * camera.white_balance
        assert np.allclose(rates, rates[1], rtol=1e-12)


@pytest.mark.parametrize("row", [0, 1, 2, 3])
def test_unprocessing_cameras_have_the_laws_variance(row: int) -> None:
    """Simulated pixels have Var x = a x + b within the estimator's own band."""
    camera = draw_unprocessing_profiles(BASE, seed=11, index=[row])[0]
    shot = camera.gain / _white(camera)
    read = (camera.read_noise * shot) ** 2 + 1 / 12 / _white(camera) ** 2
    for signal in (0.1, 0.3, 0.6):
        values = _expose(camera, signal, 40_000)
        assert abs(values.var() - (shot * signal + read)) < _variance_band(values)
        assert abs(values.mean() - signal) < 5 * math.sqrt(values.var() / len(values))


@pytest.mark.parametrize("name", list(ELD_CAMERAS))
def test_eld_follows_its_table(name: str) -> None:
    """Gains fill their range log-uniformly, and read and row noise lie about their lines."""
    camera = ELD_CAMERAS[name]
    drawn = draw_eld_profiles(name, seed=3, index=np.arange(ROWS))
    gain = np.array([c.gain for c in drawn])
    low, high = math.log(camera.gain_min), math.log(camera.gain_max)

    assert stats.kstest(np.log(gain), "uniform", (low, high - low)).pvalue > 1e-4
    for line, noise in ((camera.read, [c.read_noise for c in drawn]), (camera.row, [c.row_noise for c in drawn])):
        residual = np.log(np.array(noise) * gain) - line.slope * np.log(gain) - line.bias
        assert stats.kstest(residual, "norm", (0, line.deviation)).pvalue > 1e-4
    assert {c.bit_depth for c in drawn} == {14}
    assert np.allclose([c.full_well * c.gain for c in drawn], 16383 - 800)


@pytest.mark.parametrize("tail_shape", [None, 0.14, -0.1])
def test_eld_cameras_have_the_laws_variance(tail_shape: float | None) -> None:
    """Simulated pixels have K times the signal, the read noise and the converter's as variance."""
    for row in range(3):
        camera = draw_eld_profiles("canon_70d", seed=5, index=[row], tail_shape=tail_shape)[0]
        read = (camera.read_noise * camera.gain) ** 2 + 1 / 12
        for signal in (0.1, 0.5):
            numbers = _expose(camera, signal, 40_000) * _white(camera)
            expected = camera.gain * signal * _white(camera) + read
            assert abs(numbers.var() - expected) < _variance_band(numbers)


def test_tail_is_the_scale_of_column_g() -> None:
    """With a shape, the deviation is SciPy's for the Tukey lambda of the table's scale."""
    line = ELD_CAMERAS["nikon_d850"].tail
    drawn = draw_eld_profiles("nikon_d850", seed=3, index=np.arange(ROWS), tail_shape=-0.2)
    gain = np.array([c.gain for c in drawn])
    scale = np.array([c.read_noise for c in drawn]) * gain / stats.tukeylambda.std(-0.2)
    residual = np.log(scale) - line.slope * np.log(gain) - line.bias

    assert stats.kstest(residual, "norm", (0, line.deviation)).pvalue > 1e-4
    assert {c.read_noise_shape for c in drawn} == {-0.2}


def test_a_row_does_not_depend_on_its_batch() -> None:
    """A row's camera is a function of seed, row and sensor alone."""
    index = np.array([7, 2**40, 0, 3])
    for draw in (
        lambda rows, **other: draw_unprocessing_profiles(BASE, index=rows, **other),
        lambda rows, **other: draw_eld_profiles("canon_5d4", index=rows, **other),
    ):
        whole = draw(index, seed=1)
        assert draw(index[::-1], seed=1) == whole[::-1]
        assert draw(index[1:2], seed=1) == whole[1:2]
        assert len({c.gain for c in [*whole, *draw(index, seed=2), *draw(index, seed=1, sensor=1)]}) == 12


def test_the_rest_of_the_profile_stays() -> None:
    """Lens and pipeline are the given profile's, and noise that the law has no part for is off."""
    base = dataclasses.replace(BASE, f_number=4.0, jpeg_quality=80)
    for camera in (
        *draw_unprocessing_profiles(base, seed=0, index=[0]),
        *draw_eld_profiles("sony_a7s2", base, seed=0, index=[0]),
    ):
        assert (camera.f_number, camera.jpeg_quality, camera.dark_current) == (4.0, 80, 0.0)
        assert camera.photo_response_nonuniformity == camera.hot_pixel_fraction == camera.column_pattern == 0.0


def test_bad_input_is_refused() -> None:
    """Each mistake gets an error that names it."""
    with pytest.raises(ValueError, match="did you mean 'sony_a7s2'"):
        draw_eld_profiles("sony_a7s", seed=0, index=[0])
    with pytest.raises(ValueError, match="tail_shape must be"):
        draw_eld_profiles("sony_a7s2", seed=0, index=[0], tail_shape=0.0)
    with pytest.raises(ValueError, match="index must be"):
        draw_unprocessing_profiles(BASE, seed=0, index=[-1])
    with pytest.raises(ValueError, match="sensor must be"):
        draw_unprocessing_profiles(BASE, seed=0, index=[0], sensor=-1)
    with pytest.raises(ValueError, match="profile must be one of"):
        draw_unprocessing_profiles("generic", seed=0, index=[0])
