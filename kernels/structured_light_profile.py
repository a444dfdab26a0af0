"""The profile of a structured-light depth sensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from .profile_check import check_choice, check_range, check_whole

NOISE_LAWS: Final = ("disparity", "nguyen")
SIDES: Final = ("right", "left")


@dataclass(frozen=True, kw_only=True)
class StructuredLightProfile:
    """A structured-light depth sensor: an infrared imager, whose view the depth image is, beside a dot projector.

    Raises:
        ValueError: If a value is out of its range.
    """

    name: str
    """Name of the profile."""
    baseline: float
    """Distance of imager and projector [m], (0, 10]."""
    projector_side: Literal["right", "left"]
    """Where the projector stands, seen from the imager; shadows fall to the other side of what is near."""
    projector_field: float
    """Horizontal angle that the projector lights, centred on its axis [deg], (0, 179]."""
    dot_pitch: int
    """Side of the cells that hold one dot each [px], [1, 8]."""
    disparity_step: float
    """Disparities are whole multiples of this [px], [0, 1]; 0 for no steps."""
    range_min: float
    """Nearest depth that is reported [m]."""
    range_max: float
    """Farthest depth that is reported [m]."""
    occlusion_step: float
    """Disparity by which a surface must be nearer to hide another from the projector [px], > 0."""
    noise_law: Literal["disparity", "nguyen"]
    """"disparity": the next two; "nguyen": the axial and lateral noise below, by depth and angle of incidence."""
    disparity_noise: float
    """Standard deviation of a pixel's disparity before the steps [px], [0, 10]."""
    lateral_noise: float
    """Standard deviation, along x and along y, of where a pixel samples the depth [px], [0, 4]."""
    axial_floor: float
    """a of sigma_z = a + b (z - c)^2 [m], steps included."""
    axial_growth: float
    """b of sigma_z = a + b (z - c)^2 [1/m]."""
    axial_nearest: float
    """c of sigma_z = a + b (z - c)^2 [m]."""
    axial_angle: float
    """k of k / sqrt(z) theta^2 / (pi/2 - theta)^2, which is added to sigma_z [m^1.5]."""
    axial_angle_from: float
    """Angle of incidence above which that term is added [deg], [0, 90]."""
    lateral_floor: float
    """p of sigma_L = p + q theta / (pi/2 - theta) [px]."""
    lateral_angle: float
    """q of sigma_L = p + q theta / (pi/2 - theta) [px]."""
    incidence_max: float
    """Angle of incidence above which no pixel returns [deg], (0, 90)."""
    signal_full: float
    """Signal from which every pixel returns: infrared reflectance × cosine of incidence / depth² [1/m²]."""
    signal_none: float
    """Signal below which no pixel returns [1/m²], ≥ 0."""
    signal_max: float
    """Signal above which the imager saturates [1/m²]."""
    window_radius: int
    """Pixels on each side of a pixel that its matching window covers, [1, 4]."""
    vote_tolerance: float
    """A dot r px from the window's centre agrees with the window's mean within this × (1 + r²) [px], > 0."""
    vote_share: float
    """Share of the window's dots that must be seen and agree, [0, 1]."""
    fill_radius: int
    """Pixels from which the dots of matched windows fill a pixel without a match, [0, 4]; 0 for none."""

    def __post_init__(self) -> None:
        check_range(self, "baseline", 1e-6, 10.0)
        check_choice(self, "projector_side", SIDES)
        check_range(self, "projector_field", 1e-3, 179.0)
        check_whole(self, "dot_pitch", 1, 8)
        check_range(self, "disparity_step", 0.0, 1.0)
        check_range(self, "range_min", 1e-3, 1e3)
        check_range(self, "range_max", self.range_min, 1e6)
        check_range(self, "occlusion_step", 1e-3, 64.0)
        check_choice(self, "noise_law", NOISE_LAWS)
        check_range(self, "disparity_noise", 0.0, 10.0)
        check_range(self, "lateral_noise", 0.0, 4.0)
        check_range(self, "axial_floor", 0.0, 1.0)
        check_range(self, "axial_growth", 0.0, 1.0)
        check_range(self, "axial_nearest", 0.0, 1e3)
        check_range(self, "axial_angle", 0.0, 1.0)
        check_range(self, "axial_angle_from", 0.0, 90.0)
        check_range(self, "lateral_floor", 0.0, 4.0)
        check_range(self, "lateral_angle", 0.0, 4.0)
        check_range(self, "incidence_max", 1e-3, 89.999)
        check_range(self, "signal_none", 0.0, 1e6)
        check_range(self, "signal_full", self.signal_none + 1e-9, 1e9)
        check_range(self, "signal_max", self.signal_full, 1e9)
        check_whole(self, "window_radius", 1, 4)
        check_range(self, "vote_tolerance", 1e-6, 1e3)
        check_range(self, "vote_share", 0.0, 1.0)
        check_whole(self, "fill_radius", 0, 4)
