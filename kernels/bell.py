"""The area under the bell curve, from a table of cubics: several times as fast as a library's error function.

Source: cubic Hermite interpolation between values and slopes of the normal distribution function, every 1/32 of a
deviation up to 6; its error is below h^4 max |f''''| / 384 = 4e-9, and there is no area beyond.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .device import scalar

_PER_UNIT: Final = 32
_MOST: Final = 6 * _PER_UNIT
_SCALE: Final = np.float64(_PER_UNIT)
_END: Final = np.float64(_MOST)


def _cubics() -> NDArray[np.float64]:
    table = np.empty((_MOST, 4))
    nodes = [k / _PER_UNIT for k in range(_MOST + 1)]
    value = [0.5 * math.erf(x / math.sqrt(2.0)) for x in nodes]
    slope = [math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi) / _PER_UNIT for x in nodes]
    for k in range(_MOST):
        rise = value[k + 1] - value[k]
        table[k] = (
            value[k], slope[k], 3.0 * rise - 2.0 * slope[k] - slope[k + 1], slope[k] + slope[k + 1] - 2.0 * rise,
        )  # fmt: skip
    return table


_CUBIC: Final = _cubics()


@scalar(forceinline=True)
def bell_area(x: Any) -> Any:
    """Return the area under the standard normal density from 0 to x, float64, negative for a negative x.

    Args:
        x: Any finite number.
    """
    a = abs(x) * _SCALE
    value = 0.5
    if a < _END:
        whole = np.int64(a)
        t = a - np.float64(whole)
        k = np.uint64(whole)  # unsigned: no test for an index from the end
        value = _CUBIC[k, 0] + t * (_CUBIC[k, 1] + t * (_CUBIC[k, 2] + t * _CUBIC[k, 3]))
    return value if x > 0.0 else -value
