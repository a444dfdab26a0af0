"""Built-in skies: small equirectangular images of places, pure functions of their angles."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .procedural_textures import Canvas

_Field = NDArray[np.float64]
_ROWS: Final = 96


def make_builtin_skies() -> dict[str, NDArray[np.float32]]:
    """Make the built-in skies.

    Returns:
        Name to linear radiance, shape (96, 192, 3), laid out as `skies` says. Each is scaled so that a level surface
        under it gets the irradiance pi: as under an even sky of radiance 1. `overcast`, `clear` and `sunset` hold no
        sun, which scenes add; `room`, `hall` and `night` hold lights of their own.

    Example:
        >>> row = builder.add_sky("room", make_builtin_skies()["room"])
    """
    polar = (np.arange(_ROWS) + 0.5) * (math.pi / _ROWS)
    around = (np.arange(2 * _ROWS) + 0.5) * (math.pi / _ROWS)
    height = np.broadcast_to((0.5 * math.pi - polar)[:, None], (_ROWS, 2 * _ROWS))
    azimuth = np.broadcast_to(around[None], (_ROWS, 2 * _ROWS))
    makers = {
        "overcast": _overcast, "clear": _clear, "sunset": _sunset, "room": _room, "hall": _hall, "night": _night,
    }  # fmt: skip
    weight = np.where(height > 0, np.sin(height) * np.cos(height), 0.0)
    skies = {}
    for seed, (name, maker) in enumerate(makers.items()):
        radiance = np.maximum(maker(height, azimuth, seed), 0.0)
        mean = (radiance.mean(axis=2) * weight).sum() / weight.sum()
        skies[name] = (radiance / mean).astype(np.float32)
    return skies


def find_horizon(radiance: NDArray[np.float32]) -> tuple[float, float, float]:
    """Return a sky's mean radiance within 10 degrees of the horizon: that of a fog which hides the rest."""
    rows = len(radiance)
    red, green, blue = radiance[rows * 4 // 9 : rows * 5 // 9].astype(np.float64).mean(axis=(0, 1)).tolist()
    return red, green, blue


def _noise(across: int, seed: int) -> _Field:
    """Return fractal noise that repeats around, range [0, 1], mean about one half."""
    canvas = Canvas(2 * _ROWS, 101 + seed)
    return canvas.fractal(across, 2 * across, 1)[:_ROWS]


def _colour(red: float, green: float, blue: float) -> _Field:
    return np.array([red, green, blue])


def _blend(low: _Field, high: _Field, share: _Field) -> _Field:
    return np.asarray(low + (high - low) * np.clip(share, 0.0, 1.0)[..., None])


def _ground(sky: _Field, height: _Field, ground: _Field) -> _Field:
    return _blend(ground * np.ones_like(sky), sky, 0.5 + height / math.radians(4.0))


def _overcast(height: _Field, azimuth: _Field, seed: int) -> _Field:
    # CIE standard overcast sky: three times as bright at the zenith as at the horizon.
    level = (1.0 + 2.0 * np.sin(np.maximum(height, 0.0))) / 3.0 * (0.75 + 0.5 * _noise(4, seed))
    return _ground(level[..., None] * _colour(0.95, 1.0, 1.08), height, _colour(0.16, 0.15, 0.13))


def _clear(height: _Field, azimuth: _Field, seed: int) -> _Field:
    up = np.sin(np.maximum(height, 0.0))
    blue = _blend(_colour(1.3, 1.5, 1.7), _colour(0.35, 0.65, 1.4), up**0.5)
    clouds = np.clip((_noise(5, seed) - 0.52) * 7.0, 0.0, 1.0) * np.clip(up * 4.0, 0.0, 1.0)
    return _ground(_blend(blue, _colour(2.2, 2.2, 2.2), clouds), height, _colour(0.35, 0.32, 0.25))


def _sunset(height: _Field, azimuth: _Field, seed: int) -> _Field:
    up = np.maximum(height, 0.0)
    near = 0.5 + 0.5 * np.cos(azimuth)
    glow = np.exp(-up / math.radians(14.0)) * near**2
    dusk = _blend(_colour(0.5, 0.45, 0.55), _colour(0.18, 0.25, 0.55), up / math.radians(50.0))
    clouds = np.clip((_noise(5, seed) - 0.5) * 4.0, 0.0, 1.0)[..., None] * _colour(0.5, 0.25, 0.15) * near[..., None]
    return _ground(dusk + glow[..., None] * _colour(4.0, 1.7, 0.5) + clouds, height, _colour(0.12, 0.1, 0.1))


def _box(
    height: _Field, azimuth: _Field, half: tuple[float, float], up: float, down: float
) -> tuple[NDArray[Any], ...]:
    """Return where rays from inside a box-shaped room end: x, y, z [m], and whether on the ceiling or the floor."""
    dx, dy, dz = np.cos(height) * np.cos(azimuth), np.cos(height) * np.sin(azimuth), np.sin(height)
    tiny = 1e-9
    side = np.minimum(half[0] / np.maximum(np.abs(dx), tiny), half[1] / np.maximum(np.abs(dy), tiny))
    ends = np.where(dz > 0, up, down) / np.maximum(np.abs(dz), tiny)
    far = np.minimum(side, ends)
    flat = ends < side
    return far * dx, far * dy, far * dz, flat & (dz > 0), flat & (dz <= 0)


def _room(height: _Field, azimuth: _Field, seed: int) -> _Field:
    x, y, z, ceiling, floor = _box(height, azimuth, (3.2, 2.6), 1.7, 1.1)
    grain = 0.9 + 0.2 * _noise(8, seed)
    image = np.ones_like(grain)[..., None] * _colour(0.62, 0.56, 0.46)
    image = np.where(((z < -0.15) & ~floor)[..., None], _colour(0.36, 0.27, 0.19), image)  # cupboards
    doors = (np.abs(np.mod(x + y, 0.8)) < 0.05) & (z < -0.15)
    image = np.where(doors[..., None], _colour(0.2, 0.14, 0.1), image)
    shelf = (np.abs(y) > 2.59) & (np.abs(x) < 1.4) & (z > 0.5) & (z < 0.62)
    image = np.where(shelf[..., None], _colour(0.25, 0.18, 0.12), image)
    window = (x > 3.19) & (np.abs(y) < 1.1) & (z > -0.05) & (z < 1.1)
    panes = (np.abs(y) > 0.05) & (np.abs(z - 0.55) > 0.04)
    image = np.where((window & panes)[..., None], _colour(5.0, 5.8, 6.8), image)
    image = np.where(ceiling[..., None], _colour(0.8, 0.78, 0.74), image)
    light = ceiling & (np.abs(np.abs(x) - 1.2) < 0.35) & (np.abs(y) < 0.35)
    image = np.where(floor[..., None], _colour(0.3, 0.22, 0.15), image)
    return np.where(light[..., None], _colour(12.0, 10.5, 8.0), image * grain[..., None])


def _hall(height: _Field, azimuth: _Field, seed: int) -> _Field:
    x, y, z, ceiling, floor = _box(height, azimuth, (20.0, 12.0), 6.5, 1.2)
    grain = 0.85 + 0.3 * _noise(8, seed)
    image = np.ones_like(grain)[..., None] * _colour(0.34, 0.36, 0.38)
    goods = np.floor(np.mod((x + 2.0 * y) / 1.3, 5.0))
    racks = ~floor & ~ceiling & (z < 3.5)
    boxes = _colour(0.42, 0.29, 0.17) * (0.5 + 0.22 * goods[..., None])
    image = np.where(racks[..., None], boxes, image)
    beams = racks & ((np.mod(z + 1.2, 1.5) < 0.15) | (np.mod(x + 2.0 * y, 2.6) < 0.15))
    image = np.where(beams[..., None], _colour(0.55, 0.18, 0.05), image)
    image = np.where(ceiling[..., None], _colour(0.22, 0.23, 0.25), image)
    tubes = ceiling & (np.mod(y + 1.5, 3.0) < 0.3) & (np.mod(x, 5.0) < 3.4)
    image = np.where(floor[..., None], _colour(0.28, 0.28, 0.27), image)
    return np.where(tubes[..., None], _colour(14.0, 15.0, 15.5), image * grain[..., None])


def _night(height: _Field, azimuth: _Field, seed: int) -> _Field:
    up = np.maximum(height, 0.0)
    sky = _blend(_colour(0.5, 0.36, 0.22), _colour(0.05, 0.06, 0.1), (up / math.radians(30.0)) ** 0.5)
    # Houses around, with lit windows; their height changes from house to house.
    turn = azimuth / (2.0 * math.pi)
    house = np.floor(turn * 22.0)
    top = math.radians(8.0) + math.radians(16.0) * np.mod(house * 0.618, 1.0)
    wall = (height < top) & (height > math.radians(-4.0))
    image = np.where(wall[..., None], _colour(0.08, 0.07, 0.065), sky)
    column, row = np.floor(turn * 96.0), np.floor(height / math.radians(3.75))
    lit = np.mod(column * 0.754877 + row * 0.569840, 1.0) < 0.22
    image = np.where((wall & lit & (height < top - 0.03))[..., None], _colour(2.4, 1.6, 0.7), image)
    lamps = (np.abs(np.mod(turn * 8.0, 1.0) - 0.5) < 0.05) & (np.abs(height - math.radians(22.0)) < math.radians(1.9))
    image = np.where(lamps[..., None], _colour(16.0, 9.5, 3.5), image)
    return _ground(image, height, _colour(0.06, 0.055, 0.05))
