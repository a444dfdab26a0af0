"""The RGB camera: from scene radiance to an 8-bit sRGB image, by way of photons, electrons and digital numbers.

The linear model of EMVA 1288, per pixel and channel:

    E    = pi L / (1 + (2 N)^2)                     irradiance [W/m^2] of radiance L through f-number N
    mu_p = E A t lambda / (h c)                     photons on the pixel's area A in the exposure time t
    e    = min(Poisson(eta mu_p + mu_I t), full well) + read noise
    y    = clip(floor(K e + black level + 1/2), 0, 2^b - 1)

and then black level, white balance and the sRGB transfer, by a table over y. White is equal radiance in all channels.

Differs from a real camera: every pixel has all three channels (no Bayer mosaic and demosaic yet: both are to come), and
fixed patterns, hot pixels, colour matrix, tone curve and JPEG are not modelled yet.

Draws: one Philox block per pixel. Each channel's shot noise has 24 bits of its own word (to 5.4 sigma); its read noise
has that word's other 8 bits and 10 of the fourth word (18 bits, to 4.6 sigma).

Source: EMVA 1288 release 4.0 linear, section 2; IEC 61966-2-1 for the transfer.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .camera_profile import CameraProfile
from .device import Kernel, allocate, on_device, require_device, scalar
from .image_rows import check_rows
from .philox import draw_block, stream_key
from .profiles import load_camera_profile
from .variates import POISSON_SEARCH_LIMIT, normal, poisson, poisson_expansion

PLANCK: Final = 6.62607015e-34
"""Planck constant [J s] (SI, exact)."""
LIGHT_SPEED: Final = 299792458.0
"""Speed of light [m/s] (SI, exact)."""

_MOST_ELECTRONS: Final = 1e12
_WORKING_NUMBERS: Final = 1 << 23
_BINS: Final = 4096
_HALF_BIN: Final = np.uint32(19)
_CLIPPED_PER_MILLE: Final = 20

_SHOT_MASK: Final = np.uint64(0xFFFFFF00)
_SHOT_HALF: Final = np.uint64(0x80)
_LOW_8: Final = np.uint64(0xFF)
_LOW_10: Final = np.uint64(0x3FF)
_TEN: Final = np.uint64(10)
_TWENTY: Final = np.uint64(20)
_FOURTEEN: Final = np.uint64(14)
_READ_HALF: Final = np.uint64(1 << 13)


@dataclass(frozen=True, kw_only=True, eq=False)
class CameraReading:
    """What an RGB camera reports."""

    rgb: Any
    """Image, sRGB, uint8, shape (N, H, W, 3)."""
    exposure_time: NDArray[np.float64]
    """Exposure time [s], shape (N,)."""
    raw: Any
    """Digital numbers before the image pipeline, uint16, shape (N, H, W, 3); None unless asked for."""
    profile: CameraProfile
    """The camera."""


@scalar(forceinline=True)
def _digitize(electrons: Any, noise: Any, full_well: Any, gain: Any, black_level: Any, largest: Any) -> Any:
    """Return the digital number of a charge, as uint64."""
    charge = electrons if electrons < full_well else full_well
    value = (charge + noise) * gain + (black_level + 0.5)
    value = value if value > 0.0 else 0.0
    return np.uint64(np.int64(value if value < largest else largest))


@scalar(forceinline=True)
def _positive(value: Any) -> Any:
    # False for NaN too: a hole in the radiance is dark.
    return np.float64(value) if value > np.float32(0.0) else 0.0


@scalar(forceinline=True)
def _mean_electrons(radiance: Any, rate: Any, dark: Any) -> Any:
    mean = _positive(radiance) * rate + dark
    # Far beyond any full well a count no longer fits an integer.
    return mean if mean < _MOST_ELECTRONS else _MOST_ELECTRONS


@scalar(forceinline=True)
def _shot_word(word: Any) -> Any:
    return (word & _SHOT_MASK) | _SHOT_HALF


@scalar(forceinline=True)
def _read_word(word: Any, low: Any) -> Any:
    return (((word & _LOW_8) << _TEN | (low & _LOW_10)) << _FOURTEEN) | _READ_HALF


@scalar(forceinline=True)
def _bright_number(mean: Any, word: Any, low: Any, full: Any, noise: Any, gain: Any, black: Any, top: Any) -> Any:
    """Return the digital number of one channel of a pixel whose mean charge is at least 10 electrons."""
    shot = poisson_expansion(mean, _shot_word(word))
    return _digitize(shot, noise * normal(_read_word(word, low)), full, gain, black, top)


@scalar
def _number(mean: Any, word: Any, low: Any, full: Any, noise: Any, gain: Any, black: Any, top: Any) -> Any:
    """Return the digital number of one channel of a pixel."""
    shot = poisson(mean, _shot_word(word))
    return _digitize(shot, noise * normal(_read_word(word, low)), full, gain, black, top)


@scalar
def _develop_line(
    line: Any, radiance_in: Any, row_in: Any, exposure_time_in: Any, camera_in: Any, table_in: Any, key_0: Any,
    key_1: Any, sensor: Any, height: Any, number_out: Any, rgb_out: Any, raw_out: Any,
) -> None:  # fmt: skip
    # The first loop has neither a branch nor a store to more than `number_out`, and its strides are constants: the
    # compiler then draws for eight pixels at once. The second does what it cannot: few electrons, and the table.
    width = number_out.shape[2]
    image = line // height
    first = (line - image * height) * width
    row = row_in[image]
    time = exposure_time_in[image]
    rate_0, rate_1, rate_2 = camera_in[0] * time, camera_in[1] * time, camera_in[2] * time
    dark, full, noise = camera_in[3] * time, camera_in[4], camera_in[5]
    gain, black, top = camera_in[6], camera_in[7], camera_in[8]
    for x in range(width):
        w0, w1, w2, w3 = draw_block(key_0, key_1, first + x, row, sensor, 0)
        m0 = _mean_electrons(radiance_in[line, 3 * x], rate_0, dark)
        m1 = _mean_electrons(radiance_in[line, 3 * x + 1], rate_1, dark)
        m2 = _mean_electrons(radiance_in[line, 3 * x + 2], rate_2, dark)
        number_out[line, 0, x] = np.uint16(_bright_number(m0, w0, w3, full, noise, gain, black, top))
        number_out[line, 1, x] = np.uint16(_bright_number(m1, w1, w3 >> _TEN, full, noise, gain, black, top))
        number_out[line, 2, x] = np.uint16(_bright_number(m2, w2, w3 >> _TWENTY, full, noise, gain, black, top))
    keep_raw = raw_out.shape[0] > 0
    for x in range(width):
        m0 = _mean_electrons(radiance_in[line, 3 * x], rate_0, dark)
        m1 = _mean_electrons(radiance_in[line, 3 * x + 1], rate_1, dark)
        m2 = _mean_electrons(radiance_in[line, 3 * x + 2], rate_2, dark)
        if min(m0, min(m1, m2)) < POISSON_SEARCH_LIMIT:
            w0, w1, w2, w3 = draw_block(key_0, key_1, first + x, row, sensor, 0)
            number_out[line, 0, x] = np.uint16(_number(m0, w0, w3, full, noise, gain, black, top))
            number_out[line, 1, x] = np.uint16(_number(m1, w1, w3 >> _TEN, full, noise, gain, black, top))
            number_out[line, 2, x] = np.uint16(_number(m2, w2, w3 >> _TWENTY, full, noise, gain, black, top))
        for channel in range(3):
            number = number_out[line, channel, x]
            rgb_out[line, 3 * x + channel] = table_in[channel, number]
            if keep_raw:
                raw_out[line, 3 * x + channel] = number


_DEVELOP: Final = Kernel(_develop_line)


@scalar
def _meter_row(
    row: Any, radiance_in: Any, signal_rate: Any, target: Any, highlight: Any, shortest: Any, longest: Any,
    histogram_out: Any, exposure_time_out: Any,
) -> None:  # fmt: skip
    # Fixed order and integers: the exposure of a row depends on nothing but the row.
    pixels = radiance_in.shape[1] // 3
    for cell in range(_BINS):
        histogram_out[row, cell] = 0
    total = 0.0
    for pixel in range(pixels):
        red = _positive(radiance_in[row, 3 * pixel])
        green = _positive(radiance_in[row, 3 * pixel + 1])
        blue = _positive(radiance_in[row, 3 * pixel + 2])
        total += 0.2126 * red + 0.7152 * green + 0.0722 * blue
        largest = np.float32(max(red, max(green, blue)))
        histogram_out[row, np.uint64(largest.view(np.uint32) >> _HALF_BIN)] += 1
    allowed = pixels * _CLIPPED_PER_MILLE // 1000
    above = 0
    cell = _BINS - 1
    while cell > 0 and above + histogram_out[row, cell] <= allowed:
        above += histogram_out[row, cell]
        cell -= 1
    # Upper edge of the cell: sixteenth of an octave, so the guard is at most 6 % cautious.
    edge = np.float64(np.uint32((cell + 1) << 19).view(np.float32))
    mean = total / pixels
    time = longest
    if mean * signal_rate * time > target:
        time = target / (mean * signal_rate)
    if cell > 0 and edge * signal_rate * time > highlight:
        time = highlight / (edge * signal_rate)
    exposure_time_out[row] = max(shortest, time)


_METER: Final = Kernel(_meter_row)


def electrons_per_radiance(profile: CameraProfile) -> NDArray[np.float64]:
    """Return the expected electrons per second and unit of radiance, one per channel.

    Args:
        profile: The camera.

    Returns:
        eta pi / (1 + (2 N)^2) A lambda / (h c) [e- s^-1 W^-1 sr m^2], shape (3,).

    Source: EMVA 1288 release 4.0 linear, section 2.
    """
    optics = math.pi / (1.0 + (2.0 * profile.f_number) ** 2) * profile.pixel_pitch**2 / (PLANCK * LIGHT_SPEED)
    pairs = zip(profile.quantum_efficiency, profile.wavelength, strict=True)
    return np.array([efficiency * wavelength * optics for efficiency, wavelength in pairs])


def encode_srgb(linear: float) -> float:
    """Return the sRGB code value in [0, 1] of a linear value.

    Args:
        linear: Linear value; below 0 and above 1 are clipped.

    Source: IEC 61966-2-1.
    """
    value = min(max(linear, 0.0), 1.0)
    return 12.92 * value if value <= 0.0031308 else 1.055 * math.pow(value, 1.0 / 2.4) - 0.055


def apply_camera(
    radiance: Any,
    profile: str | CameraProfile = "generic_rgb",
    *,
    seed: int,
    index: ArrayLike,
    exposure_time: ArrayLike | None = None,
    sensor: int = 0,
    raw: bool = False,
    device: str = "cpu",
    threads: int | None = None,
) -> CameraReading:
    """Take a picture of each radiance image.

    Args:
        radiance: Scene-linear radiance per sRGB primary [W sr^-1 m^-2], float32, shape (N, H, W, 3). Negative or NaN is
            dark. An array that shows `__cuda_array_interface__` is used where it is, and the images stay there.
        profile: Built-in name or a profile.
        seed: Seed of the noise, [0, 2^64).
        index: Global row index of each image, int64, shape (N,): it addresses the noise, so an image's noise does not
            depend on the batch it is in.
        exposure_time: Exposure time [s], a number or shape (N,); None for automatic exposure of each image alone.
        sensor: Number of the camera within its rig, [0, 2^16); cameras of one rig need different ones.
        raw: Whether to return the digital numbers too.
        device: "cpu" or "cuda".
        threads: CPU threads; None for all.

    Returns:
        Images, exposure times and, on request, digital numbers.

    Raises:
        ValueError: If a shape, the profile's name or a value is wrong.
        RuntimeError: If the device is not here.

    Source: EMVA 1288 release 4.0 linear; IEC 61966-2-1.

    Example:
        >>> radiance = np.full((2, 4, 6, 3), 2.0, np.float32)
        >>> reading = apply_camera(radiance, seed=1, index=np.arange(2))
        >>> reading.rgb.shape
        (2, 4, 6, 3)
    """
    camera = load_camera_profile(profile) if isinstance(profile, str) else profile
    there = on_device(radiance)
    target = "cuda" if there else device
    require_device(target)
    images = radiance if there else np.ascontiguousarray(radiance, dtype=np.float32)
    if len(images.shape) != 4 or images.shape[3] != 3 or 0 in images.shape[1:]:
        raise ValueError(f"radiance must have shape (N, H, W, 3) with H, W > 0, got {tuple(images.shape)}")
    count, height, width, _ = images.shape
    rows = check_rows(index, count)
    if not 0 <= sensor < 1 << 16:
        raise ValueError(f"sensor must be in [0, 65536), got {sensor}")
    rates = electrons_per_radiance(camera)
    times = _exposure_times(images.reshape(count, -1), camera, rates, exposure_time, target, threads)
    lines = images.reshape(count * height, width * 3)
    rgb = allocate((count * height, width * 3), np.uint8, there)
    numbers = allocate((count * height if raw else 0, width * 3), np.uint16, there)
    largest = 2.0**camera.bit_depth - 1.0
    constants = [camera.dark_current, camera.full_well, camera.read_noise, camera.gain, camera.black_level, largest]
    parameters, table, key = np.concatenate([rates, constants]), _output_table(camera), stream_key(seed, "camera")
    # A few images at a time keep the working space small and in the cache.
    step = max(1, _WORKING_NUMBERS // (height * width * 3))
    space = allocate((min(step, count) * height, 3, width), np.uint16, there)
    for start in range(0, count, step):
        end = min(start + step, count)
        part = slice(start * height, end * height)
        _DEVELOP.launch(
            (end - start) * height, lines[part], rows[start:end], times[start:end], parameters, table, *key,
            np.uint64(sensor), height, space, rgb[part], numbers[part], device=target, threads=threads,
        )  # fmt: skip
    return CameraReading(
        rgb=rgb.reshape(count, height, width, 3),
        exposure_time=times,
        raw=numbers.reshape(count, height, width, 3) if raw else None,
        profile=camera,
    )


def _exposure_times(
    flat: Any,
    camera: CameraProfile,
    rates: NDArray[np.float64],
    given: ArrayLike | None,
    device: str,
    threads: int | None,
) -> NDArray[np.float64]:
    count = flat.shape[0]
    if given is not None:
        times = np.broadcast_to(np.asarray(given, dtype=np.float64), (count,)).copy()
        if not (np.isfinite(times).all() and (times > 0.0).all()):
            raise ValueError("exposure_time must be positive and finite [s], or None for automatic exposure")
        return times
    # With white balance every channel's output is the same multiple of its radiance: that of the most sensitive one.
    rate = max(rates) / _saturation(camera)
    times = np.empty(count)
    histogram = np.empty((count, _BINS), np.int32)
    _METER.launch(
        count, flat, rate, camera.exposure_target, camera.exposure_highlight, camera.exposure_time_min,
        camera.exposure_time_max, histogram, times, device=device, threads=threads,
    )  # fmt: skip
    return times


def _saturation(camera: CameraProfile) -> float:
    # Charge at which full well or converter ends, whichever comes first.
    return min(camera.full_well, (2.0**camera.bit_depth - 1.0 - camera.black_level) / camera.gain)


@functools.lru_cache(maxsize=16)
def _output_table(camera: CameraProfile) -> NDArray[np.uint8]:
    rates = electrons_per_radiance(camera)
    table = np.empty((3, 2**camera.bit_depth), np.uint8)
    scale = 1.0 / (camera.gain * _saturation(camera))
    for channel in range(3):
        balance = float(max(rates) / rates[channel])
        for number in range(2**camera.bit_depth):
            linear = (number - camera.black_level) * scale * balance
            table[channel, number] = int(255.0 * encode_srgb(linear) + 0.5)
    table.flags.writeable = False
    return table
