"""Procedural textures: tileable images made of formulas, the same on every machine.

Each is a map from texture coordinates to a mix of a few sRGB colours. Noise is value noise on a lattice whose values
come from an integer hash; there is no generator and no state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
TEXTURE_SIDE: Final = 256
"""Side of the images [px]."""


def _hash(x: NDArray[np.int64], y: NDArray[np.int64], salt: int) -> Array:
    """Return lattice values in [0, 1): a 32-bit integer mix, exact in uint64."""
    mask = np.uint64(0xFFFFFFFF)
    h = (x.astype(np.uint64) * np.uint64(374761393) + y.astype(np.uint64) * np.uint64(668265263)) & mask
    h = (h + np.uint64(salt) * np.uint64(2246822519)) & mask
    for factor, shift in ((3266489917, 15), (2654435761, 13), (668265263, 16)):
        h = ((h ^ (h >> np.uint64(shift))) * np.uint64(factor)) & mask
    return np.asarray((h ^ (h >> np.uint64(16))).astype(np.float64) / 2.0**32)


def _noise(u: Array, v: Array, period: int, salt: int) -> Array:
    """Return tileable value noise in [0, 1] with `period` lattice cells over the unit square."""
    x, y = u * period, v * period
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    a, b = x - left, y - top
    a, b = a * a * (3.0 - 2.0 * a), b * b * (3.0 - 2.0 * b)
    corner = [[_hash((left + i) % period, (top + j) % period, salt) for i in (0, 1)] for j in (0, 1)]
    upper = corner[0][0] + a * (corner[0][1] - corner[0][0])
    lower = corner[1][0] + a * (corner[1][1] - corner[1][0])
    return np.asarray(upper + b * (lower - upper))


def _layers(u: Array, v: Array, period: int, salt: int, count: int = 4) -> Array:
    """Return layers of noise, each of twice the frequency and half the size of the one before, in [0, 1]."""
    total, weight = np.zeros_like(u), 0.0
    for layer in range(count):
        total = total + _noise(u, v, period << layer, salt + layer) * 0.5**layer
        weight += 0.5**layer
    return np.asarray(total / weight)


def _triangle(x: Array) -> Array:
    """Return a triangle wave of period 1 in [0, 1]."""
    return np.asarray(np.abs(2.0 * (x - np.floor(x)) - 1.0))


def _step(x: Array, edge: float, width: float = 0.02) -> Array:
    return np.asarray(np.clip((x - edge) / width + 0.5, 0.0, 1.0))


def _wood(u: Array, v: Array) -> Array:
    return _triangle(6.0 * u + 1.5 * _layers(u, v, 2, 11)) * 0.7 + 0.3 * _noise(u, v, 64, 17)


def _planks(u: Array, v: Array) -> Array:
    board = np.floor(4.0 * u)
    tone = _hash(board.astype(np.int64), np.zeros_like(board, np.int64), 23)
    grain = _triangle(10.0 * u + 2.0 * _layers(u, v, 3, 29))
    return (0.35 + 0.4 * tone + 0.25 * grain) * _step(_triangle(4.0 * u + 0.5), 0.03)


def _marble(u: Array, v: Array) -> Array:
    return 1.0 - _triangle(2.0 * u + 2.0 * v + 2.0 * _layers(u, v, 3, 31, 5)) ** 4


def _bricks(u: Array, v: Array) -> Array:
    row = np.floor(8.0 * v)
    x = 4.0 * u + 0.5 * (row % 2)
    tone = _hash(np.floor(x).astype(np.int64) % 4, row.astype(np.int64), 37)
    joint = np.minimum(_step(1.0 - _triangle(x + 0.5), 0.06), _step(1.0 - _triangle(8.0 * v + 0.5), 0.12))
    return (0.5 + 0.35 * tone + 0.15 * _noise(u, v, 64, 41)) * joint


def _tiles(u: Array, v: Array) -> Array:
    joint = np.minimum(_step(_triangle(4.0 * u), 0.05), _step(_triangle(4.0 * v), 0.05))
    joint = np.minimum(joint, 1.0)
    tone = _hash(np.floor(4.0 * u + 0.5).astype(np.int64) % 4, np.floor(4.0 * v + 0.5).astype(np.int64) % 4, 43)
    return (0.6 + 0.4 * tone) * joint


def _weave(u: Array, v: Array) -> Array:
    over = ((np.floor(16.0 * u) + np.floor(16.0 * v)) % 2) > 0
    return np.asarray(np.where(over, 1.0 - _triangle(16.0 * u), 1.0 - _triangle(16.0 * v)) * 0.8 + 0.2)


def _plaid(u: Array, v: Array) -> Array:
    bands = [_step(_triangle(k * w), 0.5) for w in (u, v) for k in (3.0, 9.0)]
    return np.asarray(0.35 * bands[0] + 0.15 * bands[1] + 0.35 * bands[2] + 0.15 * bands[3])


def _dots(u: Array, v: Array) -> Array:
    row = np.floor(8.0 * v)
    x, y = 8.0 * u + 0.5 * (row % 2), 8.0 * v
    a, b = x - np.floor(x) - 0.5, y - np.floor(y) - 0.5
    return _step(a * a + b * b, 0.09, 0.04)


def _camouflage(u: Array, v: Array) -> Array:
    n = _layers(u, v, 4, 47, 3)
    return np.asarray(np.floor(np.clip((n - 0.2) / 0.6, 0.0, 0.999) * 4.0) / 3.0)


def _gravel(u: Array, v: Array) -> Array:
    return _layers(u, v, 32, 53, 3) ** 1.5


def _zigzag(u: Array, v: Array) -> Array:
    return _step(_triangle(8.0 * v + 0.5 * _triangle(8.0 * u)), 0.5)


def _cloud(u: Array, v: Array) -> Array:
    return _layers(u, v, 3, 59, 6)


_FORMULAS: Final[dict[str, tuple[Callable[[Array, Array], Array], tuple[str, str]]]] = {
    "wood": (_wood, ("#6b4423", "#c69c6d")),
    "planks": (_planks, ("#3b2415", "#b98a5a")),
    "marble": (_marble, ("#57606a", "#eceff1")),
    "bricks": (_bricks, ("#b9b2a8", "#8e3b2b")),
    "tiles": (_tiles, ("#3f4a52", "#d8d4c8")),
    "weave": (_weave, ("#1f3350", "#8fb0c9")),
    "plaid": (_plaid, ("#7a1f28", "#e0cfa5")),
    "dots": (_dots, ("#f0e2c0", "#23576b")),
    "camouflage": (_camouflage, ("#2d3a26", "#a8a077")),
    "gravel": (_gravel, ("#2f2e2c", "#c4bfb5")),
    "zigzag": (_zigzag, ("#264d3b", "#e7d9a8")),
    "cloud": (_cloud, ("#4a3b5c", "#e3b7a0")),
}

TEXTURE_NAMES: Final = tuple(_FORMULAS)
"""Names of the built-in textures."""


def _colour(code: str) -> Array:
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.float64)


def make_texture(name: str, side: int = TEXTURE_SIDE) -> NDArray[np.uint8]:
    """Make a built-in texture.

    Args:
        name: One of `TEXTURE_NAMES`.
        side: Side [px], >= 1.

    Returns:
        sRGB bytes, shape (side, side, 3); the image tiles.

    Raises:
        KeyError: If there is no such texture.

    Example:
        >>> make_texture("bricks").shape
        (256, 256, 3)
    """
    if name not in _FORMULAS:
        raise KeyError(f"no texture {name!r}; there are {', '.join(TEXTURE_NAMES)}")
    formula, (dark, light) = _FORMULAS[name]
    axis = (np.arange(side) + 0.5) / side
    u, v = np.broadcast_arrays(axis[None, :], axis[:, None])
    mix = np.clip(formula(u, v), 0.0, 1.0)[..., None]
    return np.rint(_colour(dark) * (1.0 - mix) + _colour(light) * mix).astype(np.uint8)
