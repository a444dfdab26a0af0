"""From stages to the rows of a dataset; everything that makes rows makes them here."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from ...scenes.capture import Capturer
from ...scenes.stage import Stage
from ..dataset.depth_format import stored_dtype
from ..quality.checks import needed_outputs
from .finished_rows import finish_rows
from .plan import Plan
from .resources import Resources

Rows = dict[str, NDArray[Any]]
"""Arrays by name, rows leading."""

ALWAYS = ("sample/index", "sample/scenario", "sample/valid", "sample/verdict")
"""Arrays that are made whatever is wanted."""


@final
class RowMaker:
    """Makes the rows that a dataset of a plan holds, out of stages; a row depends on its stage and its number alone.

    Args:
        plan: Whose rows.
        resources: Where, and how many at once.
        names: Arrays wanted; None for all. Outputs that only others need are not rendered.
        apart: Whether a CUDA device is waited for after each step, so that `seconds` tells what each takes.

    Example:
        >>> maker = RowMaker(plan)
        >>> with StageSource(plan, range(4), workers=2) as source:
        ...     rows = maker.make(list(source))
    """

    def __init__(
        self,
        plan: Plan,
        resources: Resources | None = None,
        *,
        names: Collection[str] | None = None,
        apart: bool = False,
    ) -> None:
        resources = Resources() if resources is None else resources
        self._recipe = plan.recipe
        written = plan.capturer(device=resources.device)
        if names is not None:
            written = _narrow(written, {*names, *ALWAYS})
        shapes = {
            name: (stored_dtype(name, np.dtype(kind), plan.recipe.depth_format), tail)
            for name, (kind, tail) in written.shapes.items()
            if names is None or name in names or name in ALWAYS
        }
        self.shapes: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]] = shapes
        """Dtype and shape of one row, by array name."""
        outputs = tuple(dict.fromkeys((*written.outputs, *needed_outputs(plan.recipe.checks))))
        self._capturer = dataclasses.replace(written, outputs=outputs, apart=apart)
        self.batch = resources.batch_size(self._capturer)
        """Scenarios that `make` should be given at once."""
        self.in_flight = 1 if resources.device == "cpu" else 2
        """Batches that may be begun at once: on a device the next is uploaded while one is worked on."""
        self.seconds = {"render": 0.0, "sensors": 0.0, "gather": 0.0}
        """Wall time so far by step of the work [s]."""

    @property
    def row_bytes(self) -> int:
        """Size of one row, uncompressed [byte]."""
        return sum(dtype.itemsize * int(np.prod(tail, dtype=np.int64)) for dtype, tail in self.shapes.values())

    @property
    def allocated_bytes(self) -> int:
        """Size of what `allocate` makes for one scenario [byte]."""
        return self._capturer.row_bytes * self._capturer.rows_per_scenario

    def make(self, stages: Sequence[Stage], *, steps: Collection[int] | None = None) -> Rows:
        """Make the rows of some stages.

        Args:
            stages: Stages of any scenarios.
            steps: Instants that are wanted; None for all. Rows of others lack their readings.

        Returns:
            Their rows in order.
        """
        captured = self.allocate(len(stages))
        self.fill(stages, captured, start=0, steps=steps)
        begun = time.perf_counter()
        rows = self.finish(captured)
        self.seconds["gather"] += time.perf_counter() - begun
        return rows

    def allocate(self, scenarios: int) -> Rows:
        """Make arrays for the captures of some scenarios, which `fill` fills and `finish` turns into rows."""
        return self._capturer.allocate(scenarios * self._capturer.rows_per_scenario)

    def fill(
        self,
        stages: Sequence[Stage],
        captured: Mapping[str, NDArray[Any]],
        *,
        start: int,
        steps: Collection[int] | None = None,
    ) -> None:
        """Capture some stages.

        Args:
            stages: The stages, at most `batch` at once.
            captured: Arrays from `allocate`.
            start: Which of its scenarios the first stage is.
            steps: As for `make`.
        """
        self.begin(stages, captured, start=start, steps=steps)()

    def begin(
        self,
        stages: Sequence[Stage],
        captured: Mapping[str, NDArray[Any]],
        *,
        start: int,
        steps: Collection[int] | None = None,
    ) -> Callable[[], None]:
        """Begin to capture some stages; on a CUDA device others may be begun before these are done.

        Args:
            stages: As for `fill`.
            captured: As for `fill`.
            start: As for `fill`.
            steps: As for `make`.

        Returns:
            What waits until the arrays are filled; to be called once, in the order in which stages were begun.
        """
        first = start * self._capturer.rows_per_scenario
        pending = self._capturer.begin(stages, captured, start=first, steps=steps)

        def finish() -> None:
            for step, taken in pending.finish().items():
                self.seconds[step] += taken

        return finish

    def finish(self, captured: Mapping[str, NDArray[Any]]) -> Rows:
        """Judge captured rows and give them the form in which a dataset holds them; from any thread."""
        return finish_rows(captured, self._recipe, kept=frozenset(self.shapes))


def _narrow(capturer: Capturer, names: Collection[str]) -> Capturer:
    """Leave out the outputs without which all wanted arrays are still there."""
    wanted = capturer.shapes.keys() & set(names)
    for output in capturer.outputs:
        fewer = dataclasses.replace(capturer, outputs=tuple(name for name in capturer.outputs if name != output))
        if wanted <= fewer.shapes.keys():
            capturer = fewer
    return capturer
