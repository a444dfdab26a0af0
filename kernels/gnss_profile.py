"""The profile of a satellite positioning receiver."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from .observation_timing import ObservationTiming
from .profile_check import check_choice, check_range

GNSS_STATUS_NAMES: Final = ("no_fix", "fix", "rtk_float", "rtk_fixed")
"""Name of each status of a fix."""
CEP_OVER_SIGMA: Final = math.sqrt(2.0 * math.log(2.0))
"""Radius that holds half of a circular normal distribution, over its deviation along one axis: 1.1774."""


@dataclass(frozen=True, kw_only=True)
class GnssProfile:
    """A receiver whose position error wanders (orbits, clocks, air), with white noise, outages and lost ambiguities.

    Raises:
        ValueError: If a value is out of its range.
    """

    name: str
    """Name of the profile."""
    mode: Literal["single", "rtk"]
    """"single": code positioning; "rtk": carrier phase with corrections, whose whole numbers are fixed or floating."""
    horizontal_sigma: float
    """Deviation of the wandering error along east and along north, each [m], [0, 1e4]."""
    vertical_sigma: float
    """The same along up [m], [0, 1e4]."""
    correlation_time: float
    """Correlation time of that error [s], [1e-3, 1e7]."""
    horizontal_noise: float
    """Deviation of what is drawn anew for every fix, along east and along north, each [m], [0, 1e4]."""
    vertical_noise: float
    """The same along up [m], [0, 1e4]."""
    velocity_noise: float
    """Deviation of the velocity along east and along north, each [m/s], [0, 1e3]."""
    vertical_velocity_noise: float
    """The same along up [m/s], [0, 1e3]."""
    startup_sigma: float
    """Deviation of the error at power-up that the receiver then works off, along every axis [m], [0, 1e4]."""
    startup_time: float
    """Time in which that error falls to 1/e [s], [1e-3, 1e7]."""
    outages_per_hour: float
    """How often the sky is lost, per hour of sight [1/h], [0, 1e6]."""
    outage_duration: float
    """Mean time until it is seen again [s], [1e-3, 1e7]."""
    slips_per_hour: float
    """How often the whole numbers are lost, per hour of being fixed [1/h], [0, 1e6]; 0 for "single"."""
    float_duration: float
    """Mean time until they are fixed (again), after an outage too [s], [1e-3, 1e7]; not used for "single"."""
    float_scale: float
    """Factor on all position errors while they are not, [1, 1e4]; not used for "single"."""
    multipath_per_hour: float
    """How often a reflection begins to shift the position, per hour without one [1/h], [0, 1e6]."""
    multipath_duration: float
    """Mean time that it lasts [s], [1e-3, 1e7]."""
    multipath_sigma: float
    """Deviation of the shift, drawn when it begins, along every axis [m], [0, 1e4]."""
    update_rate: float
    """Fixes per second [Hz], [1e-3, 1e3]."""
    latency: float
    """Mean time from the instant of a fix to its arrival [s], [0, 1e3]."""
    latency_jitter: float
    """Standard deviation of that time [s], [0, 1e3]."""

    def __post_init__(self) -> None:
        check_choice(self, "mode", ("single", "rtk"))
        for name in (
            "horizontal_sigma", "vertical_sigma", "horizontal_noise", "vertical_noise", "startup_sigma",
            "multipath_sigma",
        ):  # fmt: skip
            check_range(self, name, 0.0, 1e4)
        for name in ("correlation_time", "startup_time", "outage_duration", "float_duration", "multipath_duration"):
            check_range(self, name, 1e-3, 1e7)
        for name in ("outages_per_hour", "slips_per_hour", "multipath_per_hour"):
            check_range(self, name, 0.0, 1e6)
        for name in ("velocity_noise", "vertical_velocity_noise", "latency", "latency_jitter"):
            check_range(self, name, 0.0, 1e3)
        check_range(self, "float_scale", 1.0, 1e4)
        check_range(self, "update_rate", 1e-3, 1e3)
        if self.mode == "single" and self.slips_per_hour > 0.0:
            raise ValueError(
                f"slips_per_hour must be 0 for mode 'single', got {self.slips_per_hour!r}; set GnssProfile.mode"
            )

    @property
    def cep(self) -> float:
        """Radius that holds half of all horizontal errors of a settled, undisturbed receiver [m]."""
        return CEP_OVER_SIGMA * math.hypot(self.horizontal_sigma, self.horizontal_noise)

    @property
    def timing(self) -> ObservationTiming:
        """When fixes are made and when they arrive."""
        return ObservationTiming(sampling_rate=self.update_rate, delay=self.latency, jitter=self.latency_jitter)
