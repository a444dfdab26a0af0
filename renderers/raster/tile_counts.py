"""Tile counts: how many samples of the frame each instance would fill alone, by a block of threads for each tile.

A tile has one bit per sample in shared memory: an instance's triangles set bits, then they are counted.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...kernels.block_kernel import BlockKernel
from ...kernels.cooperation import atomic_add, atomic_max, atomic_min, barrier
from ...kernels.device import Kernel, scalar
from .bit_words import count_bits, find_ends
from .tables import Draws, Geometry, Views, Worlds
from .tile_draws import DRAWS, LIST, draw_tile
from .tile_triangles import TILE
from .tile_visibility import count_tiles, place_tile

TOTALS = 5
"""Numbers of each instance id of each view: samples, and their box's left, top, right and bottom (exclusive)."""


@scalar
def _count_tiles(
    block: int,
    lane: int,
    lanes: int,
    bits: Any,
    large: Any,
    listed: Any,
    counts: Any,
    polygon: Any,
    largest: int,
    width: int,
    height: int,
    instance_count: int,
    views_in: Views,
    worlds_in: Worlds,
    drawn_in: Draws,
    geometry_in: Geometry,
    total_out: Any,
) -> None:
    """Add one tile of one view to the totals of its instance ids."""
    view, left, top = place_tile(block, width, height)
    camera = views_in.camera
    fx, fy, cx, cy, near = camera[view, 0], camera[view, 1], camera[view, 2], camera[view, 3], camera[view, 4]
    world = int(views_in.world[view])
    start = int(worlds_in.start[world])
    count, k = int(worlds_in.start[world + 1]) - start, 0
    while k < count:
        number, first = int(worlds_in.instance[start + k]), k
        while k < count and int(worlds_in.instance[start + k]) == number:
            k += 1
        if number < 1 or number > instance_count:
            continue
        for row in range(lane, TILE, lanes):
            bits[row] = np.uint64(0)
        barrier()
        draw_tile(
            lane, lanes, view, world, first, k, largest, 1, fx, fy, cx, cy, near, width, height, left, top, 1,
            worlds_in, drawn_in, geometry_in, large, listed, counts, polygon, bits, bits,
        )  # fmt: skip
        place = TOTALS * (view * instance_count + number - 1)
        for row in range(lane, TILE, lanes):
            word = bits[row]
            if word != np.uint64(0):
                lowest, highest = find_ends(word)
                atomic_add(total_out, place, np.int32(count_bits(word)))
                atomic_min(total_out, place + 1, np.int32(left + lowest))
                atomic_min(total_out, place + 2, np.int32(top + row))
                atomic_max(total_out, place + 3, np.int32(left + highest + 1))
                atomic_max(total_out, place + 4, np.int32(top + row + 1))
        barrier()


@scalar
def _begin_totals(index: int, width: int, height: int, total_out: Any) -> None:
    """Write what one instance id starts with."""
    place = TOTALS * index
    total_out[place], total_out[place + 1], total_out[place + 2] = 0, width, height
    total_out[place + 3], total_out[place + 4] = 0, 0


@scalar
def _read_totals(index: int, instance_count: int, total_in: Any, pixels_out: Any, box_out: Any) -> None:
    """Write one instance id's pixels and box, which is 0 where there are none."""
    view, slot = index // instance_count, index % instance_count
    place = TOTALS * index
    pixels_out[view, slot] = total_in[place]
    for i in range(4):
        box_out[view, slot, i] = np.float32(total_in[place + 1 + i] if total_in[place] > 0 else 0)


COUNT_TILES = BlockKernel(
    _count_tiles,
    shared={"bits": (TILE, np.uint64), "large": (LIST, np.uint32), "listed": (DRAWS, np.int32),
            "counts": (3, np.int32)},
    private={"polygon": ((1, 2, 12, 3), np.float64)},
)  # fmt: skip
BEGIN_TOTALS = Kernel(_begin_totals)
READ_TOTALS = Kernel(_read_totals)


class Passes(Protocol):
    """What counting needs of its chunk."""

    views: Views
    worlds: Worlds
    geometry: Geometry
    view_count: int
    largest: int
    width: int
    height: int

    def launch(self, kernel: Any, count: int, *arrays: Any) -> None:
        """Launch a kernel."""

    def take(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Take a buffer."""


def count_in_frame(passes: Passes, drawn: Draws, instance_count: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Count what each instance id would fill in the frame alone, and find its box.

    Args:
        passes: The chunk.
        drawn: What its views draw.
        instance_count: Instance ids S.

    Returns:
        Pixels, shape (V, S), and boxes, shape (V, S, 4).
    """
    views, width, height = passes.view_count, passes.width, passes.height
    totals = passes.take("totals", (views * instance_count * TOTALS,), np.int32)
    pixels = passes.take("in frame", (views, instance_count), np.int32)
    box = passes.take("box in frame", (views, instance_count, 4), np.float32)
    ids = views * instance_count
    passes.launch(BEGIN_TOTALS, ids, width, height, totals)
    tiles = views * count_tiles(width, height) if ids else 0
    passes.launch(
        COUNT_TILES, tiles, passes.largest, width, height, instance_count, passes.views, passes.worlds, drawn,
        passes.geometry, totals,
    )  # fmt: skip
    passes.launch(READ_TOTALS, ids, instance_count, totals, pixels, box)
    return pixels, box
