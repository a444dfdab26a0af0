"""Triangle sorting: which triangles of a draw can be seen at all, and how many samples lie in their boxes.

Most triangles of a small image see no sample. They are dropped, and the others listed by size, without branches: a
branch that nobody can predict costs more than the test behind it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.device import scalar
from .projection import OUTSIDE

LIST = 1024
"""Triangles that are sorted at once."""
KINDS = 4
"""One sample; two to `FEW`; rows of at most `ROW`; all others, with those that must be clipped."""
FEW = 4
ROW = 16
REACH = 1 << 14
"""Extent of a box [1/256 sample] below which 32 bits hold all edge functions in it."""

LIST_1 = np.uint64(LIST)
LIST_2 = np.uint64(2 * LIST)
LIST_3 = np.uint64(3 * LIST)


@scalar(forceinline=True)
def sort_triangles(
    first: int,
    begin: int,
    count: int,
    away: int,
    closed: int,
    columns: int,
    row_first: int,
    row_end: int,
    triangle_in: Any,
    snapped: Any,
    corners: Any,
    kinds: Any,
    lists: Any,
) -> Any:
    """Sort triangles [begin, begin + count) of the level whose triangles start at `first`.

    Kind k is listed from `lists[k * LIST]`. `corners`, shape (3 * LIST,), and `kinds` are room to work in. Returns how
    many triangles each kind has.
    """
    start = np.uint64(first + begin)
    for j in range(count):
        i = np.uint64(j)
        at = start + i
        corners[i] = snapped[np.uint64(triangle_in[at, 0])]
        corners[i + LIST_1] = snapped[np.uint64(triangle_in[at, 1])]
        corners[i + LIST_2] = snapped[np.uint64(triangle_in[at, 2])]
    last_column, first_row, last_row = np.int32(columns - 1), np.int32(row_first), np.int32(row_end - 1)
    n0, n1, n2, n3 = np.int32(0), np.int32(1), np.int32(2), np.int32(3)
    n4, n8, n255 = np.int32(4), np.int32(8), np.int32(255)
    for j in range(count):
        i = np.uint64(j)
        p0, p1, p2 = corners[i], corners[i + LIST_1], corners[i + LIST_2]
        x0, x1, x2 = np.int32(p0 >> 32), np.int32(p1 >> 32), np.int32(p2 >> 32)
        y0, y1, y2 = np.int32(p0), np.int32(p1), np.int32(p2)
        left, right = min(x0, min(x1, x2)), max(x0, max(x1, x2))
        upper, lower = min(y0, min(y1, y2)), max(y0, max(y1, y2))
        column, column_last = max(np.int32((left + n255) >> n8), n0), min(np.int32(right >> n8), last_column)
        row, row_last = max(np.int32((upper + n255) >> n8), first_row), min(np.int32(lower >> n8), last_row)
        width, height = max(np.int32(column_last - column + n1), n0), max(np.int32(row_last - row + n1), n0)
        ax, ay = np.int64(x1) - np.int64(x0), np.int64(y1) - np.int64(y0)
        bx, by = np.int64(x2) - np.int64(x0), np.int64(y2) - np.int64(y0)
        facing = (ax * by - bx * ay) * away
        clipped = left == np.int32(OUTSIDE)
        size = np.int32(width * height)
        seen = (size > n0) & ((facing < 0) | ((facing > 0) & (closed == 0)))
        reach = max(np.int32(right - left), np.int32(lower - upper))
        small = (reach < np.int32(REACH)) & (width <= np.int32(ROW))
        kind = n1 if size == n1 else (n2 if size <= np.int32(FEW) else n4)
        kind = (kind if small else n8) if seen else n0
        kinds[i] = n8 if clipped else kind
    m0, m1, m2, m3 = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
    for j in range(count):
        kind, t = kinds[np.uint64(j)], np.int32(begin + j)
        # Every list takes the triangle, and keeps it where the kind's bit moves its end on.
        lists[m0] = t
        lists[m1 + LIST_1] = t
        lists[m2 + LIST_2] = t
        lists[m3 + LIST_3] = t
        m0 += np.uint64(kind & n1)
        m1 += np.uint64((kind >> n1) & n1)
        m2 += np.uint64((kind >> n2) & n1)
        m3 += np.uint64(kind >> n3)
    return m0, m1, m2, m3
