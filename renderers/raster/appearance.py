"""Appearance: materials, shadows and light over a visibility result, by blocks of samples, once per look."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.device import Kernel, scalar
from .features import ALL
from .lamps import Faces
from .light_block import AMBIENT
from .lighting import hide_outside, light_surfaces, show_gradient, show_image, spread_view_fog
from .materials import apply_materials
from .sun_shadows import Suns, measure_slack
from .surface import BLOCK, BLUE, GREEN, RED, RUN_END, gather_block
from .tables import Draws, Geometry, Skies, Textures, Views, Worlds
from .transparency import has_any, lay_over

F0 = np.float32(0.0)
F1 = np.float32(1.0)
U1 = np.uint64(1)


@scalar
def _show_sky(count: int, light: Any, draws: Any, block: Any) -> None:
    """Write the sky's radiance where a block of samples sees nothing."""
    start = 0
    while start < count:
        end = int(block[RUN_END + np.uint64(start)])
        if draws[np.uint64(start)] < 0:
            show_gradient(start, end - start, light, block)
        start = end


@scalar
def _average(first: int, count: int, samples: int, is_first: bool, block: Any, colour_out: Any) -> None:
    """Add a block's radiance to the row of pixels that its samples belong to."""
    if samples == 1:
        for i in range(count):
            x, place = np.uint64(i), np.uint64(3 * (first + i))
            colour_out[place], colour_out[place + U1] = block[RED + x], block[GREEN + x]
            colour_out[place + U1 + U1] = block[BLUE + x]
        return
    share = np.float32(1.0 / (samples * samples))
    for i in range(count // samples):
        place = np.uint64(3 * (first // samples + i))
        red, green, blue = F0, F0, F0
        for s in range(samples):
            x = np.uint64(i * samples + s)
            red, green, blue = red + block[RED + x], green + block[GREEN + x], blue + block[BLUE + x]
        if is_first:
            colour_out[place], colour_out[place + U1] = red * share, green * share
            colour_out[place + U1 + U1] = blue * share
        else:
            colour_out[place] += red * share
            colour_out[place + U1] += green * share
            colour_out[place + U1 + U1] += blue * share


@scalar
def _read_ambient(
    count: int, first: int, samples: int, place: Any, with_ambient: bool, ambient_in: Any, light_block: Any
) -> None:
    """Write the open share of the sky: that of the pixel which a sample belongs to."""
    if not with_ambient:
        for i in range(count):
            light_block[AMBIENT + np.uint64(i)] = F1
    elif samples == 1:
        for i in range(count):
            light_block[AMBIENT + np.uint64(i)] = ambient_in[place + np.uint64(first + i)]
    else:
        for i in range(count // samples):
            value = ambient_in[place + np.uint64(first // samples + i)]
            for s in range(samples):
                light_block[AMBIENT + np.uint64(i * samples + s)] = value


@scalar(forceinline=True)
def _light_block(
    count: int,
    view: int,
    samples: int,
    world: int,
    look: int,
    largest: int,
    resolution: int,
    lamp_side: int,
    bias: Any,
    views: Views,
    worlds: Worlds,
    drawn: Draws,
    geometry: Geometry,
    textures: Textures,
    skies: Skies,
    suns: Suns,
    faces: Faces,
    is_glass: bool,
    draws: Any,
    block: Any,
    light_block: Any,
) -> None:
    """Turn a gathered block into the radiance of one look; of a transparent one, without fog."""
    instance, stride = worlds.start[world], worlds.stride[world]
    light = worlds.light[world, look]
    apply_materials(count, look, instance, stride, worlds, textures, draws, block)
    if resolution > 0:
        measure_slack(
            count, world * worlds.light.shape[1] + look, instance, largest, view, worlds.scale, geometry.level_error,
            drawn.level, suns.level, draws, block,
        )  # fmt: skip
    light_surfaces(
        count, view, world, look, largest, resolution, lamp_side, bias, worlds, drawn, geometry, skies, suns, faces,
        is_glass, ALL, draws, block, light_block,
    )  # fmt: skip
    if worlds.sky_image[world, look] >= 0:
        show_image(count, view, world, look, samples, views, worlds, skies, draws, block)
    else:
        _show_sky(count, light, draws, block)
    if light[16] > F0 and not is_glass:
        spread_view_fog(count, view, light, views, draws, block)


@scalar
def _shade_view(
    index: int,
    band_count: int,
    largest: int,
    width: int,
    height: int,
    samples: int,
    look_count: int,
    resolution: int,
    lamp_side: int,
    bias: Any,
    views_in: Views,
    worlds_in: Worlds,
    drawn_in: Draws,
    geometry_in: Geometry,
    textures_in: Textures,
    skies_in: Skies,
    suns_in: Suns,
    faces_in: Faces,
    keys_in: Any,
    glass_in: Any,
    ambient_in: Any,
    block_out: Any,
    light_block_out: Any,
    draw_out: Any,
    colour_out: Any,
) -> None:
    """Shade one band of rows of one view in every look."""
    view = index // band_count
    band = index % band_count
    world = views_in.world[view]
    instance = worlds_in.start[world]
    columns, rows = width * samples, height * samples
    lane = 2 * index
    block, draws, light_block = block_out[lane], draw_out[lane], light_block_out[index]
    with_ambient, layers = ambient_in.shape[0] > 0, 2 if glass_in.shape[0] > 0 else 1
    for row in range(
        rows * band // band_count // samples * samples, rows * (band + 1) // band_count // samples * samples
    ):
        place = np.uint64((view * height + row // samples) * width)
        for first in range(0, columns, BLOCK):
            count = min(BLOCK, columns - first)
            # One call for both layers: it is inlined, since handing its tables over costs as much as a third of it.
            for layer in range(layers):
                gather_block(
                    view, row, first, count, columns, rows, samples, largest, views_in, instance, worlds_in, drawn_in,
                    geometry_in, keys_in if layer == 0 else glass_in, block_out[lane + layer], draw_out[lane + layer],
                )  # fmt: skip
            _read_ambient(count, first, samples, place, with_ambient, ambient_in, light_block)
            shown = 2 if layers == 2 and has_any(count, draw_out[lane + 1]) else 1
            for look in range(look_count):
                for layer in range(shown):
                    _light_block(
                        count, view, samples, world, look, largest, resolution, lamp_side, bias, views_in, worlds_in,
                        drawn_in, geometry_in, textures_in, skies_in, suns_in, faces_in, layer == 1,
                        draw_out[lane + layer], block_out[lane + layer], light_block,
                    )  # fmt: skip
                if shown == 2:
                    lay_over(
                        count, view, look, instance, worlds_in.stride[world], worlds_in.light[world, look], views_in,
                        worlds_in, draw_out[lane + 1], block_out[lane + 1], block,
                    )  # fmt: skip
                if views_in.ray_start[view] >= 0:
                    hide_outside(count, draws, block)
                _average(first, count, samples, row % samples == 0, block, colour_out[view, look, row // samples])


SHADE_VIEW = Kernel(_shade_view)
