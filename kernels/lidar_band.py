"""Firings whose beam meets one surface, or surfaces that make one echo, measured many at once.

That is most of them. What remains, beams on edges, in rain, and false alarms, is left to `lidar_echoes`. Working lines
of a band stand a constant apart, which tells the compiler that they do not overlap; loops have no branches and few
arrays each, so that several firings are done at once.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from .device import scalar
from .lidar_profile import MAX_RINGS
from .lidar_reading import NO_RETURN, SURFACE
from .philox import draw_block
from .powers import exp2, log2
from .variates import normal_single, uniform32

BAND: Final = 64
"""Firings of a band."""
MAX_SUBRAYS: Final = 1 + 3 * MAX_RINGS * (MAX_RINGS + 1)
"""Most sub-rays of a beam."""
REFLECTANCE: Final = 0.5
"""Reflectance of surfaces whose own is not known."""

AMPLITUDE: Final = 0
"""Working line: normal number of the amplitude of the first echo."""
JITTER: Final = BAND
"""Working line: normal number of its range."""
DROPOUT: Final = 2 * BAND
"""Working line: uniform number for drop-outs."""
ALARM: Final = 3 * BAND
"""Working line: uniform number for false alarms."""
DONE: Final = 4 * BAND
"""Working line: 1 where a firing is measured."""
NEAR: Final = 5 * BAND
"""Working line: nearest range, or `NONE`."""
FAR: Final = 6 * BAND
"""Working line: farthest range, or 0."""
_TOTAL: Final = 7 * BAND
_MOMENT: Final = 8 * BAND
_BEST: Final = 9 * BAND
_SUBRAY: Final = 10 * BAND
_SNR: Final = 11 * BAND
_RANGE: Final = 12 * BAND
_INTENSITY: Final = 13 * BAND
_TRUTH: Final = 14 * BAND
_SPREAD: Final = 15 * BAND
DISTANCE: Final = 16 * BAND
"""First working line of the ranges, a line for each sub-ray; `NONE` where it meets nothing."""
LIGHT: Final = DISTANCE + MAX_SUBRAYS * BAND
"""First working line of the light."""
WORK: Final = LIGHT + MAX_SUBRAYS * BAND
"""Numbers of working space of a band."""

_LOG2_E: Final = 1.0 / math.log(2.0)
NONE: Final = np.float32(1e30)
"""Range that stands for no surface; its square is infinite."""
_ZERO, _ONE, _LOST = np.float32(0.0), np.float32(1.0), np.float32(-1.0)


@scalar
def draw_band(part: Any, first: Any, count: Any, row: Any, key_0: Any, key_1: Any, sensor: Any, work_out: Any) -> None:
    """Draw the numbers of every firing's first echo."""
    for x in range(count):
        w0, w1, w2, w3 = draw_block(key_0, key_1, first + x, row, sensor, 1)
        work_out[part, AMPLITUDE + x] = normal_single(w0)
        work_out[part, JITTER + x] = normal_single(w1)
        work_out[part, DROPOUT + x] = uniform32(w2)
        work_out[part, ALARM + x] = uniform32(w3)


@scalar
def collect_band(
    part: Any, beam: Any, count: Any, range_in: Any, cosine_in: Any, reflectance_in: Any, which: Any, weight_in: Any,
    extinction: Any, start: Any, full: Any, work_out: Any,
) -> None:  # fmt: skip
    """Add up the light of the sub-rays of every firing, and find the nearest and the farthest surface.

    Args:
        part: Row of the working space.
        beam: First firing of the band, counted over the whole batch.
        count: Firings of the band.
        range_in: Range of each sub-ray, likewise cosine and reflectance.
        cosine_in: See range_in.
        reflectance_in: See range_in.
        which: Profile.
        weight_in: Weights of its sub-rays.
        extinction: Extinction coefficient [1/m].
        start: Range where the receiver begins to see the beam [m].
        full: Range from which it sees all of it [m].
        work_out: Working space.
    """
    subrays = range_in.shape[1]
    has_cosine, has_reflectance = cosine_in.shape[0] > 0, reflectance_in.shape[0] > 0
    fade = -2.0 * _LOG2_E * extinction
    rise = np.float32(1.0 / (full - start) if full > start else 1e30)
    begin, usual = np.float32(start), np.float32(REFLECTANCE)
    for x in range(count):
        work_out[part, NEAR + x] = NONE
        work_out[part, FAR + x] = _ZERO
        work_out[part, _TOTAL + x] = _ZERO
        work_out[part, _MOMENT + x] = _ZERO
        work_out[part, _BEST + x] = _ZERO
        work_out[part, _SUBRAY + x] = _LOST
        work_out[part, _TRUTH + x] = _ZERO
    for k in range(subrays):
        d, light = DISTANCE + k * BAND, LIGHT + k * BAND
        weight = np.float32(weight_in[which, k])
        for x in range(count):
            given = range_in[beam + np.uint64(x), k]
            hit = (given > _ZERO) and (given < NONE)  # not for NaN and infinity
            distance = given if hit else NONE
            near, far = work_out[part, NEAR + x], work_out[part, FAR + x]
            work_out[part, d + x] = distance
            work_out[part, NEAR + x] = distance if distance < near else near
            work_out[part, FAR + x] = distance if hit and distance > far else far
        if has_reflectance:
            for x in range(count):
                work_out[part, light + x] = weight * reflectance_in[beam + np.uint64(x), k]
        else:
            for x in range(count):
                work_out[part, light + x] = weight * usual
        if has_cosine:
            for x in range(count):
                cosine = cosine_in[beam + np.uint64(x), k]
                work_out[part, light + x] *= cosine if cosine < _ONE else _ONE
        for x in range(count):
            inverse = _ONE / work_out[part, d + x]
            value = work_out[part, light + x] * inverse * inverse
            work_out[part, light + x] = value if value > _ZERO else _ZERO
        if extinction > 0.0:
            for x in range(count):
                power = fade * np.float64(work_out[part, d + x])
                work_out[part, light + x] *= np.float32(exp2(power if power > -1000.0 else -1000.0))
        if full > 0.0:
            for x in range(count):
                share = (work_out[part, d + x] - begin) * rise
                share = share if share > _ZERO else _ZERO
                work_out[part, light + x] *= share if share < _ONE else _ONE
    for k in range(subrays):
        d, light = DISTANCE + k * BAND, LIGHT + k * BAND
        label = np.float32(k)
        for x in range(count):
            value, distance = work_out[part, light + x], work_out[part, d + x]
            best = work_out[part, _BEST + x]
            work_out[part, _TOTAL + x] += value
            work_out[part, _MOMENT + x] += value * (distance - work_out[part, NEAR + x])
            work_out[part, _TRUTH + x] = distance if value > best else work_out[part, _TRUTH + x]
            work_out[part, _SUBRAY + x] = label if value > best else work_out[part, _SUBRAY + x]
            work_out[part, _BEST + x] = value if value > best else best


@scalar
def settle_band(
    part: Any, beam: Any, count: Any, which: Any, soft_range_in: Any, parameter_in: Any, noise_in: Any, work_out: Any
) -> None:
    """Measure the firings of one echo or none, and mark them; see `collect_band` for the arguments."""
    scale, threshold = parameter_in[which, 0], parameter_in[which, 1]
    amplitude_noise, cell = parameter_in[which, 2], parameter_in[which, 3]
    range_min, range_max = parameter_in[which, 4], parameter_in[which, 5]
    start, full = parameter_in[which, 6], parameter_in[which, 7]
    bias, step = parameter_in[which, 8], parameter_in[which, 9]
    by_range, counts, most = parameter_in[which, 11], parameter_in[which, 12], parameter_in[which, 13]
    dropouts, false_alarms = np.float32(parameter_in[which, 14]), np.float32(parameter_in[which, 15])
    x0, x1, x2, x3 = noise_in[which, 0, 0], noise_in[which, 0, 1], noise_in[which, 0, 2], noise_in[which, 0, 3]
    s0, s1, s2, s3 = noise_in[which, 1, 0], noise_in[which, 1, 1], noise_in[which, 1, 2], noise_in[which, 1, 3]
    y0, y1, y2, y3 = noise_in[which, 2, 0], noise_in[which, 2, 1], noise_in[which, 2, 2], noise_in[which, 2, 3]
    y4 = noise_in[which, 2, 4]
    rise = 1.0 / (full - start) if full > start else 1e30
    per_step, per_scale = 1.0 / step if step > 0.0 else 0.0, 1.0 / scale
    for x in range(count):
        total = np.float64(work_out[part, _TOTAL + x])
        light = scale * total
        snr = light + amplitude_noise * np.float64(work_out[part, AMPLITUDE + x])
        # The law of the range's deviation: pieces of powers, see `lidar_return`.
        known = light if light > 1e-6 else 1e-6
        slope, level = (s1, y1) if known >= x0 else (s0, y0)
        slope, level = (s2, y2) if known >= x1 else (slope, level)
        slope, level = (s3, y3) if known >= x2 else (slope, level)
        slope, level = (0.0, y4) if known >= x3 else (slope, level)
        deviation = exp2(level + slope * log2(known))
        mean = np.float64(work_out[part, _MOMENT + x]) / (total if total > 0.0 else 1.0)
        measured = np.float64(work_out[part, NEAR + x]) + mean + bias
        measured += deviation * np.float64(work_out[part, JITTER + x])
        stepped = np.floor(measured * per_step + 0.5) * step
        measured = stepped if step > 0.0 else measured
        seen = (total > 0.0) and (snr >= threshold) and (measured >= range_min) and (measured <= range_max)
        work_out[part, _SNR + x] = np.float32(snr)
        work_out[part, _RANGE + x] = np.float32(measured if seen else 0.0)
    for x in range(count):
        measured = np.float64(work_out[part, _RANGE + x])
        intensity = np.float64(work_out[part, _SNR + x]) * counts
        share = (measured - start) * rise
        share = share if share > 1e-3 else 1e-3
        share = share if share < 1.0 else 1.0
        reflectivity = intensity * per_scale * measured * measured / share
        intensity = reflectivity if by_range > 0.0 else intensity
        rounded = np.floor(intensity + 0.5)
        rounded = rounded if rounded < most else most
        rounded = rounded if rounded > 0.0 else 0.0
        work_out[part, _INTENSITY + x] = np.float32(rounded if most > 0.0 else intensity)
    for x in range(count):
        near, far = np.float64(work_out[part, NEAR + x]), np.float64(work_out[part, FAR + x])
        one = (far - near < cell) or (far == near)  # and where nothing is met
        quiet = work_out[part, ALARM + x] >= false_alarms
        lost = work_out[part, DROPOUT + x] < dropouts
        work_out[part, DONE + x] = _ONE if (one and quiet) or lost else _ZERO
        work_out[part, _RANGE + x] = _ZERO if lost else work_out[part, _RANGE + x]
    if soft_range_in.shape[0] > 0:
        for x in range(count):
            soft = np.float64(soft_range_in[beam + np.uint64(x), 0])
            if soft > 0.0 and not work_out[part, DROPOUT + x] < dropouts:
                work_out[part, DONE + x] = _ZERO
    # What is not reported here is left empty; the range stays for last, since it tells.
    for x in range(count):
        kept = (work_out[part, _RANGE + x] > _ZERO) and (work_out[part, DONE + x] > _ZERO)
        work_out[part, _INTENSITY + x] = work_out[part, _INTENSITY + x] if kept else _ZERO
        work_out[part, _SNR + x] = work_out[part, _SNR + x] if kept else _ZERO
        work_out[part, _SUBRAY + x] = work_out[part, _SUBRAY + x] if kept else _LOST
        work_out[part, _TRUTH + x] = work_out[part, _TRUTH + x] if kept else _ZERO
    for x in range(count):
        kept = (work_out[part, _RANGE + x] > _ZERO) and (work_out[part, DONE + x] > _ZERO)
        work_out[part, _SPREAD + x] = work_out[part, FAR + x] - work_out[part, NEAR + x] if kept else _ZERO
        work_out[part, _RANGE + x] = work_out[part, _RANGE + x] if kept else _ZERO


@scalar
def report_band(
    part: Any, beam: Any, count: Any, surface_in: Any, work_out: Any, range_out: Any, intensity_out: Any,
    snr_out: Any, type_out: Any, subray_out: Any, truth_out: Any, spread_out: Any, mixed_out: Any,
) -> None:  # fmt: skip
    """Write the returns of the firings that are measured, and nothing for the others."""
    returns, subrays = range_out.shape[1], surface_in.shape[1]
    for x in range(count):
        range_out[beam + np.uint64(x), 0] = work_out[part, _RANGE + x]
    for x in range(count):
        intensity_out[beam + np.uint64(x), 0] = work_out[part, _INTENSITY + x]
    for x in range(count):
        snr_out[beam + np.uint64(x), 0] = work_out[part, _SNR + x]
    for x in range(count):
        type_out[beam + np.uint64(x), 0] = np.uint8(SURFACE if work_out[part, _RANGE + x] > _ZERO else NO_RETURN)
    for x in range(count):
        subray_out[beam + np.uint64(x), 0] = np.int16(work_out[part, _SUBRAY + x])
    for x in range(count):
        truth_out[beam + np.uint64(x), 0] = work_out[part, _TRUTH + x]
    for x in range(count):
        spread_out[beam + np.uint64(x), 0] = work_out[part, _SPREAD + x]
    for x in range(count):
        for k in range(1, returns):
            range_out[beam + np.uint64(x), k], intensity_out[beam + np.uint64(x), k] = np.float32(0.0), np.float32(0.0)
            snr_out[beam + np.uint64(x), k], type_out[beam + np.uint64(x), k] = np.float32(0.0), np.uint8(NO_RETURN)
            subray_out[beam + np.uint64(x), k], truth_out[beam + np.uint64(x), k] = np.int16(-1), np.float32(0.0)
            spread_out[beam + np.uint64(x), k] = np.float32(0.0)
    if surface_in.shape[0] > 0:
        for x in range(count):
            for k in range(returns):
                mixed_out[beam + np.uint64(x), k] = np.float32(0.0)
            best, other = np.int64(work_out[part, _SUBRAY + x]), 0.0
            if best >= 0:
                for k in range(subrays):
                    if surface_in[beam + np.uint64(x), k] != surface_in[beam + np.uint64(x), best]:
                        other += np.float64(work_out[part, LIGHT + k * BAND + x])
                mixed_out[beam + np.uint64(x), 0] = np.float32(other / np.float64(work_out[part, _TOTAL + x]))
