"""Small triangles: set up many at once and tested sample by sample, in vector instructions.

The same edge functions as `coverage.draw_triangle`, relative to the first sample of the triangle's box, so that 32 bits
hold them; the same plane in the same order of operations, so that both give the same keys.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.device import scalar
from .coverage import count_total, make_key
from .triangle_sorting import LIST

LANES = 64
"""Triangles that are set up at once."""
STEP = 8
"""Samples of a row that are tested at once."""

# Fields of the block of 64-bit integers, of reals, and of 32-bit integers: each LANES long.
CORNER_0, CORNER_1, CORNER_2, KEY, PLACE = (np.uint64(LANES * i) for i in range(5))
Q0, Q1, Q2, U0, U1, U2, V0, V1, V2, SLOPE_U, SLOPE_V, START, LOWEST, HIGHEST = (np.uint64(LANES * i) for i in range(14))
E0, E1, E2, A0, A1, A2, B0, B1, B2, COLUMN, ROW, WIDTH, HEIGHT, TRIANGLE, SAMPLE_COLUMN, SAMPLE_ROW = (
    np.uint64(LANES * i) for i in range(16)
)
LONG_FIELDS, REAL_FIELDS, WORD_FIELDS = 5, 14, 16
N0, N1, N8, N255 = np.int32(0), np.int32(1), np.int32(8), np.int32(255)


@scalar(forceinline=True)
def set_up(
    count: int,
    listed: int,
    first: int,
    columns: int,
    row_first: int,
    row_end: int,
    triangle_in: Any,
    snapped: Any,
    projected: Any,
    lists: Any,
    longs: Any,
    reals: Any,
    words: Any,
) -> None:
    """Fill the blocks with the boxes, edges and planes of the triangles from `lists[listed]` on."""
    begin, start = np.uint64(listed), np.uint64(first)
    for j in range(count):
        i = np.uint64(j)
        t = lists[begin + i]
        words[TRIANGLE + i] = t
        at = start + np.uint64(t)
        t0, t1, t2 = np.uint64(triangle_in[at, 0]), np.uint64(triangle_in[at, 1]), np.uint64(triangle_in[at, 2])
        longs[CORNER_0 + i], longs[CORNER_1 + i], longs[CORNER_2 + i] = snapped[t0], snapped[t1], snapped[t2]
        reals[U0 + i], reals[V0 + i], reals[Q0 + i] = projected[0, t0], projected[1, t0], projected[2, t0]
        reals[U1 + i], reals[V1 + i], reals[Q1 + i] = projected[0, t1], projected[1, t1], projected[2, t1]
        reals[U2 + i], reals[V2 + i], reals[Q2 + i] = projected[0, t2], projected[1, t2], projected[2, t2]
    last_column, first_row, last_row = np.int32(columns - 1), np.int32(row_first), np.int32(row_end - 1)
    for j in range(count):
        i = np.uint64(j)
        p0, p1, p2 = longs[CORNER_0 + i], longs[CORNER_1 + i], longs[CORNER_2 + i]
        x0, x1, x2 = np.int32(p0 >> 32), np.int32(p1 >> 32), np.int32(p2 >> 32)
        y0, y1, y2 = np.int32(p0), np.int32(p1), np.int32(p2)
        column = max(np.int32((min(x0, min(x1, x2)) + N255) >> N8), N0)
        row = max(np.int32((min(y0, min(y1, y2)) + N255) >> N8), first_row)
        words[COLUMN + i], words[ROW + i] = column, row
        words[WIDTH + i] = np.int32(min(np.int32(max(x0, max(x1, x2)) >> N8), last_column) - column + N1)
        words[HEIGHT + i] = np.int32(min(np.int32(max(y0, max(y1, y2)) >> N8), last_row) - row + N1)
        left, top = np.int32(column << N8), np.int32(row << N8)
        x0, x1, x2 = np.int32(x0 - left), np.int32(x1 - left), np.int32(x2 - left)
        y0, y1, y2 = np.int32(y0 - top), np.int32(y1 - top), np.int32(y2 - top)
        turned = np.int32(np.int32((x1 - x0) * (y2 - y0)) - np.int32((x2 - x0) * (y1 - y0))) < N0
        xs, ys = x1, y1
        x1, y1 = x2 if turned else x1, y2 if turned else y1
        x2, y2 = xs if turned else x2, ys if turned else y2
        a0, b0 = np.int32(y0 - y1), np.int32(x1 - x0)
        a1, b1 = np.int32(y1 - y2), np.int32(x2 - x1)
        a2, b2 = np.int32(y2 - y0), np.int32(x0 - x2)
        tie0 = N0 if (a0 > N0) | ((a0 == N0) & (b0 > N0)) else N1
        tie1 = N0 if (a1 > N0) | ((a1 == N0) & (b1 > N0)) else N1
        tie2 = N0 if (a2 > N0) | ((a2 == N0) & (b2 > N0)) else N1
        words[E0 + i] = np.int32(-np.int32(a0 * x0) - np.int32(b0 * y0) - tie0)
        words[E1 + i] = np.int32(-np.int32(a1 * x1) - np.int32(b1 * y1) - tie1)
        words[E2 + i] = np.int32(-np.int32(a2 * x2) - np.int32(b2 * y2) - tie2)
        words[A0 + i], words[B0 + i] = np.int32(a0 << N8), np.int32(b0 << N8)
        words[A1 + i], words[B1 + i] = np.int32(a1 << N8), np.int32(b1 << N8)
        words[A2 + i], words[B2 + i] = np.int32(a2 << N8), np.int32(b2 << N8)
    for j in range(count):
        i = np.uint64(j)
        q0, u0, v0 = reals[Q0 + i], reals[U0 + i], reals[V0 + i]
        q1, u1, v1 = reals[Q1 + i], reals[U1 + i], reals[V1 + i]
        q2, u2, v2 = reals[Q2 + i], reals[U2 + i], reals[V2 + i]
        reals[LOWEST + i], reals[HIGHEST + i] = min(q0, min(q1, q2)), max(q0, max(q1, q2))
        determinant = (u1 - u0) * (v2 - v0) - (u2 - u0) * (v1 - v0)
        flat = determinant == 0.0
        divisor = 1.0 if flat else determinant
        slope_u = ((q1 - q0) * (v2 - v0) - (q2 - q0) * (v1 - v0)) / divisor
        slope_v = ((q2 - q0) * (u1 - u0) - (q1 - q0) * (u2 - u0)) / divisor
        slope_u = 0.0 if flat else slope_u
        reals[SLOPE_U + i], reals[SLOPE_V + i] = slope_u, 0.0 if flat else slope_v
        reals[START + i] = (np.float64(words[COLUMN + i]) - u0) * slope_u


@scalar(forceinline=True)
def cover_sample(
    count: int,
    number: int,
    columns: int,
    base: int,
    tag: Any,
    shift: Any,
    stamp: int,
    longs: Any,
    reals: Any,
    words: Any,
    keys_out: Any,
    stamps_out: Any,
    total_out: Any,
    total_row: int,
) -> None:
    """Keep the larger key in sample `number` of every set-up triangle of at most four samples."""
    n = np.int32(number)
    for j in range(count):
        i = np.uint64(j)
        width = words[WIDTH + i]
        down = n if width == N1 else (np.int32(n >> N1) if width == np.int32(2) else N0)
        right = np.int32(n - np.int32(down * width))
        e0 = np.int32(words[E0 + i] + np.int32(words[A0 + i] * right) + np.int32(words[B0 + i] * down))
        e1 = np.int32(words[E1 + i] + np.int32(words[A1 + i] * right) + np.int32(words[B1 + i] * down))
        e2 = np.int32(words[E2 + i] + np.int32(words[A2 + i] * right) + np.int32(words[B2 + i] * down))
        inside = ((e0 | e1 | e2) >= N0) & (n < np.int32(width * words[HEIGHT + i]))
        row, column = np.int32(words[ROW + i] + down), np.int32(words[COLUMN + i] + right)
        nearness = reals[Q0 + i] + (np.float64(row) - reals[V0 + i]) * reals[SLOPE_V + i] + reals[START + i]
        nearness = nearness + reals[SLOPE_U + i] * np.float64(right)
        key = make_key(
            min(max(nearness, reals[LOWEST + i]), reals[HIGHEST + i]), tag + np.uint64(words[TRIANGLE + i]), shift
        )
        # A sample that is not covered gets no key, in the triangle's first place: the rows of other bands belong to
        # other threads, who may be writing there.
        longs[KEY + i] = np.int64(key if inside else np.uint64(0))
        row_kept, column_kept = (row if inside else words[ROW + i]), (column if inside else words[COLUMN + i])
        longs[PLACE + i] = base + np.int64(row_kept) * columns + np.int64(column_kept)
        words[SAMPLE_COLUMN + i], words[SAMPLE_ROW + i] = column, row
    for j in range(count):
        key, place = np.uint64(longs[KEY + np.uint64(j)]), np.uint64(longs[PLACE + np.uint64(j)])
        known = np.uint64(keys_out[place])
        keys_out[place] = key if key > known else known
    if stamp > 0:
        for j in range(count):
            i = np.uint64(j)
            place = np.uint64(longs[PLACE + i])
            if longs[KEY + i] != 0 and stamps_out[place] != stamp:
                stamps_out[place] = stamp
                column, row = words[SAMPLE_COLUMN + i], words[SAMPLE_ROW + i]
                count_total(1, column, row, column + 1, row + 1, stamp, total_row, total_out)


@scalar(forceinline=True)
def cover_rows(
    lane: int,
    columns: int,
    base: int,
    tag: Any,
    shift: Any,
    stamp: int,
    reals: Any,
    words: Any,
    keys_out: Any,
    stamps_out: Any,
    total_out: Any,
    total_row: int,
) -> None:
    """Keep the larger key in the samples of one set-up triangle."""
    i = np.uint64(lane)
    row, column, width = words[ROW + i], words[COLUMN + i], words[WIDTH + i]
    e0, e1, e2 = words[E0 + i], words[E1 + i], words[E2 + i]
    a0, a1, a2 = words[A0 + i], words[A1 + i], words[A2 + i]
    slope_u, lowest, highest = reals[SLOPE_U + i], reals[LOWEST + i], reals[HIGHEST + i]
    low = tag + np.uint64(words[TRIANGLE + i])
    place = np.uint64(base + np.int64(row) * columns + np.int64(column))
    for r in range(words[HEIGHT + i]):
        nearness = reals[Q0 + i] + (np.float64(row + r) - reals[V0 + i]) * reals[SLOPE_V + i] + reals[START + i]
        for begin in range(0, width, STEP):
            fresh, left, right = 0, columns, 0
            # A constant number of turns, or the compiler finds rows too short for vector instructions.
            for k in range(STEP):
                x = np.int32(begin + k)
                at = place + np.uint64(x)
                outside = (
                    np.int32(e0 + np.int32(a0 * x)) | np.int32(e1 + np.int32(a1 * x)) | np.int32(e2 + np.int32(a2 * x))
                )
                key = make_key(min(max(nearness + slope_u * np.float64(x), lowest), highest), low, shift)
                if (outside >= N0) & (x < width) and key > keys_out[at]:
                    keys_out[at] = key
            if stamp > 0:
                for k in range(STEP):
                    x = np.int32(begin + k)
                    at = place + np.uint64(x)
                    outside = (
                        np.int32(e0 + np.int32(a0 * x))
                        | np.int32(e1 + np.int32(a1 * x))
                        | np.int32(e2 + np.int32(a2 * x))
                    )
                    if (outside >= N0) & (x < width) and stamps_out[at] != stamp:
                        stamps_out[at] = stamp
                        fresh, left, right = fresh + 1, min(left, column + x), max(right, column + x + 1)
                if fresh > 0:
                    count_total(fresh, left, row + r, right, row + r + 1, stamp, total_row, total_out)
        e0, e1, e2 = np.int32(e0 + words[B0 + i]), np.int32(e1 + words[B1 + i]), np.int32(e2 + words[B2 + i])
        place += np.uint64(columns)


@scalar(forceinline=True)
def draw_small(
    one: Any,
    few: Any,
    many: Any,
    first: int,
    columns: int,
    row_first: int,
    row_end: int,
    base: int,
    tag: Any,
    shift: Any,
    stamp: int,
    triangle_in: Any,
    snapped: Any,
    projected: Any,
    lists: Any,
    longs: Any,
    reals: Any,
    words: Any,
    keys_out: Any,
    stamps_out: Any,
    total_out: Any,
    total_row: int,
) -> None:
    """Draw the listed triangles of one sample, of few, and of short rows."""
    for kind in range(3):
        listed: Any = np.int64(one if kind == 0 else (few if kind == 1 else many))
        for begin in range(0, listed, LANES):
            count: Any = min(LANES, listed - begin)
            set_up(
                count, kind * LIST + begin, first, columns, row_first, row_end, triangle_in, snapped, projected, lists,
                longs, reals, words,
            )  # fmt: skip
            if kind < 2:
                for number in range(1 if kind == 0 else 4):
                    cover_sample(
                        count, number, columns, base, tag, shift, stamp, longs, reals, words, keys_out, stamps_out,
                        total_out, total_row,
                    )  # fmt: skip
            else:
                for lane in range(count):
                    cover_rows(
                        lane, columns, base, tag, shift, stamp, reals, words, keys_out, stamps_out, total_out, total_row
                    )
