"""What every sampler shares: it only proposes points of the unit cube."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

MAX_SCENARIO = 1 << 32
"""Scenarios are numbered below this, so that one counter word addresses them."""

MAX_ATTEMPTS = 20
"""How often a sampler that redraws tries one scenario before a tombstone takes its place."""


@dataclass(frozen=True, kw_only=True)
class Coordinates:
    """Who owns each coordinate of a scenario's point, in the scene's order of declaration."""

    scenario: tuple[tuple[str, int], ...]
    """(parameter name, coordinate within the parameter) of what is drawn once per scenario."""
    view: tuple[tuple[str, int], ...]
    """The same for what is drawn once per view."""
    look: tuple[tuple[str, int], ...]
    """The same for what is drawn once per look of a view."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Proposal:
    """One point of the unit cube for a whole scenario: V views and L looks per view."""

    scenario: NDArray[np.float64]
    """Coordinates drawn once, open interval (0, 1), shape (Ds,)."""
    view: NDArray[np.float64]
    """Coordinates of each view, shape (V, Dv)."""
    look: NDArray[np.float64]
    """Coordinates of each look, shape (V, L, Dl)."""


class Sampler(Protocol):
    """Proposes a point for each scenario, as a pure function of (seed, scenario, attempt)."""

    @property
    def redraws(self) -> bool:
        """Whether a scenario that cannot be built may be drawn again."""
        ...

    @property
    def scenario_count(self) -> int | None:
        """Scenarios of the design; None where there is no end."""
        ...

    def propose(self, scenario: int, attempt: int = 0) -> Proposal:
        """Propose the point of a scenario.

        Args:
            scenario: Number of the scenario, from 0.
            attempt: How often it was drawn before.

        Returns:
            Its coordinates.
        """
        ...
