"""Write out the loop, or the CUDA thread, that calls an element function, with a name for each argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numba import njit, prange

Layout = tuple[type | None, ...]
"""The class of each named tuple among an element's arguments, None for the others."""

_OPTIONS: Final = {"error_model": "numpy", "no_cfunc_wrapper": True}


def write_loop(element: Callable[..., None], layout: Layout) -> Callable[..., None]:
    """Return a function of a count and of arguments that calls an element for each index, to be compiled.

    A loop over `*arguments` compiles too, but Numba copies the tuple of them all at each use: that took longer than the
    rest of a kernel. Numba hands no tuple within a tuple to the body of a parallel loop either, so that named tuples
    are put together inside it.

    Args:
        element: Function of an index and of arrays, numbers and named tuples.
        layout: Which of its arguments are named tuples.

    Returns:
        Function of the count and of the element's arguments, the fields of named tuples one by one.
    """
    names, call, known = name_arguments(layout)
    # The compiled element is a global and no part of a closure: the disk cache would tell closures apart by their
    # bytes, which differ from one process to the next. The index is unsigned in every build.
    known |= {"element": njit(no_cpython_wrapper=True, **_OPTIONS)(element), "prange": prange, "uint64": np.uint64}
    text = f"def loop(count, {names}):\n    for index in prange(count):\n        element(uint64(index), {call})\n"
    return define_function(text, "loop", known)


def compile_loop(loop: Callable[..., None], *, parallel: bool, cache: bool) -> Any:
    """Return the Numba dispatcher of a loop.

    Args:
        loop: What `write_loop` returned.
        parallel: Whether its indices are shared out to threads.
        cache: Whether builds are kept on disk.
    """
    return njit(cache=cache, parallel=parallel, nogil=True, **_OPTIONS)(loop)


def write_thread(element: Callable[..., None], layout: Layout, cuda: Any, *, simulated: bool) -> Callable[..., None]:
    """Return a function of a count and of arguments that calls an element for one CUDA thread's index.

    Args:
        element: Function of an index and of arrays, numbers and named tuples.
        layout: Which of its arguments are named tuples.
        cuda: The module numba.cuda.
        simulated: Whether it is Numba's simulator that will run it.

    Returns:
        Function of the count and of the element's arguments, the fields of named tuples one by one; in the simulator
        of the count and of the tuple of them all.
    """
    names, call, known = name_arguments(layout)
    # The index has the type that it has on the CPU, so that both compilers infer the same types from it. The simulator
    # hands on arrays within a tuple as they are; what it is handed directly, it wraps once more, and slowly.
    known |= {"element": element, "cuda": cuda, "kind": int if simulated else np.uint64}
    head = f"arguments):\n    ({names},) = arguments" if simulated else f"{names}):"
    body = f"    index = cuda.grid(1)\n    if index < count:\n        element(kind(index), {call})\n"
    return define_function(f"def thread(count, {head}\n{body}", "thread", known)


def name_arguments(layout: Layout) -> tuple[str, str, dict[str, Any]]:
    """Name the flat arguments, the call that puts them together, and the classes that it names."""
    names, parts = [], []
    for place, kind in enumerate(layout):
        fields = [f"a{place}"] if kind is None else [f"a{place}_{name}" for name in kind._fields]  # type: ignore[attr-defined]
        names += fields
        parts.append(fields[0] if kind is None else f"{kind.__name__}({', '.join(fields)})")
    return ", ".join(names), ", ".join(parts), {kind.__name__: kind for kind in layout if kind is not None}


def define_function(text: str, name: str, known: dict[str, Any]) -> Callable[..., None]:
    """Compile source text into the function of that name."""
    # The disk cache asks for a function's file and looks at nothing in it but its age.
    space: dict[str, Any] = {"__name__": __name__, **known}
    exec(compile(text, __file__, "exec"), space)
    function: Callable[..., None] = space[name]
    return function
