"""The profile of an ultrasonic ranger."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from .observation_timing import ObservationTiming
from .profile_check import check_range, check_whole

SPEED_AT_20: Final = 331.3 * math.sqrt(1.0 + 20.0 / 273.15)
"""Speed of sound in air of 20 degrees [m/s]."""
MAX_RAYS: Final = 4096
"""Most sub-rays of a ranger's beam."""
_PISTON_MOST: Final = 20.0


@dataclass(frozen=True, kw_only=True)
class UltrasonicProfile:
    """A pulse of sound, and the time until the first echo that is loud enough.

    Raises:
        ValueError: If a value is out of its range.
    """

    name: str
    """Name of the profile."""
    ray_count: int
    """Sub-rays of the beam, [1, 4096]."""
    half_angle: float
    """Half the angle of the cone that they fill [rad], (0, pi/2]."""
    frequency: float
    """Frequency of the sound [Hz], [1e3, 1e7]."""
    aperture_radius: float
    """Radius of the round membrane that sends and hears [m], [1e-4, 1]."""
    threshold: float
    """Amplitude that is taken for an echo at 1 m, over that of a facing wall there, [1e-6, 1e3]."""
    threshold_noise: float
    """Relative deviation of the threshold from pulse to pulse, [0, 0.15]."""
    gain_range: float
    """Range up to which the gain rises with the range, so that a facing wall stays as loud [m], [1e-2, 1e3]."""
    pulse_length: float
    """Range within which echoes add up: half the way of sound during a pulse [m], [1e-4, 10]."""
    rise_time: float
    """Time in which an echo rises to its amplitude [s], (0, 2 pulse_length / 343 m/s]."""
    time_noise: float
    """Deviation of the time of flight [s], [0, 0.1]."""
    time_quantum: float
    """Step in which that time is counted [s], [1e-9, 0.1]."""
    assumed_speed: float
    """Speed of sound with which time becomes range [m/s], [100, 1000]."""
    absorption: float
    """What air takes of the sound [dB/m], [0, 100]."""
    diffuse_share: float
    """Share of the sound that surfaces scatter instead of mirroring it, [0, 1]."""
    specular_angle: float
    """Incidence from which a mirror sends nothing back [rad], (0, pi/2]."""
    range_min: float
    """Range within which the membrane still rings [m], [0, 100]."""
    range_max: float
    """Range at which waiting ends [m], > range_min, ≤ 1000."""
    crosstalk_rate: float
    """Probability that another sensor's pulse comes in while this one waits, [0, 1]."""
    update_rate: float
    """Measurements per second [Hz], [1e-3, 1e4]."""

    def __post_init__(self) -> None:
        check_whole(self, "ray_count", 1, MAX_RAYS)
        check_range(self, "half_angle", 1e-4, math.pi / 2)
        check_range(self, "frequency", 1e3, 1e7)
        check_range(self, "aperture_radius", 1e-4, 1.0)
        check_range(self, "threshold", 1e-6, 1e3)
        check_range(self, "threshold_noise", 0.0, 0.15)
        check_range(self, "gain_range", 1e-2, 1e3)
        check_range(self, "pulse_length", 1e-4, 10.0)
        check_range(self, "rise_time", 1e-9, 2.0 * self.pulse_length / SPEED_AT_20)
        check_range(self, "time_noise", 0.0, 0.1)
        check_range(self, "time_quantum", 1e-9, 0.1)
        check_range(self, "assumed_speed", 100.0, 1000.0)
        check_range(self, "absorption", 0.0, 100.0)
        check_range(self, "diffuse_share", 0.0, 1.0)
        check_range(self, "specular_angle", 1e-4, math.pi / 2)
        check_range(self, "range_min", 0.0, 100.0)
        check_range(self, "range_max", self.range_min + 1e-6, 1e3)
        check_range(self, "crosstalk_rate", 0.0, 1.0)
        check_range(self, "update_rate", 1e-3, 1e4)
        size = 2.0 * math.pi * self.frequency / SPEED_AT_20 * self.aperture_radius * math.sin(self.half_angle)
        if size > _PISTON_MOST:
            raise ValueError(
                f"half_angle reaches {size:.1f} in 2 pi f a sin(half_angle) / c, at most {_PISTON_MOST:g}: a membrane "
                "this large sends nothing there; set UltrasonicProfile.half_angle or .aperture_radius"
            )

    @property
    def timing(self) -> ObservationTiming:
        """When sound is sent, and when the range is known at the latest."""
        return ObservationTiming(sampling_rate=self.update_rate, delay=2.0 * self.range_max / self.assumed_speed)

    @property
    def rise_range(self) -> float:
        """Range by which an echo lies behind its surface when it has risen [m]."""
        return 0.5 * SPEED_AT_20 * self.rise_time
