"""Suite `start`: time of a fresh process to its first row, on an empty and on a filled cache, and peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from cases import StartCase
from report import CaseResult

from simloom.sim.bench.timing import Measurement

NOTES = (
    "A new Python process calls `generate`; the clock runs from before it is started. Cold: an empty "
    "SIMLOOM_CACHE_DIR, so that meshes are read and simplified and all kernels compiled. Warm: the same again on that "
    "cache. Rows come in batches: the first row is there when the first batch is.",
    "One cold start is measured, and as many warm ones as there are repeats. Peak memory is the sum of VmHWM over the "
    "process and its workers, an upper bound, as their peaks need not fall together and libraries are shared.",
)


def run_case(case: StartCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    with tempfile.TemporaryDirectory(prefix="simloom-cache-") as cache:
        cold = [_start(case, cache)]
        warm = [_start(case, cache) for _ in range(repeats)]
    measured = [
        Measurement(
            name=name,
            items=1,
            seconds=tuple(first for first, _, _ in starts),
            first_call=starts[0][1],
            extra={"total_seconds": starts[-1][1], "peak_memory_mib": max(peak for _, _, peak in starts)},
        )
        for name, starts in (("cold cache", cold), ("warm cache", warm))
    ]
    return CaseResult(
        case=case.name,
        unit="start",
        settings={"rows": case.rows, "recipe": ["tabletop", *case.settings]},
        measurements=measured,
        facts={
            "seconds_to_first_row": {m.name: 1.0 / m.rate for m in measured},
            "seconds_to_all_rows": {m.name: m.extra["total_seconds"] for m in measured},
            "peak_memory_mib": {m.name: m.extra["peak_memory_mib"] for m in measured},
        },
    )


def _start(case: StartCase, cache: str) -> tuple[float, float, float]:
    """Run once: seconds to the first row, to the end, peak memory [MiB]."""
    script = Path(__file__).with_name("first_row.py")
    environment = dict(os.environ) | {"SIMLOOM_CACHE_DIR": cache}
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, str(script), str(case.rows), *case.settings],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        watcher = PeakMemory(process.pid)
        assert process.stdout is not None
        line = process.stdout.readline()
        while line and line.strip() != "first":  # PyBullet prints when it is imported
            line = process.stdout.readline()
        first = time.perf_counter() - begun
        rest = process.stdout.read()
        code = process.wait()
        total = time.perf_counter() - begun
        peak = watcher.stop()
    if code or not line:
        raise RuntimeError(f"first_row.py ended with {code}: {rest}")
    json.loads(rest.splitlines()[-1])
    return first, total, peak


class PeakMemory:
    """Watches a process and its children until told to stop.

    Args:
        pid: The process.
    """

    def __init__(self, pid: int) -> None:
        self._root = pid
        self._peaks: dict[int, int] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """Return the sum of the peaks [MiB]."""
        self._stopped.set()
        self._thread.join()
        return sum(self._peaks.values()) / 1024.0

    def _watch(self) -> None:
        while not self._stopped.wait(0.05):
            for pid in process_tree(self._root):
                peak = peak_kib(pid)
                if peak:
                    self._peaks[pid] = peak


def process_tree(root: int) -> list[int]:
    """Return a process and all that descend from it; empty where there is no /proc."""
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                queue += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
    return found


def peak_kib(pid: int) -> int:
    """Return the largest resident size that a process had [KiB], 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
