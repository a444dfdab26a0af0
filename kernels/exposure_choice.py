"""What automatic exposure looks at in a pixel, and the time that it chooses from all of them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .device import scalar

BINS: Final = 4096
"""Cells of the histogram, a sixteenth of an octave each."""
_HALF_BIN: Final = np.uint32(19)
_CLIPPED_PER_MILLE: Final = 20


@scalar(forceinline=True)
def luminance(red: Any, green: Any, blue: Any) -> Any:
    """Return the luminance of positive radiances, float32."""
    return np.float32(0.2126 * red + 0.7152 * green + 0.0722 * blue)


@scalar(forceinline=True)
def brightest_cell(red: Any, green: Any, blue: Any) -> Any:
    """Return the histogram's cell of the largest of three positive radiances, uint32."""
    largest = red if red > green else green
    largest = largest if largest > blue else blue
    return np.uint32(np.float32(largest).view(np.uint32) >> _HALF_BIN)


@scalar
def choose_time(
    total: Any, pixels: Any, row: Any, histogram_in: Any, signal_rate: Any, target: Any, highlight: Any, shortest: Any,
    longest: Any,
) -> Any:  # fmt: skip
    """Return the exposure time [s] that the sum of luminances and a row of the histogram ask for."""
    allowed = pixels * _CLIPPED_PER_MILLE // 1000
    above = 0
    cell = BINS - 1
    while cell > 0 and above + histogram_in[row, cell] <= allowed:
        above += histogram_in[row, cell]
        cell -= 1
    # Upper edge of the cell: sixteenth of an octave, so the guard is at most 6 % cautious.
    edge = np.float64(np.uint32((cell + 1) << 19).view(np.float32))
    mean = total / pixels
    time = longest
    if mean * signal_rate * time > target:
        time = target / (mean * signal_rate)
    if cell > 0 and edge * signal_rate * time > highlight:
        time = highlight / (edge * signal_rate)
    return max(shortest, time)
