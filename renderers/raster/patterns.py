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


FARTHEST = np.float32(2.0**30)
"""Largest lattice coordinate; a float32 beyond 2^23 has no fraction left anyway."""
STRIDE_X, STRIDE_Y, STRIDE_Z = np.uint64(0x9E3779B1), np.uint64(0x85EBCA77), np.uint64(0xC2B2AE3D)
MIX_A, MIX_B = np.uint64(0x7FEB352D), np.uint64(0x846CA68B)
LOW = np.uint64(0xFFFFFFFF)
TO_UNIT = np.float32(2.0**-24)
BYTE_TO_UNIT = np.float32(2.0**-8)


@scalar(forceinline=True)
def _multiply(a: Any, b: Any) -> Any:
    # Wide and cut: plain Python warns of no overflow, and the compiler sees that 32 bits are enough.
    return np.uint32(np.uint64(a) * b & LOW)


@scalar(forceinline=True)
def _add(a: Any, b: Any) -> Any:
    return np.uint32(np.uint64(a) + b & LOW)


@scalar(forceinline=True)
def _lattice_coordinate(floor: Any) -> Any:
    return np.uint32(np.int64(np.int32(min(max(floor, -FARTHEST), FARTHEST))) & np.int64(0xFFFFFFFF))


@scalar(forceinline=True)
def _lattice_number(x: Any, y: Any, z: Any) -> Any:
    """Return the number of a lattice point given by whole float32: neighbours are at the fixed strides.

    The strides are large primes, so that points of one number are some 1600 cells apart.
    """
    u, v = _multiply(_lattice_coordinate(x), STRIDE_X), _multiply(_lattice_coordinate(y), STRIDE_Y)
    w = _multiply(_lattice_coordinate(z), STRIDE_Z)
    return np.uint32(np.uint64(u) + np.uint64(v) + np.uint64(w) & LOW)


@scalar(forceinline=True)
def _hash(number: Any) -> Any:
    """Return 32 bits whose upper ones are well mixed (the first rounds of Wellons' lowbias32).

    Arithmetic alone: loads of a table at computed places would keep the loop over a block from vectorising.
    """
    h = np.uint32(number ^ np.uint32(number >> np.uint32(16)))
    h = _multiply(h, MIX_A)
    h = np.uint32(h ^ np.uint32(h >> np.uint32(15)))
    return _multiply(h, MIX_B)


@scalar(forceinline=True)
def _lattice(number: Any) -> Any:
    """Return a lattice point's value in [0, 1)."""
    return np.float32(np.int32(np.uint32(_hash(number) >> np.uint32(8)))) * TO_UNIT


@scalar(forceinline=True)
def _edge(number: Any, t: Any) -> Any:
    a, b = _lattice(number), _lattice(_add(number, STRIDE_X))
    return a + (b - a) * t


@scalar(forceinline=True)
def value_noise(x: Any, y: Any, z: Any) -> Any:
    """Return smooth lattice noise in [0, 1) at a point (float32).

    No loads and no branches, so that it vectorises.
    """
    cx, cy, cz = np.floor(x), np.floor(y), np.floor(z)
    tx, ty, tz = x - cx, y - cy, z - cz
    tx = tx * tx * (F3 - F2 * tx)
    ty = ty * ty * (F3 - F2 * ty)
    tz = tz * tz * (F3 - F2 * tz)
    near = _lattice_number(cx, cy, cz)
    far = _add(near, STRIDE_Z)
    a, b = _edge(near, tx), _edge(_add(near, STRIDE_Y), tx)
    c, d = _edge(far, tx), _edge(_add(far, STRIDE_Y), tx)
    a, c = a + (b - a) * ty, c + (d - c) * ty
    return a + (c - a) * tz


@scalar(forceinline=True)
def _byte(word: Any, shift: Any) -> Any:
    return np.float32(np.int32(np.uint32(word >> shift) & np.uint32(255))) * BYTE_TO_UNIT


@scalar(forceinline=True)
def _square_wave(x: Any, width: Any) -> Any:
    """Return a wave of period 2 between 0 and 1 whose edges are box-filtered over `width`."""
    # The integral of the wave is piecewise linear; its difference over the filter is exact.
    lower, upper = x - HALF * width, x + HALF * width
    a = lower * HALF
    b = upper * HALF
    a_floor, b_floor = np.floor(a), np.floor(b)
    integral_a = a_floor + max(F2 * (a - a_floor) - F1, F0)
    integral_b = b_floor + max(F2 * (b - b_floor) - F1, F0)
    return min(max((integral_b - integral_a) / width, F0), F1)


@scalar(forceinline=True)
def _fade(value: Any, cycles: Any) -> Any:
    """Fade a noise value to its mean where its lattice is finer than the pixel."""
    keep = min(max(F2 - F2 * cycles, F0), F1)
    return HALF + (value - HALF) * keep


@scalar(forceinline=True)
def evaluate_pattern(kind: int, x: Any, y: Any, z: Any, nx: Any, ny: Any, nz: Any, footprint: Any) -> Any:
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
        ring = radius * F2 - np.floor(radius * F2)
        ring = min(ring * np.float32(1.4), (F1 - ring) * np.float32(3.5))
        ring = _fade(min(max(ring, F0), F1), F2 * width)
        fibre = _fade(value_noise(x, y * np.float32(14.0), z * np.float32(14.0)), np.float32(14.0) * width)
        return min(max(np.float32(0.7) * ring + np.float32(0.3) * fibre, F0), F1)
    if kind == 5:
        # Specks: one blob inside each cell. The shift keeps sheets and faces through the origin off the cells' borders.
        x, y, z = x + np.float32(0.37), y + np.float32(0.43), z + HALF
        cx, cy, cz = np.floor(x), np.floor(y), np.floor(z)
        word = _hash(_lattice_number(cx, cy, cz))
        word = np.uint32(word ^ np.uint32(word >> np.uint32(16)))
        ox = x - cx - np.float32(0.3) - np.float32(0.4) * _byte(word, np.uint32(0))
        oy = y - cy - np.float32(0.3) - np.float32(0.4) * _byte(word, np.uint32(8))
        oz = z - cz - np.float32(0.3) - np.float32(0.4) * _byte(word, np.uint32(16))
        radius = np.float32(0.15) + np.float32(0.15) * _byte(word, np.uint32(24))
        distance = np.float32(math.sqrt(ox * ox + oy * oy + oz * oz))
        inside = min(max((radius - distance) / width + HALF, F0), F1)
        return _fade(inside, HALF * width)
    return F0
