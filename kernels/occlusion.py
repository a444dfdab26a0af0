"""What an imager or a projector to the right cannot see: a z-test per line, only where something may be hidden.

Each surface is drawn into the second imager's line, as wide as it appears there, and a pixel is occluded where
something nearer by more than a step was drawn over it. Where disparity grows by less than half a pixel per pixel, the
second line shows the pixels in their order and hides none. So a line is drawn from each jump on, only for as long as
its surface lies over what stands left of the jump.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .depth_reading import OCCLUDED
from .device import scalar


@scalar
def rise_limit(reach: Any) -> Any:
    """Return the growth of disparity from pixel to pixel up to which nothing is hidden [px].

    Args:
        reach: Disparity by which a surface must be nearer to hide another [px].
    """
    return 0.5 * min(reach, 1.0)


@scalar
def _mark_hidden(
    line: Any, band: Any, start: Any, end: Any, reach: Any, margin: Any, work_in: Any, seen_in: Any, status_out: Any
) -> None:
    for x in range(start, end):
        disparity = work_in[band, x]
        if not (0.0 < disparity <= x + margin):
            continue
        if seen_in[line, np.int64(x - disparity + margin + 0.5)] > disparity + reach:
            status_out[line, x] = np.uint8(OCCLUDED)


@scalar
def hide_line(
    line: Any, band: Any, width: Any, reach: Any, margin: Any, work_in: Any, seen_out: Any, status_out: Any
) -> None:
    """Mark a line's occluded pixels in `status_out`.

    Args:
        line: Line of `seen_out` and `status_out`.
        band: Row of `work_in`.
        width: Pixels of the line.
        reach: Disparity by which a surface must be nearer to hide another [px].
        margin: Pixels that the second eye sees to the left of the image's field, where `seen_out` begins.
        work_in: Disparity of each pixel [px], 0 where there is no surface.
        seen_out: Working space, zero; afterwards the largest disparity drawn at each of the second line's pixels.
        status_out: Statuses; only those of occluded pixels are written.
    """
    limit = rise_limit(reach)
    drawing = False
    start, low, farthest = 0, 0, -margin - 1
    before = work_in[band, 0]
    for x in range(1, width):
        here = work_in[band, x]
        if here - before > limit:
            if drawing:
                _mark_hidden(line, band, low, start, reach, margin, work_in, seen_out, status_out)
            # The second line's last pixel that shows something left of the jump; behind a hole, the last possible.
            if before <= 0.0:
                farthest = x - 1
            elif before <= x + margin:
                farthest = max(farthest, np.int64(math.floor(x - 0.5 - before)))
            drawing, start, low = True, x, width
        if drawing and here <= x + 1.0 + reach + margin:  # else left of the second image
            following = work_in[band, x + 1] if x + 1 < width else 0.0
            # Neighbours of nearly the same disparity are one surface, which meets half-way between their disparities.
            left = 0.5 * (here + before) if abs(here - before) <= reach else here
            right = 0.5 * (here + following) if abs(here - following) <= reach else here
            first = max(np.int64(math.ceil(x - 0.5 - left)), -margin)
            # From the pixel after the jump on, the left edges stand in their order.
            if here <= 0.0 or (first > farthest and x > start):
                _mark_hidden(line, band, low, start, reach, margin, work_in, seen_out, status_out)
                drawing = False
            else:
                low = min(low, max(first, 0))
                value, last = np.float32(here), np.int64(math.floor(x + 0.5 - right))
                for target in range(first + margin, min(last, width - 1) + margin + 1):
                    if value > seen_out[line, target]:
                        seen_out[line, target] = value
        before = here
    if drawing:
        _mark_hidden(line, band, low, start, reach, margin, work_in, seen_out, status_out)
