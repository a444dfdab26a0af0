"""The RGB camera: against a pixel-by-pixel oracle, for every mosaic, profile by row, and any batch."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from naive import camera as naive
from naive.twin import run_simulated
from simloom.kernels.camera import apply_camera
from simloom.kernels.camera_profile import MOSAICS
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.profiles import load_camera_profile

CAMERA = load_camera_profile("generic_rgb")
NOISY = dataclasses.replace(
    CAMERA, name="noisy", vignetting=(-0.2, 0.3, -0.1), photo_response_nonuniformity=0.05,
    dark_signal_nonuniformity=4.0, hot_pixel_fraction=0.05, hot_pixel_current=2e4, row_pattern=2.0, column_pattern=3.0,
    row_noise=5.0, column_noise=1.0, temperature=45.0, dark_current=500.0, tone=0.6,
    color_matrix=(1.6, -0.4, -0.2, -0.3, 1.5, -0.2, 0.0, -0.6, 1.6),
)  # fmt: skip
"""A camera with everything on."""
QUIET = dataclasses.replace(
    CAMERA, name="quiet", natural_vignetting=False, photo_response_nonuniformity=0.0, dark_signal_nonuniformity=0.0,
    hot_pixel_fraction=0.0, column_pattern=0.0, row_noise=0.0, dark_current=0.0, read_noise=0.0,
)  # fmt: skip
"""A camera with shot noise alone."""


def _scene(count: int, height: int, width: int, largest: float = 4.0) -> np.ndarray:
    total = count * height * width * 3
    u = philox_uniforms(5, "scene", np.stack([np.arange(total)] * 3, axis=1))
    return (largest * u**3).reshape(count, height, width, 3).astype(np.float32)


@pytest.mark.parametrize("mosaic", MOSAICS)
@pytest.mark.parametrize("height, width", [(9, 12), (6, 7)])
def test_follows_the_oracle(mosaic: str, height: int, width: int) -> None:
    """Digital numbers and colours equal the oracle's but for counts at the edge of a table's error."""
    method, shape = ("malvar", 0.0) if height == 9 else ("bilinear", -0.2)
    profile = dataclasses.replace(NOISY, mosaic=mosaic, demosaic=method, read_noise_shape=shape)
    radiance = _scene(2, height, width)
    radiance[0, 0, 0] = (np.nan, -1.0, 0.0)
    radiance[0, 4, 4] = 1e3
    radiance[1, 2, 2] = np.inf
    index, times = np.array([3, 2**33 + 1]), np.array([1e-3, 4e-5])
    reading = apply_camera(
        radiance, profile, seed=0, index=index, exposure_time=times, sensor=2, unit=77, fx=14.0, center=(5.0, 3.0),
        raw=True,
    )  # fmt: skip
    expected = naive.digital_numbers(np.minimum(radiance, 1e30), profile, 0, index, times, 2, 77, 14.0, (5.0, 3.0))
    difference = np.abs(reading.raw.astype(int) - expected)
    images = np.stack([naive.pipeline(raw.astype(int), profile) for raw in reading.raw])

    assert difference.max() <= 1
    assert (difference > 0).mean() <= 0.01
    assert np.abs(reading.rgb.astype(int) - images).max() <= 1
    assert (reading.rgb != images).mean() <= 0.005
    assert reading.raw[0, 4, 4] == 4095
    assert reading.truth is radiance
    assert reading.profiles == profile


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (6, 1), (2, 2), (3, 5)])
@pytest.mark.parametrize("mosaic", ["RGGB", "GBRG", "RCCB", "mono"])
def test_any_size_is_grey_where_light_is(shape: tuple[int, int], mosaic: str) -> None:
    """However small the image, equal radiance gives equal channels."""
    profile = dataclasses.replace(QUIET, mosaic=mosaic, full_well=1e7, gain=1e-4, bit_depth=16)
    radiance = np.full((1, *shape, 3), 1.0, np.float32)
    rgb = apply_camera(radiance, profile, seed=0, index=[0], exposure_time=0.5).rgb.astype(int)

    assert np.ptp(rgb) <= 2
    assert 20 < rgb.mean() < 250


@pytest.mark.parametrize("method", ["bilinear", "malvar"])
@pytest.mark.parametrize("mosaic", MOSAICS)
def test_colours_come_out(mosaic: str, method: str) -> None:
    """A scene of one primary is that primary in the picture, as bright as its radiance is against white."""
    profile = dataclasses.replace(
        QUIET, mosaic=mosaic, demosaic=method, full_well=1e7, gain=6e-3, bit_depth=16, black_level=100.0
    )
    for channel in range(3):
        radiance = np.zeros((1, 20, 24, 3), np.float32)
        radiance[..., channel] = 1.0
        rgb = apply_camera(radiance, profile, seed=0, index=[0], exposure_time=0.2).rgb[0].mean(axis=(0, 1))
        if mosaic == "mono":
            assert np.ptp(rgb) == 0
            continue
        level = naive.srgb(np.array(0.2 * naive.grey_rate(profile) / naive.saturation(profile)))
        assert rgb[channel] == pytest.approx(255 * float(level), abs=1.0)
        assert np.delete(rgb, channel).max() < 8


def test_highlights_are_white() -> None:
    """Where every pixel is full, all channels are 255 whatever matrix and sensitivities are."""
    for mosaic in MOSAICS:
        profile = dataclasses.replace(NOISY, mosaic=mosaic, full_well=5000.0)
        rgb = apply_camera(np.full((1, 12, 12, 3), 1e4, np.float32), profile, seed=0, index=[0], exposure_time=1e-2).rgb

        assert (rgb >= 254).all()


def test_white_balance_can_be_given_by_row() -> None:
    """Gains of a row replace the profile's, those of its neighbours do not matter, and they are gains."""
    radiance = np.full((3, 16, 16, 3), 0.5, np.float32)
    gains = np.array([[1.0, 1.0, 1.0], [2.0, 1.0, 1.5], [1.3, 1.0, 1.1]])
    rows = np.arange(3)
    reading = apply_camera(
        radiance, QUIET, seed=0, index=rows, exposure_time=1e-3, white_balance=gains, raw=True
    )  # fmt: skip
    own = dataclasses.replace(QUIET, white_balance=(1.3, 1.0, 1.1))
    alone = apply_camera(radiance[2:], own, seed=0, index=rows[2:], exposure_time=1e-3)

    assert np.array_equal(reading.rgb[2], alone.rgb[0])
    for image in range(3):
        assert (
            np.abs(reading.rgb[image].astype(int) - naive.pipeline(reading.raw[image], QUIET, gains[image])).max() <= 1
        )


def test_profiles_differ_by_row() -> None:
    """A batch of profiles equals each image alone, whatever mosaic, bit depth, noise and unit it has."""
    profiles = [
        CAMERA,
        NOISY,
        dataclasses.replace(CAMERA, mosaic="mono", bit_depth=8, gain=0.02, black_level=4.0),
        CAMERA,
        dataclasses.replace(NOISY, mosaic="RCCB", read_noise_shape=-0.1, demosaic="bilinear", tone=0.0),
    ]
    radiance, index, units = _scene(5, 10, 14), np.array([9, 1, 5, 5, 2**40]), np.array([0, 3, 0, 1, 2**40])
    whole = apply_camera(radiance, profiles, seed=3, index=index, unit=units, raw=True)
    for k in range(5):
        alone = apply_camera(
            radiance[k : k + 1], profiles[k], seed=3, index=index[k : k + 1], unit=int(units[k]), raw=True
        )
        assert np.array_equal(whole.rgb[k], alone.rgb[0])
        assert np.array_equal(whole.raw[k], alone.raw[0])
        assert whole.exposure_time[k] == alone.exposure_time[0]
    assert isinstance(whole.profiles, tuple)
    assert whole.profiles[4].mosaic == "RCCB"
    assert whole.raw[2].max() <= 255


def test_a_row_does_not_depend_on_its_batch() -> None:
    """However the batch is cut or ordered, and on any number of threads, the bytes are the same."""
    radiance, index = _scene(7, 13, 17), np.array([5, 6, 100, 2**35, 0, 1, 2])
    whole = apply_camera(radiance, NOISY, seed=9, index=index)
    order = [6, 2, 0, 5, 1, 3, 4]
    for cut in ([[0], [1, 2], [3, 4, 5, 6]], [order]):
        for part in cut:
            piece = apply_camera(radiance[part], NOISY, seed=9, index=index[part], threads=1)
            assert np.array_equal(piece.rgb, whole.rgb[part])
            assert np.array_equal(piece.exposure_time, whole.exposure_time[part])


def test_working_space_does_not_change_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images taken a few at a time, or line by line, are those taken at once."""
    radiance, index, units = _scene(7, 13, 17), np.arange(7), np.array([0, 0, 1, 1, 0, 2, 2])
    whole = apply_camera(radiance, NOISY, seed=9, index=index, raw=True, unit=units)
    monkeypatch.setattr("simloom.kernels.camera._WORKING_PIXELS", 3 * 13 * 17)
    monkeypatch.setattr("simloom.kernels.lanes._LANES_PER_THREAD", 50)
    monkeypatch.setattr("simloom.kernels.fixed_pattern.KEPT_PIXELS", 0)
    parts = apply_camera(radiance, NOISY, seed=9, index=index, raw=True, unit=units)

    assert np.array_equal(parts.rgb, whole.rgb)
    assert np.array_equal(parts.raw, whole.raw)


def test_torch_tensors_come_back_as_tensors() -> None:
    """A tensor is sensed like the array it holds, and the images are tensors."""
    import torch

    radiance = _scene(2, 6, 8)
    array = apply_camera(radiance, seed=1, index=[0, 1], raw=True)
    tensor = apply_camera(torch.from_numpy(radiance), seed=1, index=[0, 1], raw=True)

    assert tensor.rgb.dtype == torch.uint8
    assert np.array_equal(tensor.rgb.numpy(), array.rgb)
    assert np.array_equal(tensor.raw.numpy(), array.raw)


def test_seed_and_unit_change_the_noise() -> None:
    """Seed 0 is a seed like any other, and so is unit 0."""
    radiance = _scene(1, 20, 20)
    images = [
        apply_camera(radiance, NOISY, seed=seed, index=[0], unit=unit).rgb for seed, unit in ((0, 0), (1, 0), (0, 1))
    ]

    assert not np.array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])
    assert np.array_equal(images[0], apply_camera(radiance, NOISY, seed=0, index=[0]).rgb)


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's integers and exposure times."""
    radiance = _scene(2, 4, 5)
    code = """
import dataclasses
from simloom.kernels.camera import apply_camera
from simloom.kernels.profiles import load_camera_profile
camera = load_camera_profile("generic_rgb")
other = dataclasses.replace(camera, mosaic="RCCB", tone=0.5, read_noise_shape=-0.2, hot_pixel_fraction=0.1)
options = dict(seed=4, index=np.array([8, 9]), raw=True, unit=[0, 5], fx=9.0)
reading = apply_camera(radiance, [camera, other], device=device, **options)
out = {"rgb": reading.rgb, "raw": reading.raw, "time": reading.exposure_time}
"""
    twin = run_simulated(code.replace("=device", '="cuda"'), tmp_path, radiance=radiance)
    here: dict[str, object] = {"radiance": radiance, "np": np, "device": "cpu"}
    exec(code, here)
    out = here["out"]
    assert isinstance(out, dict)

    assert np.allclose(twin["time"], out["time"], rtol=1e-14)
    assert np.array_equal(twin["raw"], out["raw"])
    assert np.array_equal(twin["rgb"], out["rgb"])


@pytest.mark.parametrize(
    "change, message",
    [
        ({"radiance": np.zeros((4, 4, 3), np.float32)}, "radiance must have shape"),
        ({"radiance": np.zeros((1, 4, 0, 3), np.float32)}, "radiance must have shape"),
        ({"index": [0, 1]}, "index must be"),
        ({"index": [-1]}, "index must be"),
        ({"index": [0.5]}, "index must be"),
        ({"exposure_time": 0.0}, "exposure_time must be"),
        ({"exposure_time": [np.nan]}, "exposure_time must be"),
        ({"sensor": 65536}, "sensor must be"),
        ({"seed": -1}, "seed must be"),
        ({"unit": -1}, "unit must be"),
        ({"unit": 0.5}, "unit must be"),
        ({"fx": 0.0}, "fx must be"),
        ({"center": (1.0, 2.0, 3.0)}, "center must be"),
        ({"white_balance": (1.0, 0.0, 1.0)}, "white_balance must be"),
        ({"profile": "generic_rbg"}, "did you mean 'generic_rgb'"),
        ({"profile": ["generic_rgb"] * 2}, "one for each of the 1 images"),
        ({"device": "gpu"}, "device must be"),
    ],
)
def test_bad_input_is_refused(change: dict[str, object], message: str) -> None:
    """Each mistake gets an error that names it."""
    given: dict[str, object] = {"radiance": np.zeros((1, 4, 4, 3), np.float32), "seed": 0, "index": [0], **change}
    radiance = given.pop("radiance")
    with pytest.raises(ValueError, match=message):
        apply_camera(radiance, **given)


def test_gains_below_one_are_raised_together() -> None:
    """What is overexposed is white whatever the gains; below 1 only their ratios count."""
    bright, dim = np.full((1, 8, 8, 3), 1e4, np.float32), np.full((1, 8, 8, 3), 0.5, np.float32)
    options = {"seed": 0, "index": [0], "exposure_time": 1e-3}

    assert (apply_camera(bright, white_balance=(0.5, 1.0, 1.0), **options).rgb == 255).all()
    assert np.array_equal(
        apply_camera(dim, white_balance=(0.5, 1.0, 0.8), **options).rgb,
        apply_camera(dim, white_balance=(1.0, 2.0, 1.6), **options).rgb,
    )


def test_empty_batches_give_empty_pictures() -> None:
    """No image gives no image."""
    reading = apply_camera(np.empty((0, 8, 8, 3), np.float32), seed=0, index=np.empty(0, np.int64), raw=True)

    assert reading.rgb.shape == (0, 8, 8, 3)
    assert reading.raw.shape == (0, 8, 8)
