"""Filling of holes in a depth image from the pixels beside them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .depth_reading import VALID
from .device import Kernel, scalar

NEIGHBOURS: Final = ("none", "left", "farthest", "nearest")
"""Which neighbour fills a hole: none, the last one to the left on the line, or the farthest or nearest of the four."""

_NONE: Final = np.float32(0.0)


@scalar
def _fill_line(
    line: Any, which: Any, height: Any, depth_in: Any, status_in: Any, depth_out: Any, status_out: Any, filled_out: Any
) -> None:
    width = depth_in.shape[1]
    y = line - line // height * height
    last = _NONE
    for x in range(width):
        depth = depth_in[line, x]
        status = status_in[line, x]
        if status == VALID:
            last = depth
        else:
            depth = _NONE
            if which == 1:
                depth = last
            else:
                for k in range(4):
                    j = -1 if k == 0 else (1 if k == 1 else 0)
                    i = -1 if k == 2 else (1 if k == 3 else 0)
                    if y + j < 0 or y + j >= height or x + i < 0 or x + i >= width:
                        continue
                    other = depth_in[line + j, x + i]
                    better = depth <= _NONE or (other > depth if which == 2 else other < depth)
                    if status_in[line + j, x + i] == VALID and better:
                        depth = other
            if depth > _NONE:
                status = np.uint8(VALID)
                filled_out[line, x] = np.uint8(1)
        depth_out[line, x] = depth
        status_out[line, x] = status


@scalar
def _clear_line(line: Any, filled_out: Any) -> None:
    for x in range(filled_out.shape[1]):
        filled_out[line, x] = np.uint8(0)


CLEAR: Final = Kernel(_clear_line)
FILL: Final = Kernel(_fill_line)
