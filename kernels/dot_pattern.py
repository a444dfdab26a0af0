"""The dots of a structured-light projector: one in every cell of a grid, at a place that a hash chooses."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from .philox import philox_words


@functools.lru_cache(maxsize=32)
def dot_pattern(pitch: int, height: int, margin: int, width: int) -> NDArray[np.uint8]:
    """Return where a projector's dots are.

    Args:
        pitch: Side of a cell [px]; each holds one dot of one pixel.
        height: Lines.
        margin: Columns before column 0.
        width: Columns from column 0 on.

    Returns:
        1 at a dot and 0 elsewhere, shape (height, margin + width), read-only. A pixel is the same in all sizes.
    """
    first = -(margin // pitch) - 1
    columns, lines = (width - 1) // pitch + 1 - first, (height - 1) // pitch + 1
    j, i = np.divmod(np.arange(lines * columns), columns)
    addresses = np.stack([(i + first) & 0xFFFFFFFF, j, np.zeros_like(i)], axis=1)
    words = philox_words(0, "structured_light/dots", addresses).astype(np.int64)
    x = (i + first) * pitch + (words[:, 0] * pitch >> 32) + margin
    y = j * pitch + (words[:, 1] * pitch >> 32)
    pattern = np.zeros((height, margin + width), np.uint8)
    inside = (x >= 0) & (x < margin + width) & (y < height)
    pattern[y[inside], x[inside]] = 1
    pattern.flags.writeable = False
    return pattern
