"""The Sobol sampler: a scrambled net over all coordinates of a scenario, its views and its looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...scenes.space import ParameterSpace
from .design import Design, seed_words
from .layout import PointLayout

MAX_DIMENSIONS = 21201
"""Coordinates for which direction numbers are known (Joe and Kuo)."""

_RESOLUTION = 32  # more bits than that, and scipy cannot fast-forward


class SobolSampler(Design):
    """A Sobol net of 2^m points with random linear scrambling, seeded from Philox.

    The coordinates of every view and look are dimensions of their own, after the scenario's. Points are never
    redrawn: a scenario that cannot be built leaves a tombstone, so that the design stays what it is.

    Args:
        space: Whose coordinates the design fills.
        seed: Seed of the recipe, [0, 2^64).
        views: Views per scenario.
        looks: Looks per view.
        scenarios: Points of the design, a power of two.

    Raises:
        ValueError: If there are more coordinates than direction numbers, or the count is no power of two.

    Source: Joe and Kuo, "Constructing Sobol sequences with better two-dimensional projections", SIAM J. Sci. Comput.
        30, 2008; Matousek, "On the L2-discrepancy for anchored boxes", J. Complexity 14, 1998 (`scipy.stats.qmc`).
    """

    def __init__(self, *, space: ParameterSpace, seed: int, views: int, looks: int, scenarios: int) -> None:
        layout = PointLayout(space=space, views=views, looks=looks)
        self._dimensions = layout.dimensions
        if self._dimensions > MAX_DIMENSIONS:
            once, per_view, per_look = (space.sizes[axis] for axis in ("scenario", "view", "look"))
            raise ValueError(
                f"a Sobol design has at most {MAX_DIMENSIONS} coordinates; this recipe has {once} + {views} views x "
                f"{per_view} + {views * looks} looks x {per_look} = {self._dimensions}; lower views or looks"
            )
        if scenarios < 1 or scenarios & (scenarios - 1):
            raise ValueError(f"scenarios must be a power of two, got {scenarios}")
        super().__init__(layout=layout, seed=seed, scenarios=scenarios)
        self._cache: tuple[int, NDArray[np.float64]] | None = None

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Nothing: the recipe tells the points, and every shard's platform key the version of SciPy."""
        return {}

    def _point(self, index: int) -> NDArray[np.float64]:
        # Points are asked for in runs: a block is made at a time and kept.
        block = min(256, self._scenarios)
        start = index - index % block
        if self._cache is None or self._cache[0] != start:
            from scipy.stats import qmc

            words = seed_words(self._seed, "sampler/sobol")
            generator = np.random.Generator(np.random.PCG64(words))  # noqa: TID251 (scrambles only)
            engine = qmc.Sobol(self._dimensions, scramble=True, bits=_RESOLUTION, rng=generator)
            if start:
                engine.fast_forward(start)
            points = engine.random(block)
            # The scrambled net is a lattice of [0, 1): its cell centres are in the open interval.
            self._cache = (start, points + 2.0 ** -(_RESOLUTION + 1))
        return np.asarray(self._cache[1][index - start])
