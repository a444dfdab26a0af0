"""What a check prints at its end, and the files that it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from device_steps import StepOutcome
from device_tests import TestOutcome
from report import save

from simloom.sim.bench.machine import machine_name

TARGET_NS = 0.5
"""Goal for colour with shadow, depth and ids of the Panda's scene [ns per pixel]."""
TARGET_SHARE = 0.5
"""Goal for the sensors: share of the copy's rate."""


def save_results(documents: Sequence[dict[str, Any]], device: str, folder: Path) -> list[Path]:
    """Write a JSON and a Markdown file for every suite.

    Returns:
        The paths of the JSON files.
    """
    return [save(document, machine_name(device), folder) for document in documents]


def within_bounds(documents: Sequence[dict[str, Any]]) -> bool:
    """Tell whether all differences that were counted are as small as they must be."""
    return all(
        case["facts"]["within_bounds"] == "yes"
        for document in documents
        if document["suite"] == "differences"
        for case in document["cases"]
    )


def print_summary(
    documents: Sequence[dict[str, Any]], outcomes: Sequence[StepOutcome], tests: TestOutcome | None, *, seconds: float
) -> None:
    """Print all that was found, a line each."""
    print("\n== summary", flush=True)
    for document in documents:
        for case in document["cases"]:
            for line in _SHOWN[document["suite"]](case):
                print(f"{document['suite']:12} {case['case']:26} {line}")
    failed = [outcome for outcome in outcomes if not outcome.ok]
    for outcome in failed:
        print(f"FAILED       {outcome.step.suite}: {outcome.step.name}: {outcome.text.splitlines()[-1]}")
    if tests is not None:
        print(f"tests        {'ok' if tests.ok else 'FAILED'}: {tests.text}")
    print(f"{len(outcomes) - len(failed)} of {len(outcomes)} steps done in {seconds:.0f} s", flush=True)


def _render(case: dict[str, Any]) -> list[str]:
    facts = case["facts"]
    lines = []
    for name, cost in facts["ns_per_pixel"].items():
        judged = case["case"][0].isdigit()  # not of labels alone, nor of tiny cases
        goal = f", goal {TARGET_NS} {'met' if cost <= TARGET_NS else 'missed'}" if judged else ""
        memory = facts["peak_device_memory_mib"].get(name)
        lines.append(
            f"{name:16} {cost:9.3f} ns/px, {100 * facts['share_of_copy'][name]:.2g} % of copy, host "
            f"{100 * facts['host_share'][name]:.0f} %, {memory} MiB{goal}"
        )
    return [*lines, *(f"left out: {text}" for text in facts.get("left_out", ()))]


def _differences(case: dict[str, Any]) -> list[str]:
    return [f"{name:24} {text}" for name, text in case["facts"].items()]


def _sensors(case: dict[str, Any]) -> list[str]:
    share = next(iter(case["ratios"].values()))["median"]
    cost, verdict = case["facts"]["ns_per_pixel"], "met" if share >= TARGET_SHARE else "missed"
    goal = "" if case["case"].startswith("tiny") else f", goal {TARGET_SHARE:.0%} {verdict}"
    return [f"{cost:9.3f} ns/px, {100 * share:.3g} % of copy{goal}"]


def _loading(case: dict[str, Any]) -> list[str]:
    rates = ", ".join(f"{name} {rate:,.0f} MB/s" for name, rate in case["facts"]["megabytes_per_second"].items())
    return [f"{rates}{'' if case['facts']['tensors_on_a_gpu'] else ' (on the host: torch sees no GPU)'}"]


_SHOWN = {"render": _render, "differences": _differences, "sensors": _sensors, "loading": _loading}
