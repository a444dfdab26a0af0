"""The profile of a time-of-flight depth sensor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from .profile_check import check_numbers, check_range

LIGHT_SPEED: Final = 299792458.0
"""Speed of light [m/s] (SI, exact)."""
FREQUENCIES: Final = 3
"""Most modulation frequencies of a sensor."""
_WRAPS: Final = 256


@dataclass(frozen=True, kw_only=True)
class TimeOfFlightProfile:
    """A continuous-wave time-of-flight sensor: light modulated at a few frequencies, four taps per pixel for each.

    Raises:
        ValueError: If a value is out of its range.
    """

    name: str
    """Name of the profile."""
    modulation_frequencies: tuple[float, ...]
    """Modulation frequencies [Hz], one to three different whole numbers in [1e6, 1e9]."""
    modulation_contrast: tuple[float, ...]
    """Amplitude of a tap over its mean, both of the sensor's own light, for each frequency, (0, 1]."""
    signal_electrons: float
    """Mean of a tap that a white surface gives at 1 m, facing the sensor, by its own light [e-], (0, 1e9]."""
    ambient_electrons: float
    """Mean of a tap that a white surface gives by ambient light, at any distance [e-], [0, 1e9]."""
    dark_electrons: float
    """Mean of a tap without any light [e-], [0, 1e9]."""
    read_noise: float
    """Standard deviation of a tap's read noise [e-], [0, 1e6]."""
    full_well: float
    """Charge at which a tap is full [e-], (0, 1e9]."""
    electrons_per_count: float
    """Charge of one count of the converter [e-], (0, 1e6]."""
    amplitude_min: float
    """Root mean square amplitude over the frequencies below which nothing is reported [e-], ≥ 0."""
    range_min: float
    """Nearest distance along the ray that is reported [m], ≥ 0."""
    range_max: float
    """Farthest distance along the ray that is reported [m], > range_min."""
    disagreement_max: float
    """Weighted deviation of the frequencies' distances above which they contradict one another [m], > 0."""
    third_harmonic: float
    """Third harmonic of the correlation relative to the first, [-0.5, 0.5]."""
    fifth_harmonic: float
    """Fifth harmonic of the correlation relative to the first, [-0.5, 0.5]."""
    spread_share: float
    """Share of light that the lens puts into the pixel on either side, along x and likewise along y, [0, 0.25]."""
    scatter_share: float
    """Share of light that is scattered within the camera over the whole image, [0, 0.5]."""
    multipath_share: float
    """Light that comes by a second path, relative to that of the first, [0, 1]."""
    multipath_length: float
    """Length by which the second path is longer, there and back [m], [0, 1000]."""

    def __post_init__(self) -> None:
        count = len(self.modulation_frequencies)
        if not 1 <= count <= FREQUENCIES or len(set(self.modulation_frequencies)) < count:
            raise ValueError(
                f"modulation_frequencies must be one to {FREQUENCIES} different numbers, got "
                f"{self.modulation_frequencies}; set TimeOfFlightProfile.modulation_frequencies"
            )
        check_numbers(self, "modulation_frequencies", count, 1e6, 1e9)
        if any(value != int(value) for value in self.modulation_frequencies):
            raise ValueError(
                f"modulation_frequencies must be whole numbers of Hz, got {self.modulation_frequencies}; "
                "set TimeOfFlightProfile.modulation_frequencies"
            )
        check_numbers(self, "modulation_contrast", count, 1e-3, 1.0)
        check_range(self, "signal_electrons", 1e-3, 1e9)
        check_range(self, "ambient_electrons", 0.0, 1e9)
        check_range(self, "dark_electrons", 0.0, 1e9)
        check_range(self, "read_noise", 0.0, 1e6)
        check_range(self, "full_well", 1.0, 1e9)
        check_range(self, "electrons_per_count", 1e-6, 1e6)
        check_range(self, "amplitude_min", 0.0, 1e9)
        check_range(self, "range_min", 0.0, 1e4)
        check_range(self, "range_max", self.range_min + 1e-6, 1e4)
        check_range(self, "disagreement_max", 1e-6, 1e4)
        check_range(self, "third_harmonic", -0.5, 0.5)
        check_range(self, "fifth_harmonic", -0.5, 0.5)
        check_range(self, "spread_share", 0.0, 0.25)
        check_range(self, "scatter_share", 0.0, 0.5)
        check_range(self, "multipath_share", 0.0, 1.0)
        check_range(self, "multipath_length", 0.0, 1e3)
        if self.wrap_count > _WRAPS:
            raise ValueError(
                f"modulation_frequencies must leave at most {_WRAPS} wraps of the highest one to tell apart, got "
                f"{self.wrap_count}; set TimeOfFlightProfile.modulation_frequencies or TimeOfFlightProfile.range_max"
            )

    @property
    def unambiguous_range(self) -> float:
        """Distance after which every frequency repeats at once [m]: c / 2f of their greatest common divisor."""
        return LIGHT_SPEED / (2.0 * math.gcd(*(int(value) for value in self.modulation_frequencies)))

    @property
    def wrap_count(self) -> int:
        """Wraps of the highest frequency that are told apart: those within the unambiguous range, or `range_max`."""
        highest = max(self.modulation_frequencies)
        repeats = int(highest) // math.gcd(*(int(value) for value in self.modulation_frequencies))
        return min(repeats, math.ceil(self.range_max * 2.0 * highest / LIGHT_SPEED) + 1)
