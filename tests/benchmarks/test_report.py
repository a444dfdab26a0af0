"""What the benchmarks write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from report import CaseResult, save, to_markdown, to_text

from simloom.sim.bench.machine import describe_machine, machine_name
from simloom.sim.bench.timing import Measurement


@pytest.fixture
def document() -> dict[str, Any]:
    """A result file of one case: 2 frames in 1 s against 2 frames in 4 s."""
    ours = Measurement(name="ours", items=2, seconds=(1.0, 1.0), first_call=9.0)
    theirs = Measurement(name="theirs", items=2, seconds=(4.0, 4.0), first_call=5.0)
    case = CaseResult(
        case="small",
        unit="frame",
        settings={"resolution": [4, 3]},
        measurements=[ours, theirs],
        ratios=[("ours", "theirs")],
        facts={"ids_equal": 0.99987},
    )
    return {
        "suite": "render",
        "metadata": describe_machine(),
        "repeats": 2,
        "notes": ["Physics is excluded."],
        "cases": [case.to_json()],
    }


def test_case_result_states_rates_and_ratios(document: dict[str, Any]) -> None:
    """Rates are items over seconds; the ratio is ours over theirs."""
    case = document["cases"][0]

    assert [2.0, 0.5] == [result["rate"] for result in case["results"]]
    assert {"ours / theirs": {"median": 4.0, "quartiles": [4.0, 4.0]}} == case["ratios"]


def test_results_carry_machine_and_versions(document: dict[str, Any]) -> None:
    """A number without processor, cores, commit and versions is worth nothing."""
    known = document["metadata"]

    assert {"cpu", "cores", "commit", "modified", "versions", "python", "load_before"} <= set(known)
    assert known["versions"]["numpy"][0].isdigit()


def test_save_names_suite_and_machine(document: dict[str, Any], tmp_path: Path) -> None:
    """The file's name says what was measured where; what is read back is what was written."""
    path = save(document, machine_name(), tmp_path)

    assert f"render--{machine_name()}--cpu.json" == path.name
    assert document == json.loads(path.read_text())
    assert "# render on" in path.with_suffix(".md").read_text()


def test_tables_show_every_contestant_the_ratio_and_the_exclusions(document: dict[str, Any]) -> None:
    """The printed and the Markdown table hold the same lines, and the notes stand above."""
    text, page = to_text(document), to_markdown(document)

    for word in ("ours", "theirs", "4x theirs", "0.9999"):
        assert word in text
        assert word in page
    assert "Physics is excluded." in page
