"""Diffraction: the aperture spreads each point of light into an Airy pattern.

    I(r) = (2 J1(x) / x)^2,   x = pi r / (lambda N)          first dark ring at r = 1.22 lambda N

integrated over the sensor's pixels, for each channel at its wavelength. The kernel reaches to the second dark ring, or
8 pixels where that is less; the 9 % of the light that lie beyond are put back into it, so that it adds up to one.

Source: Born and Wolf, "Principles of Optics", section 8.5.2.
"""

from __future__ import annotations

import functools
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .device import Kernel, scalar

REACH_MAX: Final = 8
"""Largest distance of a pixel that a kernel reaches [px]."""

_SECOND_RING: Final = 2.233
_ANGLES: Final = 48


def _bessel_j1(x: NDArray[np.float64]) -> NDArray[np.float64]:
    # Bessel's integral by the midpoint rule, which for a period's integral is exact to rounding (x is below 40 here).
    total = np.zeros_like(x)
    for k in range(_ANGLES):
        angle = (k + 0.5) * math.pi / _ANGLES
        total += np.cos(angle - x * math.sin(angle))
    return total / _ANGLES


@functools.lru_cache(maxsize=256)
def airy_kernel(scale: float) -> NDArray[np.float32]:
    """Return the Airy pattern integrated over pixels.

    Args:
        scale: Wavelength times f-number over pixel pitch, lambda N / p [px], > 0.

    Returns:
        Shares of the light, float32, shape (2 h + 1, 2 h + 1) with h at most `REACH_MAX`; they add up to one.

    Source: Born and Wolf, "Principles of Optics", section 8.5.2.

    Example:
        >>> airy_kernel(0.5).shape
        (5, 5)
    """
    reach = min(max(math.ceil(_SECOND_RING * scale), 1), REACH_MAX)
    # Some 12 points across a ring's width, in pairs that Gauss would place; a quadrant is enough.
    pairs = min(max(math.ceil(6.0 / scale), 3), 64)
    middles = (np.arange(pairs) + 0.5) / pairs - 0.5
    offsets = np.concatenate([middles - 0.5 / (pairs * math.sqrt(3.0)), middles + 0.5 / (pairs * math.sqrt(3.0))])
    shares = np.zeros((reach + 1, reach + 1))
    for v in range(reach + 1):
        for u in range(v + 1):
            r = np.sqrt((v + offsets[:, None]) ** 2 + (u + offsets[None, :]) ** 2)
            x = np.maximum(math.pi / scale * r, 1e-9)
            shares[v, u] = shares[u, v] = float(np.square(2.0 * _bessel_j1(x) / x).mean())
    places = np.abs(np.arange(-reach, reach + 1))
    kernel = shares[places[:, None], places[None, :]]
    result: NDArray[np.float32] = (kernel / kernel.sum()).astype(np.float32)
    result.flags.writeable = False
    return result


@scalar(forceinline=True)
def _add_four(target: Any, above: Any, below: Any, weight: Any, dx: Any) -> None:
    """Add the pixels dx to the left and right on two lines, with one weight, to a line."""
    width = target.shape[0]
    inner = max(width - 2 * dx, 0)
    # Views that begin where they are read: the loop needs no test for an index from the end.
    part, above_right, below_right = target[dx : dx + inner], above[2 * dx :], below[2 * dx :]
    for x in range(inner):
        part[x] += weight * ((above[x] + above_right[x]) + (below[x] + below_right[x]))
    for k in range(width - inner):
        x = k if k < min(dx, width) else k + inner
        left, right = max(x - dx, 0), min(x + dx, width - 1)
        target[x] += weight * ((above[left] + above[right]) + (below[left] + below[right]))


@scalar
def _diffract_line(
    index: Any, plane_in: Any, kernel_in: Any, reach_in: Any, which_in: Any, height: Any, plane_out: Any
) -> None:
    """Convolve one line; beyond its edges the image continues as its last pixels."""
    index = np.int64(index)
    width = plane_in.shape[2]
    image = index // height
    y = index - image * height
    which = which_in[image]
    for channel in range(3):
        source, target = plane_in[index, channel], plane_out[index, channel]
        if which < 0:
            for x in range(width):
                target[x] = source[x]
            continue
        for x in range(width):
            target[x] = np.float32(0.0)
        reach = reach_in[which, channel]
        for dy in range(reach + 1):
            above = plane_in[image * height + max(y - dy, 0), channel]
            below = plane_in[image * height + min(y + dy, height - 1), channel]
            for dx in range(reach + 1):
                # On an axis the four pixels are two, counted twice.
                weight = kernel_in[which, channel, dy, dx]
                _add_four(target, above, below, weight, dx)


DIFFRACT: Final = Kernel(_diffract_line)


def pack_kernels(scales: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Put the kernels of a batch into tables.

    Args:
        scales: lambda N / p of each image and channel [px], shape (N, 3); 0 for an image without diffraction.

    Returns:
        Quadrants of the kernels from their middles on, shape (D, 3, 9, 9), with a half for each axis; their reaches,
        shape (D, 3); and which image has which, -1 for none, shape (N,).
    """
    places: dict[tuple[float, ...], int] = {}
    which = np.empty(len(scales), np.int64)
    for image, row in enumerate(scales):
        key = tuple(float(value) for value in row)
        which[image] = places.setdefault(key, len(places)) if key[0] > 0.0 else -1
    size = REACH_MAX + 1
    kernels = np.zeros((max(len(places), 1), 3, size, size), np.float32)
    reaches = np.zeros((max(len(places), 1), 3), np.int64)
    for key, place in places.items():
        for channel, scale in enumerate(key):
            kernel = airy_kernel(scale)
            reach = len(kernel) // 2
            reaches[place, channel] = reach
            kernels[place, channel, : reach + 1, : reach + 1] = kernel[reach:, reach:]
    kernels[..., 0, :] *= 0.5
    kernels[..., 0] *= 0.5
    return kernels, reaches, which
