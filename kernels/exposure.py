"""The image sensor of a camera: from radiance to digital numbers, by way of photons and electrons.

The linear model of EMVA 1288, for each pixel of a colour filter mosaic:

    E    = pi L / (1 + (2 N)^2) v                   irradiance [W/m^2] of radiance L, f-number N, fall-off v
    v    = cos(a)^4 (1 + a1 r^2 + a2 r^4 + a3 r^6)  r = tan(a): the pixel's distance from the axis over f
    mu_p = E A t lambda / (h c)                     photons on the pixel's area A in the exposure time t
    e    = min(Poisson(eta mu_p PRNU + mu_I t), full well) + DSNU + row + column + read noise
    y    = clip(floor(K e + black level + 1/2), 0, 2^b - 1)

A pixel without a filter counts the three channels together. mu_I is the dark current at the sensor's temperature, which
doubles every so many kelvins, and more in hot pixels.

Draws, in the stream "camera": one Philox block for two neighbours of a row, pixels 2 k and 2 k + 1: words 0 and 2 for
their shot noise, words 1 and 3 for their read noise.

Source: EMVA 1288 release 4.0 linear, sections 2 to 4.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from .camera_profile import CameraProfile
from .device import Kernel, scalar
from .fixed_pattern import HOT_SCALE, NORMAL_SCALE, Patterns, make_offsets
from .lanes import count_lanes
from .mosaic import CLEAR, site_colors
from .philox import draw_block, stream_key
from .profile_rows import ProfileRows
from .responsivity import dark_doubling, electrons_per_radiance
from .tensors import Place
from .tukey import tukey, tukey_deviation
from .variates import POISSON_SEARCH_LIMIT, normal_single, poisson, poisson_single

_MOST_RADIANCE: Final = np.float32(1e30)
_MOST_LIGHT: Final = np.float32(1e20)
_MOST_ELECTRONS: Final = np.float32(1e12)
_FEW: Final = np.float32(POISSON_SEARCH_LIMIT)
_ZERO: Final = np.float32(0.0)
_ONE: Final = np.float32(1.0)
_SIX: Final = np.uint64(6)


@scalar(forceinline=True)
def positive(value: Any) -> Any:
    """Return a radiance as float64 at least 0; NaN, a hole in the radiance, is dark."""
    value = value if value > np.float32(0.0) else np.float32(0.0)
    return np.float64(value if value < _MOST_RADIANCE else _MOST_RADIANCE)


@scalar(forceinline=True)
def _light(value: Any) -> Any:
    """Return a radiance as float32 at least 0; NaN, a hole in the radiance, is dark."""
    value = value if value > _ZERO else _ZERO
    return value if value < _MOST_LIGHT else _MOST_LIGHT


@scalar(forceinline=True)
def _digitize(charge: Any, gain: Any, offset: Any, largest: Any) -> Any:
    """Return the digital number of a charge; the offset is the black level and a half."""
    value = charge * gain + offset
    value = value if value > _ZERO else _ZERO
    return np.uint16(np.int32(value if value < largest else largest))


@scalar(forceinline=True)
def _mean_charge(
    light: Any, r2: Any, natural: Any, a1: Any, a2: Any, a3: Any, spread: Any, nonuniformity: Any, dark: Any, hot: Any,
    cold: Any, hotness: Any,
) -> Any:  # fmt: skip
    """Return the mean charge of a pixel: light times fall-off times response, and what it makes without light."""
    tilt = _ONE + natural * r2
    fall = (_ONE + r2 * (a1 + r2 * (a2 + r2 * a3))) / (tilt * tilt)
    response = fall * (_ONE + spread * np.float32(nonuniformity))
    warm = np.float32(hotness) - cold
    mean = light * (response if response > _ZERO else _ZERO) + (dark + hot * (warm if warm > _ZERO else _ZERO))
    return mean if mean < _MOST_ELECTRONS else _MOST_ELECTRONS


@scalar
def _expose_lane(
    lane: Any, radiance_in: Any, row_in: Any, which_in: Any, slot_in: Any, parameter_in: Any, rate_in: Any,
    color_in: Any, time_in: Any, optics_in: Any, pattern_in: Any, offset_in: Any, key_0: Any, key_1: Any, sensor: Any,
    height: Any, lanes: Any, word_out: Any, charge_out: Any, number_out: Any, raw_out: Any,
) -> None:  # fmt: skip
    # A line's loops are short ones over scratch of 32-bit numbers that stays in the cache, without a branch, and in
    # float32: so the compiler works on eight or sixteen pixels at once. Even and odd columns lie apart there, since
    # they see different colours.
    lines, width = raw_out.shape
    half = (width + 1) // 2
    for line in range(lane * lines // lanes, (lane + 1) * lines // lanes):
        image = line // height
        y = line - image * height
        row, which, time = row_in[image], which_in[image], time_in[image]
        place = slot_in[image] * height + y
        inverse, center_x, center_y = 1.0 / optics_in[image, 0], optics_in[image, 1], optics_in[image, 2]
        inverse_focal, dy = np.float32(inverse), np.float32((y - center_y) * inverse)
        dy2 = dy * dy
        dark, hot = np.float32(parameter_in[which, 0] * time), np.float32(parameter_in[which, 1] * time)
        cold, spread = np.float32(parameter_in[which, 2]), np.float32(parameter_in[which, 3])
        offset_spread, full = np.float32(parameter_in[which, 4]), np.float32(parameter_in[which, 5])
        gain, black = np.float32(parameter_in[which, 6]), np.float32(parameter_in[which, 7] + 0.5)
        top, shape = np.float32(parameter_in[which, 8]), parameter_in[which, 10]
        noise = np.float32(parameter_in[which, 9])
        natural, a1 = np.float32(parameter_in[which, 11]), np.float32(parameter_in[which, 12])
        a2, a3 = np.float32(parameter_in[which, 13]), np.float32(parameter_in[which, 14])
        for j in range(half):
            w0, w1, w2, w3 = draw_block(key_0, key_1, y * half + j, row, sensor, 0)
            word_out[lane, 0, j] = np.uint32(w0)
            word_out[lane, 1, j] = np.uint32(w1)
            word_out[lane, 2, j] = np.uint32(w2)
            word_out[lane, 3, j] = np.uint32(w3)
        row_offset = offset_in[image, 2 * half + y]
        for parity in range(2):
            site = (y & 1) * 2 + parity
            count = (width + 1 - parity) // 2
            color = color_in[which, site]
            middle = np.float32(center_x - parity)
            column_offset = offset_in[image, parity * half :]  # a view: no test for an index from the end
            if color < CLEAR:
                rate = np.float32(rate_in[which, color] * time)
                channel = np.uint64(3 * parity + color)  # unsigned: no test for an index from the end
                for j in range(count):
                    light = _light(radiance_in[line, _SIX * np.uint64(j) + channel]) * rate
                    dx = (np.float32(np.int32(2 * j)) - middle) * inverse_focal
                    charge_out[lane, 0, parity, j] = _mean_charge(
                        light, dx * dx + dy2, natural, a1, a2, a3, spread, pattern_in[place, 0, parity, j],
                        dark, hot, cold, pattern_in[place, 2, parity, j],
                    )  # fmt: skip
            else:
                red, green = np.float32(rate_in[which, 0] * time), np.float32(rate_in[which, 1] * time)
                blue = np.float32(rate_in[which, 2] * time)
                for j in range(count):
                    x = 2 * j + parity
                    light = _light(radiance_in[line, 3 * x]) * red + _light(radiance_in[line, 3 * x + 1]) * green
                    light += _light(radiance_in[line, 3 * x + 2]) * blue
                    dx = (np.float32(np.int32(2 * j)) - middle) * inverse_focal
                    charge_out[lane, 0, parity, j] = _mean_charge(
                        light, dx * dx + dy2, natural, a1, a2, a3, spread, pattern_in[place, 0, parity, j],
                        dark, hot, cold, pattern_in[place, 2, parity, j],
                    )  # fmt: skip
            for j in range(count):
                charge = poisson_single(charge_out[lane, 0, parity, j], word_out[lane, 2 * parity, j])
                charge_out[lane, 1, parity, j] = charge if charge < full else full
            few = 0
            for j in range(count):
                few += 1 if charge_out[lane, 0, parity, j] < _FEW else 0
            for j in range(count if few > 0 else 0):
                if charge_out[lane, 0, parity, j] < _FEW:
                    mean = np.float64(charge_out[lane, 0, parity, j])
                    charge = np.float32(poisson(mean, np.uint64(word_out[lane, 2 * parity, j])))
                    charge_out[lane, 1, parity, j] = charge if charge < full else full
            if shape == 0.0:
                for j in range(count):
                    rest = noise * normal_single(word_out[lane, 2 * parity + 1, j])
                    rest += offset_spread * np.float32(pattern_in[place, 1, parity, j])
                    rest += column_offset[j] + row_offset
                    number_out[lane, parity, j] = _digitize(charge_out[lane, 1, parity, j] + rest, gain, black, top)
            else:
                for j in range(count):
                    rest = noise * np.float32(tukey(np.uint64(word_out[lane, 2 * parity + 1, j]), shape))
                    rest += offset_spread * np.float32(pattern_in[place, 1, parity, j])
                    rest += column_offset[j] + row_offset
                    number_out[lane, parity, j] = _digitize(charge_out[lane, 1, parity, j] + rest, gain, black, top)
        for j in range(width // 2):
            raw_out[line, 2 * j] = number_out[lane, 0, j]
            raw_out[line, 2 * j + 1] = number_out[lane, 1, j]
        if width & 1:
            raw_out[line, width - 1] = number_out[lane, 0, half - 1]


@scalar
def _expose_pair(
    index: Any, radiance_in: Any, row_in: Any, which_in: Any, slot_in: Any, parameter_in: Any, rate_in: Any,
    color_in: Any, time_in: Any, optics_in: Any, pattern_in: Any, offset_in: Any, key_0: Any, key_1: Any, sensor: Any,
    height: Any, raw_out: Any,
) -> None:  # fmt: skip
    """Do the two pixels that share a block of draws: a CUDA thread, which keeps everything in registers."""
    index = np.int64(index)
    width = raw_out.shape[1]
    half = (width + 1) // 2
    line = index // half
    j = index - line * half
    image = line // height
    y = line - image * height
    which, time = which_in[image], time_in[image]
    place = slot_in[image] * height + y
    inverse, center_x = 1.0 / optics_in[image, 0], optics_in[image, 1]
    inverse_focal, dy = np.float32(inverse), np.float32((y - optics_in[image, 2]) * inverse)
    dark, hot = np.float32(parameter_in[which, 0] * time), np.float32(parameter_in[which, 1] * time)
    full, shape = np.float32(parameter_in[which, 5]), parameter_in[which, 10]
    w0, w1, w2, w3 = draw_block(key_0, key_1, y * half + j, row_in[image], sensor, 0)
    for parity in range(2):
        x = 2 * j + parity
        if x < width:
            color = color_in[which, (y & 1) * 2 + parity]
            if color < CLEAR:
                light = _light(radiance_in[line, 3 * x + color]) * np.float32(rate_in[which, color] * time)
            else:
                red, green = np.float32(rate_in[which, 0] * time), np.float32(rate_in[which, 1] * time)
                light = _light(radiance_in[line, 3 * x]) * red + _light(radiance_in[line, 3 * x + 1]) * green
                light += _light(radiance_in[line, 3 * x + 2]) * np.float32(rate_in[which, 2] * time)
            dx = (np.float32(np.int32(2 * j)) - np.float32(center_x - parity)) * inverse_focal
            mean = _mean_charge(
                light, dx * dx + dy * dy, np.float32(parameter_in[which, 11]), np.float32(parameter_in[which, 12]),
                np.float32(parameter_in[which, 13]), np.float32(parameter_in[which, 14]),
                np.float32(parameter_in[which, 3]), pattern_in[place, 0, parity, j], dark, hot,
                np.float32(parameter_in[which, 2]), pattern_in[place, 2, parity, j],
            )  # fmt: skip
            shot, noise = (w0, w1) if parity == 0 else (w2, w3)
            if mean < _FEW:
                charge = np.float32(poisson(np.float64(mean), np.uint64(np.uint32(shot))))
            else:
                charge = poisson_single(mean, np.uint32(shot))
            charge = charge if charge < full else full
            rest = np.float32(parameter_in[which, 9])
            if shape == 0.0:
                rest *= normal_single(np.uint32(noise))
            else:
                rest *= np.float32(tukey(np.uint64(np.uint32(noise)), shape))
            rest += np.float32(parameter_in[which, 4]) * np.float32(pattern_in[place, 1, parity, j])
            rest += offset_in[image, parity * half + j] + offset_in[image, 2 * half + y]
            raw_out[line, x] = _digitize(
                charge + rest, np.float32(parameter_in[which, 6]), np.float32(parameter_in[which, 7] + 0.5),
                np.float32(parameter_in[which, 8]),
            )  # fmt: skip


_EXPOSE: Final = Kernel(_expose_lane)
_EXPOSE_PAIR: Final = Kernel(_expose_pair)


@functools.lru_cache(maxsize=256)
def _pack_sensor(profile: CameraProfile) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the numbers of a sensor, shape (15,), and its electrons per radiance, shape (3,)."""
    row, rates = np.empty(15), electrons_per_radiance(profile)
    warmth = dark_doubling(profile)
    fraction, shape = profile.hot_pixel_fraction, profile.read_noise_shape
    row[0] = profile.dark_current * warmth
    # Excess of a hot pixel: mean ln 2 times the octaves above the threshold, in the map's units.
    row[1] = profile.hot_pixel_current * warmth * math.log(2.0) / HOT_SCALE
    row[2] = -math.log2(fraction) * HOT_SCALE if fraction > 0.0 else math.inf
    row[3] = profile.photo_response_nonuniformity / NORMAL_SCALE
    row[4] = profile.dark_signal_nonuniformity / NORMAL_SCALE
    row[5:9] = profile.full_well, profile.gain, profile.black_level, 2.0**profile.bit_depth - 1.0
    row[9:11] = profile.read_noise / (1.0 if shape == 0.0 else tukey_deviation(shape)), shape
    row[11:] = float(profile.natural_vignetting), *profile.vignetting
    row.flags.writeable = rates.flags.writeable = False
    return row, rates


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Sensors:
    """The sensors that take a batch of N images, ready to launch on: all but `unit` lie where kernels run."""

    number: Any
    """Numbers of each distinct profile, shape (U, 15)."""
    rate: Any
    """Electrons per radiance of each channel [e- s^-1 W^-1 sr m^2], shape (U, 3)."""
    color: Any
    """What the mosaic's four places see, shape (U, 4)."""
    deviation: Any
    """Deviations of row pattern, column pattern, row noise and column noise [e-], shape (U, 4)."""
    which: Any
    """Profile of each image, shape (N,)."""
    row: Any
    """Global row index of each image, shape (N,)."""
    time: Any
    """Exposure time of each image [s], shape (N,)."""
    optics: Any
    """Focal length and principal point of each image [px], shape (N, 3)."""
    unit: NDArray[np.int64]
    """Which of the cameras of its make takes each image, shape (N,)."""
    seed: int
    """Seed of the noise."""
    sensor: np.uint64
    """Number of the camera within its rig."""


def prepare_sensors(
    place: Place,
    profiles: ProfileRows[CameraProfile],
    *,
    row: NDArray[np.int64],
    time: Any,
    optics: NDArray[np.float64],
    unit: NDArray[np.int64],
    seed: int,
    sensor: np.uint64,
) -> Sensors:
    """Put the sensors of a batch into tables; `time` may lie where kernels run already."""
    packed = [_pack_sensor(profile) for profile in profiles.profiles]
    number, rate = np.stack([row for row, _ in packed]), np.stack([rates for _, rates in packed])
    color = np.array([site_colors(profile.mosaic) for profile in profiles.profiles], np.int64)
    deviation = np.array([
        (p.row_pattern, p.column_pattern, p.row_noise, p.column_noise) for p in profiles.profiles
    ])  # fmt: skip
    tables = [number, rate, color, deviation, profiles.which, row, optics]
    if isinstance(time, np.ndarray):
        tables.append(time)
    number, rate, color, deviation, which, row, optics, *times = place.lend_tables(*tables)
    return Sensors(
        number=number, rate=rate, color=color, deviation=deviation, which=which, row=row,
        time=times[0] if times else time, optics=optics, unit=unit, seed=seed, sensor=sensor,
    )  # fmt: skip


def expose(
    place: Place, radiance: Any, sensors: Sensors, images: slice, patterns: Patterns, raw: Any, threads: int | None
) -> None:
    """Expose some images of a batch.

    Args:
        place: Where the arrays lie.
        radiance: Scene-linear radiance per sRGB primary, float32, shape (n H, 3 W).
        sensors: What takes them.
        images: Which images of the batch these n are.
        patterns: Maps of the cameras met before; those of these images are kept in it.
        raw: The digital numbers, uint16, shape (n H, W).
        threads: CPU threads; None for all.
    """
    which, row = sensors.which[images], sensors.row[images]
    lines, width = raw.shape
    height, half = lines // len(which), (width + 1) // 2
    key = stream_key(sensors.seed, "camera")
    maps, slots, keys = patterns.find(sensors.unit[images], threads)
    offsets = make_offsets(
        place, row, which, slots, sensors.deviation, keys, key, sensors.sensor, height, width, threads
    )  # fmt: skip
    if place.device == "cuda":
        _EXPOSE_PAIR.launch(
            lines * half, radiance, row, which, slots, sensors.number, sensors.rate, sensors.color,
            sensors.time[images], sensors.optics[images], maps, offsets, *key, sensors.sensor, height, raw,
            device="cuda",
        )  # fmt: skip
        return
    lanes = count_lanes(place, lines, threads)
    _EXPOSE.launch(
        lanes, radiance, row, which, slots, sensors.number, sensors.rate, sensors.color,
        sensors.time[images],
        sensors.optics[images], maps, offsets, *key, sensors.sensor, height, lanes,
        place.allocate((lanes, 4, half), np.uint32), place.allocate((lanes, 2, 2, half), np.float32),
        place.allocate((lanes, 2, half), np.uint16), raw, device=place.device, threads=threads,
    )  # fmt: skip
