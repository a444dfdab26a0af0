"""The Latin hypercube sampler: each of N equal strata of every coordinate holds one of the N points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...scenes.space import ParameterSpace, nearest
from .design import Design, Rest, seed_words
from .layout import Array, PointLayout

MAX_NUMBERS = 1 << 27
"""Most coordinates of a whole design, which is made at once and kept (1 GiB)."""


class LatinHypercubeSampler(Design):
    """A Latin hypercube of N points, seeded from Philox, over all parameters or over those named.

    The coordinates of every view and look are dimensions of their own, as in a Sobol design.

    Args:
        space: Whose coordinates the design fills.
        seed: Seed of the recipe, [0, 2^64).
        views: Views per scenario.
        looks: Looks per view.
        scenarios: Points of the design.
        strength: 1; or 2, where every pair of coordinates is stratified as well, for the square of a prime p of points
            and at most p + 1 coordinates.
        parameters: Names of those that are stratified; None for all.
        rest: What the others do.

    Raises:
        ValueError: If a name is unknown, or there can be no such design.

    Source: McKay, Beckman and Conover, "A comparison of three methods for selecting values of input variables",
        Technometrics 21, 1979; Tang, "Orthogonal array-based Latin hypercubes", JASA 88, 1993 (`scipy.stats.qmc`).
    """

    def __init__(
        self,
        *,
        space: ParameterSpace,
        seed: int,
        views: int,
        looks: int,
        scenarios: int,
        strength: int = 1,
        parameters: Sequence[str] | None = None,
        rest: Rest = "random",
    ) -> None:
        layout = PointLayout(space=space, views=views, looks=looks)
        super().__init__(layout=layout, seed=seed, scenarios=scenarios, rest=rest)
        for name in parameters or ():
            if name not in space.slices:
                raise ValueError(f"parameters: unknown parameter {name!r}; {nearest(name, space.names)}")
        names = space.names if parameters is None else tuple(dict.fromkeys(parameters))
        self._places = np.concatenate([np.zeros(0, np.int64), *(layout.places(name).reshape(-1) for name in names)])
        self._strength = strength
        size = len(self._places)
        if not size:
            raise ValueError("parameters: none of them varies, so there is nothing to stratify")
        if strength not in (1, 2):
            raise ValueError(f"strength must be 1 or 2, got {strength}")
        if strength == 2:
            root = math.isqrt(scenarios)
            if root * root != scenarios or not _is_prime(root):
                near = _nearest_prime(math.sqrt(scenarios))
                raise ValueError(
                    f"scenarios: a Latin hypercube of strength 2 has the square of a prime of them, got {scenarios}; "
                    f"take {near * near}"
                )
            if size > root + 1:
                raise ValueError(
                    f"scenarios: {scenarios} points of strength 2 have at most {root + 1} coordinates, this recipe has "
                    f"{size}; name fewer parameters, or take more scenarios"
                )
        if scenarios * size > MAX_NUMBERS:
            raise ValueError(
                f"scenarios: {scenarios} points of {size} coordinates are {scenarios * size} numbers, more than "
                f"{MAX_NUMBERS}; name the parameters that matter, or take sobol"
            )
        self._points: Array | None = None

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Points, and the library that made them."""
        import scipy

        return {"scenarios": self._scenarios, "library": f"scipy {scipy.__version__}"}

    def _point(self, index: int) -> Array:
        if self._points is None:
            from scipy.stats import qmc

            words = seed_words(self._seed, "sampler/lhs")
            generator = np.random.Generator(np.random.PCG64(words))  # noqa: TID251 (permutations of the design only)
            engine = qmc.LatinHypercube(len(self._places), strength=self._strength, rng=generator)
            # The ends of the interval may come up, though hardly ever.
            self._points = np.clip(engine.random(self._scenarios), 2.0**-60, 1.0 - 2.0**-53)
        if len(self._places) == self._layout.dimensions:
            point = np.empty(self._layout.dimensions)
        else:
            point = self._others(index)
        point[self._places] = self._points[index]
        return point


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % factor for factor in range(2, math.isqrt(number) + 1))


def _nearest_prime(number: float) -> int:
    below, above = max(2, math.floor(number)), max(2, math.ceil(number))
    while not _is_prime(below):
        below -= 1
    while not _is_prime(above):
        above += 1
    return below if number - below <= above - number else above
