"""The replay sampler: the points of a dataset or of a file, once more."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...scenes.scenario import Scenario
from ...scenes.space import ParameterSpace
from .design import Design, Rest
from .layout import Array, PointLayout
from .replay_dataset import read_dataset_points
from .replay_file import read_file_points
from .replay_points import ReplayPoints


class ReplaySampler(Design):
    """Points that were proposed before, or written by hand, in their order.

    Scenario i is the i-th whole scenario of the dataset, or the i-th line of the file. The rows of a dataset that is
    replayed under its own recipe and seed come out as the same bytes, unless scenarios are missing before or between
    them: the noise of those after a gap, which goes by a scenario's number, is another. Points are taken as they are:
    a soft requirement is not held against those that were not refused before.

    Args:
        space: The scene's parameters.
        seed: Seed of the recipe, [0, 2^64).
        views: Views per scenario.
        looks: Looks per view.
        path: Folder of a dataset, or a file that ends in .csv, .json, .npz or .parquet.
        rest: What parameters do that the file does not name.

    Raises:
        ValueError: If the file cannot be read, or what it holds is no point of the space.
        OSError: If the system refuses.
    """

    def __init__(
        self,
        *,
        space: ParameterSpace,
        seed: int,
        views: int,
        looks: int,
        path: str | Path,
        rest: Rest = "random",
    ) -> None:
        layout = PointLayout(space=space, views=views, looks=looks)
        source = Path(path)
        read = read_dataset_points if source.is_dir() else read_file_points
        self._replayed: ReplayPoints = read(source, layout)
        super().__init__(layout=layout, seed=seed, scenarios=self._replayed.count, rest=rest)

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Points, and their digest: a file that changes is another design."""
        points, hasher = self._replayed, hashlib.sha256()
        for array in (points.places, points.u, points.attempt, points.weight):
            hasher.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        if not points.spared.all():
            hasher.update(points.spared.tobytes())
        return {"scenarios": self._scenarios, "points_sha256": hasher.hexdigest()}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know before it is used."""
        if not self._replayed.has_gaps:
            return ()
        return ("scenarios are missing from what is replayed: they are numbered anew, and so have other noise",)

    def propose(self, index: int, attempt: int = 0) -> Scenario:
        """Give the point; see `Sampler.propose`. A replayed scenario keeps the attempt at which it was drawn."""
        scenario = super().propose(index, attempt)
        return self._layout.split(
            self._layout.join(scenario),
            index=index,
            seed=self._seed,
            attempt=int(self._replayed.attempt[index]),
            weight=float(self._replayed.weight[index]),
            spared=bool(self._replayed.spared[index]),
        )

    def _point(self, index: int) -> Array:
        point = self._others(index)
        point[self._replayed.places] = self._replayed.u[index]
        return point
