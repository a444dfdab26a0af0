"""Ambient occlusion: how much of the sky the surroundings of a pixel hide, from its view's own depths.

Horizons (Bavoil, Sainz and Dimitrov 2008, "Image-space horizon-based ambient occlusion"): in each of eight directions
on the image the steepest rise above the tangent plane is looked for among a few taps; a slice whose horizon has the
elevation h loses sin^2 h of its cosine-weighted sky. The search ends at a share of the image's width, so that it needs
no unit of length. It works on every second to eighth pixel, and a filter that stops at edges in depth goes back to all.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import Kernel, scalar
from .spans import locate_span
from .surface import BLOCK, read_nearness

F0 = np.float32(0.0)
F1 = np.float32(1.0)
F2 = np.float32(2.0)
REACH = 0.08
"""Radius of the search [image widths]."""
DIRECTIONS, STEPS = 8, 3
GAIN = 1.5
"""Of what the closed form of a wall takes away, the few taps on the image find some two thirds."""
ALIKE = np.float32(150.0)
"""Relative difference in depth, inverted, at which a neighbour counts half."""
TOLERANCE = np.float32(0.08)
"""Sine of the rise that is not counted: facets of a curved surface."""


def plan_taps(width: int) -> tuple[int, NDArray[np.int32], float]:
    """Plan the search for images of one width.

    Args:
        width: Image width [px].

    Returns:
        Pixels between neighbours of the coarse grid; taps (right, down) in its cells, shape (DIRECTIONS * STEPS, 2);
        the radius [px].
    """
    stride = min(max(width // 200, 2), 8)
    radius = max(REACH * width, 3.0)
    taps = []
    for k in range(DIRECTIONS):
        angle = 2.0 * math.pi * (k + 0.25) / DIRECTIONS
        for step in range(STEPS):
            length = radius / stride * ((step + 1) / STEPS) ** 1.5
            right, down = round(length * math.cos(angle)), round(length * math.sin(angle))
            if right == 0 and down == 0:
                right, down = round(math.cos(angle)), round(math.sin(angle))
            taps.append((right, down))
    return stride, np.array(taps, np.int32), radius


@scalar
def _thin_depths(
    index: int, span: int, width: int, height: int, stride: int, columns: int, rows: int, pad: int, keys_in: Any,
    near_out: Any,
) -> None:  # fmt: skip
    """Write a span of one row of the coarse grid's nearness, framed by something far away: one row, `pad` columns."""
    line, begin, end = locate_span(index, span, columns + 2 * pad)
    view, row = line // (rows + 2), line % (rows + 2) - 1
    target = np.uint64(line * (columns + 2 * pad))
    for i in range(begin, end):
        near_out[target + np.uint64(i)] = np.float32(1e-4)
    if row < 0 or row >= rows:
        return
    source = np.uint64((view * height + min(row * stride, height - 1)) * width)
    for i in range(max(begin - pad, 0), min(end - pad, columns)):
        x = np.uint64(min(i * stride, width - 1))
        near_out[target + np.uint64(pad + i)] = read_nearness(keys_in[source + x])


@scalar(forceinline=True)
def _gentler(a: Any, b: Any) -> Any:
    return a if abs(a) <= abs(b) else b


@scalar(forceinline=True)
def _find_normals(
    first: int, run: int, here: Any, above: Any, below: Any, stride: Any, fx: Any, fy: Any, cx: Any, ray_y: Any, y: Any,
    near_in: Any, scratch: Any,
) -> None:  # fmt: skip
    """Write position, unit normal and no occlusion yet: six fields and one, of constant stride."""
    for i in range(run):
        x = np.uint64(i)
        n = near_in[here + x]
        ray_x = (np.float32(first + i) * stride - cx) / fx
        z = F1 / n
        a = _gentler(near_in[here + x + np.uint64(1)] - n, n - near_in[here + x - np.uint64(1)]) / stride
        b = _gentler(near_in[below + x] - n, n - near_in[above + x]) / stride
        nx, ny = -a * fx, -b * fy
        nz = -(n - a * ray_x * fx - b * y)
        inverse = F1 / np.float32(math.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-30)))
        scratch[x], scratch[np.uint64(BLOCK) + x], scratch[np.uint64(2 * BLOCK) + x] = ray_x * z, ray_y * z, z
        scratch[np.uint64(3 * BLOCK) + x] = nx * inverse
        scratch[np.uint64(4 * BLOCK) + x] = ny * inverse
        scratch[np.uint64(5 * BLOCK) + x] = nz * inverse
        scratch[np.uint64(6 * BLOCK) + x] = F0


@scalar(forceinline=True)
def _raise_horizon(
    first: int, run: int, there: Any, shift: Any, stride: Any, fx: Any, cx: Any, ray_y: Any, reach: Any, near_in: Any,
    scratch: Any,
) -> None:  # fmt: skip
    """Keep the steepest rise towards one tap."""
    for i in range(run):
        x = np.uint64(i)
        z = F1 / near_in[there + x]
        px, pz = scratch[x], scratch[np.uint64(2 * BLOCK) + x]
        dx = ((np.float32(first + i) + shift) * stride - cx) / fx * z - px
        dy = ray_y * z - scratch[np.uint64(BLOCK) + x]
        dz = z - pz
        rise = (
            dx * scratch[np.uint64(3 * BLOCK) + x]
            + dy * scratch[np.uint64(4 * BLOCK) + x]
            + dz * scratch[np.uint64(5 * BLOCK) + x]
        )
        square = dx * dx + dy * dy + dz * dz + np.float32(1e-20)
        sine = (rise / np.float32(math.sqrt(square)) - TOLERANCE) * (F1 / (F1 - TOLERANCE))
        # What comes into reach must not pop in: its part fades over the last third of the way.
        limit = reach * pz
        fade = min(max(F2 - F2 * square / (limit * limit), F0), F1)
        scratch[np.uint64(7 * BLOCK) + x] = max(scratch[np.uint64(7 * BLOCK) + x], sine * fade)


@scalar(forceinline=True)
def occlude_cells(
    line: int, first: int, run: int, columns: int, rows: int, stride: int, pad: int, radius: Any, camera: Any,
    taps: Any, near_in: Any, scratch: Any, open_out: Any,
) -> None:  # fmt: skip
    """Write a run of cells of one row of the coarse grid: the share of the sky that is open."""
    view, row = line // rows, line % rows
    fx, fy = np.float32(camera[view, 0]), np.float32(camera[view, 1])
    cx, cy = np.float32(camera[view, 2]), np.float32(camera[view, 3])
    pitch = columns + 2 * pad
    step = np.float32(stride)
    reach = radius / fx
    y = np.float32(row * stride) - cy
    above_all = view * (rows + 2) + row + 1
    here = np.uint64(above_all * pitch + pad + first)
    above, below = here - np.uint64(pitch), here + np.uint64(pitch)
    _find_normals(first, run, here, above, below, step, fx, fy, cx, y / fy, y, near_in, scratch)
    for direction in range(DIRECTIONS):
        for i in range(run):
            scratch[np.uint64(7 * BLOCK) + np.uint64(i)] = F0
        for tap in range(direction * STEPS, (direction + 1) * STEPS):
            right, down = taps[tap, 0], taps[tap, 1]
            if row + down < 0 or row + down >= rows:
                continue
            there = np.uint64((above_all + down) * pitch + pad + first + right)
            ray_y = (np.float32((row + down) * stride) - cy) / fy
            _raise_horizon(first, run, there, np.float32(right), step, fx, cx, ray_y, reach, near_in, scratch)
        for i in range(run):
            x = np.uint64(i)
            sine = scratch[np.uint64(7 * BLOCK) + x]
            scratch[np.uint64(6 * BLOCK) + x] += sine * sine
    for i in range(run):
        x = np.uint64(i)
        hidden = scratch[np.uint64(6 * BLOCK) + x] * np.float32(GAIN / DIRECTIONS)
        open_out[np.uint64(line * columns + first) + x] = max(F1 - hidden, F0)


@scalar
def _find_occlusion(
    index: int,
    columns: int,
    rows: int,
    stride: int,
    pad: int,
    radius: Any,
    camera_in: Any,
    tap_in: Any,
    near_in: Any,
    scratch_out: Any,
    open_out: Any,
) -> None:
    """Do so for a whole row."""
    scratch = scratch_out[index]
    for first in range(0, columns, BLOCK):
        run = min(BLOCK, columns - first)
        occlude_cells(
            index, first, run, columns, rows, stride, pad, radius, camera_in, tap_in, near_in, scratch, open_out
        )


@scalar(forceinline=True)
def weigh_depth(here: Any, there: Any) -> Any:
    """Return the weight of a neighbour by how alike two nearnesses are."""
    apart = (there - here) / here * ALIKE
    return F1 / (F1 + apart * apart)


@scalar(forceinline=True)
def _add_neighbour(
    begin: int, end: int, here: Any, there: Any, source: Any, near_in: Any, open_in: Any, scratch: Any
) -> None:
    shift = np.uint64(begin)
    for i in range(end - begin):
        x = np.uint64(i)
        weight = weigh_depth(near_in[here + shift + x], near_in[there + x])
        scratch[shift + x] += weight * open_in[source + x]
        scratch[np.uint64(BLOCK) + shift + x] += weight


@scalar
def _smooth_occlusion(
    index: int, columns: int, rows: int, pad: int, near_in: Any, open_in: Any, scratch_out: Any, smooth_out: Any
) -> None:
    """Write one row of means over 5x5 cells, weighted by how alike their depths are: few taps leave blotches."""
    view, row = index // rows, index % rows
    pitch = columns + 2 * pad
    scratch = scratch_out[index]
    for first in range(0, columns, BLOCK):
        run = min(BLOCK, columns - first)
        here = np.uint64((index + 2 * view + 1) * pitch + pad + first)
        for i in range(run):
            scratch[np.uint64(i)], scratch[np.uint64(BLOCK + i)] = F0, F0
        for down in range(max(-2, -row), min(3, rows - row)):
            for right in range(-2, 3):
                begin, end = max(0, -first - right), min(run, columns - first - right)
                there = np.uint64((index + down + 2 * view + 1) * pitch + pad + first + right + begin)
                source = np.uint64((index + down) * columns + first + right + begin)
                _add_neighbour(begin, end, here, there, source, near_in, open_in, scratch)
        for i in range(run):
            x = np.uint64(i)
            smooth_out[np.uint64(index * columns + first) + x] = scratch[x] / scratch[np.uint64(BLOCK) + x]


@scalar
def _refine_occlusion(
    index: int,
    span: int,
    width: int,
    height: int,
    columns: int,
    rows: int,
    stride: int,
    pad: int,
    keys_in: Any,
    near_in: Any,
    open_in: Any,
    ambient_out: Any,
) -> None:
    """Write a span of one row of pixels: between four coarse neighbours; where they differ, by those alike in depth."""
    line, begin, last = locate_span(index, span, width)
    view, row = line // height, line % height
    pitch = columns + 2 * pad
    upper = row // stride
    lower = min(upper + 1, rows - 1)
    ty = np.float32(row - upper * stride) / np.float32(stride)
    inverse = F1 / np.float32(stride)
    source = np.uint64(line * width)
    near_upper = np.uint64((view * (rows + 2) + upper + 1) * pitch + pad)
    near_lower = np.uint64((view * (rows + 2) + lower + 1) * pitch + pad)
    open_upper, open_lower = np.uint64((view * rows + upper) * columns), np.uint64((view * rows + lower) * columns)
    for cell in range(begin // stride, (last - 1) // stride + 1):
        left, right = np.uint64(cell), np.uint64(min(cell + 1, columns - 1))
        a, b = open_in[open_upper + left], open_in[open_upper + right]
        c, d = open_in[open_lower + left], open_in[open_lower + right]
        corner, first, end = cell * stride, max(cell * stride, begin), min(cell * stride + stride, last)
        if max(max(a, b), max(c, d)) - min(min(a, b), min(c, d)) < np.float32(0.02):
            near_side, far_side = a + (c - a) * ty, b + (d - b) * ty
            for x in range(first, end):
                tx = np.float32(x - corner) * inverse
                ambient_out[source + np.uint64(x)] = near_side + (far_side - near_side) * tx
            continue
        na, nb = near_in[near_upper + left], near_in[near_upper + right]
        nc, nd = near_in[near_lower + left], near_in[near_lower + right]
        for x in range(first, end):
            n = read_nearness(keys_in[source + np.uint64(x)])
            tx = np.float32(x - corner) * inverse
            scale = ALIKE / n
            ea, eb, ec, ed = (na - n) * scale, (nb - n) * scale, (nc - n) * scale, (nd - n) * scale
            wa = (F1 - tx) * (F1 - ty) / (F1 + ea * ea) + np.float32(1e-6)
            wb = tx * (F1 - ty) / (F1 + eb * eb)
            wc = (F1 - tx) * ty / (F1 + ec * ec)
            wd = tx * ty / (F1 + ed * ed)
            ambient_out[source + np.uint64(x)] = (wa * a + wb * b + wc * c + wd * d) / (wa + wb + wc + wd)


THIN_DEPTHS = Kernel(_thin_depths)
FIND_OCCLUSION = Kernel(_find_occlusion)
SMOOTH_OCCLUSION = Kernel(_smooth_occlusion)
REFINE_OCCLUSION = Kernel(_refine_occlusion)
