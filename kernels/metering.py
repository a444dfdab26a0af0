"""Automatic exposure of one image alone: its mean luminance is brought to a target, and few of its pixels clip."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .camera_profile import CameraProfile
from .device import Kernel, scalar
from .exposure import positive
from .exposure_choice import BINS, brightest_cell, choose_time, luminance
from .metering_blocks import meter_in_blocks
from .profile_rows import ProfileRows
from .responsivity import grey_responsivity, saturation_charge
from .tensors import Place


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
    for cell in range(BINS):
        histogram_out[row, cell] = 0
    total_0, total_1, total_2, total_3 = 0.0, 0.0, 0.0, 0.0
    for line in range(row * height, (row + 1) * height):
        for x in range(width):
            red = positive(radiance_in[line, 3 * x])
            green = positive(radiance_in[line, 3 * x + 1])
            blue = positive(radiance_in[line, 3 * x + 2])
            light_out[row, x] = luminance(red, green, blue)
        for x in range(width):
            red = positive(radiance_in[line, 3 * x])
            green = positive(radiance_in[line, 3 * x + 1])
            blue = positive(radiance_in[line, 3 * x + 2])
            cell_out[row, x] = brightest_cell(red, green, blue)
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
    exposure_time_out[row] = choose_time(
        total, pixels, row, histogram_out, signal_rate, target, highlight, shortest, longest
    )


_METER: Final = Kernel(_meter_row)


def meter_exposure(place: Place, radiance: Any, profiles: ProfileRows[CameraProfile], threads: int | None) -> Any:
    """Choose the exposure time of each image.

    Args:
        place: Where the images lie.
        radiance: Scene-linear radiance per sRGB primary, float32, shape (N H, 3 W).
        profiles: Which image has which profile.
        threads: CPU threads; None for all.

    Returns:
        Exposure times [s], float64, shape (N,), where the images lie.
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
    times = place.allocate((count,), np.float64)
    which, parameters = place.lend_tables(profiles.which, parameters)
    if place.device == "cuda":
        meter_in_blocks(radiance, which, parameters, height, times)
        return times
    _METER.launch(
        count, radiance, which, parameters, height, np.empty((count, width), np.float32),
        np.empty((count, width), np.uint32), np.empty((count, BINS), np.int32), times, device="cpu", threads=threads,
    )  # fmt: skip
    return times
