"""A pytest plugin that adds the types of every launch to the record: `make cuda-record TESTS=tests/kernels/...`.

Launches in the simulator's processes count too: some kernels are for CUDA alone.
"""

from __future__ import annotations

import atexit
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from cuda_compile.kernel_list import find_kernels, is_current, read_launches, write_launches

SEEN: dict[str, set[str]] = {}
_FOLDER = "SIMLOOM_LAUNCHES"
"""Variable with the folder where other processes leave what they saw."""


def note_launches() -> None:
    """Note the arguments of every launch in this process."""
    for kind in {type(kernel) for kernel in find_kernels().values()}:
        kind.launch = _note(kind.launch)


def describe(value: Any) -> Any:
    """Return the name of an argument's type as a CUDA kernel sees it."""
    if isinstance(value, tuple):
        kind = type(value)
        names = dict(zip(kind._fields, (describe(part) for part in value), strict=True))
        return {f"{kind.__module__}.{kind.__qualname__}": names}
    if hasattr(value, "dtype") and getattr(value, "ndim", 0):
        return f"{np.dtype(str(value.dtype).removeprefix('torch.')).name}[{value.ndim}]"
    return {bool: "bool", int: "int64", float: "float64"}.get(type(value)) or np.asarray(value).dtype.name


def _note(launch: Callable[..., None]) -> Callable[..., None]:
    def launch_noted(self: Any, count: int, *arrays: Any, **options: Any) -> None:
        SEEN.setdefault(self.name, set()).add(json.dumps([describe(value) for value in arrays]))
        launch(self, count, *arrays, **options)

    return launch_noted


def _leave() -> None:
    seen = {name: sorted(launches) for name, launches in SEEN.items()}
    (Path(os.environ[_FOLDER]) / f"{os.getpid()}.json").write_text(json.dumps(seen))


def pytest_configure() -> None:
    """Note launches here and in the processes that tests start to run code."""
    from naive import twin

    os.environ[_FOLDER] = tempfile.mkdtemp()
    tests = str(Path(__file__).parents[1])
    twin._BEFORE = f"import sys\nsys.path.insert(0, {tests!r})\nimport cuda_compile.record\n{twin._BEFORE}"
    note_launches()


def pytest_sessionfinish() -> None:
    """Add what was seen to what still holds of the record."""
    for path in Path(os.environ[_FOLDER]).iterdir():
        for name, given in json.loads(path.read_text()).items():
            SEEN.setdefault(name, set()).update(given)
        path.unlink()
    Path(os.environ[_FOLDER]).rmdir()
    kernels, launches = find_kernels(), read_launches()
    merged = {}
    for name, kernel in kernels.items():
        given = launches.get(name, []) + [json.loads(text) for text in SEEN.get(name, ())]
        current = [launch for launch in given if is_current(kernel, launch)]
        if current:
            merged[name] = current
    write_launches(merged)
    missing = sorted(set(kernels) - set(merged))
    print(f"\n{len(merged)} of {len(kernels)} kernels recorded", *(f"\n  not launched: {name}" for name in missing))


if _FOLDER in os.environ:  # imported by a process that a recorded test started
    note_launches()
    atexit.register(_leave)
