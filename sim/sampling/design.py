"""What designs share: their points are settled beforehand, never redrawn, and cannot be appended to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...kernels.philox import philox_words
from ...scenes.scenario import Scenario, draw_scenario
from ...scenes.space import Parameter
from .inverse import find_coordinates
from .layout import Array, PointLayout

Rest = Literal["random", "same", "nominal"]
"""What parameters do that a design does not name: each scenario's own draw, one draw for all, or nominal values."""

MAX_SCENARIOS = 1 << 24
"""Most points of a design."""


class Design(ABC):
    """A sampler with a fixed number of points; one that fails leaves a tombstone, so that the design stays what it is.

    Args:
        layout: Where the coordinates of a point stand.
        seed: Seed of the recipe, [0, 2^64).
        scenarios: Points of the design.
        rest: What parameters do that the design does not name.
    """

    def __init__(self, *, layout: PointLayout, seed: int, scenarios: int, rest: Rest = "random") -> None:
        if not 1 <= scenarios <= MAX_SCENARIOS:
            raise ValueError(f"a design has 1 to {MAX_SCENARIOS} scenarios, got {scenarios}")
        self._layout, self._seed, self._scenarios, self._rest = layout, seed, scenarios, rest
        self._still: Array | None = None

    @property
    def redraws(self) -> bool:
        """A designed point is never replaced."""
        return False

    @property
    def scenario_count(self) -> int | None:
        """Points of the design."""
        return self._scenarios

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What a dataset's own recipe tells of the points beside what was asked for."""
        return {"scenarios": self._scenarios}

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing that is not asked for."""
        return ()

    def propose(self, index: int, attempt: int = 0) -> Scenario:
        """Give the design's point; see `Sampler.propose`."""
        if attempt != 0:
            raise ValueError("a designed point is never redrawn")
        if not 0 <= index < self._scenarios:
            raise ValueError(f"the design has {self._scenarios} scenarios, got {index}; it cannot be appended to")
        return self._layout.split(self._point(index), index=index, seed=self._seed)

    @abstractmethod
    def _point(self, index: int) -> Array:
        """Return the point of a scenario, shape (dimensions,)."""

    def _others(self, index: int) -> Array:
        """Return a point in which every parameter does what `rest` says; the caller may write into it."""
        if self._rest == "random":
            return self._drawn(index)
        if self._still is None:
            self._still = self._drawn(0) if self._rest == "same" else self._nominal()
        return self._still.copy()

    def _drawn(self, index: int) -> Array:
        """Draw as the random sampler does: each parameter from a stream of its own name."""
        layout = self._layout
        return layout.join(
            draw_scenario(layout.space, seed=self._seed, index=index, views=layout.views, looks=layout.looks)
        )

    def _nominal(self) -> Array:
        layout, space = self._layout, self._layout.space
        point = np.full(layout.dimensions, 0.5)
        for parameter in space:
            if (u := nominal_coordinate(parameter)) is not None:
                point[layout.places(parameter.name)] = u
        for names, group in space.coupled():  # what is coupled takes up the others: take that out again
            free = group.uncouple([point[layout.places(name)] for name in names])
            for name, own in zip(names, free, strict=True):
                point[layout.places(name)] = own
        return point


def nominal_coordinate(parameter: Parameter) -> float | None:
    """Return the coordinate of a parameter's nominal value; None where it has none, or not within its distribution."""
    distribution = parameter.distribution
    if parameter.nominal is None or distribution.value_count > 1 or distribution.coordinate_count != 1:
        return None
    try:
        return float(find_coordinates(distribution, parameter.nominal))
    except ValueError:
        return None


def seed_words(seed: int, stream: str) -> list[int]:
    """Return the Philox words that seed a library's own generator."""
    words: NDArray[np.uint32] = philox_words(seed, stream, np.zeros((1, 3), np.int64))[0]
    return [int(word) for word in words]
