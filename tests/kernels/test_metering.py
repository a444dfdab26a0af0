"""Automatic exposure of one image alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from naive import camera as naive
from simloom.kernels.camera import apply_camera
from simloom.kernels.metering_blocks import meter_in_blocks
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.profiles import load_camera_profile
from simloom.kernels.responsivity import grey_responsivity, saturation_charge
from simloom.kernels.srgb import encode_srgb

CAMERA = dataclasses.replace(load_camera_profile("generic_rgb"), natural_vignetting=False)


def _scene(count: int, largest: float = 4.0) -> np.ndarray:
    total = count * 40 * 50 * 3
    u = philox_uniforms(5, "scene", np.stack([np.arange(total)] * 3, axis=1))
    return (largest * u**3).reshape(count, 40, 50, 3)


@pytest.mark.parametrize("mosaic", ["RGGB", "RCCB"])
def test_times_follow_the_oracle(mosaic: str) -> None:
    """Times are the sorted oracle's, at most 6 % shorter where highlights rule; few pixels clip."""
    profile = dataclasses.replace(CAMERA, mosaic=mosaic)
    scenes = np.concatenate([_scene(3), _scene(1, 1e-5), _scene(1, 1e6), np.zeros((1, 40, 50, 3))])
    scenes[1, :, :4] *= 1000
    scenes[2, :10] *= 20
    reading = apply_camera(scenes.astype(np.float32), profile, seed=0, index=np.arange(6), raw=True)
    expected = np.array([naive.exposure(scene, profile) for scene in scenes.astype(np.float32)])
    ratio = reading.exposure_time / expected

    assert np.all((ratio > 1 / 1.07) & (ratio < 1 + 1e-9))
    assert reading.exposure_time[3] == reading.exposure_time[5] == CAMERA.exposure_time_max
    assert reading.exposure_time[4] == CAMERA.exposure_time_min
    assert ((reading.raw[[0, 2]] == 4095).mean(axis=(1, 2)) <= 0.02).all()


def test_grey_becomes_the_target() -> None:
    """A grey card is developed at the exposure target in every channel, though the sensor's sensitivities differ."""
    radiance = np.full((1, 120, 120, 3), 1.0, np.float32)
    mean = apply_camera(radiance, CAMERA, seed=0, index=[0]).rgb.mean(axis=(0, 1, 2))

    assert np.ptp(mean) < 0.2
    assert mean.mean() == pytest.approx(255 * encode_srgb(CAMERA.exposure_target), abs=0.5)


def test_blocks_meter_as_a_thread_does() -> None:
    """The form for CUDA, an image in runs and slots, gives the same times but for the order in which it sums."""
    scenes = np.tile(_scene(2), (1, 5, 4, 1)).astype(np.float32)  # two runs each
    scenes[1, :60] *= 300
    other = dataclasses.replace(CAMERA, exposure_target=0.3)
    expected = apply_camera(scenes, [CAMERA, other], seed=0, index=[0, 1]).exposure_time
    parameters = np.array([
        (grey_responsivity(p) / saturation_charge(p), p.exposure_target, p.exposure_highlight, p.exposure_time_min,
         p.exposure_time_max)
        for p in (CAMERA, other)
    ])  # fmt: skip
    times = np.full(2, np.nan)
    meter_in_blocks(scenes.reshape(400, 600), np.array([0, 1]), parameters, 200, times, device="cpu")

    assert np.allclose(times, expected, rtol=1e-13, atol=0)
