"""Automatic exposure of one image alone: its mean luminance is brought to a target, and few of its pixels clip."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .camera_profile import CameraProfile
from .device import Kernel, scalar
from .exposure import positive
from .profile_rows import ProfileRows
from .responsivity import grey_responsivity, saturation_charge
from .tensors import Place

_BINS: Final = 4096
_HALF_BIN: Final = np.uint32(19)
_CLIPPED_PER_MILLE: Final = 20


@scalar
def _meter_row(
    row: Any, radiance_in: Any, which_in: Any, parameter_in: Any, height: Any, light_out: Any, cell_out: Any,
    histogram_out: Any, exposure_time_out: Any,
) -> None:  # fmt: skip
    # Fixed order and integers: the exposure of a row depends on nothing but the row. A line is looked at in loops
    # that the compiler can do for several pixels at once, and then counted in one that it cannot.
    which = which_in[row]
    signal_rate, target, highlight = parameter_in[which, 0], parameter_in[which, 1], parameter_in[which, 2]
    shortest, longest = parameter_in[which, 3], parameter_in[which, 4]
    width = radiance_in.shape[1] // 3
    pixels = width * height
    for cell in range(_BINS):
        histogram_out[row, cell] = 0
    total_0, total_1, total_2, total_3 = 0.0, 0.0, 0.0, 0.0
    for line in range(row * height, (row + 1) * height):
        for x in range(width):
            red = positive(radiance_in[line, 3 * x])
            green = positive(radiance_in[line, 3 * x + 1])
            blue = positive(radiance_in[line, 3 * x + 2])
            light_out[row, x] = np.float32(0.2126 * red + 0.7152 * green + 0.0722 * blue)
        for x in range(width):
            red = positive(radiance_in[line, 3 * x])
            green = positive(radiance_in[line, 3 * x + 1])
            blue = positive(radiance_in[line, 3 * x + 2])
            largest = red if red > green else green
            largest = largest if largest > blue else blue
            cell_out[row, x] = np.uint32(np.float32(largest).view(np.uint32) >> _HALF_BIN)
        for k in range(width // 4):
            total_0 += np.float64(light_out[row, 4 * k])
            total_1 += np.float64(light_out[row, 4 * k + 1])
            total_2 += np.float64(light_out[row, 4 * k + 2])
            total_3 += np.float64(light_out[row, 4 * k + 3])
        for x in range(width // 4 * 4, width):
            total_0 += np.float64(light_out[row, x])
        for x in range(width):
            histogram_out[row, np.uint64(cell_out[row, x])] += 1
    total = (total_0 + total_1) + (total_2 + total_3)
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


def meter_exposure(
    place: Place, radiance: Any, profiles: ProfileRows[CameraProfile], threads: int | None
) -> NDArray[np.float64]:
    """Choose the exposure time of each image.

    Args:
        place: Where the images lie.
        radiance: Scene-linear radiance per sRGB primary, float32, shape (N H, 3 W).
        profiles: Which image has which profile.
        threads: CPU threads; None for all.

    Returns:
        Exposure times [s], shape (N,).
    """
    # With white balance every channel's output is the same multiple of its radiance: that of the most sensitive pixels.
    parameters = np.array([
        (
            grey_responsivity(p) / saturation_charge(p), p.exposure_target, p.exposure_highlight, p.exposure_time_min,
            p.exposure_time_max,
        )
        for p in profiles.profiles
    ])  # fmt: skip
    count, width = len(profiles.which), radiance.shape[1] // 3
    height = radiance.shape[0] // max(count, 1)
    times = np.empty(count)
    _METER.launch(
        count, radiance, profiles.which, parameters, height, place.allocate((count, width), np.float32),
        place.allocate((count, width), np.uint32), place.allocate((count, _BINS), np.int32), times,
        device=place.device, threads=threads,
    )  # fmt: skip
    return times
