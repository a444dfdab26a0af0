"""Camera noise composed of what augmentation libraries offer, as near to `apply_camera` as each comes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import util
from typing import Any

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]


def find_peers() -> dict[str, Callable[[Images], Any]]:
    """Return what each installed library makes of sRGB images, uint8, shape (N, H, W, 3); one thread each."""
    found: dict[str, Callable[[Images], Any]] = {}
    if util.find_spec("albumentations") is not None:
        found["Albumentations"] = compose_albumentations()
    if util.find_spec("kornia") is not None:
        found["Kornia"] = compose_kornia()
    return found


def compose_albumentations() -> Callable[[Images], Any]:
    """Shot noise in linear light and Gaussian noise, image by image: no mosaic, no fixed pattern, no converter."""
    import cv2

    cv2.setNumThreads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import albumentations

        chain = albumentations.Compose(
            [
                albumentations.ShotNoise(scale_range=(0.001, 0.001), p=1.0),
                albumentations.GaussNoise(std_range=(0.005, 0.005), p=1.0),
            ]
        )
    return lambda images: [chain(image=image)["image"] for image in images]


def compose_kornia() -> Callable[[Images], Any]:
    """Linear light, Bayer mosaic, Poisson and Gaussian noise, demosaic, sRGB, on batches; no fixed pattern."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import kornia

    torch.set_num_threads(1)
    colour = kornia.color
    full_well, read_noise = 10500.0, 2.3

    def photograph(images: Images) -> Any:
        light = torch.from_numpy(images).permute(0, 3, 1, 2).to(torch.float32) / 255.0
        raw = colour.rgb_to_raw(colour.rgb_to_linear_rgb(light), colour.CFA.BG)
        charge = torch.poisson(raw * full_well)
        charge = charge + read_noise * torch.randn_like(charge)
        linear = colour.raw_to_rgb((charge / full_well).clamp(0.0, 1.0), colour.CFA.BG)
        encoded = colour.linear_rgb_to_rgb(linear).clamp(0.0, 1.0)
        return (encoded * 255.0 + 0.5).to(torch.uint8).permute(0, 2, 3, 1)

    return photograph
