"""Two and four writers of one folder at once: equal, late, of other values, of other sizes."""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from faults.forked import Ending, run_forked
from faults.os_calls import intercept_calls
from faults.small_rows import FEWER, ROWS, check_survivors, finish_and_verify, make_rows, open_writer, write_dataset
from simloom.kernels.philox import philox_uniforms
from simloom.sim.dataset.errors import DatasetFolderError, DeterminismError
from simloom.sim.dataset.verify import verify_dataset

CASES = ("two writers", "four writers", "one shard, two writers", "one shard, four writers", "a slow duplicate",
         "another value", "growing beside finishing", "four writers of two sizes")  # fmt: skip


def _slowly(seed: int, longest: float) -> Callable[..., Any]:
    """Wait a random while before each link and rename, so that the writers meet at every step."""
    waits = iter(philox_uniforms(seed, "writer", [[k, 0, 0] for k in range(512)]).tolist())

    def pass_on(name: str, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
        if name in ("link", "replace", "unlink"):
            time.sleep(longest * next(waits))
        return call(*args, **named)

    return pass_on


def _write(folder: Path, rows: int, seed: int, longest: float, other: bool = False) -> Callable[..., Any]:
    def write(report: Callable[[str], None]) -> None:
        with intercept_calls(_slowly(seed, longest)):
            if not other:
                report(f"digest {write_dataset(folder, rows, report=report)}")
                return
            writer = open_writer(folder, rows)
            for shard in writer.missing() or [0]:
                there = writer.shard_rows(shard)
                arrays = {name: array.copy() for name, array in make_rows(there.start, there.stop).items()}
                arrays["sensor/head/depth"][-1, -1, -1] += np.float32(1)
                try:
                    writer.commit_shard(shard, arrays)
                except DeterminismError as error:
                    report(f"told {error}")
                    return

    return write


def _one_shard(folder: Path, seed: int, longest: float) -> Callable[..., Any]:
    def write(report: Callable[[str], None]) -> None:
        with intercept_calls(_slowly(seed, longest)):
            open_writer(folder).commit_shard(1, make_rows(4, 8))
            report("4 8")

    return write


def _grow(folder: Path, rows: int, seed: int, longest: float) -> Callable[..., Any]:
    """Write; a smaller size than others have asked for by now is refused, as it would be alone."""

    def write(report: Callable[[str], None]) -> None:
        try:
            _write(folder, rows, seed, longest)(report)
        except DatasetFolderError as error:
            report("told too small" if "was begun with" in str(error) else f"refused {error}")

    return write


def _actions(case: str, folder: Path, seed: int) -> list[Callable[..., Any]]:
    four = range(4 * seed, 4 * seed + 4)
    if case.startswith(("two", "four")) and "sizes" not in case:
        return [_write(folder, ROWS, s, 0.01) for s in four[: 2 if case.startswith("two") else 4]]
    if case.startswith("one shard"):
        return [_one_shard(folder, s, 0.01) for s in four[: 2 if "two" in case else 4]]
    if case == "a slow duplicate":
        return [_write(folder, ROWS, four[0], 0.0), _write(folder, ROWS, four[1], 0.03)]
    if case == "another value":
        return [_write(folder, ROWS, four[0], 0.01), _write(folder, ROWS, four[1], 0.01, other=True)]
    if case == "growing beside finishing":
        return [_grow(folder, FEWER, four[0], 0.02), _grow(folder, ROWS, four[1], 0.01)]
    return [_grow(folder, (FEWER, ROWS)[k % 2], s, 0.01) for k, s in enumerate(four)]


def campaign(folder: Path, *, rounds: int) -> dict[str, Any]:
    """Run every case so many times."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    failures: list[str] = []
    digest = run_forked(lambda report: report(str(write_dataset(folder / "whole")))).lines[0]
    place = folder / "data"
    for seed in range(rounds):
        for case in CASES:
            actions = _actions(case, place, seed)

            def run_all(report: Callable[[str], None]) -> None:
                # Forks of a fork: threads that wait for them are in a process of their own.
                with ThreadPoolExecutor(len(actions)) as pool:  # noqa: B023
                    for ending in pool.map(run_forked, actions):  # noqa: B023
                        report(f"{ending.code}\n" + "\n".join(ending.lines))

            run = run_forked(run_all)
            endings = [Ending(code=int(t.split("\n")[0]), lines=t.split("\n")[1:], seconds=0) for t in run.lines]
            outcome = _judge(case, place, endings, digest, failures, f"{case}, round {seed}")
            counts[case][outcome] += 1
            shutil.rmtree(place)
    return {"counts": counts, "failures": failures}


def _judge(case: str, folder: Path, endings: list[Ending], digest: str, failures: list[str], name: str) -> str:
    lines = [line for ending in endings for line in ending.lines]
    told = [line for line in lines if line.startswith("told ")]
    if case == "another value":
        # Whichever came second is told; where the other came first in any shard, the first writer is.
        loud = [*told, *(line for line in lines if DeterminismError.__name__ in line)]
        if not any("made before with other values" in line and "sensor/head/depth" in line for line in loud):
            failures.append(f"{name}: nobody was told: {lines}")
            return "failed"
        return "a determinism error names row and array"
    if any(ending.code for ending in endings) or any(line.startswith("refused") for line in lines):
        bad = [line for line in lines if line.startswith("refused")]
        failures.append(f"{name}: {bad or [ending.lines[-12:] for ending in endings if ending.code]}")
        return "failed"

    def look(report: Callable[[str], None]) -> None:
        check_survivors(folder, [line for line in lines if line and line[0].isdigit()])
        if any(line == f"digest {digest}" for line in lines):
            # Whoever came last left derived files that speak of every row.
            assert verify_dataset(folder).ok, verify_dataset(folder).lines()
        finish_and_verify(folder, digest)

    looked = run_forked(look)
    if looked.code:
        failures.append(f"{name}: {looked.lines[-1]}")
        return "failed"
    return "one dataset, verified"
