"""Runs the tests marked gpu: of files that hold some, and no others, since those may need what is not here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_MARK = re.compile(r"^\s*(@pytest\.mark\.gpu\b|pytestmark\s*=.*\bgpu\b)", re.MULTILINE)
_COUNTS = re.compile(r"(\d+) (passed|failed|errors?|skipped|deselected)")


@dataclass(frozen=True, kw_only=True)
class TestOutcome:
    """What the tests said."""

    __test__ = False

    ok: bool
    text: str
    """Their last line."""


def find_gpu_tests(root: Path) -> list[Path]:
    """List the test files in which something is marked gpu."""
    return sorted(path for path in (root / "tests").rglob("test_*.py") if _MARK.search(path.read_text("utf-8")))


def run_gpu_tests(root: Path, *, seconds: float, collect_only: bool, tell: Callable[[str], None]) -> TestOutcome:
    """Run them.

    Args:
        root: The checkout.
        seconds: Longest time [s].
        collect_only: Whether they are only found, none of them run.
        tell: Called with every line that pytest says.

    Returns:
        The outcome: not ok where one failed, or none was run.
    """
    if find_spec("pytest") is None:
        return TestOutcome(ok=False, text="pytest is not installed: no test was run")
    files = find_gpu_tests(root)
    command = [sys.executable, "-m", "pytest", "-c", str(root / "pyproject.toml"), f"--rootdir={root / 'tests'}"]
    command += ["--import-mode=importlib", "-p", "no:cacheprovider", "-m", "gpu", "-v", "--tb=short"]
    if collect_only:
        command += ["--collect-only", "-q"]
    elif find_spec("xdist") is not None and (os.cpu_count() or 1) >= 8:
        command += ["-n", "4", "--dist", "loadfile"]  # compiling takes longer than running
    command += [str(path) for path in files]
    said: list[str] = []
    with subprocess.Popen(
        ["timeout", "-k", "5", f"{seconds:.0f}", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        cwd=root,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.rstrip())
            tell(said[-1])
    last = next((line for line in reversed(said) if line.strip()), "nothing was said")
    counts = {word.rstrip("s"): int(number) for number, word in _COUNTS.findall(last)}
    ran = collect_only or counts.get("passed", 0) > 0
    if process.returncode == 124:
        last = f"ended after {seconds:.0f} s; {sum(' PASSED' in line for line in said)} had passed"
    return TestOutcome(ok=process.returncode == 0 and ran, text=last.strip("= "))
