"""The physics stage: worlds settled by as many processes as a campaign would start."""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Iterable

from ...scenes.stage import Stage
from ..campaign.plan import Plan
from ..campaign.resources import Resources
from ..campaign.stages import StageSource
from ..errors import UsageError
from .stage_result import StageResult
from .timing import LEAST_REPEATS, Measurement


def measure_physics(plan: Plan, *, seconds: float, keep: int) -> tuple[StageResult, list[Stage]]:
    """Time how fast worlds come out of the worker processes.

    Args:
        plan: Whose worlds.
        seconds: About how long, after the processes have started [s].
        keep: Stages wanted by the stages that follow.

    Returns:
        The rate of worlds, and stages that are valid.

    Raises:
        UsageError: If the recipe's design has too few scenarios.
    """
    workers = Resources().worker_count
    block = max(2 * workers, 4)
    kept: list[Stage] = []
    taken: list[float] = []
    design = plan.sampler.scenario_count
    indices = itertools.count() if design is None else range(design)
    begun = time.perf_counter()
    with StageSource(plan, indices, workers=workers) as source:
        kept += _copy(itertools.islice(source, block))
        first_call = time.perf_counter() - begun
        started = time.perf_counter()
        while len(taken) < LEAST_REPEATS or time.perf_counter() - started < seconds:
            before = time.perf_counter()
            found = list(itertools.islice(source, block))
            now = time.perf_counter()
            if len(found) < block:
                break  # the design has no more
            taken.append(now - before)
            kept += _copy(found[: max(keep - len(kept), 0)])
    if not taken:
        raise UsageError(f"a design of {design} scenarios is too small to be timed; {2 * block} are needed")
    rows = plan.recipe.rows_per_scenario
    result = StageResult(
        stage="physics",
        unit="world",
        measurements=(
            Measurement(name=f"{workers} processes", items=block, seconds=tuple(taken), first_call=first_call),
        ),
        facts={"workers": workers, "rows_per_world": rows},
        excluded="starting the processes and building their scenes (the first call); draws that failed are included",
    )
    return result, [stage for stage in kept if stage.valid][:keep]


def _copy(stages: Iterable[Stage]) -> list[Stage]:
    """Copy valid stages: what workers hand over may lie in memory of theirs, which they wait for."""
    return [copy.deepcopy(stage) for stage in stages if stage.valid]
