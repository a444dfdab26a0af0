"""Albedo: what surfaces are made of at the pixels' centres, without light."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import Kernel, scalar
from .chunk import Chunk
from .levels import clear, narrow_inverse
from .materials import apply_materials
from .sample_albedo import paint_pixels
from .surface import BLOCK, BLUE, FIELD_COUNT, GREEN, RED, gather_block
from .tables import Draws, Geometry, Textures, Views, Worlds

F0 = np.float32(0.0)


@scalar
def _paint_view(
    index: int,
    band_count: int,
    largest: int,
    width: int,
    height: int,
    look_count: int,
    views_in: Views,
    worlds_in: Worlds,
    drawn_in: Draws,
    geometry_in: Geometry,
    textures_in: Textures,
    keys_in: Any,
    block_out: Any,
    draw_out: Any,
    albedo_out: Any,
) -> None:
    """Write the albedo of one band of rows of one view in every look."""
    view, band = index // band_count, index % band_count
    world = views_in.world[view]
    instance = worlds_in.start[world]
    block, draws = block_out[index], draw_out[index]
    for row in range(height * band // band_count, height * (band + 1) // band_count):
        for first in range(0, width, BLOCK):
            count = min(BLOCK, width - first)
            gather_block(
                view, row, first, count, width, height, 1, largest, views_in, instance, worlds_in, drawn_in,
                geometry_in, keys_in, block, draws,
            )  # fmt: skip
            for look in range(look_count):
                apply_materials(count, look, instance, worlds_in.stride[world], worlds_in, textures_in, draws, block)
                for i in range(count):
                    x = np.uint64(i)
                    seen = draws[x] >= 0
                    albedo_out[view, look, row, first + i, 0] = block[RED + x] if seen else F0
                    albedo_out[view, look, row, first + i, 1] = block[GREEN + x] if seen else F0
                    albedo_out[view, look, row, first + i, 2] = block[BLUE + x] if seen else F0


PAINT_VIEW = Kernel(_paint_view)


def fill_albedo(chunk: Chunk, keys: NDArray[np.uint64], albedo: NDArray[np.float32]) -> None:
    """Fill the albedo of every look.

    Args:
        chunk: Views, drawn.
        keys: Visibility of the pixels' centres.
        albedo: Output, shape (V, L, height, width, 3).
    """
    if chunk.settings.device == "cuda":
        paint_pixels(chunk, keys, albedo)
        return
    bands = min(chunk.bands(chunk.view_count), chunk.height)
    elements = chunk.view_count * bands
    blocks = chunk.take("blocks", (elements, FIELD_COUNT * BLOCK), np.float32)
    clear(chunk, blocks)  # samples that see nothing are computed with, then overwritten: no stale NaN may slow that
    chunk.launch(
        PAINT_VIEW, elements, bands, chunk.largest, chunk.width, chunk.height, chunk.looks, chunk.views, chunk.worlds,
        narrow_inverse(chunk, chunk.drawn), chunk.geometry, chunk.textures, keys,
        blocks, chunk.take("draws", (elements, BLOCK), np.int32), albedo,
    )  # fmt: skip
