"""Unsharp mask: against OpenCV's binomial filter in float64, at every size, the same on CUDA and in any batch."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from naive.twin import run_simulated
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.sharpen import sharpen_image


def _picture(*shape: int) -> np.ndarray:
    count = int(np.prod(shape))
    noise = philox_uniforms(5, "picture", np.stack([np.arange(count)] * 3, axis=1))
    return (256 * noise).reshape(shape).astype(np.uint8)


def _by_opencv(image: np.ndarray, amount: float) -> np.ndarray:
    kernel = np.outer([1.0, 2.0, 1.0], [1.0, 2.0, 1.0]) / 16
    blur = cv2.filter2D(image.astype(np.float64), -1, kernel, borderType=cv2.BORDER_REPLICATE)
    return np.clip(np.floor(image + amount * (image - blur) + 0.5), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("amount", [1 / 4096, 0.25, 0.7, 1.0, 3.3, 10.0])
@pytest.mark.parametrize("height, width", [(30, 47), (1, 1), (1, 5), (5, 1), (2, 2), (3, 3)])
def test_follows_the_definition(height: int, width: int, amount: float) -> None:
    """Pixels equal OpenCV's filter and the stated rounding."""
    amount = round(amount * 4096) / 4096
    image = _picture(1, height, width, 3)

    assert np.array_equal(sharpen_image(image, amount, threads=1)[0], _by_opencv(image[0], amount))


def test_a_step_overshoots_by_the_amount() -> None:
    """Beside an edge of height h the image goes beyond by a quarter of amount times h."""
    image = np.full((1, 8, 8, 3), 100, np.uint8)
    image[:, :, 4:] = 140
    found = sharpen_image(image, 0.5)[0, 3, :, 0]

    assert found.tolist() == [100, 100, 100, 95, 145, 140, 140, 140]


def test_amount_goes_by_image() -> None:
    """Each image has its own amount, 0 changes nothing, and a batch's cut neither."""
    images = _picture(4, 20, 31, 3)
    amounts = np.array([0.0, 0.5, 2.0, 0.5])
    whole = sharpen_image(images, amounts)

    assert np.array_equal(whole[0], images[0])
    for k in (1, 2, 3):
        assert np.array_equal(whole[k], sharpen_image(images[k : k + 1], amounts[k : k + 1], threads=1)[0])
    assert sharpen_image(images, 0.0) is images


def test_tensors_stay_tensors() -> None:
    """A torch image comes back as one."""
    image = _picture(1, 9, 8, 3)
    found = sharpen_image(torch.from_numpy(image), 1.5)

    assert isinstance(found, torch.Tensor)
    assert np.array_equal(found.numpy(), sharpen_image(image, 1.5))


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's bytes."""
    images = _picture(2, 6, 7, 3)
    code = """
from simloom.kernels.sharpen import sharpen_image
out = {"image": sharpen_image(images, np.array([0.4, 2.0]), device="cuda")}
"""
    twin = run_simulated(code, tmp_path, images=images)

    assert np.array_equal(twin["image"], sharpen_image(images, [0.4, 2.0]))


@pytest.mark.parametrize("amount", [-0.1, 10.1, np.nan, [0.5, 0.5]])
def test_bad_input_is_refused(amount: object) -> None:
    """Each mistake gets an error that names it."""
    with pytest.raises(ValueError, match="amount must be"):
        sharpen_image(np.zeros((1, 4, 4, 3), np.uint8), amount)
    with pytest.raises(ValueError, match="image must have shape"):
        sharpen_image(np.zeros((4, 4, 3), np.uint8), 1.0)
