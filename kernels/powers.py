"""Binary logarithms and powers of two from small tables, without a branch or a call.

A loop over pixels that uses them is compiled for several pixels at once, and CPU and CUDA agree but for the last bits.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from .device import scalar

_SHIFT: Final = np.uint64(52)
_CELL_SHIFT: Final = np.uint64(46)
_CELL_MASK: Final = np.uint64(63)
_FRACTION: Final = np.uint64((1 << 52) - 1)
_ONE: Final = np.uint64(1023 << 52)
_BIAS: Final = np.int64(1023)
_ROUND: Final = 6755399441055744.0  # 1.5 * 2^52: adding and taking it away rounds to a whole number
_CELLS: Final = 64
_LN_2: Final = math.log(2.0)


def _middle(cell: int) -> float:
    return 1.0 + (cell + 0.5) / _CELLS


# In float32, for the compiler works on eight numbers at once where what it loads is no wider than that; the logarithm
# is of the inverse as it was rounded.
_INVERSE: Final = np.array([1.0 / _middle(cell) for cell in range(_CELLS)], np.float32)
_LOG2: Final = np.array([-math.log2(float(inverse)) for inverse in _INVERSE], np.float32)
_EXP2: Final = np.array([2.0 ** (cell / _CELLS) for cell in range(_CELLS)], np.float32)


@scalar(forceinline=True)
def log2(value: Any) -> Any:
    """Return the binary logarithm of a positive normal number, to 4e-8."""
    bits = np.float64(value).view(np.uint64)
    mantissa = np.uint64((bits & _FRACTION) | _ONE).view(np.float64)
    cell = (bits >> _CELL_SHIFT) & _CELL_MASK
    s = mantissa * np.float64(_INVERSE[cell]) - 1.0
    series = ((s * (1.0 / 3.0) - 0.5) * s + 1.0) * s
    return np.float64(np.int64(bits >> _SHIFT) - _BIAS) + (np.float64(_LOG2[cell]) + series * (1.0 / _LN_2))


@scalar(forceinline=True)
def exp2(value: Any) -> Any:
    """Return two to the power of a number in [-1000, 1000], to 7e-8 of the result."""
    scaled = value * 64.0
    whole = (scaled + _ROUND) - _ROUND
    t = (scaled - whole) * (_LN_2 / 64.0)
    series = ((t * (1.0 / 6.0) + 0.5) * t + 1.0) * t + 1.0
    cells = np.int64(whole)
    power = np.uint64((_BIAS + (cells >> np.int64(6))) << np.int64(52)).view(np.float64)
    return series * (np.float64(_EXP2[np.uint64(cells) & _CELL_MASK]) * power)
