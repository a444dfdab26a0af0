"""The sRGB transfer in loops over pixels: an exact table, and a polynomial where a tone curve follows.

The table has 2^12 cells of linear light. No cell holds more than one of the places where the 8-bit code rises, so that
an entry is the code at the cell's start and the distance from there to the rise, in 2^-12 of a cell: code and carry of
one addition.

Source: IEC 61966-2-1.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .device import scalar

_DEGREE: Final = 7


def _fit_power() -> NDArray[np.float64]:
    # (3/2 + t)^(5/12) for t in [-1/2, 1/2]: through the Chebyshev points, by divided differences, then in powers of t.
    count = _DEGREE + 1
    nodes = [0.5 * math.cos((2 * k + 1) * math.pi / (2 * count)) for k in range(count)]
    d = [math.pow(1.5 + node, 5.0 / 12.0) for node in nodes]
    for order in range(1, count):
        for k in range(count - 1, order - 1, -1):
            d[k] = (d[k] - d[k - 1]) / (nodes[k] - nodes[k - order])
    powers = [d[-1]] + [0.0] * _DEGREE
    for k in range(count - 2, -1, -1):
        powers = [(powers[i - 1] if i else d[k]) - nodes[k] * powers[i] for i in range(count)]
    return np.array(powers)


# The lowest four bits of the exponent field are 15 in [1, 2) and 6 in [2^-9, 2^-8).
_P0, _P1, _P2, _P3, _P4, _P5, _P6, _P7 = (np.float32(1.055 * 2.0 ** (-15 * 5.0 / 12.0) * p) for p in _fit_power())
_BIT_0, _BIT_1, _BIT_2, _BIT_3 = (np.uint32(1 << (23 + k)) for k in range(4))
_TIMES_0, _TIMES_1, _TIMES_2, _TIMES_3 = (np.float32(2.0 ** (2**k * 5.0 / 12.0)) for k in range(4))
_LEAST: Final = np.float32(2.0**-9)
_FRACTION: Final = np.uint32((1 << 23) - 1)
_UNIT: Final = np.uint32(127 << 23)
_NOTHING: Final = np.uint32(0)
_ZERO: Final = np.float32(0.0)
_HALF: Final = np.float32(0.5)
_ONE: Final = np.float32(1.0)
_TWO: Final = np.float32(2.0)
_THREE: Final = np.float32(3.0)
_MIDDLE: Final = np.float32(1.5)
_KNEE: Final = np.float32(0.0031308)
_TOE: Final = np.float32(12.92)
_DROP: Final = np.float32(0.055)
_LARGEST: Final = np.float32(255.0)


def encode_srgb(linear: float) -> float:
    """Return the sRGB code value in [0, 1] of a linear value.

    Args:
        linear: Linear value; below 0 and above 1 are clipped.

    Source: IEC 61966-2-1.
    """
    value = min(max(linear, 0.0), 1.0)
    return 12.92 * value if value <= 0.0031308 else 1.055 * math.pow(value, 1.0 / 2.4) - 0.055


def _find_rises() -> list[int]:
    # The smallest multiple of 2^-24 with each code from 1 on: near where the transfer passes a half, then step by step.
    rises = []
    for code in range(1, 256):
        encoded = (code - 0.5) / 255.0
        linear = encoded / 12.92 if encoded <= 0.04045 else math.pow((encoded + 0.055) / 1.055, 2.4)
        rise = max(int(linear * 2.0**24) - 2, 0)
        while int(255.0 * encode_srgb(rise * 2.0**-24) + 0.5) < code:
            rise += 1
        rises.append(rise)
    return rises


def _tabulate() -> NDArray[np.uint32]:
    table = np.empty(4097, np.uint32)
    rises = [*_find_rises(), 1 << 30]
    code = 0
    for cell in range(4097):
        while rises[code] <= cell << 12:
            code += 1
        distance = rises[code] - (cell << 12)
        table[cell] = (code << 12) + (4096 - distance if distance < 4096 else 0)
    return table


_TABLE: Final = _tabulate()
_CELL: Final = np.uint32(12)
_WITHIN: Final = np.uint32(4095)
_STEPS: Final = np.float32(2.0**24)


@scalar(forceinline=True)
def srgb_code(linear: Any) -> Any:
    """Return the 8-bit sRGB code of a linear value, exact for its multiple of 2^-24, without a branch.

    Args:
        linear: float32; below 0 and above 1 are clipped.

    Source: IEC 61966-2-1.
    """
    value = linear if linear > _ZERO else _ZERO
    fixed = np.uint32(np.int32((value if value < _ONE else _ONE) * _STEPS))
    entry = _TABLE[np.uint64(np.uint32(fixed >> _CELL))]
    return np.uint8(np.uint32(entry + np.uint32(fixed & _WITHIN)) >> _CELL)


@scalar(forceinline=True)
def toned_code(linear: Any, tone: Any) -> Any:
    """Return the 8-bit code of a linear value after the sRGB transfer and a tone curve, without a branch.

    The power is a polynomial on each binary octave, in float32: within 3e-7 of the exact value, so that some 1e-5
    of the codes are rounded to the other side.

    Args:
        linear: float32; below 0 and above 1 are clipped.
        tone: float32, strength of the curve 3 e^2 - 2 e^3 on the encoded value e, [0, 1].

    Source: IEC 61966-2-1.
    """
    value = linear if linear > _ZERO else _ZERO
    value = value if value < _ONE else _ONE
    above = value if value > _LEAST else _LEAST
    bits = np.float32(above).view(np.uint32)
    t = np.uint32(np.uint32(bits & _FRACTION) | _UNIT).view(np.float32) - _MIDDLE
    power = ((((_P7 * t + _P6) * t + _P5) * t + _P4) * t + _P3) * t + _P2
    power = (power * t + _P1) * t + _P0
    power = power * (_ONE if np.uint32(bits & _BIT_0) == _NOTHING else _TIMES_0)
    power = power * (_ONE if np.uint32(bits & _BIT_1) == _NOTHING else _TIMES_1)
    power = power * (_ONE if np.uint32(bits & _BIT_2) == _NOTHING else _TIMES_2)
    power = power * (_ONE if np.uint32(bits & _BIT_3) == _NOTHING else _TIMES_3)
    code = value * _TOE if value <= _KNEE else power - _DROP
    code = code + tone * (code * code * (_THREE - _TWO * code) - code)
    return np.uint8(np.int32(code * _LARGEST + _HALF))
