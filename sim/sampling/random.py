"""The random sampler: every coordinate from a Philox stream of its parameter's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...scenes.acceptance import MAX_DRAWS
from ...scenes.scenario import Scenario, draw_scenario
from ...scenes.space import ParameterSpace


@dataclass(frozen=True, kw_only=True)
class RandomSampler:
    """Independent uniform coordinates, addressed by (scenario, attempt, view, look, coordinate).

    The stream's name is the parameter's, so that a parameter that is added, removed or moved leaves the others where
    they were.

    Example:
        >>> scenario = RandomSampler(space=scene.space, seed=7, views=4, looks=2).propose(12)
    """

    space: ParameterSpace
    """What to draw."""
    seed: int
    """Seed of the recipe, range [0, 2^64)."""
    views: int
    """Rig placements per scenario."""
    looks: int
    """Appearances per view."""

    @property
    def redraws(self) -> bool:
        """A scenario that cannot be built is drawn again."""
        return True

    @property
    def scenario_count(self) -> int | None:
        """There is no end."""
        return None

    @property
    def provenance(self) -> Mapping[str, Any]:
        """The recipe tells it all."""
        return {}

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing that is not asked for."""
        return ()

    def propose(self, index: int, attempt: int = 0) -> Scenario:
        """Draw a scenario; see `Sampler.propose`."""
        if not 0 <= attempt < MAX_DRAWS:
            raise ValueError(f"attempt must be in [0, {MAX_DRAWS}), got {attempt}")
        return draw_scenario(
            self.space, seed=self.seed, index=index, attempt=attempt, views=self.views, looks=self.looks
        )
