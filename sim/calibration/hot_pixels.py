"""Hot pixels: which they are in long darks, and the share and mean of their exponential dark currents.

A pixel is found where its excess charge passes a limit c. Excesses are exponential with mean m t, which has no memory:
those found exceed c by m t on average, and exp(-c / (m t)) of all hot pixels were found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .estimate import Estimate, make_estimate
from .exposure_statistics import ExposureStatistics

LIMIT: Final = 8.0
"""Excess from which a pixel is hot, in robust standard deviations of the mean dark frame."""
MIN_COUNT: Final = 10
"""Fewer hot pixels do not tell their currents."""


@dataclass(frozen=True, kw_only=True, eq=False)
class HotPixels:
    """Pixels that stand out of a dark."""

    exposure_time: float
    """Exposure time of the dark [s]."""
    mask: NDArray[np.bool_]
    """Where they are, shape (H, W)."""
    excess: NDArray[np.float64]
    """By how much each passes the limit [DN]."""
    limit: float
    """The limit [DN]."""


def find_hot_pixels(dark: ExposureStatistics) -> HotPixels:
    """Find the hot pixels of a dark: beyond the limit in the mean, and beyond half of it in every frame."""
    image = dark.mean_frame
    middle = float(np.median(image))
    limit = LIMIT * 1.4826 * max(float(np.median(np.abs(image - middle))), 0.1)
    mask = (image - middle > limit) & (dark.lowest_frame - middle > 0.5 * limit)
    excess = image[mask] - middle - limit
    return HotPixels(exposure_time=dark.exposure_time, mask=mask, excess=excess, limit=limit)


def estimate_hot_pixels(hot: HotPixels, gain: float) -> list[Estimate]:
    """Estimate the share of hot pixels and their mean current.

    Args:
        hot: The pixels found.
        gain: System gain [DN/e-].

    Returns:
        The share and, where enough were found to tell it, the current; nothing where the dark was too short.
    """
    count, total = len(hot.excess), hot.mask.size
    if count < MIN_COUNT:
        if hot.exposure_time < 0.5:
            return []
        deviation = math.sqrt(count + 1.0) / total
        return [_from_zero(make_estimate("hot_pixel_fraction", "1", count / total, deviation))]
    current = float(hot.excess.mean()) / (gain * hot.exposure_time)
    ratio = hot.limit / float(hot.excess.mean())
    share = count / total * math.exp(ratio)
    # The count is Poisson; the mean of n exponentials has the relative error 1 / sqrt(n).
    deviation = share * math.sqrt((1.0 + ratio * ratio) / count)
    return [
        _from_zero(make_estimate("hot_pixel_fraction", "1", share, deviation)),
        _from_zero(make_estimate("hot_pixel_current", "e-/s", current, current / math.sqrt(count))),
    ]


def _from_zero(estimate: Estimate) -> Estimate:
    return Estimate(
        name=estimate.name,
        value=estimate.value,
        unit=estimate.unit,
        low=max(estimate.low, 0.0),
        high=estimate.high,
        deviation=estimate.deviation,
    )
