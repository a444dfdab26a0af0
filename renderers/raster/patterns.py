"""Procedural patterns: solid albedo patterns in metric coordinates of the instance, filtered by the pixel's size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.device import scalar

F0 = np.float32(0.0)
F1 = np.float32(1.0)
F2 = np.float32(2.0)
F3 = np.float32(3.0)
HALF = np.float32(0.5)


@scalar(forceinline=True)
def _hash_unit(x: int, y: int, z: int) -> Any:
    """Return a float32 in [0, 1) from a lattice point (integer hash by multiplication and xor-shift)."""
    h = np.uint64(np.uint32(x)) * np.uint64(0x9E3779B1)
    h ^= np.uint64(np.uint32(y)) * np.uint64(0x85EBCA77)
    h ^= np.uint64(np.uint32(z)) * np.uint64(0xC2B2AE3D)
    h &= np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(15)
    h = (h * np.uint64(0x2C1B3C6D)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(12)
    h = (h * np.uint64(0x297A2D39)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(15)
    return np.float32(h >> np.uint64(8)) * np.float32(5.9604645e-08)


@scalar
def value_noise(x: Any, y: Any, z: Any) -> Any:
    """Return smooth lattice noise in [0, 1) at a point (float32)."""
    fx, fy, fz = np.float32(math.floor(x)), np.float32(math.floor(y)), np.float32(math.floor(z))
    ix, iy, iz = int(fx), int(fy), int(fz)
    tx, ty, tz = x - fx, y - fy, z - fz
    tx = tx * tx * (F3 - F2 * tx)
    ty = ty * ty * (F3 - F2 * ty)
    tz = tz * tz * (F3 - F2 * tz)
    a = _hash_unit(ix, iy, iz) * (F1 - tx) + _hash_unit(ix + 1, iy, iz) * tx
    b = _hash_unit(ix, iy + 1, iz) * (F1 - tx) + _hash_unit(ix + 1, iy + 1, iz) * tx
    c = _hash_unit(ix, iy, iz + 1) * (F1 - tx) + _hash_unit(ix + 1, iy, iz + 1) * tx
    d = _hash_unit(ix, iy + 1, iz + 1) * (F1 - tx) + _hash_unit(ix + 1, iy + 1, iz + 1) * tx
    return (a * (F1 - ty) + b * ty) * (F1 - tz) + (c * (F1 - ty) + d * ty) * tz


@scalar
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


@scalar
def _fade(value: Any, cycles: Any) -> Any:
    """Fade a noise value to its mean where its lattice is finer than the pixel."""
    keep = min(max(F2 - F2 * cycles, F0), F1)
    return HALF + (value - HALF) * keep


@scalar
def evaluate_pattern(kind: int, x: Any, y: Any, z: Any, nx: Any, ny: Any, nz: Any, footprint: Any) -> Any:
    """Return how much of the pattern's second colour stands at a point.

    Args:
        kind: A `Pattern` value.
        x, y, z: Point in periods of the pattern (float32).
        nx, ny, nz: Absolute values of the surface normal in the same frame (float32).
        footprint: Size of a pixel on the surface [periods] (float32), > 0.

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
        low = _fade(value_noise(x, y, z), width)
        middle = _fade(value_noise(F2 * x + np.float32(17.0), F2 * y, F2 * z), F2 * width)
        four = np.float32(4.0)
        high = _fade(value_noise(four * x, four * y + np.float32(5.0), four * z), four * width)
        value = np.float32(0.55) * low + np.float32(0.3) * middle + np.float32(0.15) * high
        return min(max((value - np.float32(0.3)) * np.float32(2.5), F0), F1)
    if kind == 4:
        # Rings around the x axis, bent by noise, and fine fibres along it.
        bend = value_noise(x * np.float32(0.35), y * np.float32(0.8), z * np.float32(0.8))
        radius = np.float32(math.sqrt(y * y + z * z)) + np.float32(0.9) * bend
        ring = radius * F2 - np.float32(math.floor(radius * F2))
        ring = min(ring * np.float32(1.4), (F1 - ring) * np.float32(3.5))
        ring = _fade(min(max(ring, F0), F1), F2 * width)
        fibre = _fade(value_noise(x, y * np.float32(14.0), z * np.float32(14.0)), np.float32(14.0) * width)
        return min(max(np.float32(0.7) * ring + np.float32(0.3) * fibre, F0), F1)
    if kind == 5:
        # Specks: one blob somewhere in three of four cells.
        cx, cy, cz = np.float32(math.floor(x)), np.float32(math.floor(y)), np.float32(math.floor(z))
        ix, iy, iz = int(cx), int(cy), int(cz)
        ox = x - cx - np.float32(0.3) - np.float32(0.4) * _hash_unit(ix + 7, iy, iz)
        oy = y - cy - np.float32(0.3) - np.float32(0.4) * _hash_unit(ix, iy + 7, iz)
        oz = z - cz - np.float32(0.3) - np.float32(0.4) * _hash_unit(ix, iy, iz + 7)
        radius = np.float32(0.15) + np.float32(0.15) * _hash_unit(ix, iy, iz)
        distance = np.float32(math.sqrt(ox * ox + oy * oy + oz * oz))
        inside = min(max((radius - distance) / width + HALF, F0), F1)
        return _fade(inside, HALF * width)
    return F0
