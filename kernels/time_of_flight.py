"""Time-of-flight depth: four taps for each modulation frequency, their phases, and what several phases agree on.

The light of each pixel is a phasor P and a mean B per modulation frequency f (`modulated_light`). They are summed
before anything is measured: over the 3 x 3 pixels among which the lens spreads light, and over the image for what is
scattered within the camera. Pixels on an edge, and those that fly between surfaces or outside of them, follow from the
sum. Then, with P = I + j Q:

    s_k   = B + (I, Q, -I, -Q)_k, with shot and read noise, in whole counts, at most the full well
    phi'  = atan2(s_1 - s_3, s_0 - s_2),   R_f = c / (4 pi f) (phi' + 2 pi n_f)

so that sigma_R = c / (4 pi f) sqrt(B) / (sqrt(2) |P|) while it is small.
The wrap numbers n_f are those whose distances deviate least from their mean, weighted by the inverse variance, f^2 A^2;
that mean is the distance, and depth its part along +z.

Draws, in the stream "depth": one block per pixel and frequency, highest first, with one word per tap. Its noise is the
quantile of shot and read noise together, by the expansion of Cornish and Fisher over their cumulants.

Differs from a real sensor: all taps are exposed at once, so that nothing moves between them; taps below about ten
electrons have the right mean and variance but not the shape of a Poisson distribution.

Sources: Lange, "3D time-of-flight distance measurement with custom solid-state image sensors in CMOS/CCD-technology",
dissertation, Siegen 2000; Cornish and Fisher, "Moments and cumulants in the
specification of distributions", 1938.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from .depth_images import MAX_SIDE, DepthImages
from .depth_reading import AMBIGUOUS, LOW_SIGNAL, NO_SURFACE, SATURATED, TOO_FAR, TOO_NEAR, VALID
from .device import Kernel, scalar
from .modulated_light import FARTHEST, PHASORS, PLANES, STRAY, pack_frequencies, pack_parameters
from .phase import phase_turns
from .philox import draw_block, stream_key
from .taps import measure_tap
from .time_of_flight_pixels import MEASURE_PIXELS
from .time_of_flight_profile import FREQUENCIES, TimeOfFlightProfile

_WORKING_NUMBERS: Final = 1 << 22
_CUDA_NUMBERS: Final = 1 << 28
_BAND: Final = 16

# Working lines of a band: a constant apart, which tells the compiler that they do not overlap, and no power of two, so
# that they do not share the cache's sets.
_PITCH: Final = MAX_SIDE + 80
_MEAN: Final = 0
_I: Final = _PITCH
_Q: Final = 2 * _PITCH
_TOP: Final = 3 * _PITCH
_POWER: Final = 4 * _PITCH
_SPREAD: Final = 5 * _PITCH
_RANGE: Final = 6 * _PITCH
_TURN: Final = 7 * _PITCH
_WEIGHT: Final = _TURN + FREQUENCIES * _PITCH
_WORK: Final = _WEIGHT + FREQUENCIES * _PITCH

_ZERO: Final = np.float32(0.0)
_HALF: Final = np.float32(0.5)
_ONE: Final = np.float32(1.0)
_TINY: Final = np.float32(1e-30)
_HUGE: Final = np.float32(1e30)


@scalar(forceinline=True)
def _spread(plane_in: Any, plane: Any, above: Any, line: Any, below: Any, x: Any, side: Any, middle: Any) -> Any:
    sides = side * (plane_in[above, plane, x] + plane_in[below, plane, x])
    return sides + middle * plane_in[line, plane, x]


@scalar
def _spread_line(
    plane_in: Any, plane: Any, above: Any, line: Any, below: Any, side: Any, keep: Any, stray: Any, band: Any,
    place: Any, work_out: Any,
) -> None:  # fmt: skip
    """Sum a plane over 3 x 3 pixels, lines and columns outside the image being those on its border."""
    width = plane_in.shape[2]
    middle = _ONE - side - side
    for x in range(1, width - 1):
        total = middle * _spread(plane_in, plane, above, line, below, x, side, middle)
        left = _spread(plane_in, plane, above, line, below, x - 1, side, middle)
        right = _spread(plane_in, plane, above, line, below, x + 1, side, middle)
        work_out[band, place + x] = (total + side * (left + right)) * keep + stray
    for end in range(2):
        x = 0 if end == 0 else width - 1
        left = _spread(plane_in, plane, above, line, below, max(x - 1, 0), side, middle)
        right = _spread(plane_in, plane, above, line, below, min(x + 1, width - 1), side, middle)
        total = middle * _spread(plane_in, plane, above, line, below, x, side, middle)
        work_out[band, place + x] = (total + side * (left + right)) * keep + stray


@scalar(forceinline=True)
def _larger(a: Any, b: Any) -> Any:
    return a if a > b else b


@scalar
def _sample_line(
    first: Any, row: Any, sensor: Any, key_0: Any, key_1: Any, block: Any, width: Any, weight: Any, read_variance: Any,
    full_well: Any, count_electrons: Any, band: Any, work_out: Any,
) -> None:  # fmt: skip
    """Measure the phase of every pixel of a line at one frequency."""
    per_electron = _ONE / count_electrons
    turn, heavy = _TURN + block * _PITCH, _WEIGHT + block * _PITCH
    for x in range(width):
        w0, w1, w2, w3 = draw_block(key_0, key_1, first + x, row, sensor, block)
        mean, i, q = work_out[band, _MEAN + x], work_out[band, _I + x], work_out[band, _Q + x]
        s0, e0 = measure_tap(mean + i, w0, read_variance, full_well, per_electron)
        s1, e1 = measure_tap(mean + q, w1, read_variance, full_well, per_electron)
        s2, e2 = measure_tap(mean - i, w2, read_variance, full_well, per_electron)
        s3, e3 = measure_tap(mean - q, w3, read_variance, full_well, per_electron)
        work_out[band, _TOP + x] = _larger(work_out[band, _TOP + x], _larger(_larger(e0, e1), _larger(e2, e3)))
        work_out[band, _I + x] = s0 - s2
        work_out[band, _Q + x] = s1 - s3
    scale = np.float32(0.25) * count_electrons * count_electrons
    for x in range(width):
        i, q = work_out[band, _I + x], work_out[band, _Q + x]
        power = (i * i + q * q) * scale
        work_out[band, np.uint64(turn + x)] = phase_turns(i, q)
        work_out[band, np.uint64(heavy + x)] = power * weight + _TINY
        work_out[band, _POWER + x] += power


@scalar
def _unwrap_line(width: Any, wraps: Any, which: Any, frequency_in: Any, band: Any, work_out: Any) -> None:
    """Choose the wrap numbers whose distances deviate least, and take the weighted mean."""
    length_0 = np.float32(frequency_in[which, 0, 0])
    length_1, inverse_1 = np.float32(frequency_in[which, 1, 0]), np.float32(frequency_in[which, 1, 1])
    length_2, inverse_2 = np.float32(frequency_in[which, 2, 0]), np.float32(frequency_in[which, 2, 1])
    for x in range(width):
        work_out[band, _SPREAD + x] = _HUGE
    for n in range(wraps):
        turns = np.float32(n)
        for x in range(width):
            trial = (work_out[band, _TURN + x] + turns) * length_0
            u1 = trial * inverse_1 - work_out[band, _TURN + _PITCH + x]
            u2 = trial * inverse_2 - work_out[band, _TURN + 2 * _PITCH + x]
            d1 = (np.float32(np.floor(u1 + _HALF)) - u1) * length_1
            d2 = (np.float32(np.floor(u2 + _HALF)) - u2) * length_2
            heavy_0 = work_out[band, _WEIGHT + x]
            heavy_1 = work_out[band, _WEIGHT + _PITCH + x]
            heavy_2 = work_out[band, _WEIGHT + 2 * _PITCH + x]
            inverse = _ONE / (heavy_0 + heavy_1 + heavy_2)
            lean = (heavy_1 * d1 + heavy_2 * d2) * inverse
            spread = (heavy_1 * d1 * d1 + heavy_2 * d2 * d2) * inverse - lean * lean
            best = work_out[band, _SPREAD + x]
            better = spread < best
            work_out[band, _SPREAD + x] = spread if better else best
            work_out[band, _RANGE + x] = trial + lean if better else work_out[band, _RANGE + x]


@scalar
def _measure_line(
    line: Any, band: Any, depth_in: Any, plane_in: Any, stray_in: Any, fx_in: Any, fy_in: Any, center_in: Any,
    row_in: Any, which_in: Any, parameter_in: Any, frequency_in: Any, key_0: Any, key_1: Any, sensor: Any, height: Any,
    work_out: Any, depth_out: Any, status_out: Any,
) -> None:  # fmt: skip
    width = depth_in.shape[1]
    image = line // height
    row_line = line - image * height
    which = which_in[image]
    read_noise = np.float32(parameter_in[which, 3])
    full_well, count_electrons = np.float32(parameter_in[which, 4]), np.float32(parameter_in[which, 5])
    side, scatter = np.float32(parameter_in[which, 10]), np.float32(parameter_in[which, 11])
    keep = _ONE - scatter
    count = np.int64(parameter_in[which, 13])
    above = line - 1 if row_line > 0 else line
    below = line + 1 if row_line < height - 1 else line
    stray = scatter * np.float32(stray_in[image, 0])
    _spread_line(plane_in, 0, above, line, below, side, keep, stray, band, _MEAN, work_out)
    for x in range(width):
        work_out[band, _TOP + x] = _ZERO
        work_out[band, _POWER + x] = _ZERO
    for k in range(FREQUENCIES):
        if k < count:
            stray = scatter * np.float32(stray_in[image, 2 * k + 1])
            _spread_line(plane_in, 2 * k + 1, above, line, below, side, keep, stray, band, _I, work_out)
            stray = scatter * np.float32(stray_in[image, 2 * k + 2])
            _spread_line(plane_in, 2 * k + 2, above, line, below, side, keep, stray, band, _Q, work_out)
            _sample_line(
                row_line * width, row_in[image], sensor, key_0, key_1, k, width,
                np.float32(frequency_in[which, k, 2]), read_noise * read_noise, full_well, count_electrons, band,
                work_out,
            )  # fmt: skip
        else:
            for x in range(width):
                work_out[band, np.uint64(_TURN + k * _PITCH + x)] = _ZERO
                work_out[band, np.uint64(_WEIGHT + k * _PITCH + x)] = _ZERO
    _unwrap_line(width, np.int64(parameter_in[which, 12]), which, frequency_in, band, work_out)

    weak = np.float32(parameter_in[which, 6] * parameter_in[which, 6] * parameter_in[which, 13])
    nearest, farthest = np.float32(parameter_in[which, 7]), np.float32(parameter_in[which, 8])
    limit = np.float32(parameter_in[which, 9] * parameter_in[which, 9])
    fx, cx = fx_in[image], center_in[image, 0]
    y = (np.float64(row_line) - center_in[image, 1]) / fy_in[image]
    square = y * y + 1.0
    for x in range(width):
        distance = work_out[band, _RANGE + x]
        true_depth = depth_in[line, x]
        status = np.uint8(VALID)
        status = np.uint8(TOO_FAR) if distance > farthest else status
        status = np.uint8(TOO_NEAR) if distance < nearest else status
        status = np.uint8(AMBIGUOUS) if work_out[band, _SPREAD + x] > limit else status
        present = (true_depth > _ZERO) and (true_depth < np.float32(FARTHEST))
        dim = np.uint8(LOW_SIGNAL) if present else np.uint8(NO_SURFACE)
        status = dim if work_out[band, _POWER + x] <= weak else status
        status = np.uint8(SATURATED) if work_out[band, _TOP + x] >= full_well else status
        across = (np.float64(x) - cx) / fx
        depth = np.float64(distance) / math.sqrt(across * across + square)
        depth_out[line, x] = np.float32(depth if status == np.uint8(VALID) else 0.0)
        status_out[line, x] = status


@scalar
def _measure_band(
    band: Any, depth_in: Any, plane_in: Any, stray_in: Any, fx_in: Any, fy_in: Any, center_in: Any, row_in: Any,
    which_in: Any, parameter_in: Any, frequency_in: Any, key_0: Any, key_1: Any, sensor: Any, height: Any, lines: Any,
    work_out: Any, depth_out: Any, status_out: Any,
) -> None:  # fmt: skip
    # The lines of a band share working space, which then stays in the nearest cache.
    for line in range(band * lines, min((band + 1) * lines, depth_in.shape[0])):
        _measure_line(
            line, band, depth_in, plane_in, stray_in, fx_in, fy_in, center_in, row_in, which_in, parameter_in,
            frequency_in, key_0, key_1, sensor, height, work_out, depth_out, status_out,
        )  # fmt: skip


_MEASURE: Final = Kernel(_measure_band)


def measure_time_of_flight(
    images: DepthImages[TimeOfFlightProfile], *, seed: int, threads: int | None = None
) -> tuple[Any, Any]:
    """Measure depth images with a time-of-flight sensor; `apply_depth` is the public face.

    Args:
        images: What the sensor looks at.
        seed: Seed of the noise, [0, 2^64).
        threads: CPU threads; None for all.

    Returns:
        Depth [m] and status of each pixel, shape (N H, W).

    Source: Lange 2000, sections 2.2 and 4.2.
    """
    profiles, place, height = images.profiles.profiles, images.place, images.height
    parameters = np.array([pack_parameters(profile) for profile in profiles])
    frequencies = np.array([pack_frequencies(profile) for profile in profiles])
    scatters = any(profile.scatter_share > 0.0 for profile in profiles)
    measured, status = place.allocate(images.lines, np.float32), place.allocate(images.lines, np.uint8)
    count, width = len(images.rows), images.lines[1]
    on_cuda = place.device == "cuda"
    # A few images at a time keep the working space small.
    step = max(1, (_CUDA_NUMBERS if on_cuda else _WORKING_NUMBERS) // (height * width * PLANES))
    most = min(step, count) * height
    planes = place.allocate((most, PLANES, width), np.float32)
    work = None if on_cuda else place.allocate((-(-most // _BAND), _WORK), np.float32)
    rows, which_all, fx, fy, center, parameters, frequencies = place.lend_tables(
        images.rows, images.profiles.which, images.fx, images.fy, images.center, parameters, frequencies
    )
    key = stream_key(seed, "depth")
    for start in range(0, count, step):
        end = min(start + step, count)
        part = slice(start * height, end * height)
        lines = (end - start) * height
        depth, which = images.depth[part], which_all[start:end]
        view = (fx[start:end], fy[start:end], center[start:end])
        PHASORS.launch(
            lines, depth, images.take("cosine", part), images.take("infrared", part), *view, which, parameters,
            frequencies, height, planes, device=place.device, threads=threads,
        )  # fmt: skip
        (stray,) = place.lend_tables(np.zeros((end - start, PLANES)))
        if scatters:
            STRAY.launch(end - start, planes, height, stray, device=place.device, threads=threads)
        known = (depth, planes, stray, *view, rows[start:end], which, parameters, frequencies, *key, images.sensor)
        if on_cuda:
            MEASURE_PIXELS.launch(lines * width, *known, height, measured[part], status[part], device="cuda")
        else:
            _MEASURE.launch(
                -(-lines // _BAND), *known, height, _BAND, work, measured[part], status[part], threads=threads
            )
    return measured, status
