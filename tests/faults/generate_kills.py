"""Kill `simloom generate` itself, at random times and at crash points, while it renders and writes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from faults.kill_campaign import crash_points
from simloom.kernels.philox import philox_uniforms
from simloom.sim.dataset.publish import CRASH_VARIABLE
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.dataset.verify import verify_dataset

RECIPE: dict[str, Any] = {
    "views": 1, "looks": 2, "slots": 6, "parameters": {"object_count": {"integer": [3, 4]}},
    "rig": {"head": {"camera": "generic_rgb", "depth": "realsense_d435", "width": 48, "height": 36}},
}  # fmt: skip
ROWS = 10


def _generate(recipe: Path, place: Path, point: str = "", kill_after: float | None = None) -> tuple[int, float]:
    """Run the command; returns its exit code and how long it took [s]."""
    command = [sys.executable, "-m", "simloom.sim.cli", "generate", str(recipe), "-n", str(ROWS), "-o", str(place)]
    environment = {**os.environ, CRASH_VARIABLE: point, "SIMLOOM_THREADS": "1"}
    started = time.monotonic()
    process = subprocess.Popen(
        [*command, "--workers", "0", "--batch", "1", "--scenarios-per-shard", "2"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    try:
        process.wait(kill_after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return process.returncode, time.monotonic() - started


def campaign(folder: Path, *, count: int) -> dict[str, Any]:
    """Kill it so many times."""
    recipe, place = folder / "small.yaml", folder / "data"
    recipe.write_text(json.dumps(RECIPE))
    assert _generate(recipe, folder / "first")[0] == 0
    code, seconds = _generate(recipe, folder / "whole")
    assert code == 0
    digest = open_dataset(folder / "whole").root_digest
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    failures: list[str] = []
    points = crash_points()
    for case, part in enumerate(philox_uniforms(5, "generate", [[k, 0, 0] for k in range(count)]).tolist()):
        point = points[int(part * len(points))] if case % 3 == 2 else ""
        ended, lived = _generate(recipe, place, point, None if point else (0.4 + 0.6 * part) * seconds)
        # A machine that others use is faster one minute and slower the next.
        seconds = lived if ended == 0 else seconds
        group = "at a crash point" if point else "at a random time"
        try:
            outcome = _look(recipe, place, digest)
        except Exception as error:
            failures.append(f"case {case} {point}: {type(error).__name__}: {error}")
            outcome = "failed"
        if ended not in (0, -signal.SIGKILL):
            failures.append(f"case {case} {point}: exit code {ended}")
        counts[group][outcome if ended else "had finished, verified"] += 1
        shutil.rmtree(place, ignore_errors=True)
    return {"counts": counts, "failures": failures}


def _look(recipe: Path, place: Path, digest: str) -> str:
    """Read what is there, run the same command again, and verify; the outcome in words."""
    there = len(list((place / "commits").glob("*.json"))) if place.exists() else 0
    if there:
        with open_dataset(place, skip_rejected=False) as dataset:
            assert dataset["sample/index"].tolist() == dataset.rows.tolist(), "rows"
    code, _ = _generate(recipe, place)
    assert code == 0, f"the same command ended with {code}"
    with open_dataset(place) as dataset:
        assert dataset.root_digest == digest, "digest"
    report = verify_dataset(place)
    assert report.ok, report.lines()
    return f"{there} committed, resumed"
