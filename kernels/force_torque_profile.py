"""The profile of a six-axis force/torque sensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .profile_check import check_numbers, check_range

PLAYS: Final = 4
"""Play operators of the hysteresis on each axis."""


@dataclass(frozen=True, kw_only=True)
class ForceTorqueProfile:
    """A strain-gauge sensor of three forces and three torques, as on a robot's wrist.

    Raises:
        ValueError: If a value is out of its range.
    """

    name: str
    """Name of the profile."""
    rate: float
    """Readings per second [Hz], (0, 1e6]."""
    force_range: float
    """Largest force that is reported, along each axis either way [N], (0, 1e6]."""
    torque_range: float
    """Largest torque that is reported, about each axis either way [Nm], (0, 1e6]."""
    force_step: float
    """Step of the reported forces [N], > 0."""
    torque_step: float
    """Step of the reported torques [Nm], > 0."""
    bandwidth: float
    """Corner frequency of the low-pass filter [Hz], [0, 1e6]; 0: none."""
    force_noise: float
    """Noise density before the filter [N/sqrt(Hz)], ≥ 0."""
    torque_noise: float
    """Noise density before the filter [Nm/sqrt(Hz)], ≥ 0."""
    gain_error: float
    """Standard deviation of each axis' gain over specimens, [0, 0.5]."""
    crosstalk: float
    """Standard deviation over specimens of what full load on one axis shows on another, over that one's range,
    [0, 0.5]."""
    hysteresis: float
    """How far a reading differs under rising and falling load, at the widest, over the range, [0, 0.1]."""
    hysteresis_thresholds: tuple[float, ...]
    """Loads at which the four parts of the hysteresis start to slip, over the range, (0, 1]."""
    force_bias: float
    """Standard deviation of the forces' offset at power-up [N], ≥ 0."""
    torque_bias: float
    """Standard deviation of the torques' offset at power-up [Nm], ≥ 0."""
    force_drift: float
    """Standard deviation of the forces' slow drift [N], ≥ 0."""
    torque_drift: float
    """Standard deviation of the torques' slow drift [Nm], ≥ 0."""
    drift_time: float
    """Correlation time of the drift [s], (0, 1e9]."""
    force_temperature: float
    """Standard deviation over specimens of the forces' offset per degree [N/K], ≥ 0."""
    torque_temperature: float
    """Standard deviation over specimens of the torques' offset per degree [Nm/K], ≥ 0."""
    reference_temperature: float
    """Temperature at which nothing is added [degC], [-273, 1000]."""

    def __post_init__(self) -> None:
        check_range(self, "rate", 1e-3, 1e6)
        for kind in ("force", "torque"):
            check_range(self, f"{kind}_range", 1e-9, 1e6)
            check_range(self, f"{kind}_step", 1e-12, 1e6)
            for name in ("noise", "bias", "drift", "temperature"):
                check_range(self, f"{kind}_{name}", 0.0, 1e6)
        check_range(self, "bandwidth", 0.0, 1e6)
        check_range(self, "gain_error", 0.0, 0.5)
        check_range(self, "crosstalk", 0.0, 0.5)
        check_range(self, "hysteresis", 0.0, 0.1)
        check_numbers(self, "hysteresis_thresholds", PLAYS, 1e-4, 1.0)
        check_range(self, "drift_time", 1e-6, 1e9)
        check_range(self, "reference_temperature", -273.0, 1000.0)
        if sum(self.hysteresis_weights) >= 1.0:
            raise ValueError(
                f"hysteresis must be below {self.hysteresis / sum(self.hysteresis_weights):g} with these thresholds, "
                f"got {self.hysteresis}; set ForceTorqueProfile.hysteresis or ForceTorqueProfile.hysteresis_thresholds"
            )

    @property
    def hysteresis_weights(self) -> tuple[float, ...]:
        """Share of the load that each part holds back until it slips; all four make equal parts of the loop."""
        return tuple(self.hysteresis / (2.0 * PLAYS * threshold) for threshold in self.hysteresis_thresholds)
