"""Sun shadows: the share of the sun that each sample of a block sees, from its shadow map."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ...kernels.device import scalar
from .shadow_filter import filter_shadow
from .surface import (
    FACE_X,
    FACE_Y,
    FACE_Z,
    POSITION_X,
    POSITION_Y,
    POSITION_Z,
    RUN_END,
    SLACK,
    SUN,
    WORD_A,
    WORD_B,
    WORD_C,
    WORD_D,
)

F0 = np.float32(0.0)
F1 = np.float32(1.0)
U1 = np.uint64(1)
STEEPEST = np.float32(6.0)
"""Largest slope of a receiver towards the sun that the shadow look-up follows."""


class Suns(NamedTuple):
    """Shadow maps of the suns: one per snapshot and look."""

    matrix: Any
    """Texel rows, nearness [m], texel size [m]; shape (W * L, 13) float64."""
    level: Any
    """Level of each instance in each map, -1 = casts none; int32."""
    shadow: Any
    """Bit patterns of float32 nearness, map after map, uint32."""
    step: Any
    """Whether there is a step in depth around each tile of each map, uint8; of no use where no sun has a radius."""


@scalar(forceinline=True)
def _is_lit(nearest: Any, expected: Any) -> Any:
    # An empty texel holds 0; a receiver far below all casters expects less, and is lit all the same.
    return F1 if nearest <= max(expected, F0) else F0


@scalar(forceinline=True)
def _find_texel(
    px: Any, py: Any, pz: Any, a0: Any, a1: Any, a2: Any, a3: Any, b0: Any, b1: Any, b2: Any, b3: Any, last: Any
) -> Any:
    """Return a point's texel coordinates and whether the map knows them; the map's corner stands for the others."""
    u, v = a0 * px + a1 * py + a2 * pz + a3, b0 * px + b1 * py + b2 * pz + b3
    known = (u >= F0) & (v >= F0) & (u < last) & (v < last)
    return u if known else F0, v if known else F0, known


@scalar(forceinline=True)
def find_slack(
    draw: Any, light: int, first_instance: int, largest: int, view: int, scale_in: Any, level_error_in: Any,
    level_in: Any, caster_level_in: Any,
) -> Any:  # fmt: skip
    """Return how far a sample of an instance may lie from its own shadow caster: both levels' errors [m]."""
    error = level_error_in[level_in[view * largest + draw]]
    caster = caster_level_in[light * largest + draw]
    if caster >= 0:
        error += level_error_in[caster]
    n = first_instance + draw
    return error * max(scale_in[n, 0], max(scale_in[n, 1], scale_in[n, 2]))


@scalar
def measure_slack(
    count: int,
    light: int,
    first_instance: int,
    largest: int,
    view: int,
    scale_in: Any,
    level_error_in: Any,
    level_in: Any,
    caster_level_in: Any,
    draws: Any,
    block: Any,
) -> None:
    """Write how far a sample may lie from its own shadow caster: the errors of both levels of detail [m]."""
    start = 0
    while start < count:
        draw, end = draws[np.uint64(start)], int(block[RUN_END + np.uint64(start)])
        slack = F0
        if draw >= 0:
            slack = find_slack(
                draw, light, first_instance, largest, view, scale_in, level_error_in, level_in, caster_level_in
            )
        for i in range(end - start):
            block[SLACK + np.uint64(start) + np.uint64(i)] = slack
        start = end


@scalar
def cast_sun_shadows(
    count: int, light: int, resolution: int, bias: Any, light_in: Any, shadow_in: Any, block: Any
) -> None:
    """Write the sun's visible share into a block of samples.

    Each tap is compared with the depth that the receiver's own plane has there (Isidoro 2006, "Shadow mapping:
    GPU-based tips and techniques"), so that no bias by slope is needed and shadows touch what casts them.
    """
    texel = np.float32(light_in[light, 12])
    a0, a1 = np.float32(light_in[light, 0]), np.float32(light_in[light, 1])
    a2, a3 = np.float32(light_in[light, 2]), np.float32(light_in[light, 3])
    b0, b1 = np.float32(light_in[light, 4]), np.float32(light_in[light, 5])
    b2, b3 = np.float32(light_in[light, 6]), np.float32(light_in[light, 7])
    c0, c1 = np.float32(light_in[light, 8]), np.float32(light_in[light, 9])
    c2, c3 = np.float32(light_in[light, 10]), np.float32(light_in[light, 11])
    base = np.uint64(light * resolution * resolution)
    side, row = np.uint32(resolution), np.uint64(resolution)
    last = np.float32(resolution - 2)
    limit = STEEPEST * texel
    for i in range(count):
        x = np.uint64(i)
        u, v, _ = _find_texel(
            block[POSITION_X + x], block[POSITION_Y + x], block[POSITION_Z + x], a0, a1, a2, a3, b0, b1, b2, b3, last
        )
        block[WORD_A + x] = np.uint32(np.uint32(np.int32(v)) * side + np.uint32(np.int32(u))).view(np.float32)
    for i in range(count):
        x = np.uint64(i)
        place = base + np.uint64(np.float32(block[WORD_A + x]).view(np.uint32))
        block[WORD_A + x] = np.uint32(shadow_in[place]).view(np.float32)
        block[WORD_B + x] = np.uint32(shadow_in[place + U1]).view(np.float32)
        block[WORD_C + x] = np.uint32(shadow_in[place + row]).view(np.float32)
        block[WORD_D + x] = np.uint32(shadow_in[place + row + U1]).view(np.float32)
    for i in range(count):
        x = np.uint64(i)
        gx, gy, gz = block[FACE_X + x], block[FACE_Y + x], block[FACE_Z + x]
        towards = gx * c0 + gy * c1 + gz * c2
        px, py, pz = block[POSITION_X + x], block[POSITION_Y + x], block[POSITION_Z + x]
        u, v, known = _find_texel(px, py, pz, a0, a1, a2, a3, b0, b1, b2, b3, last)
        # Two surfaces that are apart by some error are apart by more along a slanting ray.
        away = F1 / max(towards, np.float32(1e-12))
        inverse = -texel * texel * away
        slope_u = min(max((gx * a0 + gy * a1 + gz * a2) * inverse, -limit), limit)
        slope_v = min(max((gx * b0 + gy * b1 + gz * b2) * inverse, -limit), limit)
        slack = block[SLACK + x] * away
        expected = c0 * px + c1 * py + c2 * pz + c3 + slack + bias * (texel + abs(slope_u) + abs(slope_v))
        tu, tv = u - np.float32(np.floor(u)), v - np.float32(np.floor(v))
        expected -= tu * slope_u + tv * slope_v
        upper = (F1 - tu) * _is_lit(block[WORD_A + x], expected) + tu * _is_lit(block[WORD_B + x], expected + slope_u)
        expected += slope_v
        lower = (F1 - tu) * _is_lit(block[WORD_C + x], expected) + tu * _is_lit(block[WORD_D + x], expected + slope_u)
        sun = upper + (lower - upper) * tv if known else F1
        block[SUN + x] = sun if towards > F0 else F0


@scalar
def cast_soft_sun_shadows(
    count: int,
    light: int,
    resolution: int,
    bias: Any,
    radius: Any,
    light_in: Any,
    shadow_in: Any,
    step_in: Any,
    block: Any,
) -> None:
    """Do the same for a sun whose disc has an angular radius [rad]."""
    texel = np.float32(light_in[light, 12])
    spread = np.float32(math.tan(radius)) / texel
    last = np.float32(resolution - 2)
    limit = STEEPEST * texel
    reach = np.float32(resolution) * texel
    a0, a1 = np.float32(light_in[light, 0]), np.float32(light_in[light, 1])
    a2, a3 = np.float32(light_in[light, 2]), np.float32(light_in[light, 3])
    b0, b1 = np.float32(light_in[light, 4]), np.float32(light_in[light, 5])
    b2, b3 = np.float32(light_in[light, 6]), np.float32(light_in[light, 7])
    c0, c1 = np.float32(light_in[light, 8]), np.float32(light_in[light, 9])
    c2, c3 = np.float32(light_in[light, 10]), np.float32(light_in[light, 11])
    for i in range(count):
        x = np.uint64(i)
        gx, gy, gz = block[FACE_X + x], block[FACE_Y + x], block[FACE_Z + x]
        towards = gx * c0 + gy * c1 + gz * c2
        px, py, pz = block[POSITION_X + x], block[POSITION_Y + x], block[POSITION_Z + x]
        u, v, known = _find_texel(px, py, pz, a0, a1, a2, a3, b0, b1, b2, b3, last)
        sun = F1 if towards > F0 else F0
        if known and towards > F0:
            away = F1 / towards
            inverse = -texel * texel * away
            slope_u = min(max((gx * a0 + gy * a1 + gz * a2) * inverse, -limit), limit)
            slope_v = min(max((gx * b0 + gy * b1 + gz * b2) * inverse, -limit), limit)
            expected = c0 * px + c1 * py + c2 * pz + c3
            margin = block[SLACK + x] * away + bias * (texel + abs(slope_u) + abs(slope_v))
            sun = filter_shadow(
                light, resolution, u, v, expected, slope_u, slope_v, margin, F0, spread, reach, shadow_in, step_in
            )
        block[SUN + x] = sun
