"""What each image needs to know of its structured-light sensor, worked out once per image."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .depth_images import DepthImages
from .structured_light_noise import cosine_limit
from .structured_light_profile import StructuredLightProfile


class LightSetup(NamedTuple):
    """Limits and geometry of each of N images; columns count from the side that is away from the projector."""

    focal_baseline: NDArray[np.float64]
    """f B [px m]."""
    flipped: NDArray[np.int64]
    """1 where the projector stands to the left."""
    origin: NDArray[np.float32]
    """Column of x = 0."""
    direction: NDArray[np.float32]
    """Columns per x, 1 or -1."""
    lit_first: NDArray[np.float32]
    """First column that the projector lights."""
    lit_last: NDArray[np.float32]
    """Last column that the projector lights."""
    reach: NDArray[np.float32]
    """Most that disparities on one surface differ [px]."""
    disparity_least: NDArray[np.float32]
    """Disparity at the farthest depth [px]."""
    disparity_most: NDArray[np.float32]
    """Disparity at the nearest depth [px]."""
    cosine_least: NDArray[np.float32]
    """Cosine of incidence below which nothing returns."""
    signal_none: NDArray[np.float32]
    """Signal below which nothing returns [1/m²]."""
    signal_scale: NDArray[np.float32]
    """Share of returns gained per unit of signal above that [m²]."""
    signal_max: NDArray[np.float32]
    """Signal above which the imager saturates [1/m²]; infinite where reflectance is not known."""

    def take(self, part: slice) -> LightSetup:
        """Return the setup of some images."""
        arrays: tuple[Any, ...] = self
        return LightSetup(*(array[part] for array in arrays))


def set_up_light(images: DepthImages[StructuredLightProfile]) -> LightSetup:
    """Return the setup of a batch."""
    profiles = images.profiles.profiles
    values = np.array([
        (
            p.baseline, p.projector_side == "left", math.tan(math.radians(p.projector_field) / 2.0), p.occlusion_step,
            p.range_max, p.range_min, cosine_limit(p.incidence_max), p.signal_none, p.signal_full, p.signal_max,
        )
        for p in profiles
    ], dtype=np.float64)  # fmt: skip
    baseline, flipped, field, reach, far, near, cosine, none, full, most = values[images.profiles.which].T
    product, last = images.fx * baseline, images.lines[1] - 1.0
    center = np.where(flipped > 0.0, last - images.center[:, 0], images.center[:, 0])
    return LightSetup(
        focal_baseline=product,
        flipped=flipped.astype(np.int64),
        origin=_narrow(flipped * last),
        direction=_narrow(1.0 - 2.0 * flipped),
        lit_first=_narrow(center - images.fx * field),
        lit_last=_narrow(center + images.fx * field),
        reach=_narrow(reach),
        disparity_least=_narrow(product / far),
        disparity_most=_narrow(product / near),
        cosine_least=_narrow(cosine),
        signal_none=_narrow(none),
        signal_scale=_narrow(1.0 / (full - none)),
        signal_max=_narrow(most if images.infrared.shape[0] > 0 else np.full_like(most, math.inf)),
    )


def _narrow(values: Any) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, dtype=np.float32)
