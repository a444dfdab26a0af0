"""Limits of depth, and decimation: one pixel for every block of pixels, from the valid ones alone."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .depth_reading import AMBIGUOUS, FILTERED, VALID
from .device import Kernel, scalar

_FAR: Final = np.float32(3.0e38)


@scalar
def _limit_line(
    line: Any, depth_in: Any, status_in: Any, nearest: Any, farthest: Any, depth_out: Any, status_out: Any
) -> None:
    for x in range(depth_in.shape[1]):
        depth = depth_in[line, x]
        inside = depth > np.float32(0.0) and depth >= nearest and depth <= farthest
        status = status_in[line, x] if inside or status_in[line, x] != VALID else np.uint8(FILTERED)
        status_out[line, x] = status
        depth_out[line, x] = depth if status == VALID else np.float32(0.0)


@scalar(forceinline=True)
def _median_of_four(depth_in: Any, y: Any, x: Any) -> Any:
    """Return the smaller middle one of a block's depths above 0; there is one at least."""
    a, b = _far_if_none(depth_in[y, x]), _far_if_none(depth_in[y, x + 1])
    c, d = _far_if_none(depth_in[y + 1, x]), _far_if_none(depth_in[y + 1, x + 1])
    low_1, high_1, low_2, high_2 = min(a, b), max(a, b), min(c, d), max(c, d)
    second = min(max(low_1, low_2), min(high_1, high_2))
    third = max(max(low_1, low_2), min(high_1, high_2))
    # Of three or four the second, of one or two the first.
    return second if third < _FAR else min(low_1, low_2)


@scalar(forceinline=True)
def _far_if_none(depth: Any) -> Any:
    return depth if depth > np.float32(0.0) else _FAR


@scalar
def _median_of_nine(depth_in: Any, first: Any, left: Any, middle: Any) -> Any:
    """Return the one of a block's depths above 0 that has `middle` others before it in order."""
    found = np.float32(0.0)
    for y in range(first, first + 3):
        for x in range(left, left + 3):
            depth = depth_in[y, x]
            if depth <= np.float32(0.0):
                continue
            before, same = 0, 0
            for j in range(first, first + 3):
                for i in range(left, left + 3):
                    other = depth_in[j, i]
                    before += 1 if np.float32(0.0) < other and other < depth else 0
                    same += 1 if other == depth else 0
            if before <= middle and middle < before + same:
                found = depth
    return found


@scalar
def _commonest_reason(status_in: Any, first: Any, left: Any, size: Any) -> Any:
    """Return the status that most of a block's pixels have, the smaller one at a tie."""
    best, most = VALID, 0
    for reason in range(1, max(AMBIGUOUS, FILTERED) + 1):
        count = 0
        for a in range(size * size):
            count += 1 if status_in[first + a // size, left + a % size] == reason else 0
        if count > most:
            best, most = reason, count
    return best


@scalar
def _decimate_line(
    line: Any, depth_in: Any, status_in: Any, size: Any, height: Any, small_height: Any, depth_out: Any,
    status_out: Any,
) -> None:  # fmt: skip
    image = line // small_height
    first = image * height + (line - image * small_height) * size
    for x in range(depth_out.shape[1]):
        left = x * size
        count, total = 0, 0.0
        for y in range(first, first + size):
            for column in range(left, left + size):
                depth = depth_in[y, column]
                count += 1 if depth > np.float32(0.0) else 0
                total += np.float64(depth)
        value = np.float32(0.0)
        if count > 0:
            if size == 2:
                value = _median_of_four(depth_in, first, left)
            elif size == 3:
                value = _median_of_nine(depth_in, first, left, (count - 1) // 2)
            else:
                value = np.float32(total / count)
        depth_out[line, x] = value
        status_out[line, x] = np.uint8(VALID if count > 0 else _commonest_reason(status_in, first, left, size))


LIMIT: Final = Kernel(_limit_line)
DECIMATE: Final = Kernel(_decimate_line)
