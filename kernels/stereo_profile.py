"""The profile of an active stereo depth sensor."""

from __future__ import annotations

from dataclasses import dataclass

from .profile_check import check_range, check_whole


@dataclass(frozen=True, kw_only=True)
class StereoProfile:
    """An active stereo depth sensor: the depth image is the left imager's, the other stands to its right.

    Signals are shares of an imager's full scale.

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
    edge_fattening: int
    """Pixels beside a nearer surface, along the line, that take its disparity, [0, 16]."""
    cosine_full: float
    """Cosine of incidence from which every pixel returns, (cosine_none, 1]."""
    cosine_none: float
    """Cosine of incidence below which no pixel returns, [0, 1)."""
    infrared_full: float
    """Infrared reflectance from which every pixel returns, > infrared_none."""
    infrared_none: float
    """Infrared reflectance below which no pixel returns, ≥ 0."""
    projector_signal: float
    """Contrast that the projector's pattern gives a white surface at 1 m, facing it, ≥ 0."""
    ambient_signal: float
    """Brightness that ambient light gives a white surface, ≥ 0."""
    signal_noise: float
    """Standard deviation of a pixel without light, > 0."""
    full_well: float
    """Electrons of a pixel at full scale, which set its shot noise, [1, 1e9]."""
    match_window: int
    """Side of the window that is matched [px], [1, 63]."""
    match_full: float
    """Contrast over noise of a pixel from which every pixel finds its match, > match_none."""
    match_none: float
    """Contrast over noise of a pixel below which none does, ≥ 0."""
    outlier_share: float
    """Share of the pixels between these limits that find a wrong match, [0, 1]."""

    def __post_init__(self) -> None:
        check_range(self, "baseline", 1e-6, 10.0)
        check_range(self, "disparity_noise", 0.0, 10.0)
        check_range(self, "disparity_step", 1e-6, 1.0)
        check_range(self, "disparity_max", 1.0, 4096.0)
        check_range(self, "range_max", 1e-3, 1e6)
        check_whole(self, "noise_cell", 1, 64)
        check_range(self, "occlusion_step", 1e-3, 64.0)
        check_whole(self, "edge_fattening", 0, 16)
        check_range(self, "cosine_none", 0.0, 1.0)
        check_range(self, "cosine_full", self.cosine_none + 1e-9, 1.0)
        check_range(self, "infrared_none", 0.0, 1e6)
        check_range(self, "infrared_full", self.infrared_none + 1e-9, 1e9)
        check_range(self, "projector_signal", 0.0, 1e6)
        check_range(self, "ambient_signal", 0.0, 1e6)
        check_range(self, "signal_noise", 1e-9, 1.0)
        check_range(self, "full_well", 1.0, 1e9)
        check_whole(self, "match_window", 1, 63)
        check_range(self, "match_none", 0.0, 1e6)
        check_range(self, "match_full", self.match_none + 1e-9, 1e9)
        check_range(self, "outlier_share", 0.0, 1.0)
