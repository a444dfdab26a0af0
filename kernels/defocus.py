"""Defocus: what is not at the focused distance is spread over a disc.

The disc's diameter on the sensor follows from the thin lens; with a sign, it also tells what is in front of what:

    d(s) = f^2 / (N (s_f - f)) (1 - s_f / s) / p [px]        below 0 nearer than the focus s_f, above 0 farther

Every pixel gathers what would be scattered onto it. Of its neighbours, those in front of it lay their own disc over it
(so a blurred foreground spreads over its edge, and a sharp one does not); the others, at its own distance or behind it,
are averaged over the pixel's own disc (so nothing spreads onto what is sharp and in front of it):

    F = sum w(|x|, r_q) / A(r_q) front c_q,   U = sum w(|x|, r_p) (1 - front) c_q / sum w(|x|, r_p) (1 - front)
    out = F + (1 - sum of F's weights) U,     front = clip(d_p - d_q - 1, 0, 1),   w(x, r) = clip(r + 1/2 - x, 0, 1)

A is the sum of w over the pixels. An image of one colour is not changed.

Differs from a real lens: what a blurred foreground hides is not in the image, so behind its edge the surroundings stand
in; the disc is uniform, and no larger than `RADIUS_MAX`.

Source: the thin lens equation; scattering as gathering: Jimenez, "Next generation post processing in Call of Duty:
Advanced Warfare", SIGGRAPH 2014 courses.
"""

from __future__ import annotations

import functools
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .device import Kernel, scalar

RADIUS_MAX: Final = 24
"""Largest radius of a disc [px]; greater ones are drawn as this."""
TILE: Final = 32
"""Side of the squares whose largest radius bounds their neighbours' search [px]."""

_REACH: Final = 1
"""Tiles on each side that a disc can come from."""
_STEPS: Final = 64
_ZERO: Final = np.float32(0.0)
_HALF: Final = np.float32(0.5)
_ONE: Final = np.float32(1.0)


def blur_diameter(distance: float, focal_length: float, f_number: float, focus_distance: float) -> float:
    """Return the diameter of the circle of confusion on the sensor.

    Args:
        distance: Distance of a point along the axis [m], > 0; may be infinite.
        focal_length: Focal length f [m].
        f_number: Focal length over aperture N.
        focus_distance: Distance that is in focus s_f [m], above f.

    Returns:
        Diameter [m]; below 0 for a point nearer than the focus.

    Source: the thin lens equation, with the focused image's distance taken as that of the sensor.

    Example:
        >>> round(1e6 * blur_diameter(math.inf, 0.008, 2.8, 1.0), 2)  # micrometres
        23.04
    """
    scale = focal_length * focal_length / (f_number * (focus_distance - focal_length))
    return scale * (1.0 - focus_distance / distance)


@functools.lru_cache(maxsize=1)
def disc_areas() -> NDArray[np.float64]:
    """Return the areas A [px] of discs, their radii in steps of 1/64 px from 0, shape (64 RADIUS_MAX + 2,)."""
    side = np.arange(-RADIUS_MAX - 1, RADIUS_MAX + 2)
    distance = np.sqrt(side[:, None] ** 2 + side[None, :] ** 2)
    radii = np.arange(_STEPS * RADIUS_MAX + 2) / _STEPS
    areas = np.array([np.clip(radius + 0.5 - distance, 0.0, 1.0).sum() for radius in radii])
    areas.flags.writeable = False
    return areas


@scalar
def _blur_tile(
    index: Any, depth_in: Any, lens_in: Any, area_in: Any, height: Any, tiles_y: Any, blur_out: Any, radius_out: Any
) -> None:
    """Write the signed diameter and the gain of a tile's pixels, and the tile's largest radius."""
    index = np.int64(index)
    width = depth_in.shape[1]
    tiles_x = radius_out.shape[1]
    row = index // tiles_x
    tile_x = index - row * tiles_x
    image = row // tiles_y
    top = (row - image * tiles_y) * TILE
    scale, focus = lens_in[image, 0], lens_in[image, 1]
    largest = 0.0
    for y in range(top, min(top + TILE, height)):
        line = image * height + y
        for x in range(tile_x * TILE, min(tile_x * TILE + TILE, width)):
            depth = np.float64(depth_in[line, x])
            # False for NaN too: without a surface it is infinitely far.
            diameter = scale * (1.0 - focus / depth) if depth > 0.0 else scale
            diameter = min(max(diameter, -2.0 * RADIUS_MAX), 2.0 * RADIUS_MAX)
            radius = 0.5 * abs(diameter)
            place = np.int64(radius * _STEPS)
            part = radius * _STEPS - np.float64(place)
            blur_out[line, 0, x] = np.float32(diameter)
            blur_out[line, 1, x] = np.float32(1.0 / (area_in[place] + part * (area_in[place + 1] - area_in[place])))
            largest = max(largest, radius)
    radius_out[row, tile_x] = np.float32(largest)


BLUR_TILES: Final = Kernel(_blur_tile)


@scalar
def _find_reach(radius_in: Any, image: Any, tiles_y: Any, tile_y: Any, tile_x: Any) -> Any:
    """Return how far a tile's pixels must look: its own largest radius, and those of its neighbours that reach it."""
    # A disc is smaller than a tile, so that only direct neighbours reach it.
    largest = _ZERO
    for v in range(max(tile_y - _REACH, 0), min(tile_y + _REACH + 1, tiles_y)):
        for u in range(max(tile_x - _REACH, 0), min(tile_x + _REACH + 1, radius_in.shape[1])):
            largest = max(largest, radius_in[image * tiles_y + v, u])
    # Below half a pixel nothing leaves its own pixel.
    return np.int64(math.ceil(largest - _HALF)) if largest > _HALF else np.int64(0)


@scalar(forceinline=True)
def _limit(value: Any) -> Any:
    return min(max(value, _ZERO), _ONE)


@scalar(forceinline=True)
def _weigh(here: Any, there: Any, gain: Any, distance: Any) -> tuple[Any, Any]:
    """Return a neighbour's weights in front of a pixel, and at its distance or behind it."""
    front = _limit(here - there - _ONE)
    over = front * gain * _limit(_HALF * abs(there) + (_HALF - distance))
    under = (_ONE - front) * _limit(_HALF * abs(here) + (_HALF - distance))
    return over, under


@scalar(forceinline=True)
def _merge(front: Any, cover: Any, under: Any, weight: Any) -> Any:
    """Return a pixel's value of what is in front of it over what is not."""
    below = under / weight
    if cover > _ONE:
        return front / cover
    return front + (_ONE - cover) * below


@scalar(forceinline=True)
def _add_neighbours(
    work: Any, here: Any, red: Any, green: Any, blue: Any, there: Any, gain: Any, distance: Any, count: Any
) -> None:
    """Add the shares of a run of neighbours; all views begin where they are read, so that no index can be below 0."""
    for k in range(count):
        over, under = _weigh(here[k], there[k], gain[k], distance)
        work[k] += over * red[k]
        work[k + TILE] += over * green[k]
        work[k + 2 * TILE] += over * blue[k]
        work[k + 3 * TILE] += over
        work[k + 4 * TILE] += under * red[k]
        work[k + 5 * TILE] += under * green[k]
        work[k + 6 * TILE] += under * blue[k]
        work[k + 7 * TILE] += under


@scalar
def _gather_line(
    index: Any, plane_in: Any, blur_in: Any, radius_in: Any, height: Any, tiles_y: Any, work_out: Any, plane_out: Any
) -> None:
    """Do one line: a CPU's thread, which adds a neighbour's share to all pixels of a tile at once."""
    index = np.int64(index)
    width = plane_in.shape[2]
    image = index // height
    y = index - image * height
    tile_y = y // TILE
    work = work_out[index]
    for tile_x in range(radius_in.shape[1]):
        left = tile_x * TILE
        right = min(left + TILE, width)
        reach = _find_reach(radius_in, image, tiles_y, tile_y, tile_x)
        if reach == 0:
            for channel in range(3):
                for x in range(left, right):
                    plane_out[index, channel, x] = plane_in[index, channel, x]
            continue
        for k in range(8 * TILE):
            work[k] = _ZERO
        here = blur_in[index, 0]
        for dy in range(max(-reach, -y), min(reach + 1, height - y)):
            line = index + dy
            for dx in range(-reach, reach + 1):
                square = dx * dx + dy * dy
                if square >= (reach + 1) * (reach + 1):
                    continue
                distance = np.float32(math.sqrt(np.float64(square)))
                first = max(left, -dx)
                count = min(right, width - dx) - first
                start = first + dx
                _add_neighbours(
                    work[first - left :], here[first:], plane_in[line, 0, start:], plane_in[line, 1, start:],
                    plane_in[line, 2, start:], blur_in[line, 0, start:], blur_in[line, 1, start:], distance, count,
                )  # fmt: skip
        for channel in range(3):
            for x in range(left, right):
                k = x - left
                front, cover = work[k + channel * TILE], work[k + 3 * TILE]
                under, weight = work[k + (channel + 4) * TILE], work[k + 7 * TILE]
                plane_out[index, channel, x] = _merge(front, cover, under, weight)


@scalar
def _gather_pixel(
    index: Any, plane_in: Any, blur_in: Any, radius_in: Any, height: Any, tiles_y: Any, work_out: Any, plane_out: Any
) -> None:
    """Do one pixel: a CUDA thread."""
    index = np.int64(index)
    width = plane_in.shape[2]
    line = index // width
    x = index - line * width
    image = line // height
    y = line - image * height
    reach = _find_reach(radius_in, image, tiles_y, y // TILE, x // TILE)
    if reach == 0:
        for channel in range(3):
            plane_out[line, channel, x] = plane_in[line, channel, x]
        return
    here = blur_in[line, 0, x]
    red, green, blue, cover = _ZERO, _ZERO, _ZERO, _ZERO
    red_under, green_under, blue_under, weight = _ZERO, _ZERO, _ZERO, _ZERO
    for dy in range(max(-reach, -y), min(reach + 1, height - y)):
        for dx in range(max(-reach, -x), min(reach + 1, width - x)):
            square = dx * dx + dy * dy
            if square >= (reach + 1) * (reach + 1):
                continue
            distance = np.float32(math.sqrt(np.float64(square)))
            v, u = line + dy, x + dx
            over, under = _weigh(here, blur_in[v, 0, u], blur_in[v, 1, u], distance)
            red += over * plane_in[v, 0, u]
            green += over * plane_in[v, 1, u]
            blue += over * plane_in[v, 2, u]
            cover += over
            red_under += under * plane_in[v, 0, u]
            green_under += under * plane_in[v, 1, u]
            blue_under += under * plane_in[v, 2, u]
            weight += under
    plane_out[line, 0, x] = _merge(red, cover, red_under, weight)
    plane_out[line, 1, x] = _merge(green, cover, green_under, weight)
    plane_out[line, 2, x] = _merge(blue, cover, blue_under, weight)


GATHER_LINES: Final = Kernel(_gather_line)
GATHER_PIXELS: Final = Kernel(_gather_pixel)
