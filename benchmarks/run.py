"""Run the benchmarks: `python benchmarks/run.py [suite ...]`; see docs/benchmarks.md."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import cases
import occupancy_cases
from machine import describe_machine, machine_name
from report import RESULTS, save, to_text
from timing import REPEATS

SUITES: dict[str, Sequence[Any]] = {
    "render": cases.RENDER,
    "views": cases.VIEWS,
    "rays": cases.RAYS,
    "sensors": cases.SENSORS,
    "lidar": cases.LIDAR,
    "body": cases.BODY,
    "scans": cases.SCANS,
    "navigation": cases.NAVIGATION,
    "inertial": cases.INERTIAL,
    "scenes": cases.SCENES,
    "write": cases.WRITE,
    "dataset": cases.DATASET,
    "pipeline": cases.PIPELINE,
    "occupancy": occupancy_cases.OCCUPANCY,
    "vector": cases.VECTOR,
    "start": cases.START,
}
"""Suite to cases; the code of a suite is `suite_<name>.py`."""


def run_suite(
    name: str,
    chosen: Sequence[Any],
    *,
    repeats: int,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Run the cases of a suite.

    Args:
        name: The suite.
        chosen: Its cases.
        repeats: Timed repeats.
        tell: Called with a line before each case and its table after it.

    Returns:
        The result file's contents.
    """
    suite = import_module(f"suite_{name}")
    metadata = describe_machine()
    results = []
    for case in chosen:
        tell(f"{name}: {case.name}")
        results.append(suite.run_case(case, repeats=repeats).to_json())
        tell(to_text({"cases": results[-1:]}))  # at once: suites take minutes
    return {
        "suite": name,
        "metadata": metadata,
        "device": "cpu",
        "repeats": repeats,
        "notes": list(suite.NOTES),
        "cases": results,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, run, print, write."""
    parser = argparse.ArgumentParser(description="Measure simloom beside what a user would write.")
    parser.add_argument("suites", nargs="*", help=f"some of {', '.join(SUITES)}; default all")
    parser.add_argument("--repeats", type=int, default=REPEATS, help=f"timed repeats (default {REPEATS})")
    parser.add_argument("--case", action="append", default=[], help="only cases whose name holds this text")
    parser.add_argument("--tiny", action="store_true", help="tiny cases, one repeat: shows that everything runs")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.suites if name not in SUITES]
    if unknown:
        parser.error(f"unknown suite {unknown[0]!r}; there are {', '.join(SUITES)}")
    for name in given.suites or SUITES:
        chosen = [case for case in SUITES[name] if not given.case or any(text in case.name for text in given.case)]
        if not chosen:
            continue
        if given.tiny:
            chosen = [cases.tiny(case) for case in chosen]
        document = run_suite(
            name,
            chosen,
            repeats=1 if given.tiny else given.repeats,
            tell=lambda line: print(line, flush=True),
        )
        if not given.tiny and not given.case:
            print(f"written to {save(document, machine_name(), given.out)}", flush=True)


if __name__ == "__main__":
    main()
