"""Ready-made laws of camera noise: random profiles to train denoisers and detectors with.

Two published laws are drawn and put into a camera profile's physical fields. With white at S digital numbers above the
black level, a signal x = (y - black) / S in [0, 1] has a variance of

    Var x = a x + b,   a = K / S,   b = (K sigma_d / S)^2 + 1 / (12 S^2)

where K is the gain [DN/e-], sigma_d the read noise [e-], and the last term the converter's own. So a law's a and b give
K = a S and sigma_d = sqrt(b - 1 / (12 S^2)) / a (0 where b is less), and white is a charge of 1 / a electrons, which is
the full well. What the law has no part for (dark current, fixed patterns, hot pixels, and row noise in the first) is
off, since the law stands for all of it.

Draws: from the streams "camera/unprocessing" and "camera/eld", by row index and sensor.

Sources: Brooks et al., "Unprocessing images for learned raw denoising", CVPR 2019; Wei et al., "A physics-based noise
formation model for extreme low-light raw denoising", CVPR 2020 (ELD), with the figures of its released code.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .camera_profile import CameraProfile
from .image_rows import check_rows, check_sensor
from .philox import philox_words
from .profiles import load_camera_profile
from .tukey import tukey_deviation
from .variates import normal_quantile

SHOT_RANGE: Final = (1e-4, 1.2e-2)
"""Range of Unprocessing's shot noise a."""
READ_LINE: Final = (2.18, 1.20, 0.26)
"""Slope, bias and deviation of log b over log a in Unprocessing."""
RED_GAIN: Final = (1.9, 2.4)
BLUE_GAIN: Final = (1.5, 1.9)
BRIGHTNESS: Final = (0.8, 0.1)
"""Mean and deviation of the inverse of Unprocessing's gain of all channels."""

ELD_BITS: Final = 14
ELD_BLACK: Final = 800.0
"""Black level of ELD's cameras [DN]: white is 16383 - 800 above it."""


class EldLine(NamedTuple):
    """log(scale) = slope log K + bias + N(0, deviation), the scale in DN."""

    slope: float
    bias: float
    deviation: float


class EldCamera(NamedTuple):
    """A camera of ELD's table."""

    gain_min: float
    """Smallest gain K [DN/e-]."""
    gain_max: float
    """Largest gain K [DN/e-]."""
    read: EldLine
    """Read noise, normal."""
    tail: EldLine
    """Read noise as the column "G"; that this is the scale of a Tukey lambda distribution is our reading."""
    row: EldLine
    """Row noise."""


ELD_CAMERAS: Final = {
    "sony_a7s2": EldCamera(
        0.094, 6.01, EldLine(0.541, 1.218, 0.268), EldLine(0.462, 0.566, 0.263), EldLine(0.528, -0.592, 0.294)
    ),
    "nikon_d850": EldCamera(
        0.415, 26.6, EldLine(0.563, 0.799, 0.214), EldLine(0.477, -0.090, 0.239), EldLine(0.448, -1.798, 0.232)
    ),
    "canon_5d4": EldCamera(
        0.218, 13.96, EldLine(0.677, 1.512, 0.246), EldLine(0.656, 1.093, 0.286), EldLine(0.471, -0.808, 0.244)
    ),
    "canon_70d": EldCamera(
        0.407, 26.1, EldLine(0.568, 1.998, 0.249), EldLine(0.487, 1.464, 0.382), EldLine(0.729, -0.937, 0.250)
    ),
    "canon_700d": EldCamera(
        0.448, 28.6, EldLine(0.652, 2.080, 0.258), EldLine(0.598, 1.537, 0.389), EldLine(0.622, -0.776, 0.248)
    ),
}
"""Noise of the cameras that ELD calibrated."""

_CLEAN: Final[dict[str, Any]] = {
    "dark_current": 0.0,
    "photo_response_nonuniformity": 0.0,
    "dark_signal_nonuniformity": 0.0,
    "hot_pixel_fraction": 0.0,
    "hot_pixel_current": 0.0,
    "row_pattern": 0.0,
    "column_pattern": 0.0,
    "row_noise": 0.0,
    "column_noise": 0.0,
    "read_noise_shape": 0.0,
}


def draw_unprocessing_profiles(
    profile: str | CameraProfile, *, seed: int, index: ArrayLike, sensor: int = 0
) -> list[CameraProfile]:
    """Draw a camera for each row from the law of "Unprocessing images for learned raw denoising".

        log a ~ U(log 1e-4, log 1.2e-2),   log b = 2.18 log a + 1.20 + N(0, 0.26)
        gain of all channels 1 / N(0.8, 0.1),   of red U(1.9, 2.4),   of blue U(1.5, 1.9)

    a and b become gain, read noise and full well. The gains of red and blue are those of the white balance, and the
    sensor's efficiencies for these channels are as much less than green's, so that equal radiance stays grey. The gain
    of all channels becomes exposure: its inverse multiplies the target of automatic exposure. The law's random colour
    matrices are not drawn: the profile's stays.

    Args:
        profile: Built-in name or a profile: everything that the law does not say.
        seed: Seed of the draws, [0, 2^64).
        index: Global row indices, shape (N,): a row's camera does not depend on the batch.
        sensor: Number of the camera within its rig, [0, 2^16).

    Returns:
        N profiles.

    Raises:
        ValueError: If a name, an index or the seed is wrong.

    Source: Brooks et al. 2019, sections 3.1 and 3.4, and its released code.

    Example:
        >>> cameras = draw_unprocessing_profiles("generic_rgb", seed=0, index=np.arange(2))
        >>> 1e-4 < cameras[0].gain / (4095 - cameras[0].black_level) < 1.2e-2
        True
    """
    base = load_camera_profile(profile) if isinstance(profile, str) else profile
    white = 2.0**base.bit_depth - 1.0 - base.black_level
    found = []
    for uniforms in _draw(seed, "camera/unprocessing", index, sensor, 2):
        low, high = (math.log(value) for value in SHOT_RANGE)
        log_shot = low + uniforms[0] * (high - low)
        slope, bias, deviation = READ_LINE
        read = math.exp(slope * log_shot + bias + deviation * normal_quantile(uniforms[1]))
        shot = math.exp(log_shot)
        red = RED_GAIN[0] + uniforms[2] * (RED_GAIN[1] - RED_GAIN[0])
        blue = BLUE_GAIN[0] + uniforms[3] * (BLUE_GAIN[1] - BLUE_GAIN[0])
        dimming = BRIGHTNESS[0] + BRIGHTNESS[1] * normal_quantile(uniforms[4])
        efficiency, wavelength = base.quantum_efficiency[1], base.wavelength
        # Electrons per radiance go with efficiency times wavelength.
        seen = (
            min(efficiency * wavelength[1] / (wavelength[0] * red), 1.0),
            efficiency,
            min(efficiency * wavelength[1] / (wavelength[2] * blue), 1.0),
        )
        found.append(
            dataclasses.replace(
                base,
                name=f"{base.name}/unprocessing",
                gain=shot * white,
                full_well=max(1.0 / shot, 1.0),
                read_noise=math.sqrt(max(read - 1.0 / (12.0 * white * white), 0.0)) / shot,
                quantum_efficiency=seen,
                white_balance=(red, 1.0, blue),
                exposure_target=min(base.exposure_target * dimming, 1.0),
                **_CLEAN,
            )
        )
    return found


def draw_eld_profiles(
    camera_name: str,
    profile: str | CameraProfile = "generic_rgb",
    *,
    seed: int,
    index: ArrayLike,
    tail_shape: float | None = None,
    sensor: int = 0,
) -> list[CameraProfile]:
    """Draw the noise of a real camera at a random gain for each row, from the calibrations of ELD.

        log K ~ U(log K_min, log K_max),   log(scale) = slope log K + bias + N(0, deviation)     for read and row noise

    K is the gain in DN/e- at 14 bits; the scales, in DN, over K become electrons.

    Args:
        camera_name: One of `ELD_CAMERAS`.
        profile: Built-in name or a profile: everything that the law does not say, such as the lens and the colours.
        seed: Seed of the draws, [0, 2^64).
        index: Global row indices, shape (N,): a row's camera does not depend on the batch.
        tail_shape: None for the table's normal read noise. A number takes its column "G" instead, read as the scale of
            a Tukey lambda distribution of this shape, [-0.45, 0.4], not within 0.001 of 0. The reading follows the
            paper's naming; the shapes that were fitted are not part of this table.
        sensor: Number of the camera within its rig, [0, 2^16).

    Returns:
        N profiles.

    Raises:
        ValueError: If a name, an index, the shape or the seed is wrong.

    Source: Wei et al. 2020, section 3, with the figures of its released code.

    Example:
        >>> draw_eld_profiles("sony_a7s2", seed=0, index=[5])[0].bit_depth
        14
    """
    if camera_name not in ELD_CAMERAS:
        near = difflib.get_close_matches(str(camera_name), ELD_CAMERAS, n=1, cutoff=0.0)
        raise ValueError(
            f"camera_name must be one of {', '.join(ELD_CAMERAS)}, got {camera_name!r}; did you mean {near[0]!r}?"
        )
    if tail_shape is not None and not (-0.45 <= tail_shape <= 0.4 and abs(tail_shape) >= 1e-3):
        raise ValueError(
            f"tail_shape must be in [-0.45, 0.4], 0.001 or more from 0, got {tail_shape!r}; None for normal read noise"
        )
    camera = ELD_CAMERAS[camera_name]
    base = load_camera_profile(profile) if isinstance(profile, str) else profile
    white = 2.0**ELD_BITS - 1.0 - ELD_BLACK
    found = []
    for uniforms in _draw(seed, "camera/eld", index, sensor, 1):
        low, high = math.log(camera.gain_min), math.log(camera.gain_max)
        log_gain = low + uniforms[0] * (high - low)
        gain = math.exp(log_gain)
        line, spread = (
            (camera.read, 1.0) if tail_shape is None else (camera.tail, abs(tukey_deviation(tail_shape) / tail_shape))
        )
        read, row = _scale(line, log_gain, uniforms[1]), _scale(camera.row, log_gain, uniforms[2])
        noise = {"read_noise": read * spread / gain, "row_noise": row / gain, "read_noise_shape": tail_shape or 0.0}
        found.append(
            dataclasses.replace(
                base,
                name=f"{base.name}/eld_{camera_name}",
                gain=gain,
                black_level=ELD_BLACK,
                bit_depth=ELD_BITS,
                full_well=white / gain,
                **{**_CLEAN, **noise},
            )
        )
    return found


def _scale(line: EldLine, log_gain: float, uniform: float) -> float:
    return math.exp(line.slope * log_gain + line.bias + line.deviation * normal_quantile(uniform))


def _draw(seed: int, stream: str, index: ArrayLike, sensor: int, blocks: int) -> NDArray[np.float64]:
    """Return four uniform numbers in (0, 1) per block for each row."""
    rows = check_rows(index, np.asarray(index).size)
    first = int(check_sensor(sensor)) << 16
    addresses = np.stack([np.zeros_like(rows), rows & 0xFFFFFFFF, rows >> 32], axis=1)
    words = [philox_words(seed, stream, addresses, first | block) for block in range(blocks)]
    uniforms: NDArray[np.float64] = (np.concatenate(words, axis=1).astype(np.float64) + 0.5) * 2.0**-32
    return uniforms
