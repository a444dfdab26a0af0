"""Suite `scenes`: settled worlds per second of one core, where their time goes, and a user's script beside them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from cases import SceneCase
from naive_scenes import NaiveScenes, draw_objects
from report import CaseResult

from simloom.scenes import draw_scenario, make_scene
from simloom.sim.bench.timing import Contestant, Measurement, measure, quartiles

NOTES = (
    "Scenarios per second, one process, no rendering on either side. Ours is `scene.stage`: parameters, world, settle "
    "until everything rests, the robot's motion, contacts, checks, labels, snapshot, cameras. Invalid draws count.",
    "The script (naive_scenes.py): resetSimulation, loadURDF with visuals for robot, table and as many of the same "
    "objects, 240 steps or what the case says, poses and contacts. It checks nothing, and need not have come to rest.",
    "build: the world's bodies; settle: until rest, 4 s at most; motion: the robot is posed, or parked, driven and "
    "recorded; readout: all else. A split is of one more pass with clocks; parts are medians over scenarios, and so "
    "add up to about its whole.",
)
PARTS = ("build", "settle", "motion", "readout")
_METHODS = {"tabletop": ("_drop", ()), "driving": ("_build", ("_park", "_drive"))}
OURS, THEIRS = "simloom scene", "PyBullet script"


def run_case(case: SceneCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    options: dict[str, Any] = {"overrides": {"object_count": case.objects}}
    if case.window:
        options["window"] = case.window
    scene: Any = make_scene(case.scene, options)
    naive = NaiveScenes(case.scene, case.objects)
    try:
        drawn = [draw_scenario(scene.space, seed=11, index=index) for index in range(case.scenarios)]
        draws = draw_objects(case.their_scenarios, case.objects, seed=11)
        measured = measure(
            [
                Contestant(
                    name=OURS, items=case.scenarios, run=lambda: _drop([scene.stage(scenario) for scenario in drawn])
                ),
                Contestant(
                    name=THEIRS, items=case.their_scenarios, run=lambda: _drop(naive.make(draws, case.their_steps))
                ),
            ],
            repeats=repeats,
        )
        facts = split_time(case, scene, drawn, measured)
    finally:
        naive.close()
        scene.close()
    return CaseResult(
        case=case.name,
        unit="scenario",
        settings={
            "scene": case.scene,
            "objects": case.objects,
            "window": case.window,
            "their_steps": case.their_steps,
            "scenarios_of_a_repeat": {OURS: case.scenarios, THEIRS: case.their_scenarios},
        },
        measurements=measured,
        ratios=[(OURS, THEIRS)],
        facts=facts,
    )


def split_time(case: SceneCase, scene: Any, drawn: Sequence[Any], measured: Sequence[Measurement]) -> dict[str, Any]:
    """Stage once more with a clock around each part."""
    taken = {"whole": 0.0, "build": 0.0, "settle": 0.0, "motion": 0.0}
    build, motion = _METHODS[case.scene]
    _time(scene, build, taken, "build")
    _time(scene.world, "settle", taken, "settle")
    for name in motion:
        _time(scene, name, taken, "motion")
    if case.scene == "tabletop":
        for name in ("pose", "move"):
            _time(scene._arm, name, taken, "motion")
    each: list[dict[str, float]] = []
    valid, steps = 0, []
    for scenario in drawn:
        taken.update(dict.fromkeys(taken, 0.0))
        begun = time.perf_counter()
        stage = scene.stage(scenario)
        whole = time.perf_counter() - begun
        valid += stage.valid
        steps.append(float(stage.state["settle_steps"]))
        parts = {"build": taken["build"] - taken["settle"], "settle": taken["settle"], "motion": taken["motion"]}
        each.append(parts | {"readout": whole - sum(parts.values()), "whole": whole})
    return {
        "our_ms_by_part": {name: 1e3 * quartiles([parts[name] for parts in each])[1] for name in (*PARTS, "whole")},
        "ms_per_scenario": {m.name: 1e3 / m.rate for m in measured},
        "valid": valid / len(drawn),
        "settle_steps": quartiles(steps)[1],
    }


def _time(owner: Any, name: str, taken: dict[str, float], part: str) -> None:
    """Put a clock around a method of one object."""
    method: Callable[..., Any] = getattr(owner, name)

    def timed(*arguments: Any, **more: Any) -> Any:
        begun = time.perf_counter()
        try:
            return method(*arguments, **more)
        finally:
            taken[part] += time.perf_counter() - begun

    setattr(owner, name, timed)


def _drop(_: Any) -> None:
    return None
