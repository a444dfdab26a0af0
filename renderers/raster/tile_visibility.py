"""Tile visibility: which triangle each sample sees, by a block of threads for each tile of each view.

A tile's keys stay in shared memory until they are final: no global atomics, and no pass that clears. The keys are those
of `visibility`, which draws rows on the CPU; a shadow map keeps their upper halves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.block_kernel import BlockKernel
from ...kernels.cooperation import barrier
from ...kernels.device import scalar
from .coverage import make_key
from .tables import Draws, Geometry, Views, Worlds
from .tile_draws import DRAWS, LIST, draw_tile
from .tile_triangles import TILE


@scalar(forceinline=True)
def place_tile(block: int, columns: int, rows: int) -> Any:
    """Return the view, first column and first row of a block's tile."""
    across, down = (columns + TILE - 1) // TILE, (rows + TILE - 1) // TILE
    tile = block % (across * down)
    return block // (across * down), tile % across * TILE, tile // across * TILE


@scalar
def _draw_tiles(
    block: int,
    lane: int,
    lanes: int,
    keys: Any,
    large: Any,
    listed: Any,
    counts: Any,
    polygon: Any,
    largest: int,
    width: int,
    height: int,
    samples: int,
    perspective: int,
    shift: Any,
    views_in: Views,
    worlds_in: Worlds,
    drawn_in: Draws,
    geometry_in: Geometry,
    keys_out: Any,
) -> None:
    """Draw one tile of one view."""
    columns, rows = width * samples, height * samples
    view, left, top = place_tile(block, columns, rows)
    fx, fy, cx, cy, near, empty = 1.0, 1.0, 0.0, 0.0, 0.0, np.uint64(0)
    if perspective == 1:
        camera = views_in.camera
        fx, fy, near = camera[view, 0] * samples, camera[view, 1] * samples, camera[view, 4]
        cx = camera[view, 2] * samples + 0.5 * (samples - 1)
        cy = camera[view, 3] * samples + 0.5 * (samples - 1)
        empty = make_key(1.0 / camera[view, 5], np.uint64(0), np.uint64(0))
    for i in range(lane, TILE * TILE, lanes):
        keys[i] = empty
    barrier()
    world = int(views_in.world[view])
    draw_tile(
        lane, lanes, view, world, 0, int(worlds_in.start[world + 1]) - int(worlds_in.start[world]), largest,
        perspective, fx, fy, cx, cy, near, columns, rows, left, top, 0, worlds_in, drawn_in, geometry_in, large,
        listed, counts, polygon, keys, keys,
    )  # fmt: skip
    for i in range(lane, TILE * TILE, lanes):
        row, column = top + i // TILE, left + i % TILE
        if row < rows and column < columns:
            keys_out[(view * rows + row) * columns + column] = keys[i] >> shift


DRAW_TILES = BlockKernel(
    _draw_tiles,
    shared={"keys": (TILE * TILE, np.uint64), "large": (LIST, np.uint32), "listed": (DRAWS, np.int32),
            "counts": (3, np.int32)},
    private={"polygon": ((1, 2, 12, 3), np.float64)},
)  # fmt: skip


def count_tiles(columns: int, rows: int) -> int:
    """Return how many tiles an image of some samples has."""
    return -(-columns // TILE) * -(-rows // TILE)
