"""The profile of a LiDAR: how it sweeps, what its beams look like, and how it detects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .lidar_scan import LidarScan
from .profile_check import check_choice, check_numbers, check_range, check_whole
from .time_of_flight_profile import LIGHT_SPEED

RETURN_MODES: Final = ("strongest", "first", "last", "dual")
"""Which echoes of a firing are reported; "dual" is the strongest and the last one."""
INTENSITY_MODES: Final = ("reflectivity", "power")
"""What the intensity says of a return."""
MAX_RINGS: Final = 3
"""Most rings of sub-rays."""
MAX_RETURNS: Final = 8
"""Most returns of a firing."""
KNOTS: Final = 4
"""Most points of the law of range noise."""


@dataclass(frozen=True, kw_only=True)
class LidarProfile(LidarScan):
    """A pulsed LiDAR.

    SNR is the received amplitude over the standard deviation of its noise. Its scale follows from one point of the data
    sheet: a target of reflectance `detection_reflectance` at `detection_range` has the SNR `detection_snr`, below which
    nothing is reported.

    Raises:
        ValueError: If a value is out of its range.
    """

    name: str
    """Name of the profile."""
    wavelength: float
    """Wavelength of the light [m], [3e-7, 2e-5]."""
    divergence: tuple[float, float]
    """Full width of the beam at half its maximum along azimuth and elevation [rad], [0, 0.2]."""
    aperture: float
    """Width of the beam where it leaves the sensor [m], [0, 1]."""
    subray_rings: int
    """Rings of sub-rays round the middle of a beam: 0, 1, 2 or 3 for 1, 7, 19 or 37 sub-rays."""
    pulse_width: float
    """Width of the pulse as the receiver tells echoes apart [s]: echoes nearer than c/2 of it merge. [0, 1e-6]."""
    range_min: float
    """Nearest range that is reported [m], ≥ 0."""
    range_max: float
    """Farthest range that is reported [m], > range_min."""
    overlap_start: float
    """Range up to which the receiver sees nothing of the beam [m], [0, 100]."""
    overlap_full: float
    """Range from which it sees all of it [m], [overlap_start, 100]; linear between."""
    detection_range: float
    """Range of a target of `detection_reflectance` that is just seen half of the time [m], > 0."""
    detection_reflectance: float
    """Reflectance of that target, facing the sensor, (0, 1]."""
    detection_snr: float
    """SNR of that target, and the least that is reported, [0, 1e6]."""
    amplitude_noise: float
    """Standard deviation of the received amplitude in units of its noise: 1 by definition of the SNR, 0 for none."""
    range_noise_snr: tuple[float, ...]
    """SNR at which the range noise is known: one to four rising numbers, > 0."""
    range_noise: tuple[float, ...]
    """Standard deviation of the range at each of them [m], ≥ 0. Between them it is a power of the SNR; above the last
    it stays, below the first it rises with 1 / sqrt(SNR)."""
    range_bias: float
    """What is added to every range [m], [-10, 10]."""
    range_resolution: float
    """Step of the reported range [m], 0 for none."""
    azimuth_error: float
    """Standard deviation of where a firing points from where it says it does, along azimuth [rad], [0, 0.1]."""
    elevation_error: float
    """The same along elevation [rad], [0, 0.1]."""
    max_returns: int
    """Most returns of a firing, 1 to 8."""
    return_mode: str
    """Which echoes are reported, and in what order: "strongest", "first", "last" or "dual" (strongest, then last)."""
    intensity_mode: str
    """"reflectivity": amplitude with the range's square taken out; "power": amplitude itself, in units of its noise."""
    intensity_scale: float
    """Counts of intensity for a reflectivity of 1, or for an SNR of 1, > 0."""
    intensity_bits: int
    """Bits of the intensity, 1 to 16; 0 for numbers that are neither rounded nor cut."""
    dropout_probability: float
    """Probability that a firing returns nothing for no reason of the scene, [0, 1]."""
    false_alarm_probability: float
    """Probability that a firing reports noise, at any range, [0, 1]."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "wavelength", 3e-7, 2e-5)
        check_numbers(self, "divergence", 2, 0.0, 0.2)
        check_range(self, "aperture", 0.0, 1.0)
        check_whole(self, "subray_rings", 0, MAX_RINGS)
        check_range(self, "pulse_width", 0.0, 1e-6)
        check_range(self, "range_min", 0.0, 1e5)
        check_range(self, "range_max", self.range_min + 1e-6, 1e5)
        check_range(self, "overlap_start", 0.0, 100.0)
        check_range(self, "overlap_full", self.overlap_start, 100.0)
        check_range(self, "detection_range", 1e-3, 1e6)
        check_range(self, "detection_reflectance", 1e-6, 1.0)
        check_range(self, "detection_snr", 1e-6, 1e6)
        check_range(self, "amplitude_noise", 0.0, 1e3)
        self._check_range_noise()
        check_range(self, "range_bias", -10.0, 10.0)
        check_range(self, "range_resolution", 0.0, 10.0)
        check_range(self, "azimuth_error", 0.0, 0.1)
        check_range(self, "elevation_error", 0.0, 0.1)
        check_whole(self, "max_returns", 1, MAX_RETURNS)
        check_choice(self, "return_mode", RETURN_MODES)
        if self.return_mode == "dual" and self.max_returns != 2:
            raise ValueError(
                f"max_returns must be 2 where return_mode is 'dual', got {self.max_returns}; "
                "set LidarProfile.max_returns"
            )
        check_choice(self, "intensity_mode", INTENSITY_MODES)
        check_range(self, "intensity_scale", 1e-9, 1e9)
        check_whole(self, "intensity_bits", 0, 16)
        check_range(self, "dropout_probability", 0.0, 1.0)
        check_range(self, "false_alarm_probability", 0.0, 1.0)

    def _check_range_noise(self) -> None:
        count = len(self.range_noise_snr)
        rising = list(self.range_noise_snr) == sorted(set(self.range_noise_snr))
        if not 1 <= count <= KNOTS or not rising:
            raise ValueError(
                f"range_noise_snr must be 1 to {KNOTS} rising numbers, got {self.range_noise_snr}; "
                "set LidarProfile.range_noise_snr"
            )
        check_numbers(self, "range_noise_snr", count, 1e-6, 1e9)
        check_numbers(self, "range_noise", count, 0.0, 100.0)
        if 0.0 in self.range_noise and any(self.range_noise):
            raise ValueError(
                f"range_noise must be above 0 everywhere or 0 everywhere, got {self.range_noise}; "
                "set LidarProfile.range_noise"
            )

    @property
    def echo_length(self) -> float:
        """Echoes nearer to one another than this merge [m]: c/2 of the pulse's width."""
        return 0.5 * LIGHT_SPEED * self.pulse_width

    @property
    def subray_count(self) -> int:
        """Sub-rays of a beam S."""
        return 1 + 3 * self.subray_rings * (self.subray_rings + 1)

    @property
    def snr_at_one_metre(self) -> float:
        """SNR of a white target that faces the sensor at 1 m."""
        return self.detection_snr * self.detection_range * self.detection_range / self.detection_reflectance
