"""The step of a depth sensor: its inverse depths are multiples of one quantum, which the distinct depths tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .estimate import Estimate, make_estimate

Counted = tuple[NDArray[Any], NDArray[Any]]

COARSE: Final = 3.0
"""Gaps between depths tell the step from this many storage units on."""
MIN_LEVELS: Final = 4
"""Fewer distinct depths tell neither steps nor noise."""
MOST_VALUES: Final = 4096
"""More distinct depths at one wall are no steps."""


class _Found(NamedTuple):
    """The quantum of inverse depth at one distance."""

    quantum: float
    deviation: float


class StepFinder:
    """Collects the distinct depths of several distances, and finds the step that they share.

    Args:
        unit: Depth of one count of integer frames [m].
    """

    def __init__(self, unit: float) -> None:
        self.unit = unit
        self.found: list[_Found] = []

    def add(self, counted: Sequence[Counted], depth: float) -> int:
        """Add the depths of a wall.

        Args:
            counted: The distinct values of each frame and how often they occur.
            depth: Depth of the wall [m].

        Returns:
            How many depths are common.
        """
        integer = counted[0][0].dtype.kind in "iu"
        values, place = np.unique(np.concatenate([pair[0] for pair in counted]), return_inverse=True)
        counts = np.bincount(place, np.concatenate([pair[1] for pair in counted]))
        often = counts >= max(3.0, 1e-4 * counts.sum())
        values = values[often].astype(np.float64) * (self.unit if integer else 1.0)
        if not MIN_LEVELS <= len(values) <= MOST_VALUES:
            return len(values) if len(values) > 0 else len(often)
        gaps = np.diff(values)
        stored = self.unit if integer else float(np.spacing(np.float32(depth)))
        if float(np.median(gaps)) < COARSE * stored:
            return len(values)
        inverse = 1.0 / values
        quantum = float(np.median(np.diff(inverse)))
        for _ in range(3):  # the counts follow from the quantum, and the quantum from the counts
            counts = np.round((inverse - inverse[0]) / quantum)
            centred = counts - counts.mean()
            square = float((centred * centred).sum())
            quantum = float((centred * (inverse - inverse.mean())).sum()) / square
        rest = inverse - inverse.mean() - quantum * centred
        spread = float(np.sqrt((rest * rest).sum() / (len(values) - 2)))
        if spread < 0.2 * abs(quantum):
            least = 1e-6 * abs(quantum)
            self.found.append(_Found(abs(quantum), max(spread / math.sqrt(square), least)))
        return len(values)

    def estimate(self, name: str, unit: str, scale: float) -> Estimate | None:
        """Return the step that the distances share, or None where no distance tells it.

        Args:
            name: Name of the step.
            unit: Its unit.
            scale: What a quantum of inverse depth is multiplied by, f B [px m] or 1.
        """
        if not self.found:
            return None
        values = np.array([one.quantum for one in self.found])
        weight = np.array([one.deviation**-2.0 for one in self.found])
        mean = float((weight * values).sum() / weight.sum())
        chi = float((weight * (values - mean) ** 2).sum()) / max(len(values) - 1, 1)
        deviation = math.sqrt(max(chi, 1.0) / float(weight.sum()))
        return make_estimate(name, unit, mean * scale, deviation * scale, freedom=max(len(values) - 1, 3))
