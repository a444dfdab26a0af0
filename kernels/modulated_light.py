"""Modulated light: the phasor and the mean that each pixel of a time-of-flight sensor receives.

For a surface at a distance R along the ray, per modulation frequency f:

    S   = signal rho cos(theta) / R^2                 mean charge of a tap by the sensor's own light
    phi = 4 pi f R / c
    P   = C S (e^{j phi} + h3 e^{-3 j phi} + h5 e^{5 j phi})      contrast C; harmonics as four taps see them
    B   = dark + ambient rho + S

The harmonics' error of the phase is (h5 - h3) sin(4 phi) at first order. A second path, longer by e, multiplies the
n-th harmonic by 1 + m e^{j 2 pi n f e / c}, and S in B by 1 + m.

Differs from a real sensor: the second path has one length for the whole image, which stands for a single bounce; light
falls on every ray alike; the phase shifts neither with temperature nor from pixel to pixel.

Source: Lange, "3D time-of-flight distance measurement with custom solid-state image sensors in CMOS/CCD-technology",
dissertation, Siegen 2000.
"""

from __future__ import annotations

import cmath
import functools
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .device import Kernel, scalar
from .phase import unit_phasor
from .time_of_flight_profile import FREQUENCIES, LIGHT_SPEED, TimeOfFlightProfile

INFRARED: Final = 0.5
"""Infrared reflectance of a surface where it is not known."""
FARTHEST: Final = 1.0e6
"""Nothing is a surface beyond this [m]."""
PLANES: Final = 1 + 2 * FREQUENCIES
"""Planes of a line: B, then I and Q of each frequency, highest first."""

_STRAY_STEP: Final = 4
_ZERO: Final = np.float32(0.0)


@scalar
def _phasor_line(
    line: Any, depth_in: Any, cosine_in: Any, infrared_in: Any, fx_in: Any, fy_in: Any, center_in: Any, which_in: Any,
    parameter_in: Any, frequency_in: Any, height: Any, plane_out: Any,
) -> None:  # fmt: skip
    # Planes of a line: B, then I and Q of each frequency. While they are made the first holds S and the last the range.
    width = depth_in.shape[1]
    image = line // height
    which = which_in[image]
    fx, cx = fx_in[image], center_in[image, 0]
    y = (np.float64(line - image * height) - center_in[image, 1]) / fy_in[image]
    signal = np.float32(parameter_in[which, 0] * INFRARED)
    count = np.int64(parameter_in[which, 13])
    last = np.uint64(2 * count)
    square = y * y + 1.0
    has_cosine = cosine_in.shape[0] > 0
    has_infrared = infrared_in.shape[0] > 0
    for x in range(width):
        depth = np.float64(depth_in[line, x])
        away = depth if (depth > 0.0) and (depth < FARTHEST) else FARTHEST
        across = (np.float64(x) - cx) / fx
        plane_out[line, last, x] = np.float32(away * math.sqrt(across * across + square))
    for x in range(width):
        distance = plane_out[line, last, x]
        plane_out[line, 0, x] = signal / (distance * distance)
    if has_infrared:
        for x in range(width):
            reflectance = infrared_in[line, x]
            reflectance = reflectance if reflectance > _ZERO else _ZERO
            plane_out[line, 0, x] = plane_out[line, 0, x] * (reflectance * np.float32(1.0 / INFRARED))
    if has_cosine:
        for x in range(width):
            cosine = cosine_in[line, x]
            plane_out[line, 0, x] = plane_out[line, 0, x] * (cosine if cosine > _ZERO else _ZERO)
    for k in range(count):
        per_metre = frequency_in[which, k, 1]
        one_re, one_im = np.float32(frequency_in[which, k, 3]), np.float32(frequency_in[which, k, 4])
        three_re, three_im = np.float32(frequency_in[which, k, 5]), np.float32(frequency_in[which, k, 6])
        five_re, five_im = np.float32(frequency_in[which, k, 7]), np.float32(frequency_in[which, k, 8])
        for x in range(width):
            amount = plane_out[line, 0, x]
            c, s = unit_phasor(np.float64(plane_out[line, last, x]) * per_metre)
            c2, s2 = c * c - s * s, (c + c) * s
            c3, s3 = c2 * c - s2 * s, c2 * s + s2 * c
            c5, s5 = c3 * c2 - s3 * s2, c3 * s2 + s3 * c2
            # The third harmonic turns the other way.
            re = (one_re * c - one_im * s) + (three_re * c3 + three_im * s3) + (five_re * c5 - five_im * s5)
            im = (one_re * s + one_im * c) + (three_im * c3 - three_re * s3) + (five_re * s5 + five_im * c5)
            plane_out[line, 2 * k + 1, x] = amount * re
            plane_out[line, 2 * k + 2, x] = amount * im
    dark = np.float32(parameter_in[which, 2])
    both_paths = np.float32(parameter_in[which, 14])
    ambient = np.float32(parameter_in[which, 1])
    for x in range(width):
        depth32 = depth_in[line, x]
        lit = ambient if (depth32 > _ZERO) and (depth32 < np.float32(FARTHEST)) else _ZERO
        reflectance = np.float32(INFRARED)
        if has_infrared:
            reflectance = infrared_in[line, x]
            reflectance = reflectance if reflectance > _ZERO else _ZERO
        plane_out[line, 0, x] = plane_out[line, 0, x] * both_paths + (lit * reflectance + dark)


@scalar
def _stray_element(image: Any, plane_in: Any, height: Any, stray_out: Any) -> None:
    # Every fourth pixel of every fourth line stands for the image, in a fixed order.
    width = plane_in.shape[2]
    for plane in range(plane_in.shape[1]):
        total = 0.0
        count = 0
        for y in range(0, height, _STRAY_STEP):
            for x in range(0, width, _STRAY_STEP):
                total += np.float64(plane_in[image * height + y, plane, x])
                count += 1
        stray_out[image, plane] = total / count


PHASORS: Final = Kernel(_phasor_line)
STRAY: Final = Kernel(_stray_element)


def pack_parameters(p: TimeOfFlightProfile) -> tuple[float, ...]:
    """Return the numbers of a profile that kernels read."""
    return (
        p.signal_electrons, p.ambient_electrons, p.dark_electrons, p.read_noise, p.full_well, p.electrons_per_count,
        p.amplitude_min, p.range_min, p.range_max, p.disagreement_max, p.spread_share, p.scatter_share, p.wrap_count,
        len(p.modulation_frequencies), 1.0 + p.multipath_share,
    )  # fmt: skip


@functools.lru_cache(maxsize=16)
def pack_frequencies(p: TimeOfFlightProfile) -> NDArray[np.float64]:
    """Return length and inverse length of a turn, weight, and the harmonics' factors, highest frequency first."""
    table = np.zeros((FREQUENCIES, 9))
    table[:, :2] = 1.0
    pairs = sorted(zip(p.modulation_frequencies, p.modulation_contrast, strict=True), reverse=True)
    for row, (frequency, contrast) in zip(table, pairs, strict=False):
        later = 2.0 * math.pi * frequency * p.multipath_length / LIGHT_SPEED
        row[0] = LIGHT_SPEED / (2.0 * frequency)
        row[1] = 1.0 / row[0]
        row[2] = (frequency / pairs[0][0]) ** 2
        for place, (order, share) in enumerate(((1, 1.0), (-3, p.third_harmonic), (5, p.fifth_harmonic))):
            factor = contrast * share * (1.0 + p.multipath_share * cmath.exp(1j * order * later))
            row[3 + 2 * place], row[4 + 2 * place] = factor.real, factor.imag
    table.flags.writeable = False
    return table
