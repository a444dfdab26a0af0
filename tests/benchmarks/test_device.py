"""The suites of a device, and the check that runs them all: on the CPU in the device's place, tiny."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import device_cases
import device_tests
import numpy as np
import pytest
import run
from device_bounds import SENSORS, Bound, compare, compare_frames
from device_steps import Step, StepRunner, list_steps
from device_summary import print_summary, save_results, within_bounds

from simloom.renderers.frames import Frames

ABSENT = "pybullet pybullet_data pydantic trimesh gymnasium isal deflate coacd fast_simplification torchdata mujoco"
"""What a machine with a GPU need not have."""


def check(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the check in a process of its own."""
    program = Path(device_tests.__file__).parent / "gpu_check.py"
    return subprocess.run(
        [sys.executable, str(program), *arguments], env={**os.environ, **environment}, capture_output=True, text=True,
        timeout=600, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("suite", ["render", "sensors"])
def test_every_suite_of_a_device_runs(suite: str) -> None:
    """A tiny case gives a rate for every contestant, here of the CPU."""
    document = run.run_suite(suite, device_cases.tiny_suites()[suite][:1], repeats=1, device="cpu")

    (case,) = document["cases"]
    assert document["device"] == "cpu"
    assert all(row["rate"] > 0 for row in case["results"])
    assert case["facts"]["copy_gb_per_second"] > 0


def test_values_beyond_the_tolerance_are_counted() -> None:
    """What differs by less counts as unequal, not as beyond; a share of values may be beyond."""
    ours = np.array([1.0, 2.0, 3.0, np.nan], np.float32)
    theirs = np.array([1.0, 2.05, 4.0, np.nan], np.float32)
    found = compare("depth", ours, theirs, Bound(tolerance=0.1, share=0.5))

    assert (4, 2, 1) == (found.values, found.equal, found.beyond)
    assert found.holds
    assert 1.0 == found.largest
    assert not compare("depth", ours, theirs, Bound(tolerance=0.01)).holds
    assert compare("status", np.zeros(9, np.uint8), np.zeros(9, np.uint8), SENSORS["status"]).equal == 9


def test_pixels_that_see_other_things_count_once() -> None:
    """A flip of coverage is counted among the ids, and its depth is not held against the other surface's."""
    instance, depth = np.ones((1, 4, 5), np.uint16), np.ones((1, 4, 5), np.float32)
    colour, count = np.ones((1, 2, 4, 5, 3), np.float32), np.full((1, 3), 7, np.int32)
    ours = Frames(instance=instance, depth=depth, colour=colour, visible_pixels=count)
    flipped, farther, darker = instance.copy(), depth.copy(), colour.copy()
    flipped[0, 1, 1], farther[0, 1, 1], darker[0, :, 1, 1] = 2, 5.0, 0.0
    theirs = Frames(instance=flipped, depth=farther, colour=darker, visible_pixels=count)
    found = {one.output: one for one in compare_frames(ours, theirs)}

    assert 1 == found["instance"].beyond
    assert (0, 19) == (found["depth"].beyond, found["depth"].values)
    assert (0, 2 * 19 * 3) == (found["colour"].beyond, found["colour"].values)
    assert 3 == found["visible_pixels"].values


def test_a_missing_gpu_is_said_plainly() -> None:
    """Without CUDA nothing is measured, and the exit code tells."""
    done = check(CUDA_VISIBLE_DEVICES="", NUMBA_ENABLE_CUDASIM="0")

    assert 2 == done.returncode, done.stderr
    assert "no CUDA device here: " in done.stdout
    assert "nothing was measured" in done.stdout


def test_gpu_tests_are_found_by_their_mark(repository: Path) -> None:
    """Files with a mark, and no file that only talks of it."""
    found = [path.relative_to(repository / "tests").as_posix() for path in device_tests.find_gpu_tests(repository)]

    assert {"kernels/test_on_device.py", "renderers/raster/test_on_device.py"} <= set(found)
    assert "benchmarks/test_device.py" not in found


def test_a_step_that_hangs_or_dies_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ended and told; the next steps run in a new process; those that time is short for fail too."""
    program = tmp_path / "child.py"
    program.write_text(
        "import json, sys, time\n"
        "for suite, number in json.loads(sys.argv[4]):\n"
        "    if number == 1: time.sleep(60)\n"
        "    if number == 2: sys.exit('gone')\n"
        "    line = {'suite': suite, 'number': number, 'ok': number != 4, 'text': 'broken', 'seconds': 0.1}\n"
        "    line['case'] = {'case': str(number)}\n"
        "    open(sys.argv[3], 'a').write(json.dumps(line) + '\\n')\n"
    )
    monkeypatch.setattr("device_steps.__file__", str(program))
    steps = [Step(suite="loading", number=n, name=str(n), seconds=0.3 if n == 1 else 30.0) for n in range(6)]
    told: list[str] = []
    runner = StepRunner(device="cpu", tiny=True, folder=tmp_path, tell=told.append)
    runner.run(steps[:5], deadline=time.monotonic() + 60)
    runner.run(steps[5:], deadline=time.monotonic() - 1)

    assert [True, False, False, True, False, False] == [outcome.ok for outcome in runner.outcomes]
    texts = [outcome.text for outcome in runner.outcomes]
    assert "too long" in texts[1]
    assert "code 1" in texts[2]
    assert "gone" in texts[2]
    assert ("broken", "no time was left") == (texts[4], texts[5])
    (document,) = runner.documents(commit="abc")
    assert ["0", "3"] == [case["case"] for case in document["cases"]]


def test_steps_are_all_cases(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Every case is a step; the summary has a line for each kind, and files are named after the device."""
    steps = list_steps(device_cases.SUITES)
    assert len(steps) == sum(len(members) for members in device_cases.SUITES.values())
    fact: dict[str, Any] = {"within_bounds": "no: depth", "depth": "BEYOND"}
    document = {
        "suite": "differences", "device": "cpu", "repeats": 1, "notes": [],
        "metadata": run.describe_machine(), "cases": [{"case": "a", "results": [], "ratios": {}, "facts": fact,
        "settings": {}}],
    }  # fmt: skip
    print_summary([document], [], None, seconds=1.0)

    assert not within_bounds([document])
    assert "BEYOND" in capsys.readouterr().out
    (path,) = save_results([document], "cpu", tmp_path)
    assert path.name.startswith("differences--")
    assert path.name.endswith("--cpu.json")


@pytest.mark.slow
def test_the_check_runs_where_little_is_installed(tmp_path: Path) -> None:
    """From the checkout alone, with the CPU in the device's place, and without what such a machine lacks."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {ABSENT.split()!r}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
    )
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = check("--device", "cpu", "--tiny", PYTHONPATH=os.pathsep.join(paths))

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "7 of 7 steps done" in done.stdout
    assert "within_bounds            yes" in done.stdout


@pytest.mark.slow
def test_the_check_runs_in_the_simulator() -> None:
    """The same kernels as CUDA's, in Numba's simulator."""
    done = check("--tiny", "--no-tests", NUMBA_ENABLE_CUDASIM="1")

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "CUDA simulator" in done.stdout
    assert "7 of 7 steps done" in done.stdout
