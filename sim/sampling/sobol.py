"""The Sobol sampler: a scrambled net over all coordinates of a scenario, its views and its looks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...kernels.philox import philox_words
from ...scenes.scenario import Scenario
from ...scenes.space import ParameterSpace

MAX_DIMENSIONS = 21201
"""Coordinates for which direction numbers are known (Joe and Kuo)."""

_RESOLUTION = 32  # more bits than that, and scipy cannot fast-forward


class SobolSampler:
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
        self._sizes = (space.sizes["scenario"], space.sizes["view"], space.sizes["look"])
        self._views, self._looks = views, looks
        once, per_view, per_look = self._sizes
        self._dimensions = once + views * per_view + views * looks * per_look
        if self._dimensions > MAX_DIMENSIONS:
            raise ValueError(
                f"a Sobol design has at most {MAX_DIMENSIONS} coordinates; this recipe has {once} + {views} views x "
                f"{per_view} + {views * looks} looks x {per_look} = {self._dimensions}; lower views or looks"
            )
        if scenarios < 1 or scenarios & (scenarios - 1):
            raise ValueError(f"scenarios must be a power of two, got {scenarios}")
        self._scenarios = scenarios
        self._seed = seed
        self._cache: tuple[int, NDArray[np.float64]] | None = None

    @property
    def redraws(self) -> bool:
        """A designed point is never replaced."""
        return False

    @property
    def scenario_count(self) -> int | None:
        """Points of the design."""
        return self._scenarios

    def propose(self, index: int, attempt: int = 0) -> Scenario:
        """Give the design's point; see `Sampler.propose`."""
        if attempt != 0:
            raise ValueError("a designed point is never redrawn")
        if not 0 <= index < self._scenarios:
            raise ValueError(f"the design has {self._scenarios} scenarios, got {index}; it cannot be appended to")
        point = self._point(index)
        once, per_view, per_look = self._sizes
        view_end = once + self._views * per_view
        return Scenario(
            index=index,
            seed=self._seed,
            u_scenario=point[:once],
            u_view=point[once:view_end].reshape(self._views, per_view),
            u_look=point[view_end:].reshape(self._views, self._looks, per_look),
        )

    def _point(self, index: int) -> NDArray[np.float64]:
        # Points are asked for in runs: a block is made at a time and kept.
        block = min(256, self._scenarios)
        start = index - index % block
        if self._cache is None or self._cache[0] != start:
            from scipy.stats import qmc

            words = philox_words(self._seed, "sampler/sobol", np.zeros((1, 3), np.int64))[0]
            generator = np.random.Generator(np.random.PCG64([int(word) for word in words]))  # noqa: TID251 (scrambles only)
            engine = qmc.Sobol(self._dimensions, scramble=True, bits=_RESOLUTION, rng=generator)
            if start:
                engine.fast_forward(start)
            points = engine.random(block)
            # The scrambled net is a lattice of [0, 1): its cell centres are in the open interval.
            self._cache = (start, points + 2.0 ** -(_RESOLUTION + 1))
        return np.asarray(self._cache[1][index - start])
