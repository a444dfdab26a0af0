"""The 8x8 discrete cosine transform of JPEG in integers, forward and back, for several blocks side by side.

The factorization of Loeffler, Ligtenberg and Moschytz: 12 multiplications for eight numbers, with constants of 13 bits.
Where sums are rounded follows the accurate integer transform that JPEG libraries use by default, so results are theirs
to the bit, and the same on every machine. One pass scales by sqrt(8); the forward transform thus returns 8 times the
orthonormal coefficients, and the inverse divides by 8.

Blocks lie in lanes: the number at line v and column u of a lane's block is `work[LANES (8 v + u) + lane]`. Loops over
lanes have no branch, so the compiler does many at once.

Source: Loeffler, Ligtenberg, Moschytz, "Practical fast 1-D DCT algorithms with 11 multiplications", ICASSP 1989;
ITU-T T.81, A.3.3 for the transform.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .device import scalar

LANES: Final = 16
"""Blocks that are worked on side by side."""
BLOCK: Final = 64 * LANES
"""Numbers of working space for the lanes' blocks."""

_BITS: Final = 13
_EXTRA: Final = 2
"""Fraction bits that the first pass keeps."""

# Sums of cosines of multiples of pi/16, times sqrt(2), in units of 2^-13; the names say their values.
_C_0_298: Final = 2446
_C_0_390: Final = 3196
_C_0_541: Final = 4433
_C_0_765: Final = 6270
_C_0_899: Final = 7373
_C_1_175: Final = 9633
_C_1_501: Final = 12299
_C_1_847: Final = 15137
_C_1_961: Final = 16069
_C_2_053: Final = 16819
_C_2_562: Final = 20995
_C_3_072: Final = 25172


@scalar(forceinline=True)
def _times(value: Any, factor: int) -> Any:
    # Each result is put back to 32 bits: the compiler then keeps twice as many in a register.
    return np.int32(value * factor)


@scalar(forceinline=True)
def _plus(a: Any, b: Any) -> Any:
    return np.int32(a + b)


@scalar(forceinline=True)
def _minus(a: Any, b: Any) -> Any:
    return np.int32(a - b)


@scalar(forceinline=True)
def _round_off(value: Any, bits: int) -> Any:
    return np.int32(np.int32(value + (1 << (bits - 1))) >> bits)


@scalar(forceinline=True)
def _odd_part(a: Any, b: Any, c: Any, d: Any) -> tuple[Any, Any, Any, Any]:
    """Return the rotations that both directions share, of the numbers at places 7, 5, 3 and 1 (or 4, 5, 6 and 7)."""
    both = _times(_plus(_plus(a, c), _plus(b, d)), _C_1_175)
    outer, inner = _times(_plus(a, d), -_C_0_899), _times(_plus(b, c), -_C_2_562)
    even = _plus(_times(_plus(a, c), -_C_1_961), both)
    odd = _plus(_times(_plus(b, d), -_C_0_390), both)
    return (
        _plus(_times(a, _C_0_298), _plus(outer, even)),
        _plus(_times(b, _C_2_053), _plus(inner, odd)),
        _plus(_times(c, _C_3_072), _plus(inner, even)),
        _plus(_times(d, _C_1_501), _plus(outer, odd)),
    )


@scalar(forceinline=True)
def _forward(work: Any, at: Any, step: Any, is_first: Any) -> None:
    x0, x1, x2, x3 = work[at], work[at + step], work[at + 2 * step], work[at + 3 * step]
    x4, x5, x6, x7 = work[at + 4 * step], work[at + 5 * step], work[at + 6 * step], work[at + 7 * step]
    s0, s1, s2, s3 = _plus(x0, x7), _plus(x1, x6), _plus(x2, x5), _plus(x3, x4)
    e0, e1, e2, e3 = _plus(s0, s3), _plus(s1, s2), _minus(s1, s2), _minus(s0, s3)
    turn = _times(_plus(e2, e3), _C_0_541)
    y2, y6 = _plus(turn, _times(e3, _C_0_765)), _minus(turn, _times(e2, _C_1_847))
    y7, y5, y3, y1 = _odd_part(_minus(x3, x4), _minus(x2, x5), _minus(x1, x6), _minus(x0, x7))
    bits = _BITS - _EXTRA if is_first else _BITS + _EXTRA
    if is_first:
        work[at] = np.int32(_plus(e0, e1) << _EXTRA)
        work[at + 4 * step] = np.int32(_minus(e0, e1) << _EXTRA)
    else:
        work[at] = _round_off(_plus(e0, e1), _EXTRA)
        work[at + 4 * step] = _round_off(_minus(e0, e1), _EXTRA)
    work[at + step] = _round_off(y1, bits)
    work[at + 2 * step] = _round_off(y2, bits)
    work[at + 3 * step] = _round_off(y3, bits)
    work[at + 5 * step] = _round_off(y5, bits)
    work[at + 6 * step] = _round_off(y6, bits)
    work[at + 7 * step] = _round_off(y7, bits)


@scalar(forceinline=True)
def _inverse(work: Any, at: Any, step: Any, is_first: Any) -> None:
    y0, y1, y2, y3 = work[at], work[at + step], work[at + 2 * step], work[at + 3 * step]
    y4, y5, y6, y7 = work[at + 4 * step], work[at + 5 * step], work[at + 6 * step], work[at + 7 * step]
    turn = _times(_plus(y2, y6), _C_0_541)
    e2, e3 = _minus(turn, _times(y6, _C_1_847)), _plus(turn, _times(y2, _C_0_765))
    e0, e1 = np.int32(_plus(y0, y4) << _BITS), np.int32(_minus(y0, y4) << _BITS)
    s0, s1, s2, s3 = _plus(e0, e3), _plus(e1, e2), _minus(e1, e2), _minus(e0, e3)
    d3, d2, d1, d0 = _odd_part(y7, y5, y3, y1)
    bits = _BITS - _EXTRA if is_first else _BITS + _EXTRA + 3
    work[at] = _round_off(_plus(s0, d0), bits)
    work[at + 7 * step] = _round_off(_minus(s0, d0), bits)
    work[at + step] = _round_off(_plus(s1, d1), bits)
    work[at + 6 * step] = _round_off(_minus(s1, d1), bits)
    work[at + 2 * step] = _round_off(_plus(s2, d2), bits)
    work[at + 5 * step] = _round_off(_minus(s2, d2), bits)
    work[at + 3 * step] = _round_off(_plus(s3, d3), bits)
    work[at + 4 * step] = _round_off(_minus(s3, d3), bits)


@scalar(forceinline=True)
def transform_blocks(work: Any, first: Any, last: Any) -> None:
    """Replace the blocks of lanes [first, last) by their coefficients, times 8.

    Args:
        work: int32, shape (BLOCK,); samples within ±255.
        first: First lane.
        last: One after the last lane.
    """
    for line in range(8):
        for lane in range(first, last):
            _forward(work, 8 * LANES * line + lane, LANES, True)
    for column in range(8):
        for lane in range(first, last):
            _forward(work, LANES * column + lane, 8 * LANES, False)


@scalar(forceinline=True)
def restore_blocks(work: Any, first: Any, last: Any) -> None:
    """Replace the coefficients of lanes [first, last) by their blocks.

    Args:
        work: int32, shape (BLOCK,); coefficients within ±2^13.
        first: First lane.
        last: One after the last lane.
    """
    for column in range(8):
        for lane in range(first, last):
            _inverse(work, LANES * column + lane, 8 * LANES, True)
    for line in range(8):
        for lane in range(first, last):
            _inverse(work, 8 * LANES * line + lane, LANES, False)
