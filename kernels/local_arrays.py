"""Local arrays: room of one call's own, which the compiler keeps in registers where every index is a constant.

What is written for blocks of many elements in arrays runs so for one element too: a local array takes the block's
place, of which only the elements that a constant names are ever there. The same source compiles for CPU and CUDA.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import lower_builtin, type_callable
from numpy.typing import NDArray


def local_floats(size: int) -> NDArray[np.float32]:
    """Return a float32 array whose contents are undefined and whose life ends with the caller's.

    Args:
        size: Its length, a literal or a constant of the module.
    """
    return np.full(size, np.nan, np.float32)


def local_ints(size: int) -> NDArray[np.int32]:
    """Return the same of int32."""
    return np.full(size, -(2**31), np.int32)


def _teach(function: Callable[..., Any], kind: Any) -> None:
    """Tell the compilers what a function's type and code are; the code stands in the caller, whose room it takes."""

    @type_callable(function)  # type: ignore[untyped-decorator]
    def give_type(context: Any) -> Callable[..., Any]:
        def find_type(size: Any) -> Any:
            return types.Array(kind, 1, "C") if isinstance(size, types.IntegerLiteral) else None

        return find_type

    @lower_builtin(function, types.IntegerLiteral)  # type: ignore[untyped-decorator]
    def write_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        size = signature.args[0].literal_value
        item = context.get_data_type(kind)
        with builder.goto_entry_block():  # not by `alloca_once`, whose zeros would keep it out of registers
            room = builder.alloca(ir.ArrayType(item, size))
        stride = context.get_constant(types.intp, context.get_abi_sizeof(item))
        count = context.get_constant(types.intp, size)
        array = context.make_array(signature.return_type)(context, builder)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        array.parent = cgutils.get_null_value(array.parent.type)
        array.nitems, array.itemsize = count, stride
        array.data = builder.bitcast(room, array.data.type)
        array.shape, array.strides = cgutils.pack_array(builder, [count]), cgutils.pack_array(builder, [stride])
        return array._getvalue()


_teach(local_floats, types.float32)
_teach(local_ints, types.int32)
