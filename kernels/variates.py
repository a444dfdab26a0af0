"""Uniform, normal and Poisson variates by inversion of one random word each.

Inversion is monotone: where two machines differ in the last bit of a logarithm, a count differs by one at most, and no
rejection is ever decided differently. The normal quantile is a table of parabolas over the word's binary octaves,
without a branch; its nodes come from Wichura's AS 241.

Sources: Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37(3), 1988;
Giles, "Algorithm 955: approximation of the inverse Poisson cumulative distribution function", TOMS 42(1), 2016 (the
expansion of Cornish and Fisher).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .device import scalar

_ONE: Final = np.uint64(1)
_NINE: Final = np.uint64(9)
_SIX: Final = np.uint64(6)
_SIGN_SHIFT: Final = np.uint64(31)
_LOW_31: Final = np.uint64(0x7FFFFFFF)
_CELL_SHIFT: Final = np.uint64(47)
_CELL_FIRST: Final = np.uint64(1022 << 5)
_FRACTION: Final = np.uint64((1 << 47) - 1)
_CELLS: Final = 32
_OCTAVES: Final = 32
_SIGN_32: Final = np.uint32(1 << 31)
_CELL_SHIFT_32: Final = np.uint32(18)
_CELL_FIRST_32: Final = np.uint32(126 << 5)
_FRACTION_32: Final = np.uint32((1 << 18) - 1)
_POSITION_32: Final = np.float32(2.0**-18)
_HALF_32: Final = np.float32(0.5)
_BEND_BITS: Final = np.uint32(12)
_BEND_MASK: Final = np.uint32(4095)
_SLOPE_STEP: Final = np.float32(2.0**-25)
_BEND_SCALE: Final = np.float32(2.0)  # a bend's step over a slope's

POISSON_SEARCH_LIMIT: Final = 10.0
"""Below this mean the exact distribution function is searched; from it on the expansion is used."""
_POISSON_STEPS: Final = 64
_LIMIT_32: Final = np.float32(POISSON_SEARCH_LIMIT)
_MOST_32: Final = np.float32(2.0**24)
_ONE_32, _ZERO_32 = np.float32(1.0), np.float32(0.0)
_T3, _T1 = np.float32(-1.0 / 72.0), np.float32(-1.0 / 36.0)
_F4, _F2, _F0 = np.float32(1.0 / 270.0), np.float32(7.0 / 810.0), np.float32(-8.0 / 405.0)
_C2, _C0 = np.float32(1.0 / 6.0), np.float32(1.0 / 3.0)


@scalar(forceinline=True)
def uniform32(word: Any) -> Any:
    """Return a float32 in the open interval (0, 1) from the upper 23 bits of a word."""
    return (np.float32(np.int64(word >> _NINE)) + np.float32(0.5)) * np.float32(2.0**-23)


@scalar(forceinline=True)
def uniform64(word: Any) -> Any:
    """Return a float64 in the open interval (0, 1) from all 32 bits of a word."""
    return (np.float64(np.int64(word)) + 0.5) * 2.0**-32


@scalar(forceinline=True)
def uniform64_pair(high: Any, low: Any) -> Any:
    """Return a float64 in the open interval (0, 1) from 26 bits of each of two words."""
    bits = ((high >> _SIX) << np.uint64(26)) | (low >> _SIX)
    return (np.float64(np.int64(bits)) + 0.5) * 2.0**-52


@scalar
def normal_quantile(probability: float) -> float:
    """Return the standard normal's quantile to about 1e-16 of its value.

    Args:
        probability: In the open interval (0, 1).

    Source: AS 241, PPND16.
    """
    q = probability - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        a = 2509.0809287301226727 * r + 33430.575583588128105
        a = (
            (
                (((a * r + 67265.770927008700853) * r + 45921.953931549871457) * r + 13731.693765509461125) * r
                + 1971.5909503065514427
            )
            * r
            + 133.14166789178437745
        ) * r + 3.387132872796366608
        b = 5226.495278852545925 * r + 28729.085735721942674
        b = (
            (
                (((b * r + 39307.89580009271061) * r + 21213.794301586595867) * r + 5394.1960214247511077) * r
                + 687.1870074920579083
            )
            * r
            + 42.313330701600911252
        ) * r + 1.0
        return q * a / b
    r = math.sqrt(-math.log(probability if q < 0.0 else 1.0 - probability))
    if r <= 5.0:
        r -= 1.6
        a = 7.7454501427834140764e-4 * r + 0.0227238449892691845833
        a = (
            (
                (((a * r + 0.24178072517745061177) * r + 1.27045825245236838258) * r + 3.64784832476320460504) * r
                + 5.7694972214606914055
            )
            * r
            + 4.6303378461565452959
        ) * r + 1.42343711074968357734
        b = 1.05075007164441684324e-9 * r + 5.475938084995344946e-4
        b = (
            (
                (((b * r + 0.0151986665636164571966) * r + 0.14810397642748007459) * r + 0.68976733498510000455) * r
                + 1.6763848301838038494
            )
            * r
            + 2.05319162663775882187
        ) * r + 1.0
    else:
        r -= 5.0
        a = 2.01033439929228813265e-7 * r + 2.71155556874348757815e-5
        a = (
            (
                (((a * r + 0.0012426609473880784386) * r + 0.026532189526576123093) * r + 0.29656057182850489123) * r
                + 1.7848265399172913358
            )
            * r
            + 5.4637849111641143699
        ) * r + 6.6579046435011037772
        b = 2.04426310338993978564e-15 * r + 1.4215117583164458887e-7
        b = (
            (
                (((b * r + 1.8463183175100546818e-5) * r + 7.868691311456132591e-4) * r + 0.0148753612908506148525) * r
                + 0.13692988092273580531
            )
            * r
            + 0.59983220655588793769
        ) * r + 1.0
    return -a / b if q < 0.0 else a / b


def _normal_table() -> NDArray[np.float32]:
    # Octave o and cell c hold lower tails of 2^(o-33) [1 + c/32, 1 + (c+1)/32): a parabola through the cell's three
    # Chebyshev points in the position x within the cell, by divided differences (a matrix library's order may vary).
    nodes = [0.5 - 0.5 * math.cos((2 * k + 1) * math.pi / 6) for k in range(3)]
    table = np.empty((_OCTAVES * _CELLS, 3), np.float32)
    for octave in range(_OCTAVES):
        for cell in range(_CELLS):
            d = [normal_quantile(2.0 ** (octave - 33) * (1 + (cell + node) / _CELLS)) for node in nodes]
            for order in range(1, 3):
                for k in range(2, order - 1, -1):
                    d[k] = (d[k] - d[k - 1]) / (nodes[k] - nodes[k - order])
            x0, x1, _ = nodes
            table[octave * _CELLS + cell] = (d[0] - x0 * (d[1] - x1 * d[2]), d[1] - (x0 + x1) * d[2], d[2])
    return table


_NORMAL: Final = _normal_table()


def _pack_bends() -> NDArray[np.uint32]:
    # Slopes lie in [0, 2^-5) and bends in [-2^-12, 0): 20 and 12 bits of one word, since each look-up takes its time.
    slope = np.floor(np.float64(_NORMAL[:, 1]) * 2.0**25 + 0.5).astype(np.uint32)
    bend = np.floor(np.float64(_NORMAL[:, 2]) * -(2.0**24) + 0.5).astype(np.uint32)
    return np.append(slope << np.uint32(12) | bend, np.uint32(0))


# For float32; the last entry is the median: the largest lower tails are rounded up to it.
_CONSTANT: Final = np.append(_NORMAL[:, 0], np.float32(0.0))
_BEND: Final = _pack_bends()
_RECIPROCAL: Final = np.array([0.0] + [1.0 / k for k in range(1, _POISSON_STEPS)])


@scalar(forceinline=True)
def normal(word: Any) -> Any:
    """Return a standard normal float64 from one word, within ±6.34; its error is below 5e-7.

    Args:
        word: uint64 below 2^32; u = (word + 1/2) 2^-32. To use n bits, shift them up and set the next bit.
    """
    upper = word >> _SIGN_SHIFT
    lower_tail = np.int64((word ^ (_LOW_31 * upper)) & _LOW_31)
    bits = np.float64(np.float64(lower_tail) + 0.5).view(np.uint64)
    cell = (bits >> _CELL_SHIFT) - _CELL_FIRST  # unsigned: no test for an index from the end
    x = np.float64(np.int64(bits & _FRACTION)) * 2.0**-47
    value = np.float64(_NORMAL[cell, 2]) * x + np.float64(_NORMAL[cell, 1])
    value = value * x + np.float64(_NORMAL[cell, 0])
    return value * (1.0 - 2.0 * np.float64(np.int64(upper)))


@scalar
def poisson_search(mean: float, uniform: float) -> float:
    """Return the Poisson quantile by adding up probabilities from zero; for means below 10.

    Args:
        mean: In [0, 10).
        uniform: In the open interval (0, 1).
    """
    probability = math.exp(-mean)
    total = probability
    count = 0
    while uniform > total and count < _POISSON_STEPS - 1:
        count += 1
        probability *= mean * _RECIPROCAL[count]
        total += probability
    return float(count)


@scalar(forceinline=True)
def normal_single(word: Any) -> Any:
    """Return a standard normal float32 from one word, within ±6.34; its error is below 1e-6.

    Twice as many fit in a register as of `normal`'s.

    Args:
        word: uint32; u = (word + 1/2) 2^-32.
    """
    signed = np.uint32(word).view(np.int32)
    lower_tail = np.int32(signed ^ np.int32(signed >> np.int32(31)))
    bits = np.float32(np.float32(lower_tail) + _HALF_32).view(np.uint32)
    cell = np.uint64(np.uint32(np.uint32(bits >> _CELL_SHIFT_32) - _CELL_FIRST_32))
    x = np.float32(np.int32(bits & _FRACTION_32)) * _POSITION_32
    packed = _BEND[cell]
    slope = np.float32(np.int32(np.uint32(packed >> _BEND_BITS)))
    bend = np.float32(np.int32(packed & _BEND_MASK)) * _BEND_SCALE
    value = np.float32((slope - bend * x) * (x * _SLOPE_STEP) + _CONSTANT[cell])
    return np.uint32(value.view(np.uint32) ^ np.uint32(word & _SIGN_32)).view(np.float32)


@scalar(forceinline=True)
def poisson_expansion(mean: Any, word: Any) -> Any:
    """Return a Poisson count as float64 from one word, without a branch; a mean below 10 counts as 10.

    Args:
        mean: Expected count.
        word: uint64 below 2^32.

    Source: Giles 2016, section 2, the expansion of Cornish and Fisher to 1/mean.
    """
    mean = mean if mean > POISSON_SEARCH_LIMIT else POISSON_SEARCH_LIMIT
    w = normal(word)
    # Root and inverse in float32, exactly rounded on every device: a third of the time, and some 1e-7 of a deviation.
    narrow = np.float32(math.sqrt(np.float32(mean)))
    root, inverse = np.float64(narrow), np.float64(np.float32(1.0) / narrow)
    w2 = w * w
    third = (w2 * (-1.0 / 72.0) - 1.0 / 36.0) * w
    fourth = (w2 * (1.0 / 270.0) + 7.0 / 810.0) * w2 - 8.0 / 405.0
    count = mean + root * w + (w2 * (1.0 / 6.0) + 1.0 / 3.0) + (third + fourth * inverse) * inverse
    return np.float64(np.int64(count if count > 0.0 else 0.0))


@scalar(forceinline=True)
def poisson(mean: Any, word: Any) -> Any:
    """Return a Poisson count as float64 from one word.

    Args:
        mean: Expected count, ≥ 0; a mean that is not above 0 gives 0.
        word: uint64 below 2^32.

    Source: Giles 2016 for the expansion to 1/mean; its distribution function is within 5e-5 of the exact one at a mean
        of 10, within 1e-5 at 20 and within 2e-6 from 100 on.
    """
    if mean < POISSON_SEARCH_LIMIT:
        return poisson_search(mean, uniform64(word)) if mean > 0.0 else 0.0
    return poisson_expansion(mean, word)


@scalar(forceinline=True)
def poisson_single(mean: Any, word: Any) -> Any:
    """Return the expansion's count as float32, without a branch; a mean below 10 counts as 10.

    Before it is cut to a whole number it is off by less than 3e-7 of the mean.

    Args:
        mean: Expected count, float32; counts end at 2^24.
        word: uint32.

    Source: Giles 2016, section 2, the expansion of Cornish and Fisher to 1/mean.
    """
    mean = mean if mean > _LIMIT_32 else _LIMIT_32
    w = normal_single(word)
    root = np.float32(math.sqrt(mean))
    inverse = _ONE_32 / root
    w2 = w * w
    third = (w2 * _T3 + _T1) * w
    fourth = (w2 * _F4 + _F2) * w2 + _F0
    count = mean + (root * w + (w2 * _C2 + _C0) + (third + fourth * inverse) * inverse)
    count = count if count > _ZERO_32 else _ZERO_32
    return np.float32(np.int32(count if count < _MOST_32 else _MOST_32))
