"""Transparency: the nearest transparent surface before what is seen through it, without refraction."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.device import Kernel, scalar
from .fog import exp_negative
from .spans import locate_span
from .surface import (
    BLUE,
    GREEN,
    NORMAL_X,
    NORMAL_Y,
    NORMAL_Z,
    POSITION_X,
    POSITION_Y,
    POSITION_Z,
    RED,
    VIEW_X,
    VIEW_Y,
    VIEW_Z,
    read_draw,
    read_nearness,
    read_ray,
)
from .tables import Views, Worlds

F0 = np.float32(0.0)
F1 = np.float32(1.0)
LOW = np.uint64(0xFFFFFFFF)


@scalar
def _hide_behind(index: int, span: int, columns: int, keys_in: Any, glass_out: Any) -> None:
    """Empty a span of one row's keys of transparent surfaces where something opaque lies before them."""
    line, begin, end = locate_span(index, span, columns)
    place = np.uint64(line * columns)
    for i in range(begin, end):
        x = place + np.uint64(i)
        if (keys_in[x] >> np.uint64(32)) >= (glass_out[x] >> np.uint64(32)):
            glass_out[x] = np.uint64(0)


@scalar
def has_any(count: int, draws: Any) -> bool:
    """Return whether a block sees anything."""
    found = False
    for i in range(count):
        found = found or draws[np.uint64(i)] >= 0
    return found


@scalar(forceinline=True)
def _read_opacity(draw: int, look: int, first_instance: int, stride: int, worlds: Worlds) -> Any:
    return worlds.material_floats[worlds.material[first_instance + draw] + look * stride, 10]


@scalar
def thin_albedo(
    count: int, look: int, first_instance: int, stride: int, worlds: Worlds, draws: Any, block: Any
) -> None:
    """Leave of a block's albedo the share that its opacity stops; what mirrors does so in full."""
    for i in range(count):
        x = np.uint64(i)
        if draws[x] >= 0:
            opacity = _read_opacity(draws[x], look, first_instance, stride, worlds)
            block[RED + x] *= opacity
            block[GREEN + x] *= opacity
            block[BLUE + x] *= opacity


@scalar
def lay_over(
    count: int,
    view: int,
    look: int,
    first_instance: int,
    stride: int,
    light: Any,
    views: Views,
    worlds: Worlds,
    draws: Any,
    glass: Any,
    block: Any,
) -> None:
    """Put the radiance of a block of transparent samples over that of what is behind them.

    What passes is 1 - opacity, less Schlick's reflection of a dielectric; the fog between glass and eye, which the
    light from behind went through already, is added for the rest alone.
    """
    eye_x, eye_y = np.float32(views.camera[view, 18]), np.float32(views.camera[view, 19])
    eye_z = np.float32(views.camera[view, 20])
    for i in range(count):
        x = np.uint64(i)
        if draws[x] < 0:
            continue
        opacity = _read_opacity(draws[x], look, first_instance, stride, worlds)
        facing = (
            glass[NORMAL_X + x] * glass[VIEW_X + x]
            + glass[NORMAL_Y + x] * glass[VIEW_Y + x]
            + glass[NORMAL_Z + x] * glass[VIEW_Z + x]
        )
        edge = min(max(F1 - facing, F0), F1)
        square = edge * edge
        passed = (F1 - opacity) * (np.float32(0.96) - np.float32(0.96) * square * square * edge)
        dx, dy = glass[POSITION_X + x] - eye_x, glass[POSITION_Y + x] - eye_y
        dz = glass[POSITION_Z + x] - eye_z
        kept = exp_negative(light[16] * np.float32(math.sqrt(dx * dx + dy * dy + dz * dz)))
        veil = (F1 - kept) * (F1 - passed)
        block[RED + x] = block[RED + x] * passed + glass[RED + x] * kept + light[17] * veil
        block[GREEN + x] = block[GREEN + x] * passed + glass[GREEN + x] * kept + light[18] * veil
        block[BLUE + x] = block[BLUE + x] * passed + glass[BLUE + x] * kept + light[19] * veil


@scalar
def _resolve_transparent(
    index: int,
    span: int,
    width: int,
    height: int,
    look_count: int,
    views_in: Views,
    worlds_in: Worlds,
    glass_in: Any,
    instance_out: Any,
    depth_out: Any,
    coverage_out: Any,
) -> None:
    """Write a span of one row of the labels of transparent surfaces; an output with no rows was not asked for."""
    line, begin, end = locate_span(index, span, width)
    view, row = line // height, line % height
    world = views_in.world[view]
    first = worlds_in.start[world]
    with_instance, with_depth, with_coverage = (
        instance_out.shape[0] > 0, depth_out.shape[0] > 0, coverage_out.shape[0] > 0,
    )  # fmt: skip
    for x in range(begin, end):
        key = glass_in[np.uint64(line * width + x)]
        hit = (key & LOW) != np.uint64(0)
        draw = read_draw(key) if hit else 0
        if with_instance:
            instance_out[view, row, x] = worlds_in.instance[first + draw] if hit else 0
        if with_depth:
            reach = F1 / read_nearness(key) if hit else F0
            depth_out[view, row, x] = np.float32(reach * read_ray(views_in, view, row, x, width)[2])
        if with_coverage:
            for look in range(look_count):
                opacity = _read_opacity(draw, look, first, worlds_in.stride[world], worlds_in)
                coverage_out[view, look, row, x] = opacity if hit else F0


HIDE_BEHIND = Kernel(_hide_behind)
RESOLVE_TRANSPARENT = Kernel(_resolve_transparent)
