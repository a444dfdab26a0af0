"""Hold the types that the two compilers infer in a kernel and in what it calls against each other.

Numba and numba-cuda keep their own lists of what a function returns. Where they differ, as in math.floor, one source
may round in float32 here and in float64 there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

from cuda_compile.compiled_kernel import CAPABILITY, build_function, find_type, stand_in_for_device
from cuda_compile.kernel_list import Launch, find_kernels, find_table

_Inferred = dict[tuple[str, str], dict[str, dict[str, str]]]
"""(Function, its arguments' types) -> compiler -> variable -> type."""
_SEEN: Final[_Inferred] = {}
"""What this process has compiled: a compiler does not come by again for another kernel."""


def compare_types(name: str, launch: Launch) -> list[str]:
    """Return a line for each function in which a variable's type differs.

    A function that is called with other types has a caller in which a variable differs.
    """
    from numba import cuda, njit, types
    from numba.cuda.cudadrv import nvvm

    from simloom.kernels.device_compiler import compile_strictly

    stand_in_for_device()
    kernel = find_kernels()[name]
    layout: list[Any] = []
    flat: list[Any] = []
    whole: list[Any] = [types.uint64]
    for argument, parameter in zip(launch, kernel._names, strict=True):
        path, fields = next(iter(argument.items())) if isinstance(argument, dict) else ("", {"": argument})
        layout.append(find_table(path) if path else None)
        flat += [find_type(text) for text in fields.values()]
        host = [find_type(text, readonly=not parameter.endswith("_out")) for text in fields.values()]
        whole.append(types.NamedTuple(host, layout[-1]) if path else host[0])
    function, own = build_function(kernel, tuple(layout))
    with _noting():
        # Nothing is made of what was inferred.
        with compile_strictly(), mock.patch.object(nvvm, "compile_ir", return_value=b""):
            cuda.compile(function, types.void(*own, *flat), cc=CAPABILITY, device=False, abi="numba")
        njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)(kernel._element).compile(tuple(whole))
    return list(_find_differences())


@contextmanager
def _noting() -> Iterator[None]:
    from numba.core import compiler
    from numba.cuda import compiler as cuda_compiler

    def note(which: str, compile_extra: Callable[..., Any]) -> Callable[..., Any]:
        def compile_noted(*given: Any, **named: Any) -> Any:
            result = compile_extra(*given, **named)
            function = named["func"] if "func" in named else given[2]
            arguments = ", ".join(_shorten(kind) for kind in result.signature.args)
            variables = {k: _shorten(v) for k, v in result.type_annotation.typemap.items() if k[0] != "$"}
            variables["return"] = _shorten(result.signature.return_type)
            _SEEN.setdefault((f"{function.__module__}.{function.__qualname__}", arguments), {})[which] = variables
            return result

        return compile_noted

    with (
        mock.patch.object(compiler, "compile_extra", note("cpu", compiler.compile_extra)),
        mock.patch.object(cuda_compiler, "compile_extra", note("cuda", cuda_compiler.compile_extra)),
    ):
        yield


def _find_differences() -> Iterator[str]:
    for (function, _), inferred in sorted(_SEEN.items()):
        if not function.startswith("simloom.") or len(inferred) < 2:
            continue
        cpu, cuda = inferred["cpu"], inferred["cuda"]
        names = [name for name in sorted(cpu | cuda) if cpu.get(name) != cuda.get(name) and not name.startswith("arg.")]
        if names:
            pairs = ", ".join(f"{name}: {cpu.get(name)} and {cuda.get(name)}" for name in names)
            yield f"{function} has on CPU and on CUDA {pairs}"


def _shorten(kind: Any) -> str:
    """Return a type's name without what must differ: literals, and whether an array may be written."""
    text = re.sub(r"Literal\[(\w+)\]\([^)]*\)", lambda found: {"int": "int64"}.get(found[1], found[1]), str(kind))
    return re.sub(r"readonly |unaligned ", "", text)
