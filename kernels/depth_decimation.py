"""Limits of depth, and decimation: one pixel for every block of pixels, from the valid ones alone."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .depth_reading import AMBIGUOUS, FILTERED, VALID
from .device import Kernel, scalar

_MEDIAN_UP_TO: Final = 3


@scalar
def _limit_line(
    line: Any, depth_in: Any, status_in: Any, nearest: Any, farthest: Any, depth_out: Any, status_out: Any
) -> None:
    for x in range(depth_in.shape[1]):
        depth = depth_in[line, x]
        inside = depth >= nearest and depth <= farthest
        status = status_in[line, x] if inside or status_in[line, x] != VALID else np.uint8(FILTERED)
        status_out[line, x] = status
        depth_out[line, x] = depth if status == VALID else np.float32(0.0)


@scalar
def _median_block(depth_in: Any, status_in: Any, first: Any, left: Any, size: Any, middle: Any) -> Any:
    """Return the valid depth of a block that has `middle` valid ones before it in order."""
    found = np.float32(0.0)
    for a in range(size * size):
        y, x = first + a // size, left + a % size
        if status_in[y, x] != VALID:
            continue
        depth = depth_in[y, x]
        before = 0
        for b in range(size * size):
            other_y, other_x = first + b // size, left + b % size
            if status_in[other_y, other_x] == VALID:
                other = depth_in[other_y, other_x]
                before += 1 if other < depth or (other == depth and b < a) else 0
        if before == middle:
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
        for a in range(size):
            for b in range(size):
                if status_in[first + a, left + b] == VALID:
                    count += 1
                    total += np.float64(depth_in[first + a, left + b])
        if count == 0:
            depth_out[line, x] = np.float32(0.0)
            status_out[line, x] = np.uint8(_commonest_reason(status_in, first, left, size))
        else:
            if size <= _MEDIAN_UP_TO:
                depth_out[line, x] = _median_block(depth_in, status_in, first, left, size, (count - 1) // 2)
            else:
                depth_out[line, x] = np.float32(total / count)
            status_out[line, x] = np.uint8(VALID)


LIMIT: Final = Kernel(_limit_line)
DECIMATE: Final = Kernel(_decimate_line)
