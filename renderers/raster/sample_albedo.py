"""Sample albedo: a CUDA thread per pixel and look, from the functions that take blocks on the CPU."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import Kernel, scalar
from ...kernels.local_arrays import local_floats, local_ints
from ...kernels.variants import vary
from .features import LENSES, SURFACES, round_up
from .materials import paint_run
from .sample_shading import LONE_FIELDS
from .surface import BLUE, FIELD_COUNT, GREEN, LOW, RED, gather_run, read_draw, trace_samples
from .tables import Draws, Geometry, Textures, Views, Worlds

F0 = np.float32(0.0)


@scalar(forceinline=True)
def _paint_pixel(
    index: int, look_count: int, largest: int, width: int, height: int, views: Views, worlds: Worlds, drawn: Draws,
    geometry: Geometry, textures: Textures, keys: Any, features: int, albedo_out: Any,
) -> None:  # fmt: skip
    """Write the albedo of one pixel in one look, 0 where nothing is seen."""
    line, column = index // width, index % width
    image, row = line // height, line % height
    view, look = image // look_count, image % look_count
    low = keys[np.uint64((view * height + row) * width + column)] & LOW
    red, green, blue = F0, F0, F0
    if low != np.uint64(0):
        block, draws = local_floats(FIELD_COUNT), local_ints(1)
        world, seen = views.world[view], read_draw(low)
        first = worlds.start[world]
        trace_samples(view, row, column, 1, width, height, 1, views, keys, features, block)
        gather_run(view, low, seen, 0, 1, largest, first, worlds, drawn, geometry, features, block, draws)
        paint_run(seen, 0, 1, look, first, worlds.stride[world], worlds, textures, features, block)
        red, green, blue = block[RED], block[GREEN], block[BLUE]
    albedo_out[view, look, row, column, 0] = red
    albedo_out[view, look, row, column, 1] = green
    albedo_out[view, look, row, column, 2] = blue


@functools.lru_cache(maxsize=64)
def build_painting(features: int) -> Kernel:
    """Return the kernel that writes the albedo of pictures with some features.

    Args:
        features: What may occur (see `features`).
    """
    paint_lone = vary(_paint_pixel, LONE_FIELDS)

    @scalar
    def paint_pixel(
        index: int, look_count: int, largest: int, width: int, height: int, views_in: Views, worlds_in: Worlds,
        drawn_in: Draws, geometry_in: Geometry, textures_in: Textures, keys_in: Any, albedo_out: Any,
    ) -> None:  # fmt: skip
        paint_lone(
            index, look_count, largest, width, height, views_in, worlds_in, drawn_in, geometry_in, textures_in,
            keys_in, features, albedo_out,
        )  # fmt: skip

    # Compiled code is kept by this name.
    paint_pixel.__name__ = paint_pixel.__qualname__ = f"paint_pixel_{features}"
    return Kernel(paint_pixel)


def paint_pixels(chunk: Any, keys: NDArray[np.uint64], albedo: NDArray[np.float32]) -> None:
    """Fill the albedo of every look of a chunk.

    Args:
        chunk: Views, drawn.
        keys: Visibility of the pixels' centres.
        albedo: Output, shape (V, L, height, width, 3).
    """
    features = round_up(chunk.features & (SURFACES | LENSES))
    chunk.launch(
        build_painting(features), chunk.view_count * chunk.looks * chunk.height * chunk.width, chunk.looks,
        chunk.largest, chunk.width, chunk.height, chunk.views, chunk.worlds, chunk.drawn, chunk.geometry,
        chunk.textures, keys, albedo,
    )  # fmt: skip
