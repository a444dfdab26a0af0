"""Infrared imagers: moments of the noise, the exposure, addresses."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from naive.twin import run_simulated
from simloom.kernels.infrared_imager import InfraredImager, expose_infrared

IMAGER = InfraredImager(electrons_at_white=2000.0, read_noise=8.0, exposure=1000.0)


def _gradient(count: int = 2, height: int = 6, width: int = 20) -> np.ndarray:
    return np.tile(np.linspace(0.0, 1.8, width, dtype=np.float32), (count, height, 1))


@pytest.mark.parametrize("radiance", [0.2, 0.8, 1.5])
def test_levels_have_the_moments_of_the_linear_camera(radiance: float) -> None:
    """Mean K E, variance K² (E + r²) + 1/12: within five deviations of their estimates."""
    image = np.full((4, 200, 250), radiance, np.float32)
    left, right = expose_infrared(image, image, IMAGER, seed=0, index=np.arange(4))
    gain = 255.0 / IMAGER.electrons_at_white
    mean = gain * 1000.0 * radiance
    variance = gain**2 * (1000.0 * radiance + 64.0) + 1 / 12
    for levels in (left, right):
        values = levels.astype(np.float64)
        assert values.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / values.size))
        assert values.var() == pytest.approx(variance, rel=5 * np.sqrt(2.1 / values.size))
    correlation = np.corrcoef(left.ravel(), right.ravel())[0, 1]
    assert abs(correlation) < 5 / np.sqrt(left.size)


def test_exposure_is_set_by_the_left_image() -> None:
    """The wanted share of the lit pixels lies below the wanted level, whatever the light; both images follow it."""
    image = np.tile(np.linspace(0.0, 1.0, 1000, dtype=np.float32), (1, 40, 1))
    imager = InfraredImager(electrons_at_white=1e6, read_noise=0.0, exposed_share=0.9, exposed_level=180.0)
    for scale in (1.0, 1e-3):
        left, right = expose_infrared(scale * image, 0.5 * scale * image, imager, seed=0, index=[0])
        assert (left <= 180).mean() == pytest.approx(0.9, abs=0.01)
        assert right.astype(float).mean() == pytest.approx(0.5 * 180 / 0.9 / 2, abs=1.5)
    assert (expose_infrared(0 * image, image, imager, seed=0, index=[0])[0] == 0).all()


def test_levels_end_at_black_and_white() -> None:
    """Dark and bright are cut off at 0 and 255."""
    image = np.zeros((1, 20, 40), np.float32)
    image[:, :, 20:] = 9.0
    left, _ = expose_infrared(image, image, IMAGER, seed=0, index=[0])

    assert (left[:, :, 20:] == 255).all()
    assert (left[:, :, :20] == 0).mean() > 0.5


def test_an_image_does_not_depend_on_its_batch() -> None:
    """Seed, row and sensor make the noise; batch, order and threads do not."""
    image, index = _gradient(3), np.array([5, 2**33, 0])
    whole = expose_infrared(image, image, IMAGER, seed=1, index=index)
    part = expose_infrared(image[[2, 0]], image[[2, 0]], IMAGER, seed=1, index=index[[2, 0]], threads=1)
    changed = [
        expose_infrared(image, image, IMAGER, **{"seed": 1, "index": index, **change})[0].tobytes()
        for change in ({}, {"seed": 0}, {"sensor": 1}, {"index": index + 1})
    ]

    assert np.array_equal(part[0], whole[0][[2, 0]])
    assert np.array_equal(part[1], whole[1][[2, 0]])
    assert len(set(changed)) == 4


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's levels."""
    code = """
from simloom.kernels.device import Kernel
from simloom.kernels.infrared_imager import expose_pixel
from simloom.kernels.philox import stream_key
level = np.full(image.size, 99, np.uint8)
Kernel(expose_pixel).launch(image.size, image.reshape(-1), np.full(2, 1000.0), np.array([3, 4]), 8.0, 255 / 2000.0,
                            image[0].size, *stream_key(1, "infrared"), np.uint64(0), np.uint64(0), level, device="cuda")
out = {"level": level.reshape(image.shape)}
"""
    image = _gradient()
    twin = run_simulated(code, tmp_path, image=image)["level"]
    left, _ = expose_infrared(image, image, IMAGER, seed=1, index=[3, 4])

    assert np.abs(twin.astype(int) - left).max() <= 1
    assert (twin != left).mean() <= 0.01


@pytest.mark.parametrize(
    "change, message",
    [
        ({"right": np.zeros((1, 4, 5))}, "one shape"),
        ({"left": -np.ones((1, 4, 4))}, "finite radiances"),
        ({"index": [0, 1]}, "index must"),
        ({"sensor": -1}, "sensor must"),
    ],
)
def test_bad_input_is_refused(change: dict[str, object], message: str) -> None:
    """Each mistake gets an error that names it."""
    image = np.ones((1, 4, 4))
    given: dict[str, object] = {"left": image, "right": image, "seed": 0, "index": [0], **change}
    with pytest.raises(ValueError, match=message):
        expose_infrared(**given)
    with pytest.raises(ValueError, match="read_noise must"):
        dataclasses.replace(IMAGER, read_noise=-1.0)
