"""Every benchmark runs, tiny."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest
import run
import suite_render
import suite_start
from processes import Workers
from scene_views import compare_frames, edges

_SLOW = ("occupancy", "pipeline", "vector")
"""Suites that start processes take ten to twenty seconds even for a tiny case."""


def _cases() -> list[Any]:
    """One of each kind of tiny case: sizes aside, cases of a suite run the same code."""
    chosen = []
    for suite, members in run.SUITES.items():
        known = set()
        for case in members:
            small = cases.tiny(case)
            kind = tuple(sorted((k, v) for k, v in vars(small).items() if k != "name" and k != "settings"))
            if suite != "start" and kind not in known:
                marks = [pytest.mark.slow] if suite in _SLOW else []
                chosen.append(pytest.param(suite, small, id=f"{suite}: {case.name}", marks=marks))
            known.add(kind)
    return chosen


@pytest.mark.parametrize("suite, case", _cases())
def test_every_case_runs(suite: str, case: Any) -> None:
    """A tiny form of each case gives a rate for every contestant and a ratio."""
    document = run.run_suite(suite, [case], repeats=1)

    (result,) = document["cases"]
    assert document["suite"] == suite
    assert all(row["rate"] > 0 for row in result["results"])
    assert result["ratios"]


def test_rendering_is_measured_without_mujoco(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where MuJoCo cannot render the others are measured, and the result says why it is not among them."""
    monkeypatch.setattr(suite_render, "find_obstacle", lambda: "not installed")

    result = suite_render.run_case(cases.tiny(cases.RENDER[1]), repeats=1).to_json()

    assert "MuJoCo on Mesa: not installed" == result["facts"]["left_out"]
    assert [suite_render.TINY] == [row["contestant"] for row in result["results"] if "ours" not in row["contestant"]]


def test_start_is_measured_up_to_the_first_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """The start suite makes one cold and some warm starts of the same program; here of a stand-in for it."""
    starts = iter([(9.0, 10.0, 500.0), (2.0, 3.0, 400.0), (4.0, 5.0, 300.0)])
    monkeypatch.setattr(suite_start, "_start", lambda case, cache: next(starts))

    result = suite_start.run_case(cases.START[0], repeats=2).to_json()

    assert {"cold cache": 9.0, "warm cache": pytest.approx(2.667, abs=1e-3)} == result["facts"]["seconds_to_first_row"]
    assert {"cold cache": 500.0, "warm cache": 400.0} == result["facts"]["peak_memory_mib"]


def test_peak_memory_counts_a_process_and_its_children() -> None:
    """The watcher sees what a process and its children hold."""
    import os

    held = np.ones(1 << 20)
    watcher = suite_start.PeakMemory(os.getpid())
    try:
        assert os.getpid() in suite_start.process_tree(os.getpid())
        assert suite_start.peak_kib(os.getpid()) * 1024 > held.nbytes
    finally:
        watcher.stop()


def test_a_failure_in_a_worker_is_raised_with_its_traceback() -> None:
    """A worker that fails never looks like a slow one."""
    with Workers(1, "fractions:Fraction") as workers, pytest.raises(RuntimeError, match="no attribute 'render'"):
        workers.call_all("render")


def test_frames_are_compared_away_from_silhouettes() -> None:
    """A difference on an edge does not count, one inside does."""
    ours = {"instance": np.zeros((1, 8, 8), np.uint16), "depth": np.ones((1, 8, 8), np.float32)}
    ours["instance"][:, :, 4:] = 1
    theirs = {name: array.copy() for name, array in ours.items()}
    theirs["instance"][0, 0, 4] = 0

    found = compare_frames(ours, theirs)

    assert 1.0 == found["ids_equal_there"]
    assert 1.0 == found["depth_within_1_mm_there"]
    assert 63 / 64 == found["ids_equal_everywhere"]
    assert edges(ours["instance"])[0, 3].tolist() == [False] * 3 + [True] * 2 + [False] * 3


def test_a_misspelt_suite_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The command names the suites that there are."""
    with pytest.raises(SystemExit):
        run.main(["rendr"])

    assert ", ".join(run.SUITES) in " ".join(capsys.readouterr().err.split())


def test_results_lie_in_the_benchmarks_folder(repository: Path) -> None:
    """Results are committed beside the code that made them."""
    assert repository / "benchmarks" / "results" == run.RESULTS
