"""The light that comes back to a LiDAR, and what can be told from it.

A surface wider than the beam returns, relative to a white one that faces the sensor at 1 m,

    P = O(R) rho B(theta) exp(-2 alpha R) / R^2,     B(theta) = (1 - k) cos(theta) + k cos(theta)^n

with the overlap O of beam and receiver, the extinction alpha, and a Lambertian surface with a specular lobe of share k
and exponent n. The cosine comes once: the beam's footprint grows as 1 / cos, and what the surface sends back towards
the sensor is the same for all footprints of one power.

Sources: Wagner et al., "Gaussian decomposition and calibration of a novel small-footprint full-waveform digitising
airborne laser scanner", ISPRS Journal 60(2), 2006 (extended targets); Rasshofer, Spies and Spies, "Influences of
weather phenomena on automotive laser radar systems", Advances in Radio Science 9, 2011 (the linear overlap).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from .device import scalar
from .powers import exp2, log2

_SMALL: Final = 1e-6


@scalar(forceinline=True)
def target_power(distance: Any, reflectance: Any, share: Any) -> Any:
    """Return the light of a surface in clear air, 1 for a white one that faces the sensor at 1 m.

    Args:
        distance: Range [m].
        reflectance: Reflectance, ≥ 0.
        share: B: the cosine of incidence, or what `lobe_share` says; what faces away gives 0 or less.
    """
    return reflectance * (share if share < 1.0 else 1.0) / (distance * distance)


@scalar
def lobe_share(cosine: Any, specular: Any, shininess: Any) -> Any:
    """Return B of a surface with a specular lobe.

    Args:
        cosine: Cosine of incidence; what is not above 0 returns nothing.
        specular: Share of the lobe, [0, 1].
        shininess: Exponent of the lobe.
    """
    if not cosine > 0.0:
        return 0.0
    facing = cosine if cosine < 1.0 else 1.0
    return (1.0 - specular) * facing + specular * facing**shininess


@scalar(forceinline=True)
def overlap_share(distance: Any, start: Any, full: Any) -> Any:
    """Return the share of the beam that the receiver sees: 0 up to `start`, 1 from `full`, linear between."""
    if distance >= full:
        return 1.0
    return (distance - start) / (full - start) if distance > start else 0.0


@scalar(forceinline=True)
def range_deviation(snr: Any, which: Any, noise_in: Any) -> Any:
    """Return the standard deviation of a range [m].

    Args:
        snr: SNR of the echo.
        which: Profile.
        noise_in: What `pack_range_noise` returned for each profile, shape (K, 3, 5).
    """
    snr = snr if snr > _SMALL else _SMALL
    # Written out: a loop here would have the array counted at each call.
    piece = np.int64(snr >= noise_in[which, 0, 0]) + np.int64(snr >= noise_in[which, 0, 1])
    piece += np.int64(snr >= noise_in[which, 0, 2]) + np.int64(snr >= noise_in[which, 0, 3])
    return exp2(noise_in[which, 2, piece] + noise_in[which, 1, piece] * log2(snr))


def pack_range_noise(snr: tuple[float, ...], deviation: tuple[float, ...]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the law of range noise as a kernel takes it: limits, slopes and levels of its pieces in log2.

    Args:
        snr: One to four rising numbers.
        deviation: Standard deviation of the range at each [m].

    Returns:
        Shape (3, 5); a deviation of 0 stands as one of 2^-1000 m.
    """
    packed = np.zeros((3, 5))
    packed[0] = math.inf
    count = len(snr)
    packed[0, :count] = snr
    if not any(deviation):
        packed[2] = -1000.0
        return packed
    x, y = [math.log2(value) for value in snr], [math.log2(value) for value in deviation]
    packed[1, 0], packed[2, 0] = -0.5, y[0] + 0.5 * x[0]
    for k in range(count - 1):
        slope = (y[k + 1] - y[k]) / (x[k + 1] - x[k])
        packed[1, k + 1], packed[2, k + 1] = slope, y[k] - slope * x[k]
    packed[2, count:] = y[-1]
    return packed
