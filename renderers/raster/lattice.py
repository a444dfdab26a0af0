"""Lattices: numbers for the points of a grid that never ends, by hashing; smooth noise between them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.device import scalar

F2 = np.float32(2.0)
F3 = np.float32(3.0)
FARTHEST = np.float32(2.0**30)
"""Largest lattice coordinate; a float32 beyond 2^23 has no fraction left anyway."""
STRIDE_X, STRIDE_Y, STRIDE_Z = np.uint64(0x9E3779B1), np.uint64(0x85EBCA77), np.uint64(0xC2B2AE3D)
MIX_A, MIX_B = np.uint64(0x7FEB352D), np.uint64(0x846CA68B)
LOW = np.uint64(0xFFFFFFFF)
TO_UNIT = np.float32(2.0**-24)


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
def lattice_number(x: Any, y: Any, z: Any) -> Any:
    """Return the number of a lattice point given by whole float32: neighbours are at the fixed strides.

    The strides are large primes, so that points of one number are some 1600 cells apart.
    """
    u, v = _multiply(_lattice_coordinate(x), STRIDE_X), _multiply(_lattice_coordinate(y), STRIDE_Y)
    w = _multiply(_lattice_coordinate(z), STRIDE_Z)
    return np.uint32(np.uint64(u) + np.uint64(v) + np.uint64(w) & LOW)


@scalar(forceinline=True)
def hash_number(number: Any) -> Any:
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
    return np.float32(np.int32(np.uint32(hash_number(number) >> np.uint32(8)))) * TO_UNIT


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
    near = lattice_number(cx, cy, cz)
    far = _add(near, STRIDE_Z)
    a, b = _edge(near, tx), _edge(_add(near, STRIDE_Y), tx)
    c, d = _edge(far, tx), _edge(_add(far, STRIDE_Y), tx)
    a, c = a + (b - a) * ty, c + (d - c) * ty
    return a + (c - a) * tz
