"""Suite `occupancy`: what each stage of `simloom.generate` does with its time, and how its rate grows with workers."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from occupancy_cases import OccupancyCase
from report import CaseResult

from simloom.sim.bench.timing import Contestant, Measurement, measure, quartiles, speed_ratio
from simloom.sim.campaign.campaign import Campaign
from simloom.sim.campaign.progress import StageTimes
from simloom.sim.campaign.stage_counter import binding_stage, occupancy_table
from simloom.sim.recipe import load_recipe

NOTES = (
    "The CPU renderer stands where a GPU would: physics workers, shared memory, capture in one process, compressing "
    "and committing. Runs with different numbers of workers alternate.",
    "A rate is of a long run less a short one: each counts the time from when the first scenario was begun to when the "
    "last was durable, so that starting processes, scenes and kernels counts nowhere. Scaling is rate(n) over n times "
    "rate(1), of neighbouring repeats. The parent renders and compresses on the same cores, so scaling stays below one "
    "where workers fill them.",
    "Occupancy is the share of its servers' wall time that a stage worked. `hand over` is the whole cost of passing "
    "stages on: laying them out in shared memory and reading them. The binding stage has the highest occupancy.",
)


def make_recipe(case: OccupancyCase) -> dict[str, Any]:
    """Make the recipe of a case."""
    sensor = {"camera": "generic_rgb", "depth": "realsense_d435", "width": case.width, "height": case.height}
    return {
        "scene": "tabletop",
        "seed": 11,
        "views": case.views,
        "looks": case.looks,
        "rig": {"head": sensor},
        "outputs": ["rgb", "depth", "instance", "class", "boxes", "poses", "contacts"],
        "parameters": {"object_count": {"fixed": 10}},
        "supersample": 1,
    }


def run_case(case: OccupancyCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    folder = Path(tempfile.mkdtemp(prefix="simloom-bench-"))
    times: dict[int, list[StageTimes]] = {workers: [] for workers in case.workers}
    per_scenario = case.views * case.looks

    def generate(workers: int, scenarios: int) -> StageTimes:
        out = folder / "out"
        campaign = Campaign(load_recipe(make_recipe(case)), out, samples=scenarios * per_scenario, workers=workers)
        campaign.run()
        campaign.plan.scene.close()
        shutil.rmtree(out)
        return campaign.times

    def steady(workers: int) -> float:
        before = generate(workers, case.before).counters[0].wall if case.before else 0.0
        found = generate(workers, case.before + case.scenarios)
        times[workers].append(found)
        return found.counters[0].wall - before

    def contestant(workers: int) -> Contestant:
        return Contestant(name=_name(workers), items=case.scenarios, run=lambda: steady(workers))

    try:
        measured = measure([contestant(workers) for workers in case.workers], repeats=repeats)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return CaseResult(
        case=case.name,
        unit="scenario",
        settings={
            "resolution": [case.width, case.height],
            "views": case.views,
            "looks": case.looks,
            "workers": list(case.workers),
            "scenarios": case.scenarios,
        },
        measurements=measured,
        ratios=[(_name(workers), _name(case.workers[0])) for workers in case.workers[1:]],
        facts={
            "scaling": _scaling(case, measured),
            "stages": {_name(workers): _facts(kept[1:] or kept, case) for workers, kept in times.items()},
        },
    )


def _name(workers: int) -> str:
    return f"{workers} worker{'s' if workers > 1 else ''}"


def _scaling(case: OccupancyCase, measured: list[Measurement]) -> dict[str, list[float]]:
    """Return quartiles of rate(n) over n times the first rate, by contestant."""
    found = {}
    for workers, one in zip(case.workers[1:], measured[1:], strict=True):
        more = workers / max(case.workers[0], 1)
        found[one.name] = [ratio / more for ratio in speed_ratio(one, measured[0])]
    return found


def _facts(times: list[StageTimes], case: OccupancyCase) -> dict[str, Any]:
    """Say what stages did in the long run of median time, and what the parent and hand-over cost."""
    made = case.before + case.scenarios
    ordered = sorted(times, key=lambda each: each.counters[0].wall)
    typical = ordered[len(ordered) // 2]
    counters = typical.counters
    return {
        "binding_stage": binding_stage(counters).stage,
        "occupancy": {
            counter.stage: quartiles([each.counters[number].occupancy for each in times])[1]
            for number, counter in enumerate(counters)
        },
        "table": occupancy_table(counters).splitlines(),
        "counters": [counter.to_json() for counter in counters],
        "parent_cpu_share": typical.cpu / counters[0].wall,
        "parent_cpu_ms_per_scenario": 1e3 * typical.cpu / made,
        "worker_cpu_ms_per_scenario": 1e3 * counters[0].cpu / made,
        "hand_over_us_per_scenario": 1e6
        * sum(counter.busy for counter in counters if counter.stage == "hand over")
        / made,
    }
