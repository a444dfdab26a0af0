"""Sine, cosine and arc tangent in turns, by short series without a branch: the compiler does eight pixels at once."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from .device import scalar

_ZERO: Final = np.float32(0.0)
_ONE: Final = np.float32(1.0)
_TINY: Final = np.float32(1e-30)
_QUARTER_TURN: Final = np.float32(0.5 * math.pi)
_TAN_EIGHTH: Final = np.float32(math.tan(math.pi / 8.0))
_TURNS: Final = np.float32(0.5 / math.pi)
_EIGHTH: Final = np.float32(0.125)
_QUARTER: Final = np.float32(0.25)
_HALF: Final = np.float32(0.5)

_S3, _S5, _S7, _S9 = (np.float32(v) for v in (-1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0, 1.0 / 362880.0))
_C2, _C4, _C6, _C8 = (np.float32(v) for v in (-0.5, 1.0 / 24.0, -1.0 / 720.0, 1.0 / 40320.0))
_A3, _A5, _A7, _A9 = (np.float32(v) for v in (-1.0 / 3.0, 1.0 / 5.0, -1.0 / 7.0, 1.0 / 9.0))
_A11, _A13, _A15, _A17 = (np.float32(v) for v in (-1.0 / 11.0, 1.0 / 13.0, -1.0 / 15.0, 1.0 / 17.0))


@scalar(forceinline=True)
def unit_phasor(turns: Any) -> tuple[Any, Any]:
    """Return cosine and sine of an angle in turns, float32, to about 1e-7.

    Args:
        turns: float64, less than 5e8 either way.

    Source: their power series within an eighth of a turn, which end below 3e-8.
    """
    quarters = np.floor(4.0 * turns + 0.5)
    angle = np.float32(4.0 * turns - quarters) * _QUARTER_TURN
    square = angle * angle
    sine = angle + angle * square * (_S3 + square * (_S5 + square * (_S7 + square * _S9)))
    cosine = _ONE + square * (_C2 + square * (_C4 + square * (_C6 + square * _C8)))
    number = np.int32(quarters) & 3
    odd = (number & 1) == 1
    c = sine if odd else cosine
    s = cosine if odd else sine
    c = -c if (number == 1) or (number == 2) else c
    s = -s if number >= 2 else s
    return c, s


@scalar(forceinline=True)
def phase_turns(i: Any, q: Any) -> Any:
    """Return the angle of the point (i, q), float32, in turns, [0, 1], to about 1e-7; 0 for the origin.

    Args:
        i: float32.
        q: float32.

    Source: the power series of the arc tangent below tan(pi / 8), which ends below 3e-9.
    """
    across, up = abs(i), abs(q)
    steep = up > across
    large = up if steep else across
    small = across if steep else up
    wide = small > large * _TAN_EIGHTH
    above = small - large if wide else small
    below = small + large if wide else large
    ratio = above / (below + _TINY)
    z = ratio * ratio
    series = _A3 + z * (_A5 + z * (_A7 + z * (_A9 + z * (_A11 + z * (_A13 + z * (_A15 + z * _A17))))))
    turns = (ratio + ratio * z * series) * _TURNS
    turns = turns + _EIGHTH if wide else turns
    turns = _QUARTER - turns if steep else turns
    turns = _HALF - turns if i < _ZERO else turns
    return _ONE - turns if q < _ZERO else turns
