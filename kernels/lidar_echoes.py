"""Firings whose beam meets surfaces at several ranges: echoes are told apart, measured and sorted one after another.

The kernel behind `apply_lidar`. On the CPU, firings of a single echo are measured beforehand, many at once
(`lidar_band`); on CUDA a thread does one firing, whatever it meets.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from .device import Kernel, scalar
from .lidar_band import (
    ALARM,
    AMPLITUDE,
    BAND,
    DISTANCE,
    DONE,
    FAR,
    JITTER,
    LIGHT,
    NEAR,
    NONE,
    REFLECTANCE,
    WORK,
    collect_band,
    draw_band,
    report_band,
    settle_band,
)  # fmt: skip
from .lidar_profile import RETURN_MODES
from .lidar_reading import FALSE_ALARM, NO_RETURN, SURFACE
from .lidar_return import lobe_share, overlap_share, range_deviation, target_power
from .philox import draw_block
from .powers import exp2
from .variates import normal_single, uniform32, uniform64

_STRONGEST, _FIRST, _DUAL = (RETURN_MODES.index(mode) for mode in ("strongest", "first", "dual"))
_LOG2_E: Final = 1.0 / math.log(2.0)


@scalar
def _measure_band(
    image: Any, first: Any, count: Any, part: Any, range_in: Any, cosine_in: Any, reflectance_in: Any,
    specular_in: Any, shininess_in: Any, surface_in: Any, soft_range_in: Any, soft_power_in: Any, soft_type_in: Any,
    extinction_in: Any, row_in: Any, which_in: Any, parameter_in: Any, noise_in: Any, weight_in: Any, key_0: Any,
    key_1: Any, sensor: Any, firings: Any, work_out: Any, range_out: Any, intensity_out: Any, snr_out: Any,
    type_out: Any, subray_out: Any, truth_out: Any, spread_out: Any, mixed_out: Any,
) -> None:  # fmt: skip
    # A loop over firings in here, and no function for one: the arrays of a call are counted, which takes longer than
    # the rest.
    row, which, extinction = row_in[image], which_in[image], extinction_in[image]
    base = image * firings + first
    at_once = work_out.shape[1] == WORK and specular_in.shape[0] == 0
    if at_once:
        draw_band(part, first, count, row, key_0, key_1, sensor, work_out)
        collect_band(
            part, np.uint64(base), count, range_in, cosine_in, reflectance_in, which, weight_in, extinction,
            parameter_in[which, 6], parameter_in[which, 7], work_out,
        )  # fmt: skip
        settle_band(part, np.uint64(base), count, which, soft_range_in, parameter_in, noise_in, work_out)
        report_band(
            part, np.uint64(base), count, surface_in, work_out, range_out, intensity_out, snr_out, type_out, subray_out,
            truth_out, spread_out, mixed_out,
        )  # fmt: skip

    subrays = range_in.shape[1]
    has_cosine, has_reflectance = cosine_in.shape[0] > 0, reflectance_in.shape[0] > 0
    has_lobe, has_surface = specular_in.shape[0] > 0, surface_in.shape[0] > 0
    scale, threshold = parameter_in[which, 0], parameter_in[which, 1]
    amplitude_noise, cell = parameter_in[which, 2], parameter_in[which, 3]
    range_min, range_max = parameter_in[which, 4], parameter_in[which, 5]
    start, full = parameter_in[which, 6], parameter_in[which, 7]
    bias, step = parameter_in[which, 8], parameter_in[which, 9]
    mode, by_range = np.int64(parameter_in[which, 10]), parameter_in[which, 11]
    counts, most = parameter_in[which, 12], parameter_in[which, 13]
    allowed = np.int64(parameter_in[which, 16])
    dropouts, false_alarms = np.float32(parameter_in[which, 14]), np.float32(parameter_in[which, 15])
    for x in range(count):
        if at_once and work_out[part, DONE + x] > 0.0:
            continue
        beam = np.uint64(base + x)
        if at_once:
            amplitude, jitter = np.float64(work_out[part, AMPLITUDE + x]), np.float64(work_out[part, JITTER + x])
            alarm_draw = work_out[part, ALARM + x]
        else:
            w0, w1, w2, w3 = draw_block(key_0, key_1, first + x, row, sensor, 1)
            amplitude, jitter = np.float64(normal_single(w0)), np.float64(normal_single(w1))
            alarm_draw = uniform32(w3)
            for k in range(range_out.shape[1]):
                range_out[beam, k], intensity_out[beam, k] = np.float32(0.0), np.float32(0.0)
                snr_out[beam, k], type_out[beam, k] = np.float32(0.0), np.uint8(NO_RETURN)
                subray_out[beam, k], truth_out[beam, k] = np.int16(-1), np.float32(0.0)
                spread_out[beam, k] = np.float32(0.0)
                if has_surface:
                    mixed_out[beam, k] = np.float32(0.0)
            if uniform32(w2) < dropouts:
                continue

        # Ranges and light of the sub-rays: every `pitch` numbers from `ranges` and from `lights` on.
        nearest, farthest = math.inf, 0.0
        if at_once:
            ranges, lights, pitch = DISTANCE + x, LIGHT + x, BAND
            farthest = np.float64(work_out[part, FAR + x])
            nearest = np.float64(work_out[part, NEAR + x]) if farthest > 0.0 else math.inf
        else:
            ranges, lights, pitch = 0, subrays, 1
            for k in range(subrays):
                given = np.float64(range_in[beam, k])
                hit = (given > 0.0) and (given < NONE)  # not for NaN and infinity
                distance = given if hit else np.float64(NONE)
                reflectance = np.float64(reflectance_in[beam, k]) if has_reflectance else REFLECTANCE
                share = np.float64(cosine_in[beam, k]) if has_cosine else 1.0
                if has_lobe:
                    share = lobe_share(share, np.float64(specular_in[beam, k]), np.float64(shininess_in[beam, k]))
                light = weight_in[which, k] * target_power(distance, reflectance, share)
                if extinction > 0.0:
                    fade = -2.0 * _LOG2_E * extinction * distance
                    light *= exp2(fade if fade > -1000.0 else -1000.0)
                if distance < full:
                    light *= overlap_share(distance, start, full)
                work_out[part, k] = np.float32(distance)
                work_out[part, subrays + k] = np.float32(light if light > 0.0 else 0.0)  # nothing from what faces away
                nearest = distance if hit and distance < nearest else nearest
                farthest = distance if hit and distance > farthest else farthest
        soft, soft_power = 0.0, 0.0
        if soft_range_in.shape[0] > 0:
            soft, soft_power = np.float64(soft_range_in[beam, 0]), np.float64(soft_power_in[beam, 0])
            if soft > 0.0 and soft < NONE and soft_power > 0.0:
                nearest = soft if soft < nearest else nearest
                farthest = soft if soft > farthest else farthest
            else:
                soft = 0.0

        alarm, alarm_snr = math.inf, 0.0
        if alarm_draw < false_alarms:
            # What noise exceeds the threshold by falls off exponentially.
            _, _, w2, w3 = draw_block(key_0, key_1, first + x, row, sensor, 0)
            alarm = range_min + (range_max - range_min) * uniform64(w2)
            alarm_snr = threshold - math.log(uniform64(w3)) * amplitude_noise * amplitude_noise / threshold

        echo, reported = 0, 0
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
                            distance = np.float64(work_out[part, ranges + k * pitch])
                            if distance > end and distance - end < cell:
                                end = distance
                        if soft > end and soft - end < cell:
                            end = soft
                total, moment, best, following = 0.0, 0.0, 0.0, math.inf
                for k in range(subrays):
                    distance = np.float64(work_out[part, ranges + k * pitch])
                    if distance >= nearest and distance <= end:
                        light = np.float64(work_out[part, lights + k * pitch])
                        total += light
                        moment += light * (distance - nearest)
                        if light > best:
                            best, subray, truth, kind = light, k, distance, np.uint8(SURFACE)
                    elif distance > end and distance < following and distance < NONE:
                        following = distance
                if soft >= nearest and soft <= end and soft > 0.0:
                    total += soft_power
                    moment += soft_power * (soft - nearest)
                    if soft_power > best:
                        best, subray, truth, kind = soft_power, -1, soft, soft_type_in[beam, 0]
                elif soft > end and soft < following:
                    following = soft
                spread = end - nearest
                if has_surface and subray >= 0 and total > 0.0:
                    other = 0.0
                    for k in range(subrays):
                        distance = np.float64(work_out[part, ranges + k * pitch])
                        inside = distance >= nearest and distance <= end
                        if inside and surface_in[beam, k] != surface_in[beam, subray]:
                            other += np.float64(work_out[part, lights + k * pitch])
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
            if snr >= threshold and measured > 0.0 and measured >= range_min and measured <= range_max:
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
                    reported += 1 if reported < allowed else 0
                    for k in range(allowed - 1, place, -1):
                        range_out[beam, k], intensity_out[beam, k] = range_out[beam, k - 1], intensity_out[beam, k - 1]
                        snr_out[beam, k], type_out[beam, k] = snr_out[beam, k - 1], type_out[beam, k - 1]
                        subray_out[beam, k], truth_out[beam, k] = subray_out[beam, k - 1], truth_out[beam, k - 1]
                        spread_out[beam, k] = spread_out[beam, k - 1]
                        if has_surface:
                            mixed_out[beam, k] = mixed_out[beam, k - 1]
                    intensity = snr * counts
                    if by_range > 0.0:
                        seen = overlap_share(measured, start, full)
                        intensity = intensity / scale * measured * measured / (seen if seen > 1e-3 else 1e-3)
                    if most > 0.0:
                        intensity = np.int64(math.floor(intensity + 0.5))
                        intensity = intensity if intensity < most else most
                        intensity = intensity if intensity > 0.0 else 0.0
                    range_out[beam, place], intensity_out[beam, place] = np.float32(measured), np.float32(intensity)
                    snr_out[beam, place], type_out[beam, place] = np.float32(snr), kind
                    subray_out[beam, place], truth_out[beam, place] = np.int16(subray), np.float32(truth)
                    spread_out[beam, place] = np.float32(spread)
                    if has_surface:
                        mixed_out[beam, place] = np.float32(mixed)


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
    for first in range(start, end, BAND):
        _measure_band(
            image, first, min(BAND, end - first), part, range_in, cosine_in, reflectance_in, specular_in,
            shininess_in, surface_in, soft_range_in, soft_power_in, soft_type_in, extinction_in, row_in, which_in,
            parameter_in, noise_in, weight_in, key_0, key_1, sensor, firings, work_out, range_out, intensity_out,
            snr_out, type_out, subray_out, truth_out, spread_out, mixed_out,
        )  # fmt: skip


ECHOES: Final = Kernel(_measure_part)
"""Launch over frames times parts of `length` firings."""
