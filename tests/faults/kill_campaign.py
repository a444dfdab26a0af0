"""Kill writers at every crash point, at every call of the operating system, and at any time."""

from __future__ import annotations

import os
import shutil
import signal
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from faults.forked import Ending, run_forked
from faults.os_calls import intercept_calls
from faults.small_rows import FEWER, ROWS, check_survivors, finish_and_verify, write_dataset
from simloom.kernels.philox import philox_uniforms
from simloom.sim.dataset.manifest import MANIFEST, SUMS
from simloom.sim.dataset.publish import CRASH_VARIABLE

Writer = Callable[[Callable[[str], None]], Any]

_LINKED = ("open", "half", "write", "link", "sync")
_RENAMED = ("open", "half", "write", "rename", "sync")


def crash_points() -> list[str]:
    """Every kind, step and file that a writer of the small dataset passes."""
    stems = ("000000", "000001", "000002.part000002")
    points = [f"after-{kind}-{step}" for kind in ("recipe", "description") for step in _LINKED]
    points += [f"after-shard-{step}:{stem}.h5" for stem in stems for step in _LINKED]
    points += [f"after-record-{step}:{stem}.json" for stem in stems for step in _LINKED]
    return points + [f"after-{kind}-{step}" for kind in ("extra", "samples", "manifest", "sums") for step in _RENAMED]


def _at_point(folder: Path, point: str) -> Writer:
    def write(report: Callable[[str], None]) -> None:
        os.environ[CRASH_VARIABLE] = point
        write_dataset(folder, report=report)

    return write


def _at_call(folder: Path, number: int, when: str) -> Writer:
    """Die before or after a call, or after half of what it should write."""

    def write(report: Callable[[str], None]) -> None:
        done = 0

        def pass_on(name: str, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
            nonlocal done
            done += 1
            if done != number:
                return call(*args, **named)
            if when == "after":
                call(*args, **named)
            elif when == "within" and name == "write":
                call(args[0], memoryview(args[1])[: len(args[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)

        with intercept_calls(pass_on):
            write_dataset(folder, report=report)
        report(f"calls {done}")

    return write


def _cases(folder: Path, templates: dict[str, Path], random_count: int, every: int) -> Iterator[tuple[str, str, Any]]:
    """Give group, template and writer (or the part of its life) of every case."""
    for point in crash_points()[::every]:
        yield "at a crash point", "new", _at_point(folder, point)
    for template in templates:
        place = folder.with_name("count")
        shutil.copytree(templates[template], place)
        told = run_forked(_at_call(place, -1, "before")).lines
        shutil.rmtree(place)
        count = int(told[-1].removeprefix("calls "))
        for number in range(1, count + 1, every):
            for when in ("before", "within", "after"):
                yield f"at a system call ({template})", template, _at_call(folder, number, when)
    names = list(templates)
    for time in philox_uniforms(7, "kill", [[k, 0, 0] for k in range(random_count)]).tolist():
        yield "at a random time", names[int(1e6 * time) % len(names)], time


def campaign(folder: Path, *, random_count: int, every: int = 1) -> dict[str, Any]:
    """Run it; `every` takes only every n-th of the points and calls."""
    templates = {name: folder / "templates" / name for name in ("new", "growing", "unfinished")}
    templates["new"].mkdir(parents=True)
    digest = ""

    def prepare(report: Callable[[str], None]) -> None:
        write_dataset(templates["growing"], FEWER)
        report(str(write_dataset(templates["unfinished"])))
        for name in (MANIFEST, SUMS):
            (templates["unfinished"] / name).unlink()

    digest = run_forked(prepare).lines[0]
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    failures: list[str] = []
    place, usual = folder / "data", {}
    for name, template in templates.items():
        shutil.copytree(template, place)
        usual[name] = run_forked(lambda report: write_dataset(place, report=report)).seconds
        shutil.rmtree(place)
    for group, template, writer in _cases(place, templates, random_count, every):
        shutil.copytree(templates[template], place)
        promised = [f"0 {FEWER}"] if template == "growing" else [f"0 {ROWS}"] if template == "unfinished" else []
        if isinstance(writer, float):
            # Some are left to end, so that the times spread over the whole run whatever the machine does.
            ending = run_forked(
                lambda report: write_dataset(place, report=report), kill_after=1.2 * writer * usual[template]
            )
            if ending.code == 0:
                usual[template] += 0.2 * (ending.seconds - usual[template])
        else:
            ending = run_forked(writer)
        outcome = _judge(place, ending, promised, digest, failures, f"{group}, {template}")
        counts[group][outcome] += 1
        shutil.rmtree(place)
    return {"counts": counts, "failures": failures}


def _judge(folder: Path, ending: Ending, promised: list[str], digest: str, failures: list[str], name: str) -> str:
    if ending.code not in (0, -signal.SIGKILL):
        failures.append(f"{name}: the writer raised: {ending.lines[-1]}")
        return "the writer raised"
    told = [*promised, *(line for line in ending.lines if line[0].isdigit())]

    def look(report: Callable[[str], None]) -> None:
        report(str(check_survivors(folder, told)))
        finish_and_verify(folder, digest)

    looked = run_forked(look)
    if looked.code:
        failures.append(f"{name}: {looked.lines[-1]}")
        return "failed"
    return f"{looked.lines[0]} committed, resumed" if ending.code else "had finished, verified"
