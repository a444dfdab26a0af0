"""Which source files a compiled kernel came from: the name of the folder that may hold it."""

from __future__ import annotations

import functools
import hashlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

import llvmlite
import numba
import numpy as np
from llvmlite import binding as llvm

_PACKAGE: Final = __name__.rpartition(".kernels")[0]
_IMPORT: Final = re.compile(r"^from (\.+)([\w.]*) import (\([^)]*\)|[^\n#]*)", re.MULTILINE)


def source_digest(element: Callable[..., Any], beside: Sequence[str] = ()) -> str:
    """Return a name for everything that a kernel's compiled code depends on.

    Numba keeps a build for as long as its own file stays as it is, and does not see that a function or a constant of
    another file has changed. The digest covers every file of this package that holds a function which the element can
    reach, every file that one of those imports at its top, the versions of compiler and arrays, and the processor.

    Args:
        element: The kernel's element function.
        beside: Loaded modules of this package that its code depends on besides, such as what has it compiled.

    Returns:
        24 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=12)
    for name in sorted(_close_over({function.__module__ for function in _reachable(element)} | set(beside))):
        digest.update(name.encode() + _hash_file(name))
    for version in (numba.__version__, llvmlite.__version__, np.__version__, llvm.get_host_cpu_name(), sys.version):
        digest.update(f"{version}\0".encode())
    return digest.hexdigest()


def _reachable(start: Callable[..., Any]) -> Iterator[FunctionType]:
    """Yield a function and all of the package's functions that it names or closes over, however far down."""
    seen: set[int] = set()
    queue: list[Any] = [start]
    while queue:
        value = queue.pop()
        function = getattr(value, "py_func", value)  # a compiled function stands for its source
        if not isinstance(function, FunctionType) or id(function) in seen:
            continue
        seen.add(id(function))
        if _is_ours(function.__module__):
            yield function
        cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
        queue += cells + [function.__globals__.get(name) for name in _names(function.__code__)]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:  # a name that has no value yet
        return False
    return True


def _is_ours(module: str | None) -> bool:
    # A function that was made by `exec` has no module; what it calls has one.
    return module is not None and module.startswith(f"{_PACKAGE}.") and module in sys.modules


def _close_over(modules: set[str]) -> set[str]:
    closed: set[str] = set()
    queue = [name for name in modules if _is_ours(name)]
    while queue:
        name = queue.pop()
        if name not in closed:
            closed.add(name)
            queue += _imported(name)
    return closed


@functools.lru_cache(maxsize=1024)
def _imported(module: str) -> tuple[str, ...]:
    # By the text, not by what a module holds: a constant does not say where it came from.
    names = []
    for dots, path, what in _IMPORT.findall(_read(module).decode()):
        base = ".".join(module.split(".")[: -len(dots)] + ([path] if path else []))
        names.append(base)
        names += [f"{base}.{word}" for word in re.findall(r"\w+", what)]
    return tuple(name for name in dict.fromkeys(names) if _is_ours(name))


@functools.lru_cache(maxsize=1024)
def _hash_file(module: str) -> bytes:
    return hashlib.blake2b(_read(module)).digest()


def _read(module: str) -> bytes:
    loaded: ModuleType = sys.modules[module]
    return Path(loaded.__file__).read_bytes() if loaded.__file__ else b""
