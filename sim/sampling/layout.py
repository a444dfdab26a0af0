"""Layout of a design's points: where each parameter's coordinates stand in one flat vector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...scenes.scenario import Scenario
from ...scenes.space import ParameterSpace

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PointLayout:
    """The coordinates of a scenario, then those of each view, then those of each look, in one vector.

    Example:
        >>> layout = PointLayout(space=scene.space, views=2, looks=1)
        >>> layout.split(point, index=0, seed=7).u_view.shape[0]
        2
    """

    space: ParameterSpace
    """Whose coordinates they are."""
    views: int
    """Rig placements per scenario."""
    looks: int
    """Appearances per view."""

    @property
    def dimensions(self) -> int:
        """Coordinates of one point: the scenario's, and those of every view and look."""
        sizes = self.space.sizes
        return sizes["scenario"] + self.views * sizes["view"] + self.views * self.looks * sizes["look"]

    def places(self, name: str, element: int | None = None) -> NDArray[np.int64]:
        """Tell where a parameter's coordinates stand.

        Args:
            name: The parameter.
            element: Element of a vector parameter; None for all.

        Returns:
            Positions in the vector, shape (copies, coordinates); the copies are 1, the views, or all looks.
        """
        parameter, sizes = self.space[name], self.space.sizes
        own = np.arange(self.space.slices[name].start, self.space.slices[name].stop)
        if element is not None:
            inner = parameter.distribution.coordinate_count
            own = own[element * inner : (element + 1) * inner]
        start, step, copies = {
            "scenario": (0, 0, 1),
            "view": (sizes["scenario"], sizes["view"], self.views),
            "look": (sizes["scenario"] + self.views * sizes["view"], sizes["look"], self.views * self.looks),
        }[parameter.varies]
        return np.asarray(start + step * np.arange(copies)[:, None] + own, np.int64)

    def split(
        self, point: Array, *, index: int, seed: int, attempt: int = 0, weight: float = 1.0, spared: bool = False
    ) -> Scenario:
        """Make a scenario of a point, shape (dimensions,), range (0, 1)."""
        sizes = self.space.sizes
        view_start = sizes["scenario"]
        look_start = view_start + self.views * sizes["view"]
        return Scenario(
            index=index,
            attempt=attempt,
            seed=seed,
            u_scenario=point[:view_start],
            u_view=point[view_start:look_start].reshape(self.views, sizes["view"]),
            u_look=point[look_start:].reshape(self.views, self.looks, sizes["look"]),
            weight=weight,
            spared=spared,
        )

    def join(self, scenario: Scenario) -> Array:
        """Return a scenario's point, shape (dimensions,)."""
        parts = (scenario.u_scenario, scenario.u_view.reshape(-1), scenario.u_look.reshape(-1))
        return np.concatenate(parts)
