"""The profile of a joint encoder."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .profile_check import check_flag, check_range, check_whole


@dataclass(frozen=True, kw_only=True)
class EncoderProfile:
    """A rotary encoder on a joint, or on the motor that drives it through a gear.

    Raises:
        ValueError: If a value is out of its range.
    """

    name: str
    """Name of the profile."""
    rate: float
    """Readings per second [Hz], (0, 1e6]."""
    counts_per_turn: int
    """Steps per turn of the encoder's shaft, [4, 2^30]; for lines with quadrature, four times their number."""
    absolute: bool
    """Whether it knows its angle at power-up; if not, it counts from where it was."""
    wraps: bool
    """Whether the reading ends with the turn of the shaft and starts again; if not, turns are counted."""
    gear_ratio: float
    """Turns of the encoder's shaft per turn of the joint (rad per m for a sliding one), (0, 1e5]; 1: on the joint."""
    backlash: float
    """Free play between joint and encoder, from end to end, at the joint [rad or m], [0, 1]."""
    zero_offset: float
    """Standard deviation over specimens of what calibration leaves of the zero, at the joint [rad or m], [0, 10]."""
    eccentricity: float
    """Root mean square over specimens of the amplitude of the error that repeats every turn, at the shaft [rad],
    [0, 0.5]."""
    noise: float
    """Standard deviation of a reading before it is rounded, at the shaft [rad], [0, 0.5]."""
    velocity_window: int
    """Samples over which the velocity's difference is taken, [1, 1024]: the mean of as many differences of one."""
    velocity_cutoff: float
    """Corner frequency of the low-pass filter of the velocity [Hz], [0, 1e6]; 0: no filter."""

    def __post_init__(self) -> None:
        check_range(self, "rate", 1e-3, 1e6)
        check_whole(self, "counts_per_turn", 4, 1 << 30)
        check_flag(self, "absolute")
        check_flag(self, "wraps")
        check_range(self, "gear_ratio", 1e-5, 1e5)
        check_range(self, "backlash", 0.0, 1.0)
        check_range(self, "zero_offset", 0.0, 10.0)
        check_range(self, "eccentricity", 0.0, 0.5)
        check_range(self, "noise", 0.0, 0.5)
        check_whole(self, "velocity_window", 1, 1024)
        check_range(self, "velocity_cutoff", 0.0, 1e6)

    @property
    def step(self) -> float:
        """Angle of one count at the shaft [rad]."""
        return 2.0 * math.pi / self.counts_per_turn
