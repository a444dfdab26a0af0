"""The profile of wheel odometry."""

from __future__ import annotations

from dataclasses import dataclass

from .observation_timing import ObservationTiming
from .profile_check import check_range


@dataclass(frozen=True, kw_only=True)
class OdometryProfile:
    """Two wheels on one axle with encoders: a differential drive, or a car's rear axle.

    Raises:
        ValueError: If a value is out of its range.
    """

    name: str
    """Name of the profile."""
    wheel_radius: float
    """Radius that odometry takes the wheels to have [m], [1e-4, 10]."""
    base_width: float
    """Distance that it takes to lie between their points of contact [m], [1e-3, 100]."""
    ticks_per_turn: float
    """Counts of an encoder for a turn of its wheel, [1, 1e9]."""
    radius_sigma: float
    """Deviation between specimens of both wheels' radius together, relative, [0, 0.1]."""
    difference_sigma: float
    """Deviation between specimens of right minus left radius, relative, [0, 0.1]; Borenstein's E_d is 1 plus it."""
    base_sigma: float
    """Deviation between specimens of the base width, relative, [0, 0.1]; Borenstein's E_b is 1 plus it."""
    slip_variance: float
    """Variance of a wheel's slip for each metre that it rolls [m], [0, 1]."""
    turn_variance: float
    """Variance of the heading by scrubbing for each radian turned [rad], [0, 1]."""
    update_rate: float
    """Readings per second [Hz], [1e-3, 1e5]."""
    latency: float
    """Mean time from a reading to its arrival [s], [0, 1e3]."""

    def __post_init__(self) -> None:
        check_range(self, "wheel_radius", 1e-4, 10.0)
        check_range(self, "base_width", 1e-3, 100.0)
        check_range(self, "ticks_per_turn", 1.0, 1e9)
        for name in ("radius_sigma", "difference_sigma", "base_sigma"):
            check_range(self, name, 0.0, 0.1)
        check_range(self, "slip_variance", 0.0, 1.0)
        check_range(self, "turn_variance", 0.0, 1.0)
        check_range(self, "update_rate", 1e-3, 1e5)
        check_range(self, "latency", 0.0, 1e3)

    @property
    def timing(self) -> ObservationTiming:
        """When readings are made and when they arrive."""
        return ObservationTiming(sampling_rate=self.update_rate, delay=self.latency)
