"""Whether a block matcher finds its match: contrast of what it sees over the noise of a pixel.

    own      = projector rho cos(theta) / z^2            contrast, and mean brightness, of the projected pattern
    around   = ambient rho
    contrast = sqrt(own^2 + (around t)^2)                t: relative texture of the surface, see `texture`
    noise    = sqrt(sigma_0^2 + (own + around) / full well)
    share    = (contrast / noise - none) / (full - none), between 0 and 1

All signals are shares of the imager's full scale; where own + around reaches it, the pixel is saturated.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from .device import scalar

INFRARED: Final = 0.5
"""Infrared reflectance of a surface where it is not known."""


@scalar(forceinline=True)
def _match_share(
    disparity: Any, light: Any, facing: Any, rough: Any, inverse_square: Any, projector: Any, ambient: Any,
    floor_square: Any, per_electron: Any, none: Any, scale: Any,
) -> Any:  # fmt: skip
    around = ambient * light
    own = projector * light * facing * (disparity * disparity * inverse_square)
    contrast = own * own + around * around * rough
    noise = floor_square + (own + around) * per_electron
    share = (math.sqrt(contrast / noise) - none) * scale
    share = share if share > 0.0 else 0.0
    share = share if share < 1.0 else 1.0
    return -1.0 if own + around >= 1.0 else share


@scalar
def match_share(
    disparity: Any, light: Any, facing: Any, rough: Any, inverse_square: Any, parameter_in: Any, which: Any
) -> Any:
    """Return the probability that a pixel finds its match; -1 where it is saturated.

    Args:
        disparity: Disparity of the pixel [px].
        light: Infrared reflectance, at least 0.
        facing: Cosine of incidence, at least 0.
        rough: Square of the relative texture.
        inverse_square: 1 / (f B)^2 [px^-2 m^-2].
        parameter_in: Numbers of the profiles.
        which: Row of them.
    """
    return _match_share(
        disparity, light, facing, rough, inverse_square, parameter_in[which, 13], parameter_in[which, 14],
        parameter_in[which, 15] * parameter_in[which, 15], 1.0 / parameter_in[which, 16], parameter_in[which, 18],
        1.0 / (parameter_in[which, 17] - parameter_in[which, 18]),
    )  # fmt: skip


@scalar
def match_line(
    line: Any, band: Any, width: Any, cosine_in: Any, infrared_in: Any, texture_in: Any, inverse_square: Any,
    parameter_in: Any, which: Any, spare: Any, pitch: Any, match: Any, work_out: Any,
) -> None:  # fmt: skip
    """Find the share of each pixel of a line that finds its match; -1 where it is saturated.

    Args:
        line: Line of the inputs.
        band: Row of `work_out`, which holds the disparity of each pixel first [px].
        width: Pixels of the line.
        cosine_in: Cosine of incidence, shape (lines, W); (0, 1) where it is not known, and so on.
        infrared_in: Infrared reflectance.
        texture_in: Square of the relative texture.
        inverse_square: 1 / (f B)^2 [px^-2 m^-2].
        parameter_in: Numbers of the profiles.
        which: Row of them.
        spare: Place in `work_out` of three spare lines.
        pitch: Distance of lines there.
        match: Place there of the result.
        work_out: Working lines.
    """
    projector, ambient = parameter_in[which, 13], parameter_in[which, 14]
    floor_square, per_electron = parameter_in[which, 15] * parameter_in[which, 15], 1.0 / parameter_in[which, 16]
    none, scale = parameter_in[which, 18], 1.0 / (parameter_in[which, 17] - parameter_in[which, 18])
    reflectance, facing, rough = spare, spare + pitch, spare + 2 * pitch
    for x in range(width):
        work_out[band, np.uint64(reflectance + x)] = INFRARED
        work_out[band, np.uint64(facing + x)] = 1.0
        work_out[band, np.uint64(rough + x)] = 0.0
    if infrared_in.shape[0] > 0:
        for x in range(width):
            given = np.float64(infrared_in[line, x])
            work_out[band, np.uint64(reflectance + x)] = given if given > 0.0 else 0.0
    if cosine_in.shape[0] > 0:
        for x in range(width):
            given = np.float64(cosine_in[line, x])
            work_out[band, np.uint64(facing + x)] = given if given > 0.0 else 0.0
    if texture_in.shape[0] > 0:
        for x in range(width):
            work_out[band, np.uint64(rough + x)] = np.float64(texture_in[line, x])
    for x in range(width):
        work_out[band, np.uint64(match + x)] = _match_share(
            work_out[band, x], work_out[band, np.uint64(reflectance + x)], work_out[band, np.uint64(facing + x)],
            work_out[band, np.uint64(rough + x)], inverse_square, projector, ambient, floor_square, per_electron, none,
            scale,
        )  # fmt: skip
