"""Sample shading: a thread per pixel and look, for CUDA, from the functions that shade blocks on the CPU.

A block here has room for one sample: its fields are named by other constants, which is all that differs in the source.
Places that are constants are registers, loops over one sample vanish, and so does what `features` rule out.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import Kernel, scalar
from ...kernels.local_arrays import local_floats, local_ints
from ...kernels.variants import vary
from . import light_block as light_fields
from . import surface as surface_fields
from .features import FOG, GLASS, LENSES, SKY_IMAGES, SUNS, SUPERSAMPLES, round_up
from .lamps import Faces
from .light_block import AMBIENT, LIGHT_FIELD_COUNT
from .lighting import hide_outside, light_surfaces, show_gradient, show_image, spread_view_fog
from .materials import paint_run
from .sun_shadows import Suns, find_slack
from .surface import BLOCK, BLUE, FIELD_COUNT, GREEN, LOW, RED, SLACK, gather_run, read_draw, trace_samples
from .tables import Draws, Geometry, Skies, Textures, Views, Worlds
from .transparency import lay_over

F0 = np.float32(0.0)
F1 = np.float32(1.0)
FIRST = np.uint64(0)
LONE_FIELDS: Final = {
    name: value // np.uint64(BLOCK)
    for module in (surface_fields, light_fields)
    for name, value in vars(module).items()
    if isinstance(value, np.uint64) and value % np.uint64(BLOCK) == 0
}
"""Where a block of one sample has its fields."""


@scalar(forceinline=True)
def _light_sample(
    view: int, world: int, look: int, largest: int, samples: int, resolution: int, lamp_side: int, bias: Any,
    views: Views, worlds: Worlds, drawn: Draws, geometry: Geometry, textures: Textures, skies: Skies, suns: Suns,
    faces: Faces, is_glass: bool, features: int, draws: Any, block: Any, light_block: Any,
) -> None:  # fmt: skip
    """Turn a gathered sample into the radiance of one look; of a transparent one, without fog."""
    light = worlds.light[world, look]
    if draws[FIRST] >= 0:
        first, sun = worlds.start[world], world * worlds.light.shape[1] + look
        paint_run(draws[FIRST], 0, 1, look, first, worlds.stride[world], worlds, textures, features, block)
        if features & SUNS != 0 and resolution > 0:
            block[SLACK] = find_slack(
                draws[FIRST], sun, first, largest, view, worlds.scale, geometry.level_error, drawn.level, suns.level
            )
        light_surfaces(
            1, view, world, look, largest, resolution, lamp_side, bias, worlds, drawn, geometry, skies, suns, faces,
            is_glass, features, draws, block, light_block,
        )  # fmt: skip
    elif features & SKY_IMAGES != 0 and worlds.sky_image[world, look] >= 0:
        show_image(1, view, world, look, samples, views, worlds, skies, draws, block)
    else:
        show_gradient(0, 1, light, block)
    if features & FOG != 0 and light[16] > F0 and not is_glass:
        spread_view_fog(1, view, light, views, draws, block)


@scalar(forceinline=True)
def _shade_sample(
    view: int, look: int, row: int, column: int, columns: int, rows: int, samples: int, largest: int, resolution: int,
    lamp_side: int, bias: Any, ambient: Any, views: Views, worlds: Worlds, drawn: Draws, geometry: Geometry,
    textures: Textures, skies: Skies, suns: Suns, faces: Faces, keys: Any, glass: Any, features: int,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Return the radiance of one sample in one look."""
    block, light_block, behind = local_floats(FIELD_COUNT), local_floats(LIGHT_FIELD_COUNT), local_floats(FIELD_COUNT)
    draws = local_ints(1)
    world = views.world[view]
    first = worlds.start[world]
    place = np.uint64((view * rows + row) * columns + column)
    light_block[AMBIENT] = ambient
    behind[RED], behind[GREEN], behind[BLUE] = F0, F0, F0
    # One call for both layers, as on the CPU: it is inlined.
    for layer in range(2 if features & GLASS != 0 and glass.shape[0] > 0 else 1):
        shown = keys if layer == 0 else glass
        low = shown[place] & LOW
        seen: Any = np.int64(-1) if low == np.uint64(0) else read_draw(low)
        if layer > 0 and seen < 0:
            continue
        trace_samples(view, row, column, 1, columns, rows, samples, views, shown, features, block)
        gather_run(view, low, seen, 0, 1, largest, first, worlds, drawn, geometry, features, block, draws)
        _light_sample(
            view, world, look, largest, samples, resolution, lamp_side, bias, views, worlds, drawn, geometry, textures,
            skies, suns, faces, layer == 1, features, draws, block, light_block,
        )  # fmt: skip
        if layer == 0:
            if features & LENSES != 0 and views.ray_start[view] >= 0:
                hide_outside(1, draws, block)
            behind[RED], behind[GREEN], behind[BLUE] = block[RED], block[GREEN], block[BLUE]
        else:
            lay_over(
                1, view, look, first, worlds.stride[world], worlds.light[world, look], views, worlds, draws, block,
                behind,
            )  # fmt: skip
    return behind[RED], behind[GREEN], behind[BLUE]


@scalar(forceinline=True)
def _shade_pixel(
    index: int, look_count: int, largest: int, width: int, height: int, samples: int, resolution: int, lamp_side: int,
    bias: Any, views: Views, worlds: Worlds, drawn: Draws, geometry: Geometry, textures: Textures, skies: Skies,
    suns: Suns, faces: Faces, keys: Any, glass: Any, ambient_in: Any, features: int, colour_out: Any,
) -> None:  # fmt: skip
    """Write the mean radiance of one pixel's samples in one look, added up in the CPU's order."""
    line, column = index // width, index % width
    image, row = line // height, line % height
    view, look = image // look_count, image % look_count
    ambient = F1
    if ambient_in.shape[0] > 0:
        ambient = ambient_in[np.uint64((view * height + row) * width + column)]
    side = samples if features & SUPERSAMPLES != 0 else 1
    share = np.float32(1.0 / (side * side))
    red, green, blue = F0, F0, F0
    for down in range(side):
        line_red, line_green, line_blue = F0, F0, F0
        for right in range(side):
            r, g, b = _shade_sample(
                view, look, row * side + down, column * side + right, width * side, height * side, side,
                largest, resolution, lamp_side, bias, ambient, views, worlds, drawn, geometry, textures, skies, suns,
                faces, keys, glass, features,
            )  # fmt: skip
            line_red, line_green, line_blue = line_red + r, line_green + g, line_blue + b
        red, green, blue = red + line_red * share, green + line_green * share, blue + line_blue * share
    place = np.uint64(3 * column)
    pixels = colour_out[view, look, row]
    pixels[place], pixels[place + np.uint64(1)], pixels[place + np.uint64(2)] = red, green, blue


@functools.lru_cache(maxsize=256)
def build_shading(features: int) -> Kernel:
    """Return the kernel that shades pictures with some features; its index runs over views, looks, rows and columns.

    Args:
        features: What may occur (see `features`).
    """
    shade_lone = vary(_shade_pixel, LONE_FIELDS)

    @scalar
    def shade_pixel(
        index: int, look_count: int, largest: int, width: int, height: int, samples: int, resolution: int,
        lamp_side: int, bias: Any, views_in: Views, worlds_in: Worlds, drawn_in: Draws, geometry_in: Geometry,
        textures_in: Textures, skies_in: Skies, suns_in: Suns, faces_in: Faces, keys_in: Any, glass_in: Any,
        ambient_in: Any, colour_out: Any,
    ) -> None:  # fmt: skip
        shade_lone(
            index, look_count, largest, width, height, samples, resolution, lamp_side, bias, views_in, worlds_in,
            drawn_in, geometry_in, textures_in, skies_in, suns_in, faces_in, keys_in, glass_in, ambient_in, features,
            colour_out,
        )  # fmt: skip

    # Compiled code is kept by this name.
    shade_pixel.__name__ = shade_pixel.__qualname__ = f"shade_pixel_{features}"
    return Kernel(shade_pixel)


def shade_pixels(chunk: Any, bias: Any, keys: Any, ambient: Any, views: Views, colour: NDArray[np.float32]) -> None:
    """Fill the colour of every look of a chunk.

    Args:
        chunk: Views, drawn.
        bias: Constant bias of the shadow test [texels].
        keys: Visibility of the samples.
        ambient: Open share of the sky of every pixel, None = all.
        views: The views with the lenses of the samples.
        colour: Output, shape (V, L, height, width, 3).
    """
    pixels = chunk.view_count * chunk.looks * chunk.height * chunk.width
    chunk.launch(
        build_shading(round_up(chunk.features)), pixels, chunk.looks, chunk.largest, chunk.width, chunk.height,
        chunk.settings.supersample, chunk.resolution, chunk.lamp_side, bias, views, chunk.worlds, chunk.drawn,
        chunk.geometry, chunk.textures, chunk.skies, chunk.suns, chunk.faces, keys, chunk.glass,
        chunk.take("no ambient", (0,), np.float32) if ambient is None else ambient,
        colour.reshape(*colour.shape[:3], 3 * chunk.width),
    )  # fmt: skip
