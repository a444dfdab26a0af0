"""Cut the power after every call of a writer, and open what the disk holds."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults.forked import run_forked
from faults.os_calls import intercept_calls
from faults.power_cut import MODES, Disk, Recorder
from faults.small_rows import FEWER, check_survivors, finish_and_verify, write_dataset
from simloom.sim.dataset.verify import verify_dataset

INNER = Path("team/run 1/data")
"""The dataset lies some folders deep, none of which is there before."""


def record(root: Path, grow: bool) -> tuple[list[tuple[str, tuple[Any, ...]]], str]:
    """Write a dataset, and return the events and its digest."""
    root.mkdir()
    recorder = Recorder(root)
    with intercept_calls(recorder):
        if grow:
            write_dataset(root / INNER, FEWER, report=recorder.report)
        digest = str(write_dataset(root / INNER, report=recorder.report))
        recorder.report("finished")
    return recorder.events, digest


def campaign(folder: Path, *, every: int = 1) -> dict[str, Any]:
    """Run it; `every` takes only every n-th of the moments."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    failures: list[str] = []
    for grow in (False, True):
        root = folder / f"original-{grow}"
        events, digest = record(root, grow)
        disk = Disk(root)
        for moment, (kind, args) in enumerate(events):
            disk.apply(kind, args)
            if moment % every:
                continue
            for number, mode in enumerate(MODES):
                place = folder / "after"
                disk.cut_power(place, mode, 4 * moment + number)
                left = run_forked(lambda report: _look(place / INNER, disk.promised, digest, report))  # noqa: B023
                if left.code:
                    failures.append(f"power cut after event {moment} ({kind} {args[0]}), {mode}: {left.lines[-1]}")
                counts[mode]["failed" if left.code else left.lines[0]] += 1
                shutil.rmtree(place)
    return {"counts": counts, "failures": failures}


def _look(folder: Path, promised: list[str], digest: str, report: Callable[[str], None]) -> None:
    there = check_survivors(folder, [line for line in promised if line != "finished"])
    finished = "finished" in promised
    if finished:
        assert verify_dataset(folder).lines()[-1] == "ok"
        assert (folder / "manifest.json").exists()
        assert (folder / "SHA256SUMS").exists()
    report("had finished, verified" if finished else f"{there} committed, resumed")
    finish_and_verify(folder, digest)
