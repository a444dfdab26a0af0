"""Time of flight on CUDA: a thread measures a pixel in registers, where a CPU's thread passes lines through scratch."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from .depth_reading import AMBIGUOUS, LOW_SIGNAL, NO_SURFACE, SATURATED, TOO_FAR, TOO_NEAR, VALID
from .device import Kernel, scalar
from .modulated_light import FARTHEST
from .phase import phase_turns
from .philox import draw_block
from .taps import measure_tap

_ZERO: Final = np.float32(0.0)
_HALF: Final = np.float32(0.5)
_ONE: Final = np.float32(1.0)
_TINY: Final = np.float32(1e-30)
_HUGE: Final = np.float32(1e30)
_QUARTER: Final = np.float32(0.25)


@scalar(forceinline=True)
def _column(plane_in: Any, plane: Any, above: Any, line: Any, below: Any, x: Any, side: Any, middle: Any) -> Any:
    sides = side * (plane_in[above, plane, x] + plane_in[below, plane, x])
    return sides + middle * plane_in[line, plane, x]


@scalar
def _spread(
    plane_in: Any, plane: Any, above: Any, line: Any, below: Any, x: Any, side: Any, keep: Any, stray: Any
) -> Any:
    """Sum a plane over 3 x 3 pixels, lines and columns outside the image being those on its border."""
    middle = _ONE - side - side
    total = middle * _column(plane_in, plane, above, line, below, x, side, middle)
    left = _column(plane_in, plane, above, line, below, max(x - 1, 0), side, middle)
    right = _column(plane_in, plane, above, line, below, min(x + 1, plane_in.shape[2] - 1), side, middle)
    return (total + side * (left + right)) * keep + stray


@scalar
def _sample(
    mean: Any, i: Any, q: Any, w0: Any, w1: Any, w2: Any, w3: Any, read_variance: Any, full_well: Any,
    count_electrons: Any, weight: Any,
) -> tuple[Any, Any, Any, Any]:  # fmt: skip
    """Return the phase [turns], its weight, the power and the largest charge at one frequency."""
    per_electron = _ONE / count_electrons
    s0, e0 = measure_tap(mean + i, w0, read_variance, full_well, per_electron)
    s1, e1 = measure_tap(mean + q, w1, read_variance, full_well, per_electron)
    s2, e2 = measure_tap(mean - i, w2, read_variance, full_well, per_electron)
    s3, e3 = measure_tap(mean - q, w3, read_variance, full_well, per_electron)
    i, q = s0 - s2, s1 - s3
    power = (i * i + q * q) * (_QUARTER * count_electrons * count_electrons)
    return phase_turns(i, q), power * weight + _TINY, power, max(max(e0, e1), max(e2, e3))


@scalar
def _unwrap(
    t0: Any, t1: Any, t2: Any, heavy_0: Any, heavy_1: Any, heavy_2: Any, wraps: Any, which: Any, frequency_in: Any
) -> tuple[Any, Any]:
    """Choose the wrap numbers whose distances deviate least; return the weighted mean and how they deviate."""
    length_0 = np.float32(frequency_in[which, 0, 0])
    length_1, inverse_1 = np.float32(frequency_in[which, 1, 0]), np.float32(frequency_in[which, 1, 1])
    length_2, inverse_2 = np.float32(frequency_in[which, 2, 0]), np.float32(frequency_in[which, 2, 1])
    inverse = _ONE / (heavy_0 + heavy_1 + heavy_2)
    best, distance = _HUGE, _ZERO
    for n in range(wraps):
        trial = (t0 + np.float32(n)) * length_0
        u1 = trial * inverse_1 - t1
        u2 = trial * inverse_2 - t2
        d1 = (np.float32(np.floor(u1 + _HALF)) - u1) * length_1
        d2 = (np.float32(np.floor(u2 + _HALF)) - u2) * length_2
        lean = (heavy_1 * d1 + heavy_2 * d2) * inverse
        spread = (heavy_1 * d1 * d1 + heavy_2 * d2 * d2) * inverse - lean * lean
        if spread < best:
            best, distance = spread, trial + lean
    return distance, best


@scalar
def _measure_pixel(
    index: Any, depth_in: Any, plane_in: Any, stray_in: Any, fx_in: Any, fy_in: Any, center_in: Any, row_in: Any,
    which_in: Any, parameter_in: Any, frequency_in: Any, key_0: Any, key_1: Any, sensor: Any, height: Any,
    depth_out: Any, status_out: Any,
) -> None:  # fmt: skip
    index = np.int64(index)
    width = depth_in.shape[1]
    line = index // width
    x = index - line * width
    image = line // height
    y = line - image * height
    which = which_in[image]
    read_noise = np.float32(parameter_in[which, 3])
    variance = read_noise * read_noise
    full_well, electrons = np.float32(parameter_in[which, 4]), np.float32(parameter_in[which, 5])
    side, scatter = np.float32(parameter_in[which, 10]), np.float32(parameter_in[which, 11])
    keep, count = _ONE - scatter, np.int64(parameter_in[which, 13])
    above, below = line - 1 if y > 0 else line, line + 1 if y < height - 1 else line
    stray = scatter * np.float32(stray_in[image, 0])
    mean = _spread(plane_in, 0, above, line, below, x, side, keep, stray)
    t0, t1, t2 = _ZERO, _ZERO, _ZERO
    heavy_0, heavy_1, heavy_2 = _ZERO, _ZERO, _ZERO
    top, total = _ZERO, _ZERO
    for k in range(count):
        stray = scatter * np.float32(stray_in[image, 2 * k + 1])
        i = _spread(plane_in, 2 * k + 1, above, line, below, x, side, keep, stray)
        stray = scatter * np.float32(stray_in[image, 2 * k + 2])
        q = _spread(plane_in, 2 * k + 2, above, line, below, x, side, keep, stray)
        w0, w1, w2, w3 = draw_block(key_0, key_1, y * width + x, row_in[image], sensor, k)
        turn, heavy, power, charge = _sample(
            mean, i, q, w0, w1, w2, w3, variance, full_well, electrons, np.float32(frequency_in[which, k, 2])
        )
        top, total = max(top, charge), total + power
        if k == 0:
            t0, heavy_0 = turn, heavy
        elif k == 1:
            t1, heavy_1 = turn, heavy
        else:
            t2, heavy_2 = turn, heavy
    distance, spread = _unwrap(
        t0, t1, t2, heavy_0, heavy_1, heavy_2, np.int64(parameter_in[which, 12]), which, frequency_in
    )
    status = TOO_FAR if distance > np.float32(parameter_in[which, 8]) else VALID
    status = TOO_NEAR if distance < np.float32(parameter_in[which, 7]) else status
    status = AMBIGUOUS if spread > np.float32(parameter_in[which, 9] * parameter_in[which, 9]) else status
    true_depth = depth_in[line, x]
    present = (true_depth > _ZERO) and (true_depth < np.float32(FARTHEST))
    weak = np.float32(parameter_in[which, 6] * parameter_in[which, 6] * parameter_in[which, 13])
    status = (LOW_SIGNAL if present else NO_SURFACE) if total <= weak else status
    status = SATURATED if top >= full_well else status
    across = (np.float64(x) - center_in[image, 0]) / fx_in[image]
    along = (np.float64(y) - center_in[image, 1]) / fy_in[image]
    depth = np.float64(distance) / math.sqrt(across * across + (along * along + 1.0))
    depth_out[line, x] = np.float32(depth if status == VALID else 0.0)
    status_out[line, x] = np.uint8(status)


MEASURE_PIXELS: Final = Kernel(_measure_pixel)
