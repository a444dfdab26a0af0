"""Sine of an angle in turns, without a branch, so that a compiler can work on several at once.

The turn is folded to a quarter; there the power series to the 17th order is off by less than 1e-13.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from .device import scalar

_S: Final = tuple((-1.0) ** k * (2.0 * math.pi) ** (2 * k + 1) / math.factorial(2 * k + 1) for k in range(9))
_S0, _S1, _S2, _S3, _S4, _S5, _S6, _S7, _S8 = _S


@scalar(forceinline=True)
def sin_turns(x: Any) -> Any:
    """Return the sine of x turns, float64.

    Args:
        x: Angle in turns, up to some 2^30 either way.
    """
    r = x - np.floor(x + 0.5)
    a = abs(r)
    a = a if a < 0.25 else 0.5 - a
    q = a * a
    value = a * (
        _S0 + q * (_S1 + q * (_S2 + q * (_S3 + q * (_S4 + q * (_S5 + q * (_S6 + q * (_S7 + q * _S8)))))))
    )  # fmt: skip
    return value if r > 0.0 else -value
