"""Fog: a homogeneous medium between the camera and what it sees."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.device import scalar
from .surface import BLUE, GREEN, POSITION_X, POSITION_Y, POSITION_Z, RED

F0 = np.float32(0.0)
F1 = np.float32(1.0)


@scalar(forceinline=True)
def exp_negative(x: Any) -> Any:
    """Return e^-x for x >= 0 (float32) within 2e-6 of its value, without branches, so that it vectorises.

    2^f on [0, 1) by Taylor's series of e^(f ln 2), times a power of two by its exponent bits.
    """
    t = -min(x, np.float32(80.0)) * np.float32(1.4426950408889634)
    whole = np.float32(np.floor(t))
    f = (t - whole) * np.float32(0.6931471805599453)
    series = F1 + f * (
        F1
        + f
        * (
            np.float32(1.0 / 2.0)
            + f
            * (
                np.float32(1.0 / 6.0)
                + f
                * (
                    np.float32(1.0 / 24.0)
                    + f * (np.float32(1.0 / 120.0) + f * (np.float32(1.0 / 720.0) + f * np.float32(1.0 / 5040.0)))
                )
            )
        )
    )
    bits = np.uint32(np.uint32(np.int32(whole) + np.int32(127)) << np.uint32(23))
    return series * bits.view(np.float32)


@scalar
def spread_fog(count: int, light: Any, eye_x: Any, eye_y: Any, eye_z: Any, far: Any, draws: Any, block: Any) -> None:
    """Weaken a block's radiance by Beer-Lambert extinction and add the fog's own light; the sky stands at `far`."""
    extinction = light[16]
    for i in range(count):
        x = np.uint64(i)
        px, py, pz = block[POSITION_X + x] - eye_x, block[POSITION_Y + x] - eye_y, block[POSITION_Z + x] - eye_z
        distance = np.float32(math.sqrt(px * px + py * py + pz * pz))
        distance = far if draws[x] < 0 else distance
        kept = exp_negative(extinction * distance)
        block[RED + x] = light[17] + (block[RED + x] - light[17]) * kept
        block[GREEN + x] = light[18] + (block[GREEN + x] - light[18]) * kept
        block[BLUE + x] = light[19] + (block[BLUE + x] - light[19]) * kept
