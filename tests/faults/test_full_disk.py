"""Refused calls and full disks: a clear error, exit code 75 where it passes, nothing lost, the same command resumes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faults.forked import run_campaign, run_forked
from faults.os_calls import intercept_calls
from faults.small_rows import check_survivors, finish_and_verify, write_dataset
from faults.tally import Tally


@pytest.mark.parametrize("every, errors, least", [(67, 3, 8), pytest.param(2, 1, 800, marks=pytest.mark.slow)])
def test_refused_calls_lose_nothing(every: int, errors: int, least: int, quick_path: Path) -> None:
    """Whatever call of a growing dataset fails, once or from then on, the error is ours and the command resumes."""
    result = run_campaign("refused_calls", quick_path, every=every, errors=errors)
    tally = Tally("Refused calls")
    tally.merge(result["counts"])
    assert not result["failures"], "\n".join(result["failures"][:5])
    assert tally.total >= least


def test_short_writes_and_signals_change_nothing(quick_path: Path) -> None:
    """A system that takes a few bytes at a time, and one that is interrupted all the time, give the same dataset."""
    digest = str(write_dataset(quick_path / "plain"))

    def few(name: str, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
        return call(args[0], memoryview(args[1])[:997]) if name == "write" else call(*args, **named)

    def write_few(report: Callable[[str], None]) -> None:
        with intercept_calls(few):
            report(str(write_dataset(quick_path / "few")))

    def write_interrupted(report: Callable[[str], None]) -> None:
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
        report(str(write_dataset(quick_path / "interrupted")))

    for write in (write_few, write_interrupted):
        ending = run_forked(write)
        assert (ending.code, ending.lines) == (0, [digest])


_FILL = """
import sys
from pathlib import Path
from faults.small_rows import write_dataset
from simloom.sim.dataset.errors import DatasetError
try:
    print(write_dataset(Path(sys.argv[1]), report=lambda text: print("promised", text)))
except DatasetError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""

_MOUNT = """
set -e
mount -t tmpfs -o size={small}k tmpfs {place}
code=0; {command} || code=$?
echo "code $code"
cp -a {place}/. {copy}
mount -o remount,size=64m {place}
{command}
"""


@pytest.mark.parametrize("small", [48, pytest.param(0, marks=pytest.mark.slow)])
def test_a_truly_full_file_system_is_a_passing_failure(small: int, quick_path: Path) -> None:
    """On a file system of a few pages the writer ends with 75, and finishes once there is room."""
    probe = ["unshare", "-rm", "sh", "-c", f"mount -t tmpfs -o size=8k tmpfs {quick_path}"]
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    tally = Tally("Full file system (tmpfs)")
    digest = str(write_dataset(quick_path / "plain"))
    for size in [small] if small else range(4, 200, 4):
        place, copy = quick_path / f"disk{size}", quick_path / f"copy{size}"
        place.mkdir()
        copy.mkdir()
        command = f"'{sys.executable}' -c '{_FILL}' {place}/data"
        script = _MOUNT.format(small=size, place=place, copy=copy, command=command)
        paths = [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
        done = subprocess.run(
            ["unshare", "-rm", "sh", "-c", script],
            capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )  # fmt: skip
        first, _, second = done.stdout.partition("code ")
        code, _, second = second.partition("\n")
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert second.split()[-1] == digest
        assert code == "75" or first.split()[-1] == digest
        if code == "75":
            assert "free some space and run the same command again" in done.stderr
        check_survivors(copy / "data", [line[9:] for line in first.splitlines() if line.startswith("promised")])
        if (copy / "data").exists():
            finish_and_verify(copy / "data", digest)
        tally.add("file systems of 4 to 196 KiB", "exit code 75, resumed" if code == "75" else "had room")
