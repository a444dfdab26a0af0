"""What every ranger with one wide beam reports: a range, the reason where there is none, and the truth beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

VALID: Final = 0
"""A range was measured."""
NO_ECHO: Final = 1
"""Nothing came back before the time was up."""
TOO_NEAR: Final = 2
"""What is there is nearer than the sensor measures."""
LOW_SIGNAL: Final = 3
"""Fewer photons came back than the limit."""
HIGH_SIGMA: Final = 4
"""The deviation that the sensor estimates is above its limit."""
OUT_OF_BOUNDS: Final = 5
"""The distance is beyond the one that the sensor's pulses tell apart."""

RANGER_STATUS_NAMES: Final = ("valid", "no_echo", "too_near", "low_signal", "high_sigma", "out_of_bounds")
"""Name of each status."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RangerReading:
    """What N measurements report."""

    range: Any
    """Range [m], float32, shape (N,); 0 = none."""
    status: Any
    """Why there is none, uint8, shape (N,): a place in `RANGER_STATUS_NAMES`, 0 = valid."""
    strength: Any
    """Amplitude of the echo over a facing wall's at 1 m, or signal photons per second; float32, shape (N,)."""
    sigma: Any
    """Standard deviation of the range that was drawn from, without outliers [m], float32, shape (N,)."""
    truth: Any
    """Range of the nearest surface in the beam [m], float32, shape (N,); 0 = none."""
    outlier: Any
    """Whether another sensor's pulse was taken for the own one, uint8, shape (N,)."""
    profiles: tuple[Any, ...]
    """The sensors: one for all, or one for each."""
