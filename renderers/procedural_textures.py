"""Procedural textures: tileable materials from integer noise, a pure function of kind, size and seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .textures import MAX_TEXTURE_SIDE

_Field = NDArray[np.float64]
_BUILT_IN_SEEDS = 3


def _hash(x: NDArray[np.int64], y: NDArray[np.int64], seed: int) -> _Field:
    """Hash lattice points to [0, 1): multiply, mix and finish as MurmurHash3 does, in 32 bits."""
    mask = np.uint64(0xFFFFFFFF)
    h = (x.astype(np.uint64) * np.uint64(0x8DA6B343)) & mask
    h ^= (y.astype(np.uint64) * np.uint64(0xD8163841)) & mask
    h ^= np.uint64(((seed & 0xFFFFFFFF) * 0xCB1AB31F + 0x9E3779B9) & 0xFFFFFFFF)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h ^= h >> np.uint64(shift)
        h = (h * np.uint64(factor)) & mask
    h ^= h >> np.uint64(16)
    return h.astype(np.float64) * 2.0**-32


class Canvas:
    """Noise over one tile, [0, 1) x [0, 1), sampled at texel centres; every field repeats without a seam."""

    def __init__(self, size: int, seed: int) -> None:
        axis = (np.arange(size) + 0.5) / size
        self.x, self.y = np.meshgrid(axis, axis)
        self.seed = seed

    def pick(self, stream: int, count: int = 1) -> _Field:
        """Draw numbers in [0, 1) that hold for the whole tile."""
        return _hash(np.arange(count), np.full(count, 7919 * stream + 13), self.seed)

    def noise(self, across: int, down: int, stream: int) -> _Field:
        """Interpolate random values on a lattice of across x down points per tile."""
        u, v = self.x * across, self.y * down
        i, j = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
        s, t = u - i, v - j
        s, t = (f * f * f * (f * (6.0 * f - 15.0) + 10.0) for f in (s, t))
        seed = self.seed * 31 + stream

        def at(di: int, dj: int) -> _Field:
            return _hash((i + di) % across, (j + dj) % down, seed)

        top = at(0, 0) * (1 - s) + at(1, 0) * s
        bottom = at(0, 1) * (1 - s) + at(1, 1) * s
        mixed: _Field = top * (1 - t) + bottom * t
        return mixed

    def fractal(self, across: int, down: int, stream: int, octaves: int = 5, gain: float = 0.5) -> _Field:
        """Sum octaves of noise; the result lies in [0, 1]."""
        total, weight, amplitude = np.zeros_like(self.x), 0.0, 1.0
        for octave in range(octaves):
            total += amplitude * self.noise(across << octave, down << octave, stream * 17 + octave)
            weight += amplitude
            amplitude *= gain
        return total / weight

    def cells(self, count: int, stream: int) -> tuple[_Field, _Field]:
        """Find the nearest of count x count scattered points; returns the distance in cells and a number per point."""
        u, v = self.x * count, self.y * count
        i, j = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
        nearest, owner = np.full_like(u, np.inf), np.zeros_like(u)
        seed = self.seed * 31 + stream
        for di in (-1, 0, 1):
            for dj in (-1, 0, 1):
                a, b = (i + di) % count, (j + dj) % count
                dx = i + di + _hash(a, b, seed) - u
                dy = j + dj + _hash(a, b, seed + 1) - v
                distance = np.sqrt(dx * dx + dy * dy)
                closer = distance < nearest
                nearest = np.where(closer, distance, nearest)
                owner = np.where(closer, _hash(a, b, seed + 2), owner)
        return nearest, owner


def _mix(a: _Field, b: _Field, share: _Field) -> _Field:
    """Blend two colours, shape (3,) or (h, w, 3), by a field."""
    blended: _Field = a + (b - a) * np.clip(share, 0.0, 1.0)[..., None]
    return blended


def _step(low: float, high: float, values: _Field) -> _Field:
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    smooth: _Field = t * t * (3.0 - 2.0 * t)
    return smooth


def _choose(canvas: Canvas, palettes: tuple[tuple[tuple[float, ...], ...], ...]) -> list[_Field]:
    """Take the seed's palette: consecutive seeds give different ones."""
    return [np.array(colour) for colour in palettes[canvas.seed % len(palettes)]]


def _wood(canvas: Canvas) -> _Field:
    dark, light = _choose(
        canvas,
        (
            ((0.44, 0.27, 0.14), (0.74, 0.54, 0.33)),
            ((0.26, 0.15, 0.09), (0.45, 0.28, 0.17)),
            ((0.68, 0.53, 0.36), (0.87, 0.75, 0.57)),
        ),
    )
    bend = canvas.fractal(1, 3, 1, 3)
    rings = 3 + int(3 * canvas.pick(2)[0])
    phase = rings * canvas.y + 2.2 * bend
    ring = (phase - np.floor(phase)) ** 1.6  # slow from early to late wood, then a sharp end
    edge = 1.0 - _step(0.9, 1.0, phase - np.floor(phase))
    grain = canvas.fractal(3, 64, 3, 3)
    pores = _step(0.72, 0.85, canvas.noise(12, 128, 4)) * (0.4 + 0.6 * ring)
    value = 0.85 - 0.5 * ring * edge + 0.5 * (grain - 0.5)
    return _mix(_mix(dark, light, value), 0.6 * dark, 0.55 * pores)


def _marble(canvas: Canvas) -> _Field:
    base, cloud, vein = _choose(
        canvas,
        (
            ((0.93, 0.92, 0.90), (0.80, 0.80, 0.81), (0.45, 0.45, 0.48)),
            ((0.12, 0.13, 0.13), (0.20, 0.21, 0.22), (0.82, 0.80, 0.74)),
            ((0.84, 0.76, 0.66), (0.74, 0.62, 0.50), (0.50, 0.36, 0.26)),
        ),
    )
    warp = canvas.fractal(2, 2, 1, 6)
    wide = np.abs(np.sin(np.pi * (canvas.x + 2 * canvas.y + 3.0 * warp)))
    fine = np.abs(np.sin(np.pi * (3 * canvas.x - canvas.y + 4.0 * canvas.fractal(2, 2, 2, 6))))
    colour = _mix(base, cloud, 1.4 * canvas.fractal(2, 2, 3, 5) - 0.3)
    strength = canvas.fractal(3, 3, 4, 3)
    colour = _mix(colour, vein, (1.0 - _step(0.0, 0.22, wide)) * strength * 1.1)
    return _mix(colour, vein, (1.0 - _step(0.0, 0.07, fine)) * strength * 0.7)


def _fabric(canvas: Canvas) -> _Field:
    warp, weft = _choose(
        canvas,
        (
            ((0.22, 0.32, 0.50), (0.30, 0.42, 0.62)),
            ((0.78, 0.72, 0.62), (0.86, 0.82, 0.74)),
            ((0.55, 0.16, 0.16), (0.66, 0.24, 0.20)),
        ),
    )
    threads = 40
    u, v = canvas.x * threads, canvas.y * threads
    i, j = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
    s, t = u - i, v - j
    upper = (i + j) % 2 == 0
    across = np.sin(np.pi * np.where(upper, s, t))  # round section of the thread on top
    along = np.sin(np.pi * np.where(upper, t, s))  # it dips under its neighbours
    tone = np.where(upper, _hash(i, 0 * i, canvas.seed + 5), _hash(j, 0 * j, canvas.seed + 9))
    fuzz = canvas.noise(160, 160, 3)
    shade = 0.55 + 0.3 * across + 0.15 * along + 0.16 * (tone - 0.5) + 0.16 * (fuzz - 0.5)
    colour = np.where(upper[..., None], warp, weft) * shade[..., None]
    return colour * (0.9 + 0.2 * canvas.fractal(2, 2, 4, 3))[..., None]


def _concrete(canvas: Canvas) -> _Field:
    dark, light = _choose(
        canvas,
        (
            ((0.46, 0.46, 0.45), (0.68, 0.67, 0.65)),
            ((0.58, 0.56, 0.52), (0.80, 0.78, 0.73)),
            ((0.32, 0.33, 0.35), (0.50, 0.51, 0.52)),
        ),
    )
    value = 0.5 + 1.1 * (canvas.fractal(2, 2, 1, 7, 0.62) - 0.5) + 0.25 * (canvas.noise(200, 200, 2) - 0.5)
    distance, owner = canvas.cells(26, 3)
    pit = (1.0 - _step(0.08, 0.2, distance)) * (owner > 0.78)
    return _mix(_mix(dark, light, value), 0.55 * dark, 0.8 * pit)


def _brushed_metal(canvas: Canvas) -> _Field:
    dark, light = _choose(
        canvas,
        (
            ((0.55, 0.56, 0.57), (0.80, 0.81, 0.82)),
            ((0.60, 0.47, 0.26), (0.85, 0.71, 0.44)),
            ((0.58, 0.36, 0.26), (0.82, 0.57, 0.44)),
        ),
    )
    value = 0.5 * canvas.noise(3, 256, 1) + 0.3 * canvas.noise(5, 128, 2) + 0.2 * canvas.fractal(2, 32, 3, 3)
    return _mix(dark, light, 0.5 + 1.3 * (value - 0.5))


def _tiles(canvas: Canvas) -> _Field:
    tile, other, grout = _choose(
        canvas,
        (
            ((0.86, 0.87, 0.86), (0.80, 0.83, 0.84), (0.52, 0.51, 0.49)),
            ((0.62, 0.33, 0.22), (0.52, 0.26, 0.17), (0.70, 0.65, 0.58)),
            ((0.16, 0.34, 0.40), (0.24, 0.46, 0.50), (0.82, 0.82, 0.80)),
        ),
    )
    count = 4
    u, v = canvas.x * count, canvas.y * count
    i, j = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
    border = np.minimum(np.minimum(u - i, i + 1 - u), np.minimum(v - j, j + 1 - v))
    tone = _hash(i % count, j % count, canvas.seed + 3)
    glaze = canvas.fractal(4, 4, 1, 5)
    colour = _mix(tile, other, 0.6 * tone + 0.8 * (glaze - 0.3))
    colour = colour * (0.86 + 0.14 * _step(0.02, 0.09, border))[..., None]
    rough = 0.85 + 0.3 * canvas.noise(128, 128, 2)
    return np.where((border < 0.022)[..., None], grout * rough[..., None], colour)


def _terrazzo(canvas: Canvas) -> _Field:
    ground, *chips = _choose(
        canvas,
        (
            ((0.87, 0.85, 0.82), (0.45, 0.42, 0.40), (0.72, 0.52, 0.40), (0.62, 0.64, 0.62), (0.25, 0.26, 0.28)),
            ((0.30, 0.32, 0.33), (0.80, 0.78, 0.74), (0.58, 0.60, 0.60), (0.66, 0.48, 0.36), (0.15, 0.16, 0.17)),
            ((0.76, 0.80, 0.76), (0.30, 0.45, 0.40), (0.90, 0.90, 0.86), (0.55, 0.64, 0.58), (0.80, 0.62, 0.50)),
        ),
    )
    colour = _mix(ground, 0.92 * ground, canvas.fractal(8, 8, 1, 4))
    wobble = 0.5 * (canvas.fractal(16, 16, 2, 3) - 0.5)
    for count, stream in ((24, 3), (13, 8), (8, 11)):
        distance, owner = canvas.cells(count, stream)
        shade = np.array(chips)[np.minimum((owner * 997.0 % 1.0 * len(chips)).astype(np.int64), len(chips) - 1)]
        inside = 1.0 - _step(0.0, 0.06, distance + wobble - 0.18 - 0.24 * owner)
        colour = _mix(colour, shade * (0.94 + 0.12 * canvas.noise(64, 64, 4))[..., None], inside)
    return colour


def _stripes(canvas: Canvas) -> _Field:
    first, second, thin = _choose(
        canvas,
        (
            ((0.90, 0.88, 0.82), (0.20, 0.34, 0.52), (0.75, 0.22, 0.18)),
            ((0.93, 0.80, 0.34), (0.18, 0.18, 0.20), (0.95, 0.93, 0.90)),
            ((0.36, 0.52, 0.42), (0.88, 0.88, 0.80), (0.85, 0.52, 0.30)),
        ),
    )
    repeats = 3 + canvas.seed % 3
    slant = canvas.seed % 2
    phase = repeats * canvas.x + slant * repeats * canvas.y + 0.01 * (canvas.noise(32, 32, 1) - 0.5)
    phase = phase - np.floor(phase)
    colour = np.where((phase < 0.5)[..., None], first, second)
    colour = np.where((np.abs(phase - 0.25) < 0.04)[..., None], thin, colour)
    return colour * (0.94 + 0.12 * canvas.fractal(64, 64, 2, 2))[..., None]


_MAKERS: dict[str, Callable[[Canvas], _Field]] = {
    "wood": _wood,
    "marble": _marble,
    "fabric": _fabric,
    "concrete": _concrete,
    "brushed_metal": _brushed_metal,
    "tiles": _tiles,
    "terrazzo": _terrazzo,
    "stripes": _stripes,
}

TEXTURE_KINDS = tuple(_MAKERS)
"""Kinds of procedural textures."""


def make_texture(kind: str, size: int = 256, seed: int = 0) -> NDArray[np.uint8]:
    """Make a tileable texture.

    Args:
        kind: One of `TEXTURE_KINDS`.
        size: Side [px], range [16, 8192].
        seed: Any integer >= 0; three palettes alternate, the pattern is new for each seed.

    Returns:
        sRGB bytes, shape (size, size, 3).

    Raises:
        ValueError: If the kind is unknown, or the size or the seed is out of range.

    Example:
        >>> make_texture("wood", 64).shape
        (64, 64, 3)
    """
    if kind not in _MAKERS:
        raise ValueError(f"no texture kind {kind!r}; there are {', '.join(TEXTURE_KINDS)}")
    if not 16 <= size <= MAX_TEXTURE_SIDE:
        raise ValueError(f"a texture's size must be in [16, {MAX_TEXTURE_SIDE}] px, got {size}")
    if seed < 0:
        raise ValueError(f"a texture's seed must be >= 0, got {seed}")
    colour = _MAKERS[kind](Canvas(size, seed))
    return np.rint(255.0 * np.clip(colour, 0.0, 1.0)).astype(np.uint8)


def make_builtin_textures(size: int = 256) -> dict[str, NDArray[np.uint8]]:
    """Make the built-in set: every kind in three variants.

    Args:
        size: Side [px], range [16, 8192].

    Returns:
        Textures by name (`wood_0`, `wood_1`, ...), always in the same order.
    """
    return {
        f"{kind}_{seed}": make_texture(kind, size, seed) for kind in TEXTURE_KINDS for seed in range(_BUILT_IN_SEEDS)
    }
