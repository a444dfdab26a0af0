"""What a second eye beside the imager sees of a line: the z-test of stereo's second imager and of a projector."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .device import scalar
from .surface_return import has_surface


@scalar
def cast_line(
    line: Any, depth_in: Any, focal_baseline: Any, reach: Any, flipped: Any, margin: Any, seen_out: Any
) -> None:
    """Draw a line's surfaces into the second eye: `seen_out` holds the largest disparity at each of its pixels.

    Args:
        line: Line of `depth_in` and `seen_out`.
        depth_in: True depth [m], float32, shape (lines, W).
        focal_baseline: f B [px m].
        reach: Neighbours whose disparities differ by no more than this [px] are one surface.
        flipped: Whether the second eye stands to the left: columns are then counted from the right.
        margin: Pixels that the second eye sees beyond column 0; `seen_out` begins there.
        seen_out: Shape (lines, margin + W), float32; 0 where nothing was drawn.
    """
    width = depth_in.shape[1]
    for column in range(width + margin):
        seen_out[line, column] = np.float32(0.0)
    step = -1 if flipped else 1
    source = width - 1 if flipped else 0
    here = 0.0
    before = 0.0
    depth = depth_in[line, source]
    following = focal_baseline / depth if has_surface(depth) else 0.0
    for x in range(width):
        before, here, following = here, following, 0.0
        source += step
        if x + 1 < width:
            depth = depth_in[line, source]
            following = focal_baseline / depth if has_surface(depth) else 0.0
        if here <= 0.0 or x + 1.0 + margin < here:
            continue
        # Neighbours of nearly the same disparity are one surface, which meets half-way between their disparities.
        left = 0.5 * (here + before) if abs(here - before) <= reach else here
        right = 0.5 * (here + following) if abs(here - following) <= reach else here
        first = max(math.ceil(x - 0.5 - left), -margin)
        last = min(math.floor(x + 0.5 - right), width - 1)
        value = np.float32(here)
        for target in range(first + margin, last + margin + 1):
            if value > seen_out[line, target]:
                seen_out[line, target] = value
