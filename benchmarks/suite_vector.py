"""Suite `vector`: steps per second of a batch of environments with pictures, beside Gymnasium's `AsyncVectorEnv`."""

from __future__ import annotations

import functools
import time
from contextlib import ExitStack
from typing import Any

import numpy as np
from cases import VectorCase
from gymnasium.vector import AsyncVectorEnv
from naive_vector import TinyTabletop
from report import CaseResult

from simloom.scenes.environments.tabletop import TabletopVectorEnvironment
from simloom.sim.bench.timing import Contestant, measure

NOTES = (
    "A step is 1/30 s of one tabletop with the Panda and ten objects: eight steps of physics towards joint targets, "
    "observations, reward, and a picture of what is seen now. Rates count the steps of all environments.",
    "Theirs: `AsyncVectorEnv` with shared memory over environments that take their picture with `getCameraImage` and "
    "TinyRenderer, with shadow; the same worlds, physics code, task and camera. Ours: worlds in worker processes, all "
    "pictures of a step from one `Raster.render` in the parent, colour alone.",
    "Both sides get as many processes and threads as cores; theirs has one environment per process, two processes per "
    "core. Episodes do not end within the measurement: resets settle the same worlds on both sides. Start-up, "
    "compilation and loading are excluded.",
    "Not equal: ours shades with GGX, patterns, ambient occlusion and a sky where Tiny has Lambert.",
    "Shares are of ours: `physics` is the wait for the workers, `render` the batched render with its snapshots, "
    "`transfer` the rest: copies out of shared memory, infos, checks.",
)
OURS, STATES, THEIRS = "ours", "ours, without pictures", "AsyncVectorEnv, TinyRenderer"


def run_case(case: VectorCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    options: dict[str, Any] = {
        "slots": 11,
        "overrides": {"object_count": {"fixed": 10}},
        "rig": {"head": {"camera": "generic_rgb", "width": case.width, "height": case.height}},
        "horizon": 10**9,
    }
    with ExitStack() as stack:
        ours = TabletopVectorEnvironment(
            case.environments, workers=case.cores, threads=case.cores, images=True, **options
        )
        stack.callback(ours.close)
        states = TabletopVectorEnvironment(case.environments, workers=case.cores, **options)
        stack.callback(states.close)
        makers = [functools.partial(TinyTabletop, **options) for _ in range(2 * case.cores)]
        theirs = AsyncVectorEnv(makers, context="spawn")
        stack.callback(theirs.close)
        contestants = [
            _contestant(OURS, ours, case.steps),
            _contestant(STATES, states, case.steps),
            _contestant(THEIRS, theirs, case.their_steps),
        ]
        spent = _time_stages(ours)
        measured = measure(contestants, repeats=repeats)
        total = sum(spent.values())
    return CaseResult(
        case=case.name,
        unit="step",
        settings={
            "resolution": [case.width, case.height],
            "environments": {OURS: case.environments, THEIRS: 2 * case.cores},
            "cores": case.cores,
        },
        measurements=measured,
        ratios=[(OURS, THEIRS)],
        facts={"shares": {name: round(seconds / total, 3) for name, seconds in spent.items()}},
    )


def _contestant(name: str, batch: Any, steps: int) -> Contestant:
    batch.reset(seed=5)
    shape, count = batch.action_space.shape, [0]

    def run() -> None:
        for _ in range(steps):
            # Slow sweeps about the middle: arms that move, and never the same picture twice.
            count[0] += 1
            phase = 0.1 * count[0] + np.arange(shape[0])[:, None] + np.arange(shape[1])
            batch.step((0.3 * np.sin(phase)).astype(np.float32))

    return Contestant(name=name, items=steps * shape[0], run=run)


def _time_stages(batch: Any) -> dict[str, float]:
    """Note from now on where a batch's time goes."""
    spent = {"physics": 0.0, "render": 0.0, "transfer": 0.0}

    def noting(stage: str, call: Any, less: tuple[str, ...] = ()) -> Any:
        @functools.wraps(call)
        def timed(*arguments: Any) -> Any:
            inner, begun = sum(spent[name] for name in less), time.perf_counter()
            answer = call(*arguments)
            spent[stage] += time.perf_counter() - begun - (sum(spent[name] for name in less) - inner)
            return answer

        return timed

    batch._stepper.step = noting("physics", batch._stepper.step)
    batch._pictures = noting("render", batch._pictures)
    batch.step = noting("transfer", batch.step, ("physics", "render"))
    return spent
