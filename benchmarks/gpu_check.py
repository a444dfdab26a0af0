"""All that a GPU must show, in one command and within nine minutes: `make gpu-check`.

Runs from a bare checkout: needs Python with NumPy, Numba, numba-cuda, torch, h5py, pyarrow, OpenCV and pytest, and
neither PyBullet nor a network; nothing is installed. It measures, counts differences from the CPU, and runs the tests
marked gpu, each step within a time of its own; a step that fails or takes too long does not stop the others. Exit code:
0 all is well, 1 a step failed or a bound was broken, 2 there is no CUDA device.

    python3 benchmarks/gpu_check.py
    python3 benchmarks/gpu_check.py --device cpu --tiny                       # a stand-in: does it run?
    NUMBA_ENABLE_CUDASIM=1 python3 benchmarks/gpu_check.py --tiny             # the same kernels in Numba's simulator
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 530.0
"""Time of the whole [s]."""
TEST_RESERVE = 150.0
"""What the tests get at least of it [s]."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, run every step, print, write.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda", help="cpu: a stand-in, to see it run")
    parser.add_argument("--tiny", action="store_true", help="tiny cases, one repeat: shows that everything runs")
    parser.add_argument("--limit", type=float, default=LIMIT, help=f"seconds for all (default {LIMIT:.0f})")
    parser.add_argument("--out", type=Path, help="folder of the results (default benchmarks/results; of --tiny none)")
    parser.add_argument("--commit", default="", help="what is measured, where the checkout has no .git")
    parser.add_argument("--no-tests", action="store_true", help="measure only")
    given = parser.parse_args(arguments)
    begun = time.monotonic()
    _link_package()
    from simloom.kernels.device import describe_devices

    if given.device == "cuda":
        cuda = next(device for device in describe_devices() if device.name == "cuda")
        if not cuda.present:
            print(f"no CUDA device here: {cuda.reason}\nnothing was measured, nothing was tested", flush=True)
            return 2
        print(f"CUDA device: {cuda.reason}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="simloom-gpu-check-"))
    warm = None
    try:
        warm = _warm_up(given)
        return _check(given, begun, folder)
    finally:
        if warm is not None:
            warm.kill()
            warm.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _link_package() -> None:
    """Make this checkout importable as `simloom`, here and in what is started from here."""
    paths = [str(ROOT / "benchmarks")]
    found = find_spec("simloom")
    if found is None or found.origin is None or Path(found.origin).resolve().parent != ROOT:
        # The same place every time: compiled kernels are kept on disk by the path of their source.
        name = hashlib.blake2b(str(ROOT).encode(), digest_size=6).hexdigest()
        folder = Path(tempfile.gettempdir()) / f"simloom-link-{os.getuid()}-{name}"
        folder.mkdir(mode=0o700, exist_ok=True)
        link = folder / "simloom"
        if not link.exists():
            link.symlink_to(ROOT, target_is_directory=True)
        paths.append(str(folder))
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([*paths, *([before] if before else [])])
    sys.path[:0] = paths
    # Tiny launches are meant here.
    os.environ.setdefault("NUMBA_CUDA_LOW_OCCUPANCY_WARNINGS", "0")


def _warm_up(given: argparse.Namespace) -> subprocess.Popen[bytes] | None:
    """Compile the CPU's kernels for the comparisons meanwhile, in a process of low priority."""
    if given.tiny:
        return None
    code = (
        "import os; os.nice(10)\n"
        "from device_cases import DIFFERENCES as cases\n"
        "from device_differences import render_everything, sense_everything\n"
        "render_everything(cases[0], 'cpu'); sense_everything(cases[1], 'cpu')\n"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _check(given: argparse.Namespace, begun: float, folder: Path) -> int:
    import device_cases
    from device_steps import StepRunner, list_steps
    from device_summary import print_summary, save_results, within_bounds

    suites = device_cases.tiny_suites() if given.tiny else device_cases.SUITES
    steps = list_steps(suites)
    end = begun + given.limit
    runner = StepRunner(device=given.device, tiny=given.tiny, folder=folder, tell=_tell)
    runner.run(steps, deadline=end - (0.0 if given.no_tests else min(TEST_RESERVE, 0.3 * given.limit)))
    tests = None
    if not given.no_tests:
        from device_tests import run_gpu_tests

        tests = run_gpu_tests(ROOT, seconds=max(end - time.monotonic(), 10.0), collect_only=given.tiny, tell=_tell)
    results = None if given.tiny and given.out is None else given.out or ROOT / "benchmarks" / "results"
    documents = runner.documents(commit=given.commit)
    if results is not None:
        for path in save_results(documents, given.device, results):
            _tell(f"written to {path}")
    print_summary(documents, runner.outcomes, tests, seconds=time.monotonic() - begun)
    ok = all(outcome.ok for outcome in runner.outcomes) and within_bounds(documents) and (tests is None or tests.ok)
    return 0 if ok else 1


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
