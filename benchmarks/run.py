"""Run the benchmarks: `python benchmarks/run.py [suite ...]`; see docs/benchmarks.md."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import cases
import device_cases
import occupancy_cases
from report import RESULTS, save, to_text

from simloom.sim.bench.machine import describe_machine, machine_name
from simloom.sim.bench.timing import REPEATS

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
    device: str | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Run the cases of a suite.

    Args:
        name: The suite.
        chosen: Its cases.
        repeats: Timed repeats.
        device: "cpu" or "cuda" for a suite of `device_cases`; None for one of `cases`, which run on the CPU.
        tell: Called with a line before each case and its table after it.

    Returns:
        The result file's contents.
    """
    suite = import_module(f"suite_{name}" if device is None else f"device_{name}")
    options = {} if device is None else {"device": device}
    metadata = describe_machine(device or "cpu")
    results = []
    for case in chosen:
        tell(f"{name}: {case.name}")
        results.append(suite.run_case(case, repeats=repeats, **options).to_json())
        tell(to_text({"cases": results[-1:]}))  # at once: suites take minutes
    return {
        "suite": name,
        "metadata": metadata,
        "device": device or "cpu",
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
    parser.add_argument(
        "--device", choices=("cuda",), help=f"the device's own suites instead: {', '.join(device_cases.SUITES)}"
    )
    parser.add_argument("--tiny", action="store_true", help="tiny cases, one repeat: shows that everything runs")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = parser.parse_args(arguments)
    suites = SUITES if given.device is None else device_cases.SUITES
    unknown = [name for name in given.suites if name not in suites]
    if unknown:
        parser.error(f"unknown suite {unknown[0]!r}; there are {', '.join(suites)}")
    for name in given.suites or suites:
        chosen = [case for case in suites[name] if not given.case or any(text in case.name for text in given.case)]
        if not chosen:
            continue
        if given.tiny:
            chosen = [cases.tiny(case) if given.device is None else device_cases.tiny(case) for case in chosen]
        document = run_suite(
            name,
            chosen,
            repeats=1 if given.tiny else given.repeats,
            device=given.device,
            tell=lambda line: print(line, flush=True),
        )
        if not given.tiny and not given.case:
            path = save(document, machine_name(given.device or "cpu"), given.out)
            print(f"written to {path}", flush=True)


if __name__ == "__main__":
    main()
