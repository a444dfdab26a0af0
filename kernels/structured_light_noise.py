"""Noise of a structured-light sensor: deviations of the axial and the lateral noise, and the steps of disparity.

Source: Nguyen, Izadi, Lovell, "Modeling Kinect sensor noise for improved 3D reconstruction and tracking", 3DIMPVT 2012.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .depth_reading import TOO_FAR, TOO_NEAR, VALID
from .device import scalar
from .structured_light_profile import StructuredLightProfile

_HALF_PI: Final = math.pi / 2.0


class NoiseTable(NamedTuple):
    """The noise of each distinct profile."""

    law: NDArray[np.int64]
    """1 for "nguyen", 0 for "disparity", shape (K,)."""
    value: NDArray[np.float64]
    """What the functions below read, shape (K, 13)."""


def tabulate_noise(profiles: Sequence[StructuredLightProfile]) -> NoiseTable:
    """Return the noise of some profiles as kernels read it."""
    values = np.array([
        (
            p.disparity_step, p.range_min, p.range_max, p.disparity_noise, p.lateral_noise, p.axial_floor,
            p.axial_growth, p.axial_nearest, p.axial_angle, cosine_limit(p.axial_angle_from), p.lateral_floor,
            p.lateral_angle, p.disparity_step**2 / 12.0,
        )
        for p in profiles
    ])  # fmt: skip
    return NoiseTable(np.array([p.noise_law == "nguyen" for p in profiles], np.int64), values)


def cosine_limit(angle: float) -> float:
    """Return the cosine of an angle [deg] as a float32 image holds it: a pixel at the limit is not beyond it."""
    return float(np.float32(math.cos(math.radians(angle))))


@scalar
def find_deviations(noise_in: Any, which: Any, depth: Any, cosine: Any, focal_baseline: Any) -> tuple[Any, Any]:
    """Return the standard deviations of disparity before the steps, and of the place that is sampled [px].

    Args:
        noise_in: Noise of each profile.
        which: Profile.
        depth: Depth z [m].
        cosine: Cosine of incidence, above 0.
        focal_baseline: f B [px m].
    """
    if noise_in.law[which] == 0:
        return noise_in.value[which, 3], noise_in.value[which, 4]
    angle = math.acos(min(cosine, 1.0))
    away = depth - noise_in.value[which, 7]
    ratio = angle / (_HALF_PI - angle)
    axial = noise_in.value[which, 5] + noise_in.value[which, 6] * away * away
    if cosine < noise_in.value[which, 9]:
        axial += noise_in.value[which, 8] / math.sqrt(depth) * ratio * ratio
    lateral = noise_in.value[which, 10] + noise_in.value[which, 11] * ratio
    # The law was fitted to what the sensor reports: the steps have their share of its variance.
    deviation = axial * focal_baseline / (depth * depth)
    return math.sqrt(max(deviation * deviation - noise_in.value[which, 12], 0.0)), lateral


@scalar
def read_disparity(noise_in: Any, which: Any, disparity: Any, focal_baseline: Any) -> tuple[Any, Any]:
    """Return the depth that is reported for a noisy disparity, 0 where it is out of range, and the status."""
    step = noise_in.value[which, 0]
    if step > 0.0:
        disparity = math.floor(disparity / step + 0.5) * step
    if disparity <= 0.0 or noise_in.value[which, 2] * disparity < focal_baseline:
        return 0.0, TOO_FAR
    if noise_in.value[which, 1] * disparity > focal_baseline:
        return 0.0, TOO_NEAR
    return focal_baseline / disparity, VALID
