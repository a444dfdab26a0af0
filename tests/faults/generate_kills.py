"""Kill `generate` itself, at random times and at crash points, while it renders and writes."""

from __future__ import annotations

import os
import shutil
import signal
from collections import defaultdict
from pathlib import Path
from typing import Any

from faults.forked import run_forked
from faults.kill_campaign import crash_points
from simloom.kernels.philox import philox_uniforms
from simloom.sim.dataset.publish import CRASH_VARIABLE

RECIPE: dict[str, Any] = {
    "views": 1, "looks": 2, "slots": 6, "parameters": {"object_count": {"integer": [3, 4]}},
    "rig": {"head": {"camera": "generic_rgb", "depth": "realsense_d435", "width": 48, "height": 36}},
}  # fmt: skip
ROWS = 10


def campaign(folder: Path, *, count: int) -> dict[str, Any]:
    """Kill it so many times."""
    import simloom
    from simloom.sim.dataset.verify import verify_dataset

    os.environ["SIMLOOM_THREADS"] = "1"

    def generate(place: Path) -> str:
        digest: str = simloom.generate(RECIPE, samples=ROWS, out=place, workers=0, scenarios_per_shard=2).root_digest
        return digest

    # Nothing is made in this process: compiled kernels leave threads behind that a forked one would wait for.
    whole = run_forked(lambda report: report(generate(folder / "whole")), limit=300)
    assert whole.code == 0, whole.lines
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    failures: list[str] = []
    points = crash_points()
    place = folder / "data"
    for case, part in enumerate(philox_uniforms(5, "generate", [[k, 0, 0] for k in range(count)]).tolist()):
        point = points[int(part * len(points))] if case % 3 == 2 else ""

        def run(report: Any, point: str = point) -> None:
            os.environ[CRASH_VARIABLE] = point
            generate(place)

        def look(report: Any) -> None:
            there = len(list((place / "commits").glob("*.json"))) if place.exists() else 0
            if there:
                assert verify_dataset(place).ok or (place / "manifest.json").exists()
                with simloom.open_dataset(place, skip_rejected=False) as dataset:
                    assert dataset["sample/index"].tolist() == dataset.rows.tolist()
            assert generate(place) == whole.lines[0]
            assert verify_dataset(place).ok
            report(f"{there} committed")

        ending = run_forked(run, kill_after=None if point else (0.4 + 0.6 * part) * whole.seconds, limit=300)
        looked = run_forked(look, limit=300)
        if ending.code not in (0, -signal.SIGKILL) or looked.code:
            failures.append(f"case {case} {point}: {[*ending.lines, *looked.lines][-1]}")
        outcome = looked.lines[0] if not looked.code else "failed"
        group = "generate, at a crash point" if point else "generate, at a random time"
        counts[group][f"{outcome}, resumed" if ending.code else "had finished, verified"] += 1
        shutil.rmtree(place, ignore_errors=True)
    return {"counts": counts, "failures": failures}
