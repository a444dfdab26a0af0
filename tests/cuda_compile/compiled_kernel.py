"""Compile one kernel as `kernels/device_cuda.py` does, without a device, and count what came of it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

import numpy as np
from cuda_compile.kernel_list import Launch, find_kernels, find_table

from simloom.kernels.loops import Layout

CAPABILITY: Final = (9, 0)
"""Hopper: H100 and H200."""
_PREFIX: Final = r"^\t(?:@!?%p\d+ )?"
_DOUBLE: Final = re.compile(
    _PREFIX + r"(?:add|sub|mul|fma|div|sqrt|rcp|rsqrt|min|max|abs|neg|setp)\S*\.f64\b", re.MULTILINE
)
_CALL: Final = re.compile(_PREFIX + r"call\b", re.MULTILINE)
_INSTRUCTION: Final = re.compile(_PREFIX + r"[a-z].*;$", re.MULTILINE)
_ASSEMBLED: Final = {
    "registers": r"Used (\d+) registers",
    "stack": r"(\d+) bytes stack frame",
    "spilled": r"(\d+) bytes spill stores",
    "shared": r"(\d+) bytes smem",
}


class Compiled(NamedTuple):
    """What the compiler says of one kernel under one set of argument types."""

    name: str
    launch: int
    """Its place in the record."""
    error: str
    """Empty where it compiles."""
    counts: dict[str, int]
    """Registers, bytes of stack, of spills and of shared memory; PTX instructions, those in double precision, calls."""
    seconds: float


def compile_launch(name: str, number: int, launch: Launch, folder: Path) -> Compiled:
    """Compile a kernel for the arguments of a recorded launch; leave its PTX in a folder."""
    # Imported here: this file is read by processes that only list kernels.
    from numba import cuda, types

    from simloom.kernels.device_compiler import compile_strictly

    stand_in_for_device()
    layout: list[Any] = []
    given: list[str] = []
    for argument in launch:
        path, fields = next(iter(argument.items())) if isinstance(argument, dict) else ("", {"": argument})
        layout.append(find_table(path) if path else None)
        given += fields.values()
    function, own = build_function(find_kernels()[name], tuple(layout))
    signature = types.void(*own, *(find_type(text) for text in given))
    start = time.perf_counter()
    try:
        with compile_strictly():
            source, _ = cuda.compile(function, signature, cc=CAPABILITY, device=False, abi="numba")
    except Exception as error:  # whatever a compiler raises is the answer
        return Compiled(name, number, f"{type(error).__name__}: {error}", {}, time.perf_counter() - start)
    seconds = time.perf_counter() - start
    path = folder / f"{name.removeprefix('simloom.')}-{number}.ptx"
    path.write_text(source)
    counts = {
        "doubles": len(_DOUBLE.findall(source)),
        "calls": len(_CALL.findall(source)),
        "instructions": len(_INSTRUCTION.findall(source)),
    }
    error = _assemble(path, counts)
    return Compiled(name, number, error, counts, seconds)


def stand_in_for_device() -> None:
    """Say that the device is a Hopper: a function that a kernel calls is compiled for the one that is here."""
    from numba.cuda import dispatcher

    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=CAPABILITY)


def build_function(kernel: Any, layout: Layout) -> tuple[Any, list[Any]]:
    """Return the function that is compiled for CUDA, and the types of what it takes before the launch's arguments."""
    from numba import types

    from simloom.kernels import device_cuda

    if hasattr(kernel, "write_block"):  # threads of a block that work together
        source = kernel.write_block(layout)
        return device_cuda.build_block(*source, kernel._element, lambda *_: None).py_func, []
    return device_cuda.build(kernel._element, layout, lambda *_: None).py_func, [types.int64]


def find_assembler() -> str | None:
    """Return where ptxas is: in this environment, or on the path."""
    for place in Path(sys.prefix).glob("lib/*/site-packages/nvidia/*/bin/ptxas"):
        return str(place)
    return shutil.which("ptxas")


def find_type(text: str, *, readonly: bool = False) -> Any:
    """Return Numba's type of an argument, such as "float32[2]"."""
    from numba import types
    from numba.np.numpy_support import from_dtype

    scalar, _, rank = text.removesuffix("]").partition("[")
    kind = from_dtype(np.dtype(scalar))
    return types.Array(kind, int(rank), "C", readonly=readonly) if rank else kind


def _assemble(path: Path, counts: dict[str, int]) -> str:
    tool = find_assembler()
    if tool is None:
        return ""
    done = subprocess.run(
        [tool, "-arch=sm_90", "-v", str(path), "-o", "/dev/null"], capture_output=True, text=True, check=False
    )
    for key, pattern in _ASSEMBLED.items():
        counts[key] = max((int(value) for value in re.findall(pattern, done.stderr)), default=0)
    return f"ptxas: {done.stderr[-2000:]}" if done.returncode else ""
