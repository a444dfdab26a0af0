"""What a LiDAR reports of each firing, and the truth beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

NO_RETURN: Final = 0
"""Nothing was reported in this place."""
SURFACE: Final = 1
"""Most of the echo came from a surface."""
RAIN: Final = 2
"""Most of it came from rain."""
SNOW: Final = 3
"""Most of it came from snow."""
FOG: Final = 4
"""Most of it came from fog."""
FALSE_ALARM: Final = 5
"""It was noise."""

RETURN_NAMES: Final = ("none", "surface", "rain", "snow", "fog", "false_alarm")
"""Name of each type of return."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LidarReading:
    """What a LiDAR reports: for each of N frames and P firings up to E returns, in the order of its return mode."""

    range: Any
    """Range along the ray [m], float32, shape (N, P, E); 0 = no return."""
    intensity: Any
    """Intensity as the sensor reports it [counts], float32, shape (N, P, E)."""
    snr: Any
    """Received amplitude over the standard deviation of its noise, as measured, float32, shape (N, P, E)."""
    return_type: Any
    """What made the return, uint8, shape (N, P, E): place in `RETURN_NAMES`, 0 = no return."""
    subray: Any
    """Sub-ray that gave most of the return, int16, shape (N, P, E), to gather labels by; -1 where no surface did."""
    truth: Any
    """True range of that sub-ray's surface, or of the drops [m], float32, shape (N, P, E); 0 for noise."""
    spread: Any
    """Range between the nearest and the farthest surface in the return [m], float32, shape (N, P, E)."""
    mixed: Any
    """Share of the return that came from other surfaces than the sub-ray's, float32, shape (N, P, E); None where
    `surface` was not given."""
    profiles: tuple[Any, ...]
    """The LiDARs: one for all frames, or one for each."""
