"""LiDAR: what a pulsed laser scanner reports of the surfaces that the sub-rays of its beams meet.

Each sub-ray returns its share of the beam's light (`lidar_return`). Sub-rays whose ranges follow one another within the
length of an echo make one echo, at the mean of their ranges weighted by their light: that is a mixed return where they
belong to different surfaces. An echo's SNR is its light times that of a white target at 1 m; its amplitude is the SNR
plus a normal number, and what reaches the threshold within the range gate is reported, as the return mode says.

    range = mean + sigma(SNR) n + bias, rounded to the step;     amplitude = SNR + s n

Draws, in the stream "lidar", item = firing: block 0, words 0 and 1: where it points (`lidar_beam`), words 2 and 3:
range and amplitude of a false alarm; block 1 + e: amplitude and range of echo e, counted from the sensor; words 2 and 3
of block 1: drop-out and false alarm.

Differs from a real sensor: echoes are told apart by their ranges and not by the shape of a sum of pulses, and one does
not hide in the tail of another; the receiver does not saturate; no light comes by a second reflection; every channel is
like any other.

Sources: Winiwarter et al., "Virtual laser scanning with HELIOS++", 2022 (sub-rays); Kilic et al., "LiDAR light
scattering augmentation (LISA)", 2021 (threshold from one point of a data sheet).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .beam_optics import find_optics
from .device import Kernel, scalar
from .image_rows import check_rows, check_sensor
from .lidar_beam import subray_offsets
from .lidar_profile import RETURN_MODES, LidarProfile
from .lidar_reading import FALSE_ALARM, NO_RETURN, SURFACE, LidarReading
from .lidar_return import lobe_share, overlap_share, pack_range_noise, range_deviation, target_power
from .philox import draw_block, stream_key
from .profile_rows import find_profile_rows
from .profiles import load_sensor_profile
from .tensors import Place, find_place
from .variates import normal_single, uniform64
from .weather import Weather
from .weather_echo import Air

REFLECTANCE: Final = 0.5
"""Reflectance of surfaces whose own is not known."""
MAX_FIRINGS: Final = 1 << 22
"""Most firings of a frame."""

_STRONGEST, _FIRST, _DUAL = (RETURN_MODES.index(mode) for mode in ("strongest", "first", "dual"))
_BAND: Final = 64  # firings that share working space
_PART: Final = 16 * _BAND


@scalar
def _measure_band(
    image: Any, first: Any, count: Any, part: Any, range_in: Any, cosine_in: Any, reflectance_in: Any,
    specular_in: Any, shininess_in: Any, surface_in: Any, soft_range_in: Any, soft_power_in: Any, soft_type_in: Any,
    extinction_in: Any, row_in: Any, which_in: Any, parameter_in: Any, noise_in: Any, weight_in: Any, key_0: Any,
    key_1: Any, sensor: Any, firings: Any, work_out: Any, range_out: Any, intensity_out: Any, snr_out: Any,
    type_out: Any, subray_out: Any, truth_out: Any, spread_out: Any, mixed_out: Any,
) -> None:  # fmt: skip
    # A loop over firings in here, and no function for one: the arrays of a call are counted, which takes longer than
    # the rest. Draws of the whole band come first, without branches, so that the compiler makes several at once.
    row, which, extinction = row_in[image], which_in[image], extinction_in[image]
    for x in range(count):
        w0, w1, w2, w3 = draw_block(key_0, key_1, first + x, row, sensor, 1)
        work_out[part, x], work_out[part, _BAND + x] = np.float64(normal_single(w0)), np.float64(normal_single(w1))
        work_out[part, 2 * _BAND + x], work_out[part, 3 * _BAND + x] = uniform64(w2), uniform64(w3)

    subrays, lights = range_in.shape[1], 4 * _BAND
    has_cosine, has_reflectance = cosine_in.shape[0] > 0, reflectance_in.shape[0] > 0
    has_lobe = specular_in.shape[0] > 0
    scale, threshold = parameter_in[which, 0], parameter_in[which, 1]
    amplitude_noise, cell = parameter_in[which, 2], parameter_in[which, 3]
    range_min, range_max = parameter_in[which, 4], parameter_in[which, 5]
    start, full = parameter_in[which, 6], parameter_in[which, 7]
    bias, step = parameter_in[which, 8], parameter_in[which, 9]
    mode, by_range = np.int64(parameter_in[which, 10]), parameter_in[which, 11]
    counts, most = parameter_in[which, 12], parameter_in[which, 13]
    allowed = np.int64(parameter_in[which, 16])
    dropouts, false_alarms = parameter_in[which, 14], parameter_in[which, 15]
    for x in range(count):
        beam = np.uint64(image * firings + first + x)
        for k in range(range_out.shape[1]):
            range_out[beam, k], intensity_out[beam, k] = np.float32(0.0), np.float32(0.0)
            snr_out[beam, k], type_out[beam, k] = np.float32(0.0), np.uint8(NO_RETURN)
            subray_out[beam, k], truth_out[beam, k] = np.int16(-1), np.float32(0.0)
            spread_out[beam, k], mixed_out[beam, k] = np.float32(0.0), np.float32(0.0)
        if work_out[part, 2 * _BAND + x] < dropouts:
            continue

        nearest, farthest = math.inf, 0.0
        for k in range(subrays):
            distance = np.float64(range_in[beam, k])
            hit = (distance > 0.0) and (distance < 3.0e38)  # not for NaN and infinity
            distance = distance if hit else math.inf
            reflectance = np.float64(reflectance_in[beam, k]) if has_reflectance else REFLECTANCE
            share = np.float64(cosine_in[beam, k]) if has_cosine else 1.0
            if has_lobe:
                share = lobe_share(share, np.float64(specular_in[beam, k]), np.float64(shininess_in[beam, k]))
            light = weight_in[which, k] * target_power(distance, reflectance, share)
            if extinction > 0.0:
                light *= math.exp(-2.0 * extinction * distance)
            if distance < full:
                light *= overlap_share(distance, start, full)
            work_out[part, lights + k] = light if light > 0.0 else 0.0  # nothing from surfaces that face away
            nearest = distance if distance < nearest else nearest
            farthest = distance if hit and distance > farthest else farthest
        soft, soft_power = 0.0, 0.0
        if soft_range_in.shape[0] > 0:
            soft, soft_power = np.float64(soft_range_in[beam, 0]), np.float64(soft_power_in[beam, 0])
            if soft > 0.0 and soft < 3.0e38 and soft_power > 0.0:
                nearest = soft if soft < nearest else nearest
                farthest = soft if soft > farthest else farthest
            else:
                soft = 0.0

        alarm, alarm_snr = math.inf, 0.0
        if work_out[part, 3 * _BAND + x] < false_alarms:
            # What noise exceeds the threshold by falls off exponentially.
            _, _, w2, w3 = draw_block(key_0, key_1, first + x, row, sensor, 0)
            alarm = range_min + (range_max - range_min) * uniform64(w2)
            alarm_snr = threshold - math.log(uniform64(w3)) * amplitude_noise * amplitude_noise / threshold

        echo, reported = 0, 0
        amplitude, jitter = work_out[part, x], work_out[part, _BAND + x]
        while nearest < math.inf or alarm < math.inf:
            kind, subray, truth, spread, mixed = np.uint8(FALSE_ALARM), -1, 0.0, 0.0, 0.0
            if alarm < nearest:
                snr, measured = alarm_snr, alarm
                alarm = math.inf
            else:
                # The echo reaches as far as surfaces follow one another within its length.
                end = farthest
                if not (farthest - nearest < cell or farthest == nearest):
                    end, before = nearest, -1.0
                    while end > before:
                        before = end
                        for k in range(subrays):
                            distance = np.float64(range_in[beam, k])
                            if distance > end and distance - end < cell:
                                end = distance
                        if soft > end and soft - end < cell:
                            end = soft
                total, moment, best, following = 0.0, 0.0, 0.0, math.inf
                for k in range(subrays):
                    distance = np.float64(range_in[beam, k])
                    if distance >= nearest and distance <= end:
                        light = work_out[part, lights + k]
                        total += light
                        moment += light * (distance - nearest)
                        if light > best:
                            best, subray, truth, kind = light, k, distance, np.uint8(SURFACE)
                    elif distance > end and distance < following and distance < 3.0e38:
                        following = distance
                if soft >= nearest and soft <= end and soft > 0.0:
                    total += soft_power
                    moment += soft_power * (soft - nearest)
                    if soft_power > best:
                        best, subray, truth, kind = soft_power, -1, soft, soft_type_in[beam, 0]
                elif soft > end and soft < following:
                    following = soft
                spread = end - nearest
                if surface_in.shape[0] > 0 and subray >= 0 and total > 0.0:
                    other = 0.0
                    for k in range(subrays):
                        distance = np.float64(range_in[beam, k])
                        inside = distance >= nearest and distance <= end
                        if inside and surface_in[beam, k] != surface_in[beam, subray]:
                            other += work_out[part, lights + k]
                    mixed = other / total
                if echo > 0:
                    w0, w1, _, _ = draw_block(key_0, key_1, first + x, row, sensor, 1 + echo)
                    amplitude, jitter = np.float64(normal_single(w0)), np.float64(normal_single(w1))
                echo += 1
                light = scale * total
                snr = light + amplitude_noise * amplitude
                measured = nearest + (moment / total if total > 0.0 else 0.0) + bias
                measured += range_deviation(light, which, noise_in) * jitter
                nearest = following
                if not total > 0.0:
                    snr = -math.inf
            if step > 0.0:
                measured = math.floor(measured / step + 0.5) * step
            if snr >= threshold and measured >= range_min and measured <= range_max:
                # An echo comes after all that are nearer; the strongest stand in order.
                place = 0
                if mode == _DUAL:
                    place = 1 if reported > 0 and not np.float32(snr) > snr_out[beam, 0] else 0
                elif mode == _FIRST:
                    place = reported
                elif mode == _STRONGEST:
                    while place < reported and not np.float32(snr) > snr_out[beam, place]:
                        place += 1
                if place < allowed:
                    reported = min(reported + 1, allowed)
                    for k in range(allowed - 1, place, -1):
                        range_out[beam, k], intensity_out[beam, k] = range_out[beam, k - 1], intensity_out[beam, k - 1]
                        snr_out[beam, k], type_out[beam, k] = snr_out[beam, k - 1], type_out[beam, k - 1]
                        subray_out[beam, k], truth_out[beam, k] = subray_out[beam, k - 1], truth_out[beam, k - 1]
                        spread_out[beam, k], mixed_out[beam, k] = spread_out[beam, k - 1], mixed_out[beam, k - 1]
                    intensity = snr * counts
                    if by_range > 0.0:
                        seen = overlap_share(measured, start, full)
                        intensity = intensity / scale * measured * measured / (seen if seen > 1e-3 else 1e-3)
                    if most > 0.0:
                        intensity = math.floor(intensity + 0.5)
                        intensity = intensity if intensity < most else most
                        intensity = intensity if intensity > 0.0 else 0.0
                    range_out[beam, place], intensity_out[beam, place] = np.float32(measured), np.float32(intensity)
                    snr_out[beam, place], type_out[beam, place] = np.float32(snr), kind
                    subray_out[beam, place], truth_out[beam, place] = np.int16(subray), np.float32(truth)
                    spread_out[beam, place], mixed_out[beam, place] = np.float32(spread), np.float32(mixed)


@scalar
def _measure_part(
    part: Any, range_in: Any, cosine_in: Any, reflectance_in: Any, specular_in: Any, shininess_in: Any,
    surface_in: Any, soft_range_in: Any, soft_power_in: Any, soft_type_in: Any, extinction_in: Any, row_in: Any,
    which_in: Any, parameter_in: Any, noise_in: Any, weight_in: Any, key_0: Any, key_1: Any, sensor: Any, firings: Any,
    length: Any, work_out: Any, range_out: Any, intensity_out: Any, snr_out: Any, type_out: Any, subray_out: Any,
    truth_out: Any, spread_out: Any, mixed_out: Any,
) -> None:  # fmt: skip
    # The bands of a part share working space, which then stays in the nearest cache.
    parts = (firings + length - 1) // length  # of one frame
    image = part // parts
    start = (part - image * parts) * length
    end = min(start + length, firings)
    for first in range(start, end, _BAND):
        _measure_band(
            image, first, min(_BAND, end - first), part, range_in, cosine_in, reflectance_in, specular_in,
            shininess_in, surface_in, soft_range_in, soft_power_in, soft_type_in, extinction_in, row_in, which_in,
            parameter_in, noise_in, weight_in, key_0, key_1, sensor, firings, work_out, range_out, intensity_out,
            snr_out, type_out, subray_out, truth_out, spread_out, mixed_out,
        )  # fmt: skip


_MEASURE: Final = Kernel(_measure_part)


def apply_lidar(
    range: Any,
    profile: str | LidarProfile | Sequence[str | LidarProfile] = "velodyne_vlp16",
    *,
    seed: int,
    index: ArrayLike,
    cosine: Any = None,
    reflectance: Any = None,
    specular: Any = None,
    shininess: Any = None,
    surface: Any = None,
    extinction: ArrayLike = 0.0,
    soft_range: Any = None,
    soft_power: Any = None,
    soft_type: Any = None,
    weather: Weather | Sequence[Weather] | None = None,
    sensor: int = 0,
    device: str = "cpu",
    threads: int | None = None,
) -> LidarReading:
    """Measure frames of N LiDARs.

    Args:
        range: True range along each sub-ray [m], float32, shape (N, P, S): P firings of S sub-rays, either 1 or what
            the profile says, in the order of `subray_offsets`; 0, NaN or infinity where it meets nothing. NumPy, torch,
            or any array that shows `__cuda_array_interface__`; the reading is of that kind.
        profile: Built-in name or a profile, or one of either for each frame.
        seed: Seed of the noise, [0, 2^64).
        index: Global row index of each frame, int64, shape (N,).
        cosine: Cosine of incidence, shape (N, P, S); None where all surfaces face the sensor.
        reflectance: Reflectance at the LiDAR's wavelength, shape (N, P, S); None for 0.5.
        specular: Share of a specular lobe, [0, 1], shape (N, P, S); None for none.
        shininess: Exponent of that lobe, a number ≥ 1 or shape (N, P, S); needed where `specular` is given.
        surface: Number of the surface that each sub-ray meets, int32, shape (N, P, S), to tell mixed returns by; None.
        extinction: Extinction coefficient of the air [1/m], a number or shape (N,).
        soft_range: Range of one more echo of each firing, of drops in its beam [m], shape (N, P); 0 for none.
        soft_power: Light of that echo, of the whole beam and with its extinction, where a white target that faces the
            sensor at 1 m in clear air gives 1; shape (N, P).
        soft_type: What makes it, uint8, shape (N, P): place in `RETURN_NAMES`.
        weather: The air, or one for each frame, which then gives extinction and further echo (`weather_echo`); None
            where they are given or there are none.
        sensor: Number of the sensor within its rig, [0, 2^16); sensors of one rig need different ones.
        device: "cpu" or "cuda"; tensors that are on a device are measured there whatever it says.
        threads: CPU threads; None for all.

    Returns:
        The returns, with E the most of any profile, and the truth.

    Raises:
        ValueError: If a shape, the profile's name or a value is wrong.
        RuntimeError: If the device is not here.

    Source: see the module.

    Example:
        >>> reading = apply_lidar(np.full((1, 16, 1), 20.0, np.float32), "velodyne_vlp16", seed=1, index=[0])
        >>> reading.range.shape
        (1, 16, 2)
    """
    shape = tuple(range.shape)
    if len(shape) != 3 or not 1 <= shape[1] <= MAX_FIRINGS or shape[2] < 1:
        raise ValueError(f"range must have shape (N, P, S) with P in [1, {MAX_FIRINGS}] and S ≥ 1, got {shape}")
    count, firings, subrays = shape
    rows = find_profile_rows(profile, count, lambda name: load_sensor_profile("lidar", name))
    profiles = rows.profiles
    if not profiles:
        raise ValueError("profile must name at least one profile, got none; give one for all frames")
    for one in profiles:
        if not isinstance(one, LidarProfile):
            raise ValueError(f"profile must be a LidarProfile or the name of one, got {type(one).__name__}")
        if subrays not in (1, one.subray_count):
            raise ValueError(
                f"range must have 1 or {one.subray_count} sub-rays for {one.name!r}, got {subrays}; cast the rays of "
                "aim_rays, or set LidarProfile.subray_rings"
            )
    if (specular is None) != (shininess is None):
        raise ValueError("specular and shininess must be given together, got one; give both or neither")
    if not (soft_range is None) == (soft_power is None) == (soft_type is None):
        raise ValueError("soft_range, soft_power and soft_type must be given together; give all or none")
    if shininess is not None and not hasattr(shininess, "shape"):
        shininess = np.full(shape, shininess, np.float32)
    air = np.asarray(extinction, dtype=np.float64)
    if air.shape not in ((), (count,)) or not (np.isfinite(air).all() and (air >= 0.0).all()):
        raise ValueError(f"extinction must be a number ≥ 0 or an array of shape ({count},), got {extinction!r}")
    if weather is not None and (soft_range is not None or air.any()):
        raise ValueError("weather makes extinction and soft echoes itself; give it or them, not both")
    place = find_place(range, device)
    beams, returns = count * firings, max(one.max_returns for one in profiles)
    outputs = [
        place.allocate((beams, returns), dtype)
        for dtype in (np.float32, np.float32, np.float32, np.uint8, np.int16, np.float32, np.float32, np.float32)
    ]
    length = 1 if place.device == "cuda" else _PART
    parts = count * -(-firings // length)
    ranges, indices = _borrow(place, range, shape, "range"), check_rows(index, count)
    surroundings = None
    if weather is not None:
        surroundings = Air(
            weather, [find_optics(one) for one in profiles], rows.which, seed=seed, rows=indices,
            sensor=check_sensor(sensor),
        )  # fmt: skip
        air = surroundings.extinction
        echoes = surroundings.draw_echoes(ranges, firings, place, threads)
        soft_range, soft_power, soft_type = (echo.reshape((count, firings)) for echo in echoes)
    soft = (count, firings, 1)
    weights = np.ones((len(profiles), 1)) if subrays == 1 else np.array([subray_offsets(one)[1] for one in profiles])
    _MEASURE.launch(
        parts, ranges, _borrow(place, cosine, shape, "cosine"),
        _borrow(place, reflectance, shape, "reflectance"), _borrow(place, specular, shape, "specular"),
        _borrow(place, shininess, shape, "shininess"), _borrow(place, surface, shape, "surface", np.int32),
        _borrow(place, _column(soft_range), soft, "soft_range"),
        _borrow(place, _column(soft_power), soft, "soft_power"),
        _borrow(place, _column(soft_type), soft, "soft_type", np.uint8), np.broadcast_to(air, (count,)).copy(),
        indices, rows.which, np.array([_pack_parameters(one) for one in profiles]),
        np.array([pack_range_noise(one.range_noise_snr, one.range_noise) for one in profiles]), weights,
        *stream_key(seed, "lidar"), check_sensor(sensor), firings, length,
        place.allocate((parts, 4 * _BAND + subrays), np.float64), *outputs, device=place.device, threads=threads,
    )  # fmt: skip
    if surroundings is not None:
        limits = np.array([(one.range_min, one.range_max, one.range_resolution) for one in profiles])[rows.which]
        surroundings.blur_ranges(outputs[0], outputs[5], outputs[3], limits, firings, place, threads)
    given = [place.give(output.reshape((count, firings, returns))) for output in outputs]
    return LidarReading(
        range=given[0], intensity=given[1], snr=given[2], return_type=given[3], subray=given[4], truth=given[5],
        spread=given[6], mixed=given[7] if surface is not None else None,
        profiles=profiles if len(profiles) == 1 else tuple(profiles[k] for k in rows.which),
    )  # fmt: skip


def _column(value: Any) -> Any:
    """Return an array of one number per firing as one of one sub-ray each."""
    return None if value is None else value.reshape((*tuple(value.shape), 1))


def _borrow(place: Place, value: Any, shape: tuple[int, int, int], name: str, dtype: Any = np.float32) -> Any:
    """Return one number per sub-ray, shape (N P, S); of shape (0, 1) where there are none."""
    if value is None:
        return np.empty((0, 1), dtype)
    if tuple(value.shape) != shape:
        wanted = shape if not name.startswith("soft") else shape[:2]
        found = tuple(value.shape) if not name.startswith("soft") else tuple(value.shape)[:-1]
        raise ValueError(f"{name} must have shape {wanted}, got {found}")
    return place.borrow(value, dtype).reshape(shape[0] * shape[1], shape[2])


def _pack_parameters(p: LidarProfile) -> NDArray[np.float64]:
    return np.array((
        p.snr_at_one_metre, p.detection_snr, p.amplitude_noise, p.echo_length, p.range_min, p.range_max,
        p.overlap_start, p.overlap_full, p.range_bias, p.range_resolution, RETURN_MODES.index(p.return_mode),
        1.0 if p.intensity_mode == "reflectivity" else 0.0, p.intensity_scale, (1 << p.intensity_bits) - 1,
        p.dropout_probability, p.false_alarm_probability, p.max_returns,
    ))  # fmt: skip
