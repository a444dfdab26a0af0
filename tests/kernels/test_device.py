"""Launching: builds agree, the disk cache hits and never goes stale, and forks and threads are safe."""

from __future__ import annotations

import multiprocessing
import shutil
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from naive.twin import run_process
from simloom.kernels import device as device_module
from simloom.kernels import device_cuda, sources
from simloom.kernels.depth import apply_depth
from simloom.kernels.device import Kernel, available_devices, describe_devices, platform_key, scalar, thread_count


@scalar
def _scale(value, factor):
    return value * factor + 0.25


@scalar
def _scale_element(index, value_in, factor, value_out):
    value_out[index] = _scale(value_in[index], factor)


SCALE = Kernel(_scale_element)


def _launched(count: int = 1000, **options: object) -> np.ndarray:
    value = np.full(count, np.nan)
    SCALE.launch(count, np.arange(count) / 7.0, 3.0, value, **options)
    return value


def test_serial_parallel_and_python_agree() -> None:
    """Each build of one element gives the same bytes."""
    value = _launched(threads=2)
    serial, python = np.full(1000, np.nan), np.full(1000, np.nan)
    source = np.arange(1000) / 7.0
    source.flags.writeable = False
    SCALE.cpu_build(parallel=False)(1000, source, 3.0, serial)
    for k in range(1000):
        _scale_element(k, source, 3.0, python)

    assert np.array_equal(value, serial)
    assert np.array_equal(value, python)
    assert np.array_equal(value, _launched(threads=1))


def test_inputs_of_any_layout_share_one_build() -> None:
    """Read-only and strided inputs are accepted and compile nothing new."""
    _launched()
    before = len(SCALE.cpu_build().signatures)
    strided = (np.arange(2000) / 14.0)[::2]
    strided.flags.writeable = False
    value = np.full(1000, np.nan)
    SCALE.launch(1000, strided, 3.0, value)

    assert np.array_equal(value, _launched())
    assert len(SCALE.cpu_build().signatures) == before


def test_bad_launches_are_refused() -> None:
    """A missing argument, an output that cannot be written and an unknown device get an error."""
    with pytest.raises(ValueError, match="takes 3 arguments"):
        SCALE.launch(1, np.zeros(1))
    with pytest.raises(ValueError, match="value_out must be"):
        SCALE.launch(1, np.zeros(2), 3.0, np.zeros(4)[::2])
    with pytest.raises(ValueError, match="'cpu' or 'cuda'"):
        _launched(device="tpu")


def test_missing_cuda_is_one_clear_error() -> None:
    """Where there is no CUDA, the error says why and what to do."""
    if "cuda" in available_devices():
        pytest.skip("CUDA is here")
    with pytest.raises(RuntimeError, match=r"device 'cuda' is not here: .*; use device='cpu'"):
        _launched(device="cuda")
    assert describe_devices()[1].reason


def test_platform_key_is_plain_text() -> None:
    """The key names versions and the processor as strings, and the device kind."""
    key = platform_key("cuda")

    assert key["device"] == "cuda"
    assert {"simloom", "numpy", "numba", "libc", "cpu", "cpu_features"} <= set(key)
    assert all(isinstance(value, str) and value for value in key.values())


def test_threads_follow_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """$SIMLOOM_THREADS sets the number of threads, and nonsense in it is an error."""
    monkeypatch.setenv("SIMLOOM_THREADS", "3")
    assert thread_count() == 3
    monkeypatch.setenv("SIMLOOM_THREADS", "many")
    with pytest.raises(ValueError, match="SIMLOOM_THREADS"):
        thread_count()


def test_unwritable_cache_folder_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be written, kernels are compiled without a cache."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SIMLOOM_CACHE_DIR", str(tmp_path / "file"))

    assert device_module.cache_folder("0123") is None


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_launch(method: str) -> None:
    """A child of a process that has launched in parallel launches too, with the same bytes."""
    depth = np.full((2, 6, 90), 1.5, np.float32)
    options = {"fx": 50.0, "seed": 0, "index": [3, 4]}
    expected = apply_depth(depth, **options)
    with multiprocessing.get_context(method).Pool(1) as pool:
        found = pool.apply_async(apply_depth, (depth,), options).get(timeout=30)

    assert np.array_equal(found.depth, expected.depth)
    assert np.array_equal(found.status, expected.status)


def test_threads_launch_at_once() -> None:
    """Launches from several Python threads are all right."""
    expected = _launched()
    found: list[np.ndarray] = []
    workers = [threading.Thread(target=lambda: found.extend(_launched(threads=2) for _ in range(20))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert len(found) == 80
    assert all(np.array_equal(value, expected) for value in found)


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA launch writes every element of the outputs and nothing else."""
    code = """
from simloom.kernels.device import Kernel, available_devices, scalar
@scalar
def element(index, value_in, factor, value_out):
    value_out[index] = value_in[index] * factor + 0.25
value = np.full(10, np.nan)
Kernel(element).launch(9, np.arange(10) / 7.0, 3.0, value, device="cuda")
out = {"value": value, "devices": np.array(available_devices())}
"""
    found = run_process(code, tmp_path, {"NUMBA_ENABLE_CUDASIM": "1"})

    assert np.array_equal(found["value"][:9], _launched(9))
    assert np.isnan(found["value"][9])
    assert list(found["devices"]) == ["cpu", "cuda"]


PROBE = """
import simloom.kernels.probe as probe
value = np.zeros(4)
probe.KERNEL.launch(4, probe.Table(np.arange(4.0)), value)
stats = probe.KERNEL.cpu_build().stats
out = {"value": value, "hits": sum(stats.cache_hits.values()), "misses": sum(stats.cache_misses.values())}
"""


def test_cache_hits_and_never_goes_stale(tmp_path: Path, repository: Path) -> None:
    """A second process compiles nothing; an edit in another file recompiles its callers, and nothing else."""
    package = tmp_path / "simloom"
    package.mkdir()
    (package / "__init__.py").write_text("")
    shutil.copytree(repository / "kernels", package / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    callee = package / "kernels" / "callee.py"
    callee.write_text("from .device import scalar\n\n\n@scalar\ndef change(value):\n    return value + 1.0\n")
    (package / "kernels" / "probe.py").write_text(
        "from typing import Any, NamedTuple\n\nfrom .callee import change\nfrom .device import Kernel, scalar\n\n\n"
        "class Table(NamedTuple):\n    value: Any\n\n\n"
        "@scalar\ndef _element(index, table_in, value_out):\n"
        "    value_out[index] = change(table_in.value[index])\n\n\n"
        "KERNEL = Kernel(_element)\n"
    )
    environment = {"PYTHONPATH": str(tmp_path), "SIMLOOM_CACHE_DIR": str(tmp_path / "cache")}
    first, second = (run_process(PROBE, tmp_path, environment) for _ in range(2))
    callee.write_text(callee.read_text().replace("1.0", "2.0"))
    edited = run_process(PROBE, tmp_path, environment)

    callee.with_name("stranger.py").write_text("VALUE = 1\n")
    (package / "kernels" / "lens.py").write_text((package / "kernels" / "lens.py").read_text() + "\nVALUE = 1\n")
    again = run_process(PROBE, tmp_path, environment)

    assert (first["hits"], first["misses"]) == (0, 1)
    assert (second["hits"], second["misses"]) == (1, 0)
    assert (edited["hits"], edited["misses"]) == (0, 1)
    assert (again["hits"], again["misses"]) == (1, 0)
    assert second["value"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert edited["value"].tolist() == [2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("module", ["device_cuda", "device_compiler", "cooperation", "loops"])
def test_what_compiles_for_cuda_names_its_builds(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another way of compiling for CUDA is another folder of CUDA builds, as an edited kernel is."""
    element, hash_file = apply_depth, sources._hash_file
    before = [sources.source_digest(element, beside) for beside in ((), device_cuda.COMPILED_BY)]

    monkeypatch.setattr(sources, "_hash_file", lambda name: hash_file(name) + bytes(name.endswith(f".{module}")))
    after = [sources.source_digest(element, beside) for beside in ((), device_cuda.COMPILED_BY)]

    assert after[1] != before[1]
    assert (after[0] == before[0]) == module.startswith(("device_", "cooperation"))


def test_small_launches_on_cuda_are_no_reason_to_warn(monkeypatch: pytest.MonkeyPatch) -> None:
    """numba-cuda warns of grids of few blocks; ours are meant, and another's kernels keep their warning."""
    settings = SimpleNamespace(CUDA_LOW_OCCUPANCY_WARNINGS=1)
    monkeypatch.setitem(sys.modules, "numba.cuda.core", SimpleNamespace(config=settings))

    class Given(dict):
        def __missing__(self, key: object) -> tuple[object, int]:
            return key, settings.CUDA_LOW_OCCUPANCY_WARNINGS

    assert device_cuda._configure(Given(), 2, 0) == ((2, device_cuda.BLOCK, 0), 0)
    assert settings.CUDA_LOW_OCCUPANCY_WARNINGS == 1


def test_importing_the_room_loads_nothing_heavy(tmp_path: Path) -> None:
    """`import simloom.kernels` loads no library; a name loads Numba (which looks for SciPy by itself) and no more."""
    code = """
import simloom.kernels
heavy = {"numba", "scipy", "torch", "cv2", "pybullet", "h5py", "pydantic", "pyarrow", "trimesh"}
early = sorted(heavy & set(sys.modules))
simloom.kernels.apply_camera
late = sorted((heavy - {"numba", "scipy"}) & set(sys.modules)) + [m for m in sys.modules if m == "numba.cuda"]
out = {"early": np.array(early, dtype=str), "late": np.array(late, dtype=str)}
"""
    found = run_process(code, tmp_path)

    assert list(found["early"]) == []
    assert list(found["late"]) == []


def test_builds_do_not_share_their_cache(tmp_path: Path) -> None:
    """The serial build, which a forked child needs, is never read from the parallel build's file."""
    code = """
from simloom.kernels.incidence import _COSINE as KERNEL
arguments = [np.zeros((2, 3, 3), np.float32), np.ones(1), np.ones(1), np.zeros((1, 2)), 2]
misses = []
for parallel in (True, False):
    build = KERNEL.cpu_build(parallel=parallel)
    build(2, *arguments, np.empty((2, 3), np.float32))
    misses.append(sum(build.stats.cache_misses.values()))
out = {"misses": np.array(misses)}
"""
    found = run_process(code, tmp_path, {"SIMLOOM_CACHE_DIR": str(tmp_path / "cache")})

    assert found["misses"].tolist() == [1, 1]
