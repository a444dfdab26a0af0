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
from .surface import BLOCK, read_nearness

F0 = np.float32(0.0)
F1 = np.float32(1.0)
REACH = 0.07
"""Radius of the search [image widths]."""
DIRECTIONS, STEPS = 8, 3
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
    index: int, width: int, height: int, stride: int, columns: int, rows: int, pad: int, keys_in: Any, near_out: Any
) -> None:
    """Write one row of the coarse grid's nearness, framed by something far away: one row, `pad` columns."""
    view, row = index // (rows + 2), index % (rows + 2) - 1
    target = np.uint64(index * (columns + 2 * pad))
    for i in range(columns + 2 * pad):
        near_out[target + np.uint64(i)] = np.float32(1e-4)
    if row < 0 or row >= rows:
        return
    source = np.uint64((view * height + min(row * stride, height - 1)) * width)
    for i in range(columns):
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
        # What is farther off than the search reaches must not pop in: its part fades with the square of the distance.
        limit = reach * pz
        fade = max(F1 - square / (limit * limit), F0)
        scratch[np.uint64(7 * BLOCK) + x] = max(scratch[np.uint64(7 * BLOCK) + x], sine * fade)


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
    """Write one row of the coarse grid: the share of the sky that is open."""
    view, row = index // rows, index % rows
    scratch = scratch_out[index]
    fx, fy = np.float32(camera_in[view, 0]), np.float32(camera_in[view, 1])
    cx, cy = np.float32(camera_in[view, 2]), np.float32(camera_in[view, 3])
    pitch = columns + 2 * pad
    step = np.float32(stride)
    reach = radius / fx
    y = np.float32(row * stride) - cy
    line = view * (rows + 2) + row + 1
    for first in range(0, columns, BLOCK):
        run = min(BLOCK, columns - first)
        here = np.uint64(line * pitch + pad + first)
        above, below = here - np.uint64(pitch), here + np.uint64(pitch)
        _find_normals(first, run, here, above, below, step, fx, fy, cx, y / fy, y, near_in, scratch)
        for direction in range(DIRECTIONS):
            for i in range(run):
                scratch[np.uint64(7 * BLOCK) + np.uint64(i)] = F0
            for tap in range(direction * STEPS, (direction + 1) * STEPS):
                right, down = tap_in[tap, 0], tap_in[tap, 1]
                if row + down < 0 or row + down >= rows:
                    continue
                there = np.uint64((line + down) * pitch + pad + first + right)
                ray_y = (np.float32((row + down) * stride) - cy) / fy
                _raise_horizon(first, run, there, np.float32(right), step, fx, cx, ray_y, reach, near_in, scratch)
            for i in range(run):
                x = np.uint64(i)
                sine = scratch[np.uint64(7 * BLOCK) + x]
                scratch[np.uint64(6 * BLOCK) + x] += sine * sine
        for i in range(run):
            x = np.uint64(i)
            open_out[np.uint64(index * columns + first) + x] = F1 - scratch[np.uint64(6 * BLOCK) + x] * np.float32(
                1.0 / DIRECTIONS
            )


@scalar
def _refine_occlusion(
    index: int,
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
    """Write one row of pixels: the nine coarse neighbours, weighted by a tent and by how alike their depths are."""
    view, row = index // height, index % height
    pitch = columns + 2 * pad
    centre = (row + stride // 2) // stride
    inverse = F1 / np.float32(stride)
    source = np.uint64(index * width)
    for x in range(width):
        n = read_nearness(keys_in[source + np.uint64(x)])
        column = (x + stride // 2) // stride
        total, weights = F0, np.float32(1e-6)
        for j in range(-1, 2):
            r = min(max(centre + j, 0), rows - 1)
            dy = abs(np.float32(row) * inverse - np.float32(r))
            line = view * rows + r
            for i in range(-1, 2):
                c = min(max(column + i, 0), columns - 1)
                dx = abs(np.float32(x) * inverse - np.float32(c))
                other = near_in[np.uint64((line + 2 * view + 1) * pitch + pad + c)]
                apart = abs(other - n) / n * np.float32(40.0)
                weight = max(np.float32(1.6) - dx, F0) * max(np.float32(1.6) - dy, F0) / (F1 + apart * apart)
                total += weight * open_in[np.uint64(line * columns + c)]
                weights += weight
        ambient_out[source + np.uint64(x)] = (total + np.float32(1e-6)) / weights


THIN_DEPTHS = Kernel(_thin_depths)
FIND_OCCLUSION = Kernel(_find_occlusion)
REFINE_OCCLUSION = Kernel(_refine_occlusion)
