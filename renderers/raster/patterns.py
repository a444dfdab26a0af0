"""Procedural patterns: solid albedo patterns in metric coordinates of the instance, filtered by the pixel's size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.device import scalar
from .lattice import hash_number, lattice_number, value_noise
from .lettering import evaluate_lettering

F0 = np.float32(0.0)
F1 = np.float32(1.0)
F2 = np.float32(2.0)
HALF = np.float32(0.5)
BYTE_TO_UNIT = np.float32(2.0**-8)


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
        word = hash_number(lattice_number(cx, cy, cz))
        word = np.uint32(word ^ np.uint32(word >> np.uint32(16)))
        ox = x - cx - np.float32(0.3) - np.float32(0.4) * _byte(word, np.uint32(0))
        oy = y - cy - np.float32(0.3) - np.float32(0.4) * _byte(word, np.uint32(8))
        oz = z - cz - np.float32(0.3) - np.float32(0.4) * _byte(word, np.uint32(16))
        radius = np.float32(0.15) + np.float32(0.15) * _byte(word, np.uint32(24))
        distance = np.float32(math.sqrt(ox * ox + oy * oy + oz * oz))
        inside = min(max((radius - distance) / width + HALF, F0), F1)
        return _fade(inside, HALF * width)
    if kind == 6:
        # Streaks along the x axis: noise that is drawn out, in two widths.
        three = np.float32(3.0)
        broad = _fade(value_noise(np.float32(0.03) * x, y, z + np.float32(0.5)), width)
        fine = value_noise(np.float32(0.05) * x + np.float32(9.0), three * y, three * z + np.float32(0.5))
        value = HALF * broad + HALF * _fade(fine, three * width)
        return min(max((value - np.float32(0.25)) * F2, F0), F1)
    if kind == 7:
        # Panels on the two axes that lie in the surface, upright where z does; one is centred on the origin.
        flat = (nz >= nx) & (nz >= ny)
        side = nx > ny
        p = y if side & (not flat) else x
        q = y if flat else z
        return evaluate_lettering(p + HALF, q + HALF, F0 if flat else (F1 if side else F2), width)
    return F0
