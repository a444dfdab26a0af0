"""Sky images: what an equirectangular sky shows behind things, and the light that it sheds on them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.device import scalar
from .light_block import ALONG_BLUE, ALONG_GREEN, ALONG_RED, AROUND_BLUE, AROUND_GREEN, AROUND_RED
from .surface import (
    BLUE,
    GREEN,
    NORMAL_X,
    NORMAL_Y,
    NORMAL_Z,
    RED,
    ROUGHNESS,
    VIEW_X,
    VIEW_Y,
    VIEW_Z,
)
from .tables import Skies

F0 = np.float32(0.0)
F1 = np.float32(1.0)
HALF = np.float32(0.5)
INVERSE_PI = np.float32(1.0 / math.pi)


@scalar
def _choose_level(texels: Any, levels: int) -> int:
    """Return the level whose texels are as large as a cone that spans some texels of the finest."""
    level = 0
    while texels >= np.float32(2.0) and level < levels - 1:
        texels = texels * HALF
        level += 1
    return level


@scalar
def _read_sky(skies: Skies, sky: int, level: int, dx: Any, dy: Any, dz: Any, yaw: Any) -> Any:
    """Return the radiance in a world direction, bilinear within a level; see `skies` for which texel is where."""
    first = int(skies.offset[sky])
    width, height = int(skies.width[sky]), int(skies.height[sky])
    for _ in range(level):
        first += width * height
        width, height = max(width >> 1, 1), max(height >> 1, 1)
    turn = (np.float32(math.atan2(dy, dx)) - yaw) * (HALF * INVERSE_PI)
    u = (turn - np.float32(math.floor(turn))) * np.float32(width) - HALF
    level_part = np.float32(math.sqrt(dx * dx + dy * dy))
    v = np.float32(math.atan2(level_part, dz)) * INVERSE_PI * np.float32(height) - HALF
    x0, y0 = np.float32(math.floor(u)), np.float32(math.floor(v))
    tx, ty = u - x0, v - y0
    left, top = int(x0), int(y0)
    red, green, blue = F0, F0, F0
    for k in range(4):
        column = (left + (k & 1) + width) % width
        row = min(max(top + (k >> 1), 0), height - 1)
        weight = (tx if k & 1 else F1 - tx) * (ty if k >> 1 else F1 - ty)
        place = first + row * width + column
        red += weight * skies.texel[place, 0]
        green += weight * skies.texel[place, 1]
        blue += weight * skies.texel[place, 2]
    return red, green, blue


@scalar
def gather_sky_light(count: int, sky: int, light: Any, skies: Skies, draws: Any, block: Any, light_block: Any) -> None:
    """Write what a sky image sheds on a block of samples: its mean over the surface, and along the mirror direction.

    The mean is the irradiance of nine spherical harmonics (Ramamoorthi and Hanrahan 2001) over pi. Along the mirror a
    mip level stands for the lobe's width.
    """
    yaw = light[23]
    cosine, sine = np.float32(math.cos(yaw)), np.float32(math.sin(yaw))
    width = np.float32(skies.width[sky])
    for i in range(count):
        x = np.uint64(i)
        if draws[x] < 0:
            continue
        nx, ny, nz = block[NORMAL_X + x], block[NORMAL_Y + x], block[NORMAL_Z + x]
        vx, vy, vz = block[VIEW_X + x], block[VIEW_Y + x], block[VIEW_Z + x]
        mx, my = cosine * nx + sine * ny, cosine * ny - sine * nx
        for channel in range(3):
            value = (
                skies.harmonics[sky, 0, channel]
                + skies.harmonics[sky, 1, channel] * my
                + skies.harmonics[sky, 2, channel] * nz
                + skies.harmonics[sky, 3, channel] * mx
                + skies.harmonics[sky, 4, channel] * (mx * my)
                + skies.harmonics[sky, 5, channel] * (my * nz)
                + skies.harmonics[sky, 6, channel] * (np.float32(3.0) * nz * nz - F1)
                + skies.harmonics[sky, 7, channel] * (mx * nz)
                + skies.harmonics[sky, 8, channel] * (mx * mx - my * my)
            )
            value = max(value, F0) * INVERSE_PI * light[20 + channel]
            if channel == 0:
                light_block[AROUND_RED + x] = value
            elif channel == 1:
                light_block[AROUND_GREEN + x] = value
            else:
                light_block[AROUND_BLUE + x] = value
        facing = nx * vx + ny * vy + nz * vz
        rough = block[ROUGHNESS + x]
        level = _choose_level(rough * rough * width * INVERSE_PI, int(skies.levels[sky]))
        twice = facing + facing
        red, green, blue = _read_sky(skies, sky, level, twice * nx - vx, twice * ny - vy, twice * nz - vz, yaw)
        light_block[ALONG_RED + x], light_block[ALONG_GREEN + x] = red * light[20], green * light[21]
        light_block[ALONG_BLUE + x] = blue * light[22]


@scalar
def show_sky_image(count: int, sky: int, light: Any, sample_angle: Any, skies: Skies, draws: Any, block: Any) -> None:
    """Write the image's radiance where a block of samples sees nothing; a sample spans `sample_angle` [rad]."""
    level = _choose_level(sample_angle * np.float32(skies.width[sky]) * (HALF * INVERSE_PI), int(skies.levels[sky]))
    for i in range(count):
        x = np.uint64(i)
        if draws[x] < 0:
            red, green, blue = _read_sky(
                skies, sky, level, -block[VIEW_X + x], -block[VIEW_Y + x], -block[VIEW_Z + x], light[23]
            )
            block[RED + x], block[GREEN + x] = red * light[20], green * light[21]
            block[BLUE + x] = blue * light[22]
