"""What CUDA's compiler is told that numba-cuda has no option for."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

_TABLE: Final = re.compile(r'^@"(_cudapy_cmem[^"]*)" = internal addrspace\(4\) constant (.*)$', re.MULTILINE)
"""A constant array in numba-cuda's LLVM source: its name, its type and value."""

_USE: Final = re.compile(r'addrspace\(4\)(\*?) @"(_cudapy_cmem[^"]*)"')
"""Where one is read; a pointer's type has a star or, in newer sources, none."""


@contextmanager
def compile_strictly() -> Iterator[None]:
    """Compile, meanwhile, with the CPU's arithmetic, with np.floor, and with each table once in global memory.

    A multiplication fused with an addition rounds once where the CPU rounds twice. Without it +, -, *, / and square
    roots give the CPU's bits, so that what follows from them alone, such as coverage, is equal and needs no bound.

    numba-cuda writes a constant array out anew, into constant memory, at each place that reads it. Those 64 KiB do not
    hold three copies each of a few tables, and threads that read different entries wait there for one another.
    """
    from numba.core.compiler_lock import global_compiler_lock
    from numba.cuda.cudadrv import nvvm

    def compile_ir(sources: Any, **options: Any) -> Any:
        # A function that two others call is listed twice, and what it calls four times.
        unique = dict.fromkeys([sources] if isinstance(sources, str) else sources)
        return before(share_tables(list(unique)), **{**options, "fma": False})

    with global_compiler_lock:
        _know_floor()
        before = nvvm.compile_ir
        nvvm.compile_ir = compile_ir
        try:
            yield
        finally:
            nvvm.compile_ir = before


def _know_floor() -> None:
    # numba-cuda infers the type of np.floor and then does not find what it is.
    from numba.cuda import mathimpl, ufuncs

    def floor(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        own = mathimpl.get_unary_impl_for_fn_and_ty(math.floor, signature.args[0])
        return own(context, builder, signature, arguments)

    ufuncs.ufunc_db().setdefault(np.floor, {"f->f": floor, "d->d": floor})


def share_tables(sources: list[str]) -> list[str]:
    """Return LLVM modules in which equal constant arrays are one array, in global memory.

    Args:
        sources: The modules' text, to be linked together.
    """
    return [_share_tables(source) for source in sources]


def _share_tables(source: str) -> str:
    shared: dict[str, str] = {}

    def define(found: re.Match[str]) -> str:
        name, value = found.groups()
        known = f"table_{hashlib.blake2b(value.encode(), digest_size=8).hexdigest()}"
        first = known not in shared.values()
        shared[name] = known
        return f'@"{known}" = linkonce_odr addrspace(1) constant {value}' if first else ""

    source = _TABLE.sub(define, source)
    if not shared:
        return source
    return _USE.sub(lambda found: f'addrspace(1){found[1]} @"{shared[found[2]]}"', source)
