"""The profile of an active stereo depth sensor."""

from __future__ import annotations

from dataclasses import dataclass

from .profile_check import check_range, check_whole


@dataclass(frozen=True, kw_only=True)
class StereoProfile:
    """An active stereo depth sensor: the depth image is the left imager's, the other stands to its right.

    Raises:
        ValueError: If a value is out of its range.
    """

    name: str
    """Name of the profile."""
    baseline: float
    """Distance of the imagers [m], (0, 10]."""
    disparity_noise: float
    """Standard deviation of a pixel's disparity [px], [0, 10]."""
    disparity_step: float
    """Disparities are whole multiples of this [px], (0, 1]."""
    disparity_max: float
    """Largest disparity that is searched [px]; it sets the nearest depth."""
    range_max: float
    """Farthest depth that is reported [m]."""
    noise_cell: int
    """Pixels per cell of the grid on which disparity noise is drawn, [1, 64]."""
    occlusion_step: float
    """Disparity by which a surface must be nearer to hide another from the second imager [px], > 0."""
    cosine_full: float
    """Cosine of incidence from which every pixel returns, (cosine_none, 1]."""
    cosine_none: float
    """Cosine of incidence below which no pixel returns, [0, 1)."""
    infrared_full: float
    """Infrared reflectance from which every pixel returns, > infrared_none."""
    infrared_none: float
    """Infrared reflectance below which no pixel returns, ≥ 0."""

    def __post_init__(self) -> None:
        check_range(self, "baseline", 1e-6, 10.0)
        check_range(self, "disparity_noise", 0.0, 10.0)
        check_range(self, "disparity_step", 1e-6, 1.0)
        check_range(self, "disparity_max", 1.0, 4096.0)
        check_range(self, "range_max", 1e-3, 1e6)
        check_whole(self, "noise_cell", 1, 64)
        check_range(self, "occlusion_step", 1e-3, 64.0)
        check_range(self, "cosine_none", 0.0, 1.0)
        check_range(self, "cosine_full", self.cosine_none + 1e-9, 1.0)
        check_range(self, "infrared_none", 0.0, 1e6)
        check_range(self, "infrared_full", self.infrared_none + 1e-9, 1e9)
