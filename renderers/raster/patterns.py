"""Procedural patterns: solid albedo patterns in metric coordinates of the instance, filtered by the pixel's size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import scalar

F0 = np.float32(0.0)
F1 = np.float32(1.0)
F2 = np.float32(2.0)
F3 = np.float32(3.0)
HALF = np.float32(0.5)


NOISE_BITS = 14
NOISE_Y = 5741
NOISE_Z = 9419
NOISE_MASK = (1 << NOISE_BITS) - 1


def make_noise_table() -> NDArray[np.float32]:
    """Make the lattice values of the noise, in [0, 1), shape (2^14,): an integer hash of the entry's number.

    A lattice point's entry is x + 5741 y + 9419 z modulo the table's size, so that the eight corners of a cell are
    eight loads at fixed offsets; the pattern repeats after some 25 cells, in a direction oblique to all axes.
    """
    h = np.arange(1 << NOISE_BITS, dtype=np.uint64) * np.uint64(0x9E3779B1) & np.uint64(0xFFFFFFFF)
    for multiplier in (0x2C1B3C6D, 0x297A2D39):
        h ^= h >> np.uint64(15)
        h = h * np.uint64(multiplier) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(15)
    return ((h >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)).astype(np.float32)


@scalar(forceinline=True)
def _lattice(x: int, y: int, z: int, noise_in: Any) -> Any:
    return noise_in[(x + NOISE_Y * y + NOISE_Z * z) & NOISE_MASK]


@scalar(forceinline=True)
def value_noise(x: Any, y: Any, z: Any, noise_in: Any) -> Any:
    """Return smooth lattice noise in [0, 1) at a point (float32)."""
    ix, iy, iz = int(math.floor(x)), int(math.floor(y)), int(math.floor(z))
    tx, ty, tz = x - np.float32(ix), y - np.float32(iy), z - np.float32(iz)
    tx = tx * tx * (F3 - F2 * tx)
    ty = ty * ty * (F3 - F2 * ty)
    tz = tz * tz * (F3 - F2 * tz)
    n = ix + NOISE_Y * iy + NOISE_Z * iz
    v0, v1 = noise_in[n & NOISE_MASK], noise_in[(n + 1) & NOISE_MASK]
    v2, v3 = noise_in[(n + NOISE_Y) & NOISE_MASK], noise_in[(n + NOISE_Y + 1) & NOISE_MASK]
    n += NOISE_Z
    v4, v5 = noise_in[n & NOISE_MASK], noise_in[(n + 1) & NOISE_MASK]
    v6, v7 = noise_in[(n + NOISE_Y) & NOISE_MASK], noise_in[(n + NOISE_Y + 1) & NOISE_MASK]
    a, b = v0 + (v1 - v0) * tx, v2 + (v3 - v2) * tx
    c, d = v4 + (v5 - v4) * tx, v6 + (v7 - v6) * tx
    a, c = a + (b - a) * ty, c + (d - c) * ty
    return a + (c - a) * tz


@scalar(forceinline=True)
def _square_wave(x: Any, width: Any) -> Any:
    """Return a wave of period 2 between 0 and 1 whose edges are box-filtered over `width`."""
    # The integral of the wave is piecewise linear; its difference over the filter is exact.
    lower, upper = x - HALF * width, x + HALF * width
    a = lower * HALF
    b = upper * HALF
    a_floor, b_floor = np.float32(math.floor(a)), np.float32(math.floor(b))
    integral_a = a_floor + max(F2 * (a - a_floor) - F1, F0)
    integral_b = b_floor + max(F2 * (b - b_floor) - F1, F0)
    return min(max((integral_b - integral_a) / width, F0), F1)


@scalar(forceinline=True)
def _fade(value: Any, cycles: Any) -> Any:
    """Fade a noise value to its mean where its lattice is finer than the pixel."""
    keep = min(max(F2 - F2 * cycles, F0), F1)
    return HALF + (value - HALF) * keep


@scalar(forceinline=True)
def evaluate_pattern(
    kind: int, x: Any, y: Any, z: Any, nx: Any, ny: Any, nz: Any, footprint: Any, noise_in: Any
) -> Any:
    """Return how much of the pattern's second colour stands at a point.

    Args:
        kind: A `Pattern` value.
        x: Point in periods of the pattern (float32).
        y: Its second coordinate.
        z: Its third coordinate.
        nx: Absolute values of the surface normal in the same frame (float32).
        ny: Its second part.
        nz: Its third part.
        footprint: Size of a pixel on the surface [periods] (float32), > 0.
        noise_in: `make_noise_table()`.

    Returns:
        Weight of the second colour in [0, 1] (float32).
    """
    width = max(footprint, np.float32(1e-4))
    if kind == 1:
        # Checker on the two axes that lie in the surface; a solid checker would flicker on axis-aligned faces.
        if nx >= ny and nx >= nz:
            p, q = y, z
        elif ny >= nz:
            p, q = x, z
        else:
            p, q = x, y
        a, b = _square_wave(F2 * p, F2 * width), _square_wave(F2 * q, F2 * width)
        return a + b - F2 * a * b
    if kind == 2:
        p = x if nx < HALF else y
        return _square_wave(F2 * (p + HALF * z), F2 * width)
    if kind == 3:
        low = _fade(value_noise(x, y, z, noise_in), width)
        middle = _fade(value_noise(F2 * x + np.float32(17.0), F2 * y, F2 * z, noise_in), F2 * width)
        four = np.float32(4.0)
        high = _fade(value_noise(four * x, four * y + np.float32(5.0), four * z, noise_in), four * width)
        value = np.float32(0.55) * low + np.float32(0.3) * middle + np.float32(0.15) * high
        return min(max((value - np.float32(0.3)) * np.float32(2.5), F0), F1)
    if kind == 4:
        # Rings around the x axis, bent by noise, and fine fibres along it.
        bend = value_noise(x * np.float32(0.35), y * np.float32(0.8), z * np.float32(0.8), noise_in)
        radius = np.float32(math.sqrt(y * y + z * z)) + np.float32(0.9) * bend
        ring = radius * F2 - np.float32(math.floor(radius * F2))
        ring = min(ring * np.float32(1.4), (F1 - ring) * np.float32(3.5))
        ring = _fade(min(max(ring, F0), F1), F2 * width)
        fibre = _fade(value_noise(x, y * np.float32(14.0), z * np.float32(14.0), noise_in), np.float32(14.0) * width)
        return min(max(np.float32(0.7) * ring + np.float32(0.3) * fibre, F0), F1)
    if kind == 5:
        # Specks: one blob inside each cell. The shift keeps sheets and faces through the origin off the cells' borders.
        x, y, z = x + np.float32(0.37), y + np.float32(0.43), z + HALF
        cx, cy, cz = np.float32(math.floor(x)), np.float32(math.floor(y)), np.float32(math.floor(z))
        ix, iy, iz = int(cx), int(cy), int(cz)
        ox = x - cx - np.float32(0.3) - np.float32(0.4) * _lattice(ix + 7, iy, iz, noise_in)
        oy = y - cy - np.float32(0.3) - np.float32(0.4) * _lattice(ix, iy + 7, iz, noise_in)
        oz = z - cz - np.float32(0.3) - np.float32(0.4) * _lattice(ix, iy, iz + 7, noise_in)
        radius = np.float32(0.15) + np.float32(0.15) * _lattice(ix, iy, iz, noise_in)
        distance = np.float32(math.sqrt(ox * ox + oy * oy + oz * oz))
        inside = min(max((radius - distance) / width + HALF, F0), F1)
        return _fade(inside, HALF * width)
    return F0
