"""The grid sampler: every combination of the levels of some parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...scenes.space import ParameterSpace
from .design import MAX_SCENARIOS, Design, Rest
from .factors import Factor, level_parameter
from .layout import Array, PointLayout


class GridSampler(Design):
    """All combinations of levels, in the order of the names given, the last of them fastest.

    Every view and look of a scenario stands at the scenario's level.

    Args:
        space: The scene's parameters.
        seed: Seed of the recipe, [0, 2^64).
        views: Views per scenario.
        looks: Looks per view.
        parameters: Name to levels, as `level_parameter` takes them.
        rest: What the other parameters do.

    Raises:
        ValueError: If a name or a level cannot be, or there are too many combinations.

    Example:
        >>> GridSampler(space=space, seed=0, views=1, looks=1, parameters={"friction": 3, "object_count": [3, 8]})
    """

    def __init__(
        self,
        *,
        space: ParameterSpace,
        seed: int,
        views: int,
        looks: int,
        parameters: Mapping[str, Any],
        rest: Rest = "random",
    ) -> None:
        try:
            self.factors = tuple(level_parameter(space, name, given) for name, given in parameters.items())
        except ValueError as error:
            raise ValueError(f"parameters: {error}") from error
        check_distinct(self.factors)
        count = math.prod(len(factor.levels) for factor in self.factors)
        if count > MAX_SCENARIOS:
            raise ValueError(
                f"parameters: {' x '.join(str(len(factor.levels)) for factor in self.factors)} levels are {count} "
                f"scenarios, and a design has at most {MAX_SCENARIOS}; give fewer levels, or take covering"
            )
        layout = PointLayout(space=space, views=views, looks=looks)
        super().__init__(layout=layout, seed=seed, scenarios=count, rest=rest)

    def levels_at(self, index: int) -> tuple[int, ...]:
        """Return the number of each factor's level in a scenario."""
        return tuple(int(i) for i in np.unravel_index(index, [len(factor.levels) for factor in self.factors]))

    def _point(self, index: int) -> Array:
        point = self._others(index)
        place_levels(point, self.factors, self.levels_at(index), self._layout)
        return point


def place_levels(point: Array, factors: tuple[Factor, ...], levels: tuple[int, ...], layout: PointLayout) -> None:
    """Move a point into levels: what it holds, in (0, 1), becomes the place within the level.

    Args:
        point: Shape (dimensions,); written.
        factors: What is placed.
        levels: Number of each factor's level.
        layout: Where the coordinates stand.
    """
    for factor, number in zip(factors, levels, strict=True):
        places = layout.places(factor.parameter.name, factor.element)
        point[places] = factor.levels[number].place(point[places])


def check_distinct(factors: tuple[Factor, ...]) -> None:
    """Raise where there is no factor, or two of them move the same coordinates."""
    if not factors:
        raise ValueError("parameters: name at least one parameter")
    seen: set[tuple[str, int | None]] = set()
    for factor in factors:
        name = factor.parameter.name
        if (name, factor.element) in seen or (name, None) in seen or (factor.element is None and _has(seen, name)):
            raise ValueError(f"parameters: {factor.name} is there twice, as a whole and as an element or both times")
        seen.add((name, factor.element))


def _has(seen: set[tuple[str, int | None]], name: str) -> bool:
    return any(known == name for known, _ in seen)
