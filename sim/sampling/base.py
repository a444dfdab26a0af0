"""What every sampler shares: it only proposes points of the unit cube."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ...scenes.scenario import Scenario

MAX_ATTEMPTS = 20
"""How often a sampler that redraws tries one scenario before a tombstone takes its place."""


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

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What a dataset's own recipe tells of the points beside what was asked for; nothing where there is nothing."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know before it is used."""
        ...

    def propose(self, index: int, attempt: int = 0) -> Scenario:
        """Propose the point of a scenario.

        Args:
            index: Number of the scenario, from 0.
            attempt: How often it was drawn before.

        Returns:
            The scenario.

        Raises:
            ValueError: If the number or the attempt is out of range.
        """
        ...
