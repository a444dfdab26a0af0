"""Lighting: from what surfaces are made of to the radiance that they send, and what is seen where there are none."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.device import scalar
from .features import EXTRA, SKY_IMAGES, SOFT_SUNS, SUNS
from .fog import spread_fog
from .lamps import Faces, shine_lamps
from .light_block import EXTRA_BLUE, EXTRA_GREEN, EXTRA_RED
from .shading import evaluate_sky, shade_block, shade_under_image
from .sky_image import gather_sky_light, show_sky_image
from .sun_shadows import Suns, cast_soft_sun_shadows, cast_sun_shadows
from .surface import BLUE, GREEN, RED, SUN, VIEW_X, VIEW_Y, VIEW_Z
from .tables import Draws, Geometry, Skies, Views, Worlds
from .transparency import thin_albedo

F0 = np.float32(0.0)
F1 = np.float32(1.0)


@scalar(forceinline=True)
def show_gradient(start: int, run: int, light: Any, block: Any) -> None:
    """Write the radiance of a look's gradient sky into a run of samples."""
    origin = np.uint64(start)
    for i in range(run):
        x = origin + np.uint64(i)
        up = -block[VIEW_Z + x]
        block[RED + x] = evaluate_sky(up, light[6], light[9], light[12])
        block[GREEN + x] = evaluate_sky(up, light[7], light[10], light[13])
        block[BLUE + x] = evaluate_sky(up, light[8], light[11], light[14])


@scalar(forceinline=True)
def show_image(
    count: int, view: int, world: int, look: int, samples: int, views: Views, worlds: Worlds, skies: Skies, draws: Any,
    block: Any,
) -> None:  # fmt: skip
    """Write the radiance of a look's sky image where a block of samples sees nothing."""
    angle = np.float32(1.0 / (max(views.camera[view, 0], views.camera[view, 1]) * samples))
    show_sky_image(count, worlds.sky_image[world, look], worlds.light[world, look], angle, skies, draws, block)


@scalar(forceinline=True)
def spread_view_fog(count: int, view: int, light: Any, views: Views, draws: Any, block: Any) -> None:
    """Spread a look's fog between a block of samples and a view's eye."""
    camera = views.camera
    spread_fog(
        count, light, np.float32(camera[view, 18]), np.float32(camera[view, 19]), np.float32(camera[view, 20]),
        np.float32(camera[view, 5]), draws, block,
    )  # fmt: skip


@scalar
def hide_outside(count: int, draws: Any, block: Any) -> None:
    """Write black where a lens has no ray."""
    for i in range(count):
        x = np.uint64(i)
        if draws[x] < 0 and block[VIEW_X + x] == F0 and block[VIEW_Y + x] == F0 and block[VIEW_Z + x] == F0:
            block[RED + x], block[GREEN + x], block[BLUE + x] = F0, F0, F0


@scalar
def _read_emission(
    count: int, look: int, first_instance: int, stride: int, worlds: Worlds, draws: Any, light_block: Any
) -> None:
    """Start the extra radiance with what the surfaces give off themselves."""
    for i in range(count):
        x = np.uint64(i)
        red, green, blue = F0, F0, F0
        if draws[x] >= 0:
            material = worlds.material[first_instance + draws[x]] + look * stride
            red, green = worlds.material_floats[material, 11], worlds.material_floats[material, 12]
            blue = worlds.material_floats[material, 13]
        light_block[EXTRA_RED + x], light_block[EXTRA_GREEN + x], light_block[EXTRA_BLUE + x] = red, green, blue


@scalar
def _add_extra(count: int, block: Any, light_block: Any) -> None:
    for i in range(count):
        x = np.uint64(i)
        block[RED + x] += light_block[EXTRA_RED + x]
        block[GREEN + x] += light_block[EXTRA_GREEN + x]
        block[BLUE + x] += light_block[EXTRA_BLUE + x]


@scalar(forceinline=True)
def light_surfaces(
    count: int,
    view: int,
    world: int,
    look: int,
    largest: int,
    resolution: int,
    lamp_side: int,
    bias: Any,
    worlds: Worlds,
    drawn: Draws,
    geometry: Geometry,
    skies: Skies,
    suns: Suns,
    faces: Faces,
    is_glass: bool,
    features: int,
    draws: Any,
    block: Any,
    light_block: Any,
) -> None:
    """Turn albedo, roughness, metalness and slack of a block of samples into the radiance of one look."""
    instance, stride = worlds.start[world], worlds.stride[world]
    light = worlds.light[world, look]
    if is_glass:
        thin_albedo(count, look, instance, stride, worlds, draws, block)
    if features & SUNS != 0 and resolution > 0:
        sun = world * worlds.light.shape[1] + look
        if features & SOFT_SUNS != 0 and light[15] > F0:
            cast_soft_sun_shadows(count, sun, resolution, bias, light[15], suns.matrix, suns.shadow, suns.step, block)
        else:
            cast_sun_shadows(count, sun, resolution, bias, suns.matrix, suns.shadow, block)
    else:
        for i in range(count):
            block[SUN + np.uint64(i)] = F1
    has_extra = features & EXTRA != 0 and (worlds.glows[world, look] == 1 or worlds.lamp.shape[2] > 0)
    if has_extra:
        _read_emission(count, look, instance, stride, worlds, draws, light_block)
        shine_lamps(
            count, world, look, view, largest, lamp_side, bias, worlds, geometry.level_error, drawn.level, faces, draws,
            block, light_block,
        )  # fmt: skip
    sky = worlds.sky_image[world, look]
    if features & SKY_IMAGES != 0 and sky >= 0:
        gather_sky_light(count, sky, light, skies, draws, block, light_block)
        shade_under_image(count, light, block, light_block)
    else:
        shade_block(count, light, block, light_block)
    if has_extra:
        _add_extra(count, block, light_block)
