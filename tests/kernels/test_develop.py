"""The RGB camera: against a pixel-by-pixel oracle, EMVA 1288's moments and exact distributions."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from naive import camera as naive
from naive.twin import run_simulated
from simloom.kernels.develop import CameraReading, apply_camera, electrons_per_radiance, encode_srgb
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.profiles import load_camera_profile

CAMERA = load_camera_profile("generic_rgb")
TIME = 1e-3


def _scene(count: int, height: int, width: int, largest: float = 4.0) -> np.ndarray:
    total = count * height * width * 3
    u = philox_uniforms(5, "scene", np.stack([np.arange(total)] * 3, axis=1))
    return (largest * u**3).reshape(count, height, width, 3).astype(np.float32)


def _flat(electrons: float, count: int, side: int, profile=CAMERA, **options: object) -> CameraReading:
    """Image a flat field of the same expected light electrons in every channel."""
    radiance = np.empty((count, side, side, 3), np.float32)
    radiance[...] = electrons / (electrons_per_radiance(profile) * TIME)
    return apply_camera(radiance, profile, index=np.arange(count), exposure_time=TIME, raw=True, **options)


def test_follows_the_oracle() -> None:
    """Digital numbers and colours equal the oracle's but for counts at the edge of a table's error."""
    radiance = _scene(2, 9, 11)
    radiance[0, 0, 0] = (np.nan, -1.0, 0.0)
    radiance[0, 0, 1] = 1e3
    index, times = np.array([3, 2**33 + 1]), np.array([1e-3, 4e-5])
    reading = apply_camera(radiance, seed=0, index=index, exposure_time=times, sensor=2, raw=True)
    expected = naive.digital_numbers(radiance, CAMERA, 0, index, times, 2)
    difference = np.abs(reading.raw.astype(int) - expected)

    assert difference.max() <= 1
    assert (difference > 0).mean() <= 0.005
    assert np.array_equal(reading.rgb, naive.pipeline(reading.raw.astype(int), CAMERA))
    assert reading.raw[0, 0, 1].max() == 4095
    assert (reading.rgb[0, 0, 1] == 255).all()


def test_sensitivity_follows_the_formula() -> None:
    """Electrons per radiance equal the closed form of EMVA 1288."""
    assert np.allclose(electrons_per_radiance(CAMERA), naive.rates(CAMERA), rtol=1e-14)


def test_photon_transfer_gives_the_gain_and_the_noise() -> None:
    """The slope of variance over mean is K within 1 %, the dark noise is sigma_d, and the means are K mu_e."""
    levels = np.array([0.0, 500.0, 1500.0, 3000.0, 5000.0, 7000.0])
    means, variances = [], []
    for k, level in enumerate(levels):
        y = _flat(level, 2, 260, seed=k).raw.astype(np.float64)
        means.append(y.mean())
        variances.append((y[0] - y[1]).var() / 2)
    dark = CAMERA.dark_current * TIME
    expected = CAMERA.black_level + CAMERA.gain * (levels + dark)
    slope = np.dot(np.array(means) - means[0], np.array(variances) - variances[0]) / np.sum((means - means[0]) ** 2)
    count = 260 * 260 * 3
    dark_variance = CAMERA.gain**2 * (CAMERA.read_noise**2 + dark) + 1 / 12

    assert np.all(np.abs(means - expected) < 5 * np.sqrt(np.array(variances) / (2 * count)))
    assert slope == pytest.approx(CAMERA.gain, rel=0.01)
    # The read noise stops at 4.6 sigma, which takes 1e-4 of its variance.
    assert variances[0] == pytest.approx(dark_variance, rel=5 * np.sqrt(2 / count) + 2e-4)
    snr = (np.array(means) - means[0]) / np.sqrt(variances)
    model = levels / np.sqrt(CAMERA.read_noise**2 + dark + 1 / (12 * CAMERA.gain**2) + levels)
    assert np.allclose(snr, model, rtol=5 / np.sqrt(2 * count) + 2e-3)


@pytest.mark.parametrize("electrons", [4.0, 60.0, 2500.0])
def test_digital_numbers_have_the_exact_distribution(electrons: float) -> None:
    """A third of a million pixels per channel pass a chi-square test against Poisson plus Gauss, digitised."""
    y = _flat(electrons, 1, 580, seed=11).raw.reshape(-1, 3)
    mean = electrons + CAMERA.dark_current * TIME
    counts = np.arange(int(stats.poisson.ppf(1e-12, mean)), int(stats.poisson.ppf(1 - 1e-12, mean)) + 1)
    weights = stats.poisson.pmf(counts, mean)
    for channel in range(3):
        low, high = np.percentile(y[:, channel], [0.01, 99.99]).astype(int)
        edges = (np.arange(low, high) + 0.5 - CAMERA.black_level) / CAMERA.gain
        below = (weights * stats.norm.cdf((edges[:, None] - counts) / CAMERA.read_noise)).sum(axis=1)
        expected = np.diff(np.concatenate([[0.0], below, [1.0]])) * len(y)
        observed = np.bincount(np.clip(y[:, channel], low, high) - low, minlength=len(expected))

        assert stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue > 1e-4


def test_pixels_and_channels_are_independent() -> None:
    """No two channels, neighbours, rows, seeds or sensors share noise."""
    base = _flat(800.0, 2, 300, seed=0).raw.astype(np.float64)
    others = [
        base[0, ..., 1],
        base[0, ..., 2],
        np.roll(base[0, ..., 0], 1, axis=0),
        np.roll(base[0, ..., 0], 1, axis=1),
        base[1, ..., 0],
        _flat(800.0, 1, 300, seed=1).raw[0, ..., 0],
        _flat(800.0, 1, 300, seed=0, sensor=1).raw[0, ..., 0],
    ]
    limit = 5 / 300

    assert all(abs(np.corrcoef(base[0, ..., 0].ravel(), other.ravel())[0, 1]) < limit for other in others)


def test_full_well_ends_the_noise() -> None:
    """Beyond full well only read noise is left, about K times the full well."""
    deep = dataclasses.replace(CAMERA, bit_depth=16)
    y = _flat(30_000.0, 1, 200, profile=deep, seed=0).raw.astype(np.float64)

    assert abs(y.mean() - (CAMERA.black_level + CAMERA.gain * CAMERA.full_well)) < 0.02
    assert y.std() == pytest.approx(np.sqrt((CAMERA.gain * CAMERA.read_noise) ** 2 + 1 / 12), rel=0.02)


def test_shot_noise_belongs_in_linear_light() -> None:
    """In the encoded image the noise shrinks from shadow to highlight (first order through the sRGB curve)."""
    camera = dataclasses.replace(CAMERA, quantum_efficiency=(0.5,) * 3, wavelength=(5.5e-7,) * 3, read_noise=0.0)
    full = (4095 - CAMERA.black_level) / CAMERA.gain
    deviations = []
    for level in (0.05, 0.18, 0.5):
        rgb = _flat(level * full, 1, 200, profile=camera, seed=3).rgb / 255
        slope = (encode_srgb(level + 1e-6) - encode_srgb(level - 1e-6)) / 2e-6
        deviations.append(rgb.std())
        expected = np.sqrt((slope * np.sqrt(level / full)) ** 2 + 1 / 12 / 255**2)
        assert rgb.std() == pytest.approx(expected, rel=0.05)

    assert deviations[0] > deviations[1] > deviations[2]


def test_srgb_transfer_has_the_standard_knots() -> None:
    """The transfer meets the values of IEC 61966-2-1."""
    assert encode_srgb(0.0) == 0.0
    assert encode_srgb(1.0) == pytest.approx(1.0, abs=1e-12)
    assert encode_srgb(0.0031308) == pytest.approx(0.0404500, abs=1e-6)
    assert encode_srgb(0.214041) == pytest.approx(0.5, abs=1e-6)


def test_grey_stays_grey() -> None:
    """Equal radiance gives equal channels, though the sensor's sensitivities differ."""
    radiance = np.full((1, 120, 120, 3), 1.0, np.float32)
    mean = apply_camera(radiance, seed=0, index=[0]).rgb.mean(axis=(0, 1, 2))

    assert np.ptp(mean) < 0.2
    assert mean.mean() == pytest.approx(255 * encode_srgb(CAMERA.exposure_target), abs=0.5)


def test_automatic_exposure_follows_the_oracle() -> None:
    """Times are the sorted oracle's, at most 6 % shorter where highlights rule; few pixels clip."""
    scenes = np.concatenate(
        [_scene(3, 40, 50), _scene(1, 40, 50, 1e-5), _scene(1, 40, 50, 1e6), np.zeros((1, 40, 50, 3))]
    )
    scenes[1, :, :4] *= 1000
    scenes[2, :10] *= 20
    reading = apply_camera(scenes.astype(np.float32), seed=0, index=np.arange(6))
    expected = np.array([naive.exposure(scene, CAMERA) for scene in scenes.astype(np.float32)])
    ratio = reading.exposure_time / expected

    assert np.all((ratio > 1 / 1.07) & (ratio < 1 + 1e-9))
    assert reading.exposure_time[3] == reading.exposure_time[5] == CAMERA.exposure_time_max
    assert reading.exposure_time[4] == CAMERA.exposure_time_min
    clipped = (reading.rgb[[0, 2]] == 255).any(axis=-1).mean(axis=(1, 2))
    assert (clipped <= 0.02).all()


def test_a_row_does_not_depend_on_its_batch() -> None:
    """However the batch is cut or ordered, and on any number of threads, the bytes are the same."""
    radiance, index = _scene(7, 13, 17), np.array([5, 6, 100, 2**35, 0, 1, 2])
    whole = apply_camera(radiance, seed=9, index=index, threads=2)
    order = [6, 2, 0, 5, 1, 3, 4]
    for cut in ([[0], [1, 2], [3, 4, 5, 6]], [order]):
        for part in cut:
            piece = apply_camera(radiance[part], seed=9, index=index[part], threads=1)
            assert np.array_equal(piece.rgb, whole.rgb[part])
            assert np.array_equal(piece.exposure_time, whole.exposure_time[part])


def test_seed_changes_the_noise() -> None:
    """Seed 0 is a seed like any other."""
    radiance = _scene(1, 20, 20)
    images = [apply_camera(radiance, seed=seed, index=[0]).rgb for seed in (0, 1, 0)]

    assert not np.array_equal(images[0], images[1])
    assert np.array_equal(images[0], images[2])


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's integers and exposure times."""
    radiance = _scene(2, 4, 6)
    code = """
from simloom.kernels.develop import apply_camera
reading = apply_camera(radiance, seed=4, index=np.array([8, 9]), raw=True, device="cuda")
out = {"rgb": reading.rgb, "raw": reading.raw, "time": reading.exposure_time}
"""
    twin = run_simulated(code, tmp_path, radiance=radiance)
    reading = apply_camera(radiance, seed=4, index=np.array([8, 9]), raw=True)

    assert np.allclose(twin["time"], reading.exposure_time, rtol=1e-14)
    assert np.array_equal(twin["raw"], reading.raw)
    assert np.array_equal(twin["rgb"], reading.rgb)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"radiance": np.zeros((4, 4, 3), np.float32)}, "radiance must have shape"),
        ({"index": [0, 1]}, "index must be"),
        ({"index": [-1]}, "index must be"),
        ({"index": [0.5]}, "index must be"),
        ({"exposure_time": 0.0}, "exposure_time must be"),
        ({"exposure_time": [np.nan]}, "exposure_time must be"),
        ({"sensor": 65536}, "sensor must be"),
        ({"seed": -1}, "seed must be"),
        ({"profile": "generic_rbg"}, "did you mean 'generic_rgb'"),
        ({"device": "gpu"}, "device must be"),
    ],
)
def test_bad_input_is_refused(change: dict[str, object], message: str) -> None:
    """Each mistake gets an error that names it."""
    given: dict[str, object] = {"radiance": np.zeros((1, 4, 4, 3), np.float32), "seed": 0, "index": [0], **change}
    radiance = given.pop("radiance")
    with pytest.raises(ValueError, match=message):
        apply_camera(radiance, **given)


def test_working_space_does_not_change_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images developed a few at a time are those developed at once."""
    radiance, index = _scene(7, 13, 17), np.arange(7)
    whole = apply_camera(radiance, seed=9, index=index, raw=True)
    monkeypatch.setattr("simloom.kernels.develop._WORKING_NUMBERS", 3 * 13 * 17 * 3)
    parts = apply_camera(radiance, seed=9, index=index, raw=True)

    assert np.array_equal(parts.rgb, whole.rgb)
    assert np.array_equal(parts.raw, whole.raw)
