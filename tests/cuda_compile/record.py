"""A pytest plugin that adds the types of every launch to the record: `make cuda-record TESTS=tests/kernels/...`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from cuda_compile.kernel_list import find_kernels, is_current, read_launches, write_launches

SEEN: dict[str, set[str]] = {}


def describe(value: Any) -> Any:
    """Return the name of an argument's type as a CUDA kernel sees it."""
    if isinstance(value, tuple):
        kind = type(value)
        names = dict(zip(kind._fields, (describe(part) for part in value), strict=True))
        return {f"{kind.__module__}.{kind.__qualname__}": names}
    if hasattr(value, "dtype") and getattr(value, "ndim", 0):
        return f"{np.dtype(str(value.dtype).removeprefix('torch.')).name}[{value.ndim}]"
    return {bool: "bool", int: "int64", float: "float64"}.get(type(value)) or np.asarray(value).dtype.name


def pytest_configure() -> None:
    """Note the arguments of every launch in this process."""
    for kind in {type(kernel) for kernel in find_kernels().values()}:
        kind.launch = _note(kind.launch)


def _note(launch: Callable[..., None]) -> Callable[..., None]:
    def launch_noted(self: Any, count: int, *arrays: Any, **options: Any) -> None:
        SEEN.setdefault(self.name, set()).add(json.dumps([describe(value) for value in arrays]))
        launch(self, count, *arrays, **options)

    return launch_noted


def pytest_sessionfinish() -> None:
    """Add what was seen to what still holds of the record."""
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
