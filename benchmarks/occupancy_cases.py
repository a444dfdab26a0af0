"""What suite `occupancy` measures: data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class OccupancyCase:
    """The stages of `simloom.generate` side by side, with different numbers of physics workers."""

    name: str
    width: int
    height: int
    views: int
    looks: int
    workers: tuple[int, ...]
    """Physics processes of each contestant; the first is what scaling is measured against."""
    scenarios: int
    """Scenarios of one repeat."""
    before: int = 32
    """Scenarios of the short run that is taken off, with the first batches of a process; 0 = nothing is."""


OCCUPANCY = (
    OccupancyCase(name="64x48, physics binds", width=64, height=48, views=1, looks=1, workers=(1, 2), scenarios=192),
    OccupancyCase(name="320x240, 8 rows", width=320, height=240, views=4, looks=2, workers=(1, 2), scenarios=48),
)
TINY: dict[str, Any] = {"views": 1, "looks": 1, "workers": (0, 1), "scenarios": 2, "before": 0}
"""What is changed beside the resolution for a case that takes a few seconds."""
