"""The profile of a single-beam time-of-flight ranger."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .observation_timing import ObservationTiming
from .profile_check import check_range, check_whole
from .ultrasonic_profile import MAX_RAYS


@dataclass(frozen=True, kw_only=True)
class OpticalRangerProfile:
    """Pulses of light into a cone, and the mean time of the photons that come back, over ambient light.

    Raises:
        ValueError: If a value is out of its range.
    """

    name: str
    """Name of the profile."""
    ray_count: int
    """Sub-rays of the view, [1, 4096]."""
    half_angle: float
    """Half the angle of the cone that is lit and seen [rad], (0, pi/2]."""
    signal_rate: float
    """Photons that a white, facing surface at 1 m which fills the view gives [1/s], [1, 1e12]."""
    ambient_rate: float
    """Photons that white surfaces give by ambient light of 1, at any range [1/s], [0, 1e12]."""
    dark_rate: float
    """Counts without any light [1/s], [0, 1e12]."""
    glass_rate: float
    """Photons that the cover glass sends straight back, as if from range 0 [1/s], [0, 1e12]."""
    timing_budget: float
    """Time of a measurement [s], [1e-6, 10]."""
    pulse_sigma: float
    """Standard deviation of a photon's range: width of pulse and detector [m], [1e-5, 100]."""
    window: float
    """Range within which photons are counted, about the surface [m], [1e-3, 1000]."""
    offset_sigma: float
    """Deviation of the offset between specimens [m], [0, 1]."""
    range_quantum: float
    """Step of what is reported [m], [1e-6, 1]."""
    signal_rate_min: float
    """Rate of signal below which there is no range [1/s], [0, 1e12]."""
    sigma_max: float
    """Deviation above which there is none [m], (0, 100]."""
    range_min: float
    """Nearest range that is reported [m], [0, 100]."""
    unambiguous_range: float
    """Range beyond which pulses can no longer be told apart [m], > range_min, ≤ 1e4."""
    crosstalk_rate: float
    """Probability that another sensor's light is taken for the own, [0, 1]."""
    update_rate: float
    """Measurements per second [Hz], [1e-3, 1 / timing_budget]."""

    def __post_init__(self) -> None:
        check_whole(self, "ray_count", 1, MAX_RAYS)
        check_range(self, "half_angle", 1e-4, math.pi / 2)
        check_range(self, "signal_rate", 1.0, 1e12)
        for name in ("ambient_rate", "dark_rate", "glass_rate", "signal_rate_min"):
            check_range(self, name, 0.0, 1e12)
        check_range(self, "timing_budget", 1e-6, 10.0)
        check_range(self, "pulse_sigma", 1e-5, 100.0)
        check_range(self, "window", 1e-3, 1e3)
        check_range(self, "offset_sigma", 0.0, 1.0)
        check_range(self, "range_quantum", 1e-6, 1.0)
        check_range(self, "sigma_max", 1e-6, 100.0)
        check_range(self, "range_min", 0.0, 100.0)
        check_range(self, "unambiguous_range", self.range_min + 1e-6, 1e4)
        check_range(self, "crosstalk_rate", 0.0, 1.0)
        check_range(self, "update_rate", 1e-3, 1.0 / self.timing_budget)

    @property
    def timing(self) -> ObservationTiming:
        """When measurements begin, and when their ranges are known."""
        return ObservationTiming(sampling_rate=self.update_rate, delay=self.timing_budget)
