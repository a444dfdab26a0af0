"""Steps of a check: the cases of the device's suites, in a process that is started anew where a step breaks it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

FIRST_SECONDS = {"render": 200.0, "differences": 150.0, "sensors": 60.0, "loading": 60.0}
"""Longest time of a suite's first step [s], which compiles."""
NEXT_SECONDS = 60.0
"""Longest time of another [s]."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One case of a suite."""

    suite: str
    number: int
    """Place of the case in its suite."""
    name: str
    seconds: float
    """Longest time [s]."""


@dataclass(frozen=True, kw_only=True)
class StepOutcome:
    """What came of a step."""

    step: Step
    ok: bool
    seconds: float
    text: str = ""
    """What went wrong."""


def list_steps(suites: Mapping[str, Sequence[Any]]) -> list[Step]:
    """List the steps: the main renders first."""
    return [
        Step(suite=suite, number=number, name=case.name, seconds=NEXT_SECONDS if number else FIRST_SECONDS[suite])
        for suite, members in suites.items()
        for number, case in enumerate(members)
    ]


class StepRunner:
    """Runs steps in a child process, within their times.

    Args:
        device: "cpu" or "cuda".
        tiny: Whether the cases are the tiny ones.
        folder: Where the child writes what it found.
        tell: Called with a line for each step.
    """

    def __init__(self, *, device: str, tiny: bool, folder: Path, tell: Callable[[str], None]) -> None:
        self._device, self._tiny, self._folder, self._tell = device, tiny, folder, tell
        self.outcomes: list[StepOutcome] = []
        self._children = 0

    def run(self, steps: Sequence[Step], *, deadline: float) -> None:
        """Run all steps; those that the deadline leaves no time for fail.

        Args:
            steps: The steps.
            deadline: When the last ends, on the monotonic clock [s].
        """
        left = list(steps)
        while left:
            if time.monotonic() >= deadline:
                self.outcomes += [StepOutcome(step=s, ok=False, seconds=0.0, text="no time was left") for s in left]
                return
            left = left[self._run_child(left, deadline) :]

    def _run_child(self, steps: Sequence[Step], deadline: float) -> int:
        """Run a child over some steps until one breaks it; return how many are settled."""
        said = self._folder / f"child{self._children}.jsonl"
        log = self._folder / f"child{self._children}.log"
        self._children += 1
        wanted = json.dumps([[step.suite, step.number] for step in steps])
        command = [sys.executable, str(Path(__file__).resolve()), self._device, str(int(self._tiny)), str(said), wanted]
        with log.open("wb") as stream:
            child = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
        try:
            for number, step in enumerate(steps):
                begun = time.monotonic()
                limit = min(begun + step.seconds, deadline)
                while (line := _line(said, number)) is None:
                    if child.poll() is not None and _line(said, number) is None:
                        text = f"its process ended with code {child.returncode}:\n{_tail(log)}"
                        self._settle(step, False, time.monotonic() - begun, text)
                        return number + 1
                    if time.monotonic() > limit:
                        self._settle(step, False, time.monotonic() - begun, "it took too long and was ended")
                        return number + 1
                    time.sleep(0.05)
                self._settle(step, line["ok"], line["seconds"], line.get("text", ""))
            return len(steps)
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()

    def _settle(self, step: Step, ok: bool, seconds: float, text: str) -> None:
        self.outcomes.append(StepOutcome(step=step, ok=ok, seconds=seconds, text=text))
        self._tell(f"{'done  ' if ok else 'FAILED'} {step.suite}: {step.name} ({seconds:.0f} s) {text}".rstrip())

    def documents(self, *, commit: str = "") -> list[dict[str, Any]]:
        """Return a result file's contents for every suite of which a case is done.

        Args:
            commit: What was measured, where the checkout cannot tell.
        """
        from simloom.sim.bench.machine import describe_machine

        metadata = describe_machine(self._device)
        metadata["commit"] = metadata["commit"] or commit
        cases: dict[str, list[dict[str, Any]]] = {}
        for path in sorted(self._folder.glob("child*.jsonl")):
            for text in path.read_text(encoding="utf-8").splitlines():
                line = json.loads(text)
                if line["ok"]:
                    cases.setdefault(line["suite"], []).append(line["case"])
        return [
            {
                "suite": suite, "metadata": metadata, "device": self._device, "repeats": _repeats(self._tiny),
                "notes": list(import_module(f"device_{suite}").NOTES), "cases": found,
            }
            for suite, found in cases.items()
        ]  # fmt: skip


def _line(path: Path, number: int) -> dict[str, Any] | None:
    """Return a line that the child has written whole."""
    if not path.exists():
        return None
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    found: dict[str, Any] | None = json.loads(lines[number]) if number < len(lines) else None
    return found


def _tail(path: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])


def _repeats(tiny: bool) -> int:
    return 1 if tiny else 7


def _work(device: str, tiny: bool, said: Path, wanted: Sequence[tuple[str, int]]) -> None:
    """Run some steps in this process, and write a line after each."""
    import device_cases

    suites = device_cases.tiny_suites() if tiny else device_cases.SUITES
    for suite, number in wanted:
        begun = time.monotonic()
        line: dict[str, Any] = {"suite": suite, "number": number, "ok": True}
        try:
            result = import_module(f"device_{suite}").run_case(
                suites[suite][number], repeats=_repeats(tiny), device=device
            )
            line["case"] = result.to_json()
        except Exception:
            line |= {"ok": False, "text": traceback.format_exc(limit=-6)}
        line["seconds"] = time.monotonic() - begun
        with said.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, default=float) + "\n")
        if not line["ok"] and device == "cuda" and not os.environ.get("NUMBA_ENABLE_CUDASIM"):
            return  # an error of the device stays in its context: the next step wants a new one


if __name__ == "__main__":
    _work(sys.argv[1], sys.argv[2] == "1", Path(sys.argv[3]), json.loads(sys.argv[4]))
