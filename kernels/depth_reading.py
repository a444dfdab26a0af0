"""What every depth sensor reports: depth, the reason where there is none, and the truth beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

VALID: Final = 0
"""Depth was measured."""
NO_SURFACE: Final = 1
"""The ray meets nothing."""
TOO_NEAR: Final = 2
"""Nearer than the sensor measures."""
TOO_FAR: Final = 3
"""The surface, or what was measured of it, is beyond the range."""
OCCLUDED: Final = 4
"""A nearer surface hides it from the second imager, or from the projector."""
LOW_SIGNAL: Final = 5
"""Too little light came back: dark or grazing."""
OUT_OF_OVERLAP: Final = 6
"""It lies outside the second imager's or the projector's field."""
NO_MATCH: Final = 7
"""Nothing, or more than one thing, looks like it: no texture, or surfaces at different depths within the window."""
SATURATED: Final = 8
"""Too much light came back."""
AMBIGUOUS: Final = 9
"""Several distances explain what was measured."""
FILTERED: Final = 10
"""A filter after the measurement took it out."""

STATUS_NAMES: Final = (
    "valid", "no_surface", "too_near", "too_far", "occluded", "low_signal", "out_of_overlap", "no_match", "saturated",
    "ambiguous", "filtered",
)  # fmt: skip
"""Name of each status."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DepthReading:
    """What a depth sensor reports."""

    depth: Any
    """Depth along +z [m], float32, shape (N, H, W); 0 = no return."""
    status: Any
    """Why there is no return, uint8, shape (N, H, W): place in `STATUS_NAMES`, 0 = valid."""
    truth: Any
    """The depth that was given [m], as it was given."""
    profiles: tuple[Any, ...]
    """The sensors: one for all images, or one for each."""
