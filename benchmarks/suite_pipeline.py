"""Suite `pipeline`: rows per second of `simloom.generate` and of a user's script, from scenario to file."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

from cases import PipelineCase
from processes import Workers
from report import CaseResult

from simloom.sim.bench.timing import Contestant, Measurement, measure, quartiles
from simloom.sim.campaign.campaign import Campaign
from simloom.sim.campaign.progress import StageTimes
from simloom.sim.recipe import load_recipe

OUTPUTS = ["rgb", "depth", "instance", "class", "boxes", "poses", "contacts"]
NOTES = (
    "A row is a noisy RGB and depth image with status, instance and class maps, 2D and 3D boxes, poses, contacts, "
    "joints and all parameters, in HDF5 on disk. R = views x looks rows come from each settled world of ten objects. "
    "Both sides settle the same worlds by the same code and write the same arrays with the same types.",
    "The script (naive_pipeline.py) runs one process per core: TinyRenderer with shadow through getCameraImage, NumPy "
    "noise, h5py gzip level 4. Its visible boxes come from its masks; its amodal boxes are those of projected "
    "corners, where ours are exact. Per-instance pixel totals (`visibility`) are left out, as Tiny would need a "
    "picture per object.",
    "Ours is `generate` with as many worker processes as the script, rendering in threads of the main process, on the "
    "same cores; one colour sample per pixel, as Tiny has, and beside it the default of 2x2. It does more: digests of "
    "every row, a commit record, syncing to disk.",
    "Steady rate: ours is the time of a long run less that of a short one of the same kind, over the difference in "
    "rows, so that start-up counts on neither side (the script's processes are started before). Start-up is the suite "
    "`start`.",
    "`physics alone` settles the same worlds in as many processes and does nothing else: the bound that no renderer "
    "passes.",
)
OURS, FINE = "simloom.generate", "simloom.generate, 2x2 samples"
THEIRS, BOUND = "PyBullet script", "physics alone"
STAGES = ("physics", "render", "sensors", "gather", "write", "write_wait")


def make_recipe(case: PipelineCase, supersample: int = 1) -> dict[str, Any]:
    """Make the recipe of a case."""
    sensor = {"camera": "generic_rgb", "depth": "realsense_d435", "width": case.width, "height": case.height}
    return {
        "scene": "tabletop",
        "seed": 11,
        "views": case.views,
        "looks": case.looks,
        "rig": {"head": sensor},
        "outputs": OUTPUTS,
        "parameters": {"object_count": {"fixed": 10}},
        "supersample": supersample,
    }


def run_case(case: PipelineCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    recipe, per_scenario = make_recipe(case), case.views * case.looks
    times: list[StageTimes] = []
    folder = Path(tempfile.mkdtemp(prefix="simloom-bench-"))
    short = case.processes
    scenarios = list(range(short, short + case.their_scenarios))
    settled = list(range(short, short + case.our_scenarios))

    def generate(count: int, supersample: int) -> tuple[float, StageTimes]:
        out = folder / "ours"
        begun = time.perf_counter()
        chosen = load_recipe(make_recipe(case, supersample))
        campaign = Campaign(chosen, out, samples=count * per_scenario, workers=case.processes)
        campaign.run()
        taken = time.perf_counter() - begun
        campaign.plan.scene.close()
        shutil.rmtree(out)
        return taken, campaign.times

    def ours(supersample: int) -> float:
        before = generate(short, supersample)[0] if case.steady else 0.0
        taken, stages = generate(short + case.our_scenarios, supersample)
        if supersample == 1:
            times.append(stages)
        return taken - before

    try:
        with Workers(case.processes, "naive_pipeline:NaivePipeline", {"recipe": recipe}) as workers:
            shares = [(scenarios[k :: case.processes], str(folder / f"theirs{k}.h5")) for k in range(case.processes)]
            worlds = [(settled[k :: case.processes],) for k in range(case.processes)]
            measured = measure(
                [
                    Contestant(name=OURS, items=case.our_scenarios * per_scenario, run=lambda: ours(1)),
                    Contestant(name=FINE, items=case.our_scenarios * per_scenario, run=lambda: ours(2)),
                    Contestant(
                        name=THEIRS,
                        items=case.their_scenarios * per_scenario,
                        run=lambda: _drop(workers.call("make", shares)),
                    ),
                    Contestant(
                        name=BOUND,
                        items=case.our_scenarios * per_scenario,
                        run=lambda: _drop(workers.call("settle", worlds)),
                    ),
                ],
                repeats=repeats,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return CaseResult(
        case=case.name,
        unit="row",
        settings={
            "resolution": [case.width, case.height],
            "views": case.views,
            "looks": case.looks,
            "processes": case.processes,
            "rows_of_a_repeat": {OURS: case.our_scenarios * per_scenario, THEIRS: case.their_scenarios * per_scenario},
            "outputs": OUTPUTS,
        },
        measurements=measured,
        ratios=[(OURS, THEIRS), (FINE, THEIRS), (OURS, BOUND)],
        facts=_facts(case, measured, times[1:]),
    )


def _facts(case: PipelineCase, measured: list[Measurement], times: list[StageTimes]) -> dict[str, Any]:
    rows = (case.processes + case.our_scenarios) * case.views * case.looks
    known = {field.name for field in fields(StageTimes)}
    rates = {}
    for stage in STAGES:
        if stage in known:
            seconds = quartiles([getattr(each, stage) for each in times])[1]
            rates[stage] = rows / seconds if seconds > 0 else float("inf")
    pixels = case.width * case.height
    return {
        "our_rows_per_second_by_stage": rates,
        "ns_per_pixel": {m.name: 1e9 * case.processes / (m.rate * pixels) for m in measured},
    }


def _drop(_: Any) -> None:
    return None
