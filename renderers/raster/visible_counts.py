"""Visible counts: in how many pixels each instance id is seen, and their box, where the frames lie.

On the CPU an element goes through a view. On CUDA a thread takes the pixels of one cache line of keys, and adds each
run of one instance to the view's totals by five atomic operations: of integers, so that their order is of no matter.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...kernels.cooperation import atomic_add, atomic_max, atomic_min
from ...kernels.device import Kernel, scalar
from .resolve import COUNT_VISIBLE
from .spans import locate_span
from .surface import LOW, read_draw
from .tile_counts import BEGIN_TOTALS, READ_TOTALS, TOTALS

SPAN: Final = 16
"""Pixels of a thread: their keys fill 128 bytes."""


@scalar
def _count_span(
    index: int, width: int, height: int, instance_count: int, view_world_in: Any, start_in: Any, instance_in: Any,
    keys_in: Any, total_out: Any,
) -> None:  # fmt: skip
    """Add a span of one row of one view to the totals of its instance ids."""
    line, begin, end = locate_span(index, SPAN, width)
    view, row = line // height, line % height
    first = start_in[view_world_in[view]]
    known, start = -1, begin
    for x in range(begin, end + 1):
        slot = -1
        if x < end:
            key = keys_in[np.uint64(line * width + x)]
            if (key & LOW) != np.uint64(0):
                slot = int(instance_in[first + read_draw(key)]) - 1
        if slot != known or x == end:
            if 0 <= known < instance_count:
                place = TOTALS * (view * instance_count + known)
                atomic_add(total_out, place, np.int32(x - start))
                atomic_min(total_out, place + 1, np.int32(start))
                atomic_min(total_out, place + 2, np.int32(row))
                atomic_max(total_out, place + 3, np.int32(x))
                atomic_max(total_out, place + 4, np.int32(row + 1))
            known, start = slot, x


COUNT_SPANS = Kernel(_count_span)


def count_visible(
    chunk: Any, keys: NDArray[np.uint64], pixels: NDArray[np.int32], box: NDArray[np.float32], instance_count: int
) -> None:
    """Count the pixels of each instance id in each view, and find their tight boxes (max exclusive).

    Args:
        chunk: Views, drawn.
        keys: Visibility of the pixels' centres.
        pixels: Output, shape (V, S).
        box: Output, shape (V, S, 4).
        instance_count: Instance ids S.
    """
    views, worlds, width, height = chunk.views, chunk.worlds, chunk.width, chunk.height
    tables = views.world, worlds.start, worlds.instance
    if not chunk.workspace.is_resident:
        chunk.launch(COUNT_VISIBLE, chunk.view_count, width, height, *tables, instance_count, keys, pixels, box)
        return
    totals = chunk.take("visible totals", (chunk.view_count * instance_count * TOTALS,), np.int32)
    spans = chunk.view_count * height * -(-width // SPAN)
    chunk.launch(BEGIN_TOTALS, pixels.size, width, height, totals)
    if pixels.size:
        chunk.launch(COUNT_SPANS, spans, width, height, instance_count, *tables, keys, totals)
    chunk.launch(READ_TOTALS, pixels.size, max(instance_count, 1), totals, pixels, box)
