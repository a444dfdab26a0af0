"""Recordings: the rows of a batch, each with the motion that led to its instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..motion import Motion
from ..stage import Stage

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordedRows:
    """R rows of S stages; all rows of a stage share its motion and differ in their noise."""

    stages: Sequence[Stage]
    """Valid stages, each with a motion of T instants."""
    stage: NDArray[np.int64]
    """Stage of each row, shape (R,)."""
    view: NDArray[np.int64]
    """View of each row, shape (R,)."""
    place: NDArray[np.int64]
    """Where each row stands in the batch's arrays, shape (R,)."""
    rows: Mapping[str, Array]
    """Arrays of the batch by name."""

    @property
    def index(self) -> NDArray[np.int64]:
        """Number of each row in the dataset, shape (R,)."""
        numbers: NDArray[np.int64] = self.rows["sample/index"][self.place]
        return numbers

    @property
    def motions(self) -> list[Motion]:
        """The motion of each stage."""
        found = [stage.motion for stage in self.stages]
        missing = [stage.scenario.index for stage, motion in zip(self.stages, found, strict=True) if motion is None]
        if missing:
            raise ValueError(
                f"scenario {missing[0]} has no motion; a scene whose rig has instruments must record one (Stage.motion)"
            )
        return [motion for motion in found if motion is not None]

    @property
    def instant(self) -> NDArray[np.int64]:
        """Each row's instant [ns], shape (R,)."""
        return np.array([motion.time[-1] for motion in self.motions], np.int64)[self.stage]

    @property
    def start(self) -> NDArray[np.int64]:
        """When each row's motion begins [ns], shape (R,)."""
        return np.array([motion.time[0] for motion in self.motions], np.int64)[self.stage]

    def gather(self, pick: Callable[[Motion], Array]) -> Array:
        """Return an array of each row's motion, shape (R, ...)."""
        return np.stack([pick(motion) for motion in self.motions])[self.stage]

    def write(self, name: str, values: Array) -> None:
        """Fill an array of the batch, where it is wanted."""
        if name in self.rows:
            target = self.rows[name]
            target[self.place] = np.asarray(values).astype(target.dtype, copy=False)
