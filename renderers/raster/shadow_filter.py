"""Shadow filter: which share of a light a point sees, from a map of nearness.

Contact-hardening shadows (Fernando 2005, "Percentage-closer soft shadows"): the mean of what blocks the light within
reach tells the penumbra's width, over which the comparisons of a regular grid of taps are averaged. Each tap is
compared with the nearness that the receiver's own plane has there (Isidoro 2006, "Shadow mapping: GPU-based tips and
techniques"), so that no bias by slope is needed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.device import Kernel, scalar
from .spans import locate_span

F0 = np.float32(0.0)
F1 = np.float32(1.0)
HALF = np.float32(0.5)
WIDEST = np.float32(16.0)
"""Largest radius of a penumbra [texels]."""
MOST_STEPS = 8
"""Taps from the centre of a penumbra to its rim."""
SEARCH_STEPS = 3
TILE = 16
"""Texels per side of a tile; no less than `WIDEST`."""


@scalar(forceinline=True)
def _as_float(bits: Any) -> Any:
    return np.uint32(bits).view(np.float32)


@scalar
def _find_steps(index: int, span: int, side: int, tiles: int, tolerance_in: Any, shadow_in: Any, step_out: Any) -> None:
    """Write which tiles in a span of a row of one map hold a step in depth: a second difference above a few texels.

    Where there is none no edge of a shadow can be, whatever the light's size.
    """
    line, begin, end = locate_span(index, span, tiles)
    face, row = line // tiles, line % tiles
    place = np.uint64(line * tiles)
    base, slope = tolerance_in[face, 0], tolerance_in[face, 1]
    for tile in range(begin, end):
        step_out[place + np.uint64(tile)] = np.uint8(0)
    for y in range(row * TILE, min(row * TILE + TILE, side)):
        line = np.uint64((face * side + y) * side)
        above = line - np.uint64(side) if y > 0 else line
        below = line + np.uint64(side) if y < side - 1 else line
        for tile in range(begin, end):
            found = np.uint8(0)
            for x in range(max(tile * TILE, 1), min(tile * TILE + TILE, side - 1)):
                at = np.uint64(x)
                here = _as_float(shadow_in[line + at])
                across = _as_float(shadow_in[line + at - np.uint64(1)]) + _as_float(shadow_in[line + at + np.uint64(1)])
                down = _as_float(shadow_in[above + at]) + _as_float(shadow_in[below + at])
                limit = base + slope * here
                rough = max(abs(across - here - here), abs(down - here - here)) > limit
                found = np.uint8(1) if rough else found
            step_out[place + np.uint64(tile)] |= found


@scalar
def _spread_steps(index: int, span: int, tiles: int, step_in: Any, step_out: Any) -> None:
    """Write whether there is a step among the nine tiles around each in a span of one row."""
    line, begin, end = locate_span(index, span, tiles)
    face, row = line // tiles, line % tiles
    for tile in range(begin, end):
        found = np.uint8(0)
        for y in range(max(row - 1, 0), min(row + 2, tiles)):
            for x in range(max(tile - 1, 0), min(tile + 2, tiles)):
                found |= step_in[np.uint64((face * tiles + y) * tiles + x)]
        step_out[np.uint64(line * tiles + tile)] = found


@scalar
def _read_nearness(first: Any, side: int, column: Any, row: Any, shadow_in: Any) -> Any:
    last = np.float32(side - 1)
    x, y = min(max(column, F0), last), min(max(row, F0), last)
    return np.uint32(shadow_in[first + np.uint64(np.int64(y) * side + np.int64(x))]).view(np.float32)


@scalar
def _compare_tap(
    first: Any, side: int, u: Any, v: Any, expected: Any, slope_u: Any, slope_v: Any, floor: Any, shadow_in: Any
) -> Any:
    """Return the lit share of the four texels around (u, v), where the receiver's nearness is `expected`."""
    column, row = np.float32(math.floor(u)), np.float32(math.floor(v))
    tu, tv = u - column, v - row
    corner = expected - tu * slope_u - tv * slope_v
    lit = F0
    for k in range(4):
        right, down = np.float32(k & 1), np.float32(k >> 1)
        nearest = _read_nearness(first, side, column + right, row + down, shadow_in)
        weight = (tu if k & 1 else F1 - tu) * (tv if k >> 1 else F1 - tv)
        if nearest <= max(corner + right * slope_u + down * slope_v, floor):
            lit += weight
    return lit


FIND_STEPS = Kernel(_find_steps)
SPREAD_STEPS = Kernel(_spread_steps)


@scalar
def filter_shadow(
    face: int,
    side: int,
    u: Any,
    v: Any,
    expected: Any,
    slope_u: Any,
    slope_v: Any,
    bias: Any,
    floor: Any,
    spread: Any,
    reach: Any,
    shadow_in: Any,
    step_in: Any,
) -> Any:
    """Return the share of a light that a point sees.

    Args:
        face: The map.
        side: Texels per side.
        u: Point in texels; texel k is centred at k (float32).
        v: The same, along rows.
        expected: Nearness of the receiver at the point (float32).
        slope_u: Change of it along its own plane, per texel.
        slope_v: The same, along rows.
        bias: Nearness by which a blocker must lie before the receiver.
        floor: Nearness of an empty texel.
        spread: Penumbra's radius per difference in nearness [texels]; 0 = a light without extent.
        reach: Difference in nearness of the farthest blocker that is searched for.
        shadow_in: All maps: bit patterns of float32 nearness.
        step_in: Whether there is a step in depth around each tile of each map.

    Returns:
        Share in [0, 1] (float32).
    """
    tiles = (side + TILE - 1) // TILE
    tile = (face * tiles + int(v) // TILE) * tiles + int(u) // TILE
    first = np.uint64(face) * np.uint64(side * side)
    if step_in[np.uint64(tile)] == 0:
        return _compare_tap(first, side, u, v, expected + bias, slope_u, slope_v, floor, shadow_in)
    radius = HALF
    if spread > F0:
        search = min(max(spread * reach, F1), WIDEST)
        total, count, taps = F0, F0, F0
        step = search / np.float32(SEARCH_STEPS)
        for j in range(-SEARCH_STEPS, SEARCH_STEPS + 1):
            for i in range(-SEARCH_STEPS, SEARCH_STEPS + 1):
                column = np.float32(math.floor(u + np.float32(i) * step + HALF))
                row = np.float32(math.floor(v + np.float32(j) * step + HALF))
                nearest = _read_nearness(first, side, column, row, shadow_in)
                here = expected + (column - u) * slope_u + (row - v) * slope_v
                taps += F1
                if nearest > max(here + bias, floor):
                    total += nearest - here
                    count += F1
        if count == F0:
            return F1
        if count == taps:
            return F0
        radius = min(max(spread * total / count, HALF), WIDEST)
    steps = min(max(int(math.ceil(radius)), 1), MOST_STEPS)
    step = radius / np.float32(steps)
    lit, taps = F0, F0
    limit = radius * radius * np.float32(1.01)
    for j in range(-steps, steps + 1):
        dv = np.float32(j) * step
        for i in range(-steps, steps + 1):
            du = np.float32(i) * step
            if du * du + dv * dv <= limit:
                here = expected + du * slope_u + dv * slope_v + bias
                lit += _compare_tap(first, side, u + du, v + dv, here, slope_u, slope_v, floor, shadow_in)
                taps += F1
    return lit / taps
