"""The profile of a tactile pad."""

from __future__ import annotations

from dataclasses import dataclass

from .profile_check import check_range, check_whole


@dataclass(frozen=True, kw_only=True)
class TactileProfile:
    """A pad of taxels under an elastic skin, each of which measures the force that presses on it.

    Raises:
        ValueError: If a value is out of its range.
    """

    name: str
    """Name of the profile."""
    rate: float
    """Readings per second [Hz], (0, 1e6]."""
    row_count: int
    """Rows of taxels, along y of the pad, [1, 256]."""
    column_count: int
    """Columns of taxels, along x of the pad, [1, 256]."""
    pitch: float
    """Distance between the middles of neighbours, along x and y alike [m], (0, 1]."""
    spread: float
    """Standard deviation of the spot into which the skin spreads a point's force [m], [1e-6, 1]."""
    gain_error: float
    """Standard deviation of each taxel's gain over taxels and specimens, [0, 0.5]."""
    saturation: float
    """Force that a taxel's reading tends to under ever larger loads [N], (0, 1e6]."""
    creep_share: float
    """Share of a reading that comes late, and goes late, [0, 1)."""
    creep_time: float
    """Time constant with which it does [s], (0, 1e6]."""
    noise: float
    """Standard deviation of a reading [N], ≥ 0."""
    threshold: float
    """Reading below which nothing is reported [N], ≥ 0."""
    step: float
    """Step of the readings [N], > 0."""

    def __post_init__(self) -> None:
        check_range(self, "rate", 1e-3, 1e6)
        check_whole(self, "row_count", 1, 256)
        check_whole(self, "column_count", 1, 256)
        check_range(self, "pitch", 1e-6, 1.0)
        check_range(self, "spread", 1e-6, 1.0)
        check_range(self, "gain_error", 0.0, 0.5)
        check_range(self, "saturation", 1e-6, 1e6)
        check_range(self, "creep_share", 0.0, 0.99)
        check_range(self, "creep_time", 1e-6, 1e6)
        check_range(self, "noise", 0.0, 1e6)
        check_range(self, "threshold", 0.0, 1e6)
        check_range(self, "step", 1e-12, 1e6)
