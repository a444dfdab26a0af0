"""The parameters of an inertial measurement unit: three gyroscopes and three accelerometers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from .profile_check import check_numbers, check_range

PARTS = ("gyroscope", "accelerometer")
"""What a unit is made of: first word of the fields that both have."""


@final
@dataclass(frozen=True, kw_only=True)
class InertialProfile:
    """The error model of an inertial measurement unit; the gyroscopes' unit is rad/s, the accelerometers' m/s^2.

    Deviations of scale, misalignment and g-sensitivity are those of units of one make, each element drawn apart; those
    of the turn-on bias are from one power-up to the next.

    Source: IEEE Std 952-1997, annex B and C, for noise density N, bias instability B and random walk K.

    Example:
        >>> import dataclasses
        >>> from simloom.kernels import load_profile
        >>> quiet = dataclasses.replace(load_profile("bosch_bmi088"), gyroscope_noise_density=0.0)
    """

    name: str
    """Name of the profile."""
    rate: float
    """Readings per second [Hz], [0.001, 1e5]."""
    gyroscope_noise_density: float
    """White noise N [rad/s/sqrt(Hz)], [0, 10]."""
    gyroscope_bias_instability: float
    """Flicker noise B [rad/s]: the Allan deviation's plateau is 0.6643 B, [0, 10]."""
    gyroscope_flicker_time: tuple[float, float]
    """Shortest and longest averaging time on the plateau [s], up to a factor of 1000 apart."""
    gyroscope_random_walk: float
    """Random walk K of the bias [rad/s/s/sqrt(Hz)], [0, 10]."""
    gyroscope_bias_deviation: float
    """Standard deviation of a bias that wanders about zero (Gauss-Markov) [rad/s], [0, 10]."""
    gyroscope_bias_time: float
    """Correlation time of that bias [s], [1e-3, 1e9]."""
    gyroscope_turn_on_bias: float
    """Standard deviation of the constant bias of a power-up [rad/s], [0, 10]."""
    gyroscope_scale_error: float
    """Standard deviation of the scale factor's relative error, [0, 0.2]."""
    gyroscope_misalignment: float
    """Standard deviation of what an axis reads of each other axis [rad], [0, 0.2]."""
    gyroscope_g_sensitivity: float
    """Standard deviation of what an axis reads of the specific force along each axis [rad/s per m/s^2], [0, 1]."""
    gyroscope_range: float
    """Largest rate that is read [rad/s], > 0."""
    gyroscope_resolution: float
    """Rate of one count [rad/s]; 0 for readings that are not rounded."""
    gyroscope_bandwidth: float
    """Frequency at which the response has fallen by 3 dB [Hz], second order; 0 for no such limit."""
    accelerometer_noise_density: float
    """White noise N [m/s^2/sqrt(Hz)], [0, 100]."""
    accelerometer_bias_instability: float
    """Flicker noise B [m/s^2], [0, 100]."""
    accelerometer_flicker_time: tuple[float, float]
    """Shortest and longest averaging time on the plateau [s], up to a factor of 1000 apart."""
    accelerometer_random_walk: float
    """Random walk K of the bias [m/s^2/s/sqrt(Hz)], [0, 100]."""
    accelerometer_bias_deviation: float
    """Standard deviation of a bias that wanders about zero (Gauss-Markov) [m/s^2], [0, 100]."""
    accelerometer_bias_time: float
    """Correlation time of that bias [s], [1e-3, 1e9]."""
    accelerometer_turn_on_bias: float
    """Standard deviation of the constant bias of a power-up [m/s^2], [0, 100]."""
    accelerometer_scale_error: float
    """Standard deviation of the scale factor's relative error, [0, 0.2]."""
    accelerometer_misalignment: float
    """Standard deviation of what an axis reads of each other axis [rad], [0, 0.2]."""
    accelerometer_range: float
    """Largest specific force that is read [m/s^2], > 0."""
    accelerometer_resolution: float
    """Specific force of one count [m/s^2]; 0 for readings that are not rounded."""
    accelerometer_bandwidth: float
    """Frequency at which the response has fallen by 3 dB [Hz], second order; 0 for no such limit."""

    def __post_init__(self) -> None:
        check_range(self, "rate", 1e-3, 1e5)
        for part, most in zip(PARTS, (10.0, 100.0), strict=True):
            for field in ("noise_density", "bias_instability", "random_walk", "bias_deviation", "turn_on_bias"):
                check_range(self, f"{part}_{field}", 0.0, most)
            check_numbers(self, f"{part}_flicker_time", 2, 1e-3, 1e9)
            shortest, longest = getattr(self, f"{part}_flicker_time")
            if not shortest <= longest <= 1000.0 * shortest:
                raise ValueError(
                    f"{part}_flicker_time must be a shortest time and a longest one, up to 1000 times that, got "
                    f"{(shortest, longest)}; set InertialProfile.{part}_flicker_time"
                )
            check_range(self, f"{part}_bias_time", 1e-3, 1e9)
            check_range(self, f"{part}_scale_error", 0.0, 0.2)
            check_range(self, f"{part}_misalignment", 0.0, 0.2)
            check_range(self, f"{part}_range", 1e-6, 1e6)
            check_range(self, f"{part}_resolution", 0.0, getattr(self, f"{part}_range"))
            check_range(self, f"{part}_bandwidth", 0.0, 1e6)
        check_range(self, "gyroscope_g_sensitivity", 0.0, 1.0)
