"""Pairs of images of random dots, shifted by any part of a pixel."""

from __future__ import annotations

import numpy as np

from simloom.kernels.philox import philox_uniforms


def draw_pair(
    height: int, width: int, disparity: float, density: float = 0.06, spread: float = 0.75, peak: float = 150.0
) -> tuple[np.ndarray, np.ndarray]:
    """A left and a right image of Gaussian dots on grey, uint8; what the left shows at x the right shows at x - d."""
    count = int(density * (height + 8) * (width + disparity + 8))
    u = philox_uniforms(5, "dots", np.stack([np.arange(3 * count)] * 3, axis=1)).reshape(count, 3)
    x, y = u[:, 0] * (width + disparity + 8) - 4, u[:, 1] * (height + 8) - 4
    return tuple(
        np.rint(
            np.clip(20.0 + _splat(height, width, x - shift, y, peak * (0.5 + 0.5 * u[:, 2]), spread), 0, 255)
        ).astype(np.uint8)
        for shift in (0.0, disparity)
    )


def _splat(height: int, width: int, x: np.ndarray, y: np.ndarray, peak: np.ndarray, spread: float) -> np.ndarray:
    image = np.zeros((height, width))
    for px, py, value in zip(x, y, peak, strict=True):
        left, top = int(np.floor(px)) - 4, int(np.floor(py)) - 4
        columns = np.arange(max(left, 0), min(left + 10, width))
        rows = np.arange(max(top, 0), min(top + 10, height))
        across, down = np.exp(-(((columns - px) / spread) ** 2) / 2), np.exp(-(((rows - py) / spread) ** 2) / 2)
        image[rows[:, None], columns[None, :]] += value * down[:, None] * across[None, :]
    return image
