"""Smoothing of disparity over a line, a column and time, with hole filling on the way; 0 is a hole.

Each is an exponential mean that starts anew at a hole and at a step above delta:

    y_k = y_(k-1) + alpha (v_k - y_(k-1))   where |v_k - y_(k-1)| <= delta, else y_k = v_k

Source: Gastal, Oliveira, "Domain transform for edge-aware image and video processing", SIGGRAPH 2011, recursive
filter; librealsense, "Post-processing filters".
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .depth_reading import VALID
from .device import Kernel, scalar
from .surface_return import has_surface

COLUMNS: Final = 64
"""Columns that are smoothed together."""
HISTORY: Final = 8
"""Frames that the temporal filter remembers."""

_NONE: Final = np.float32(0.0)


@scalar
def _invert_line(line: Any, value_in: Any, status_in: Any, focal_baseline_in: Any, height: Any, value_out: Any) -> None:
    """Turn depth into disparity, or disparity into depth."""
    focal_baseline = focal_baseline_in[line // height]
    for x in range(value_in.shape[1]):
        value = value_in[line, x]
        present = has_surface(value) and status_in[line, x] == VALID
        value_out[line, x] = np.float32(focal_baseline / np.float64(value)) if present else _NONE


@scalar(forceinline=True)
def _blend(before: Any, value: Any, alpha: Any, delta: Any) -> Any:
    joined = before > _NONE and abs(value - before) <= delta
    blended = before + alpha * (value - before) if joined else value
    return blended if value > _NONE else _NONE


@scalar
def _smooth_line(line: Any, alpha: Any, delta: Any, fill: Any, value_out: Any, filled_out: Any) -> None:
    """Smooth a line to the right and back; holes take the last value up to `fill` pixels from it."""
    width = value_out.shape[1]
    for back in range(2):
        before = _NONE
        since = 0
        for k in range(width):
            x = width - 1 - k if back else k
            value = value_out[line, x]
            if value > _NONE:
                before = _blend(before, value, alpha, delta)
                value_out[line, x] = before
                since = 0
            elif before > _NONE and since < fill:
                since += 1
                value_out[line, x] = before
                filled_out[line, x] = np.uint8(1)
            else:
                before = _NONE


@scalar
def _smooth_columns(block: Any, alpha: Any, delta: Any, height: Any, block_count: Any, value_out: Any) -> None:
    """Smooth some columns of an image down and up."""
    image = block // block_count
    left = (block - image * block_count) * COLUMNS
    right = min(left + COLUMNS, value_out.shape[1])
    top = image * height
    for y in range(top + 1, top + height):
        for x in range(left, right):
            value_out[y, x] = _blend(value_out[y - 1, x], value_out[y, x], alpha, delta)
    for k in range(1, height):
        y = top + height - 1 - k
        for x in range(left, right):
            value_out[y, x] = _blend(value_out[y + 1, x], value_out[y, x], alpha, delta)


@scalar
def _count_valid(history: Any, frames: Any) -> Any:
    count = 0
    for k in range(frames):
        count += (history >> k) & 1
    return count


@scalar
def _remember_line(
    line: Any, alpha: Any, delta: Any, least: Any, frames: Any, mean_in: Any, history_in: Any, value_out: Any,
    filled_out: Any, mean_out: Any, history_out: Any,
) -> None:  # fmt: skip
    """Smooth over time; a hole takes the last value where `least` of the last `frames` frames were valid."""
    for x in range(value_out.shape[1]):
        value, mean = value_out[line, x], mean_in[line, x]
        history = np.int64(history_in[line, x])
        present = value > _NONE
        if present:
            mean = _blend(mean, value, alpha, delta)
            value_out[line, x] = mean
        elif mean > _NONE and _count_valid(history, frames) >= least:
            value_out[line, x] = mean
            filled_out[line, x] = np.uint8(1)
        history = ((history << 1) | (1 if present else 0)) & 0xFF
        # What was not seen in any remembered frame is forgotten, unless it is to persist for ever.
        mean_out[line, x] = mean if history > 0 or least == 0 else _NONE
        history_out[line, x] = np.uint8(history)


@scalar
def _restore_line(
    line: Any, value_in: Any, focal_baseline_in: Any, height: Any, depth_out: Any, status_out: Any
) -> None:
    """Turn disparity into depth; what has one is valid, what has none keeps its reason."""
    focal_baseline = focal_baseline_in[line // height]
    for x in range(value_in.shape[1]):
        value = value_in[line, x]
        if value > _NONE:
            depth_out[line, x] = np.float32(focal_baseline / np.float64(value))
            status_out[line, x] = np.uint8(VALID)
        else:
            depth_out[line, x] = _NONE


INVERT: Final = Kernel(_invert_line)
SMOOTH_LINE: Final = Kernel(_smooth_line)
SMOOTH_COLUMNS: Final = Kernel(_smooth_columns)
REMEMBER: Final = Kernel(_remember_line)
RESTORE: Final = Kernel(_restore_line)
