"""How a camera turns light into charge: electrons per radiance, and the charge at which it saturates."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .camera_profile import CameraProfile
from .mosaic import CLEAR, site_colors

PLANCK: Final = 6.62607015e-34
"""Planck constant [J s] (SI, exact)."""
LIGHT_SPEED: Final = 299792458.0
"""Speed of light [m/s] (SI, exact)."""


def electrons_per_radiance(profile: CameraProfile) -> NDArray[np.float64]:
    """Return the expected electrons per second and unit of radiance, one per channel.

    Args:
        profile: The camera.

    Returns:
        eta pi / (1 + (2 N)^2) A lambda / (h c) [e- s^-1 W^-1 sr m^2], shape (3,).

    Source: EMVA 1288 release 4.0 linear, section 2.
    """
    optics = math.pi / (1.0 + (2.0 * profile.f_number) ** 2) * profile.pixel_pitch**2 / (PLANCK * LIGHT_SPEED)
    pairs = zip(profile.quantum_efficiency, profile.wavelength, strict=True)
    return np.array([efficiency * wavelength * optics for efficiency, wavelength in pairs])


def grey_responsivity(profile: CameraProfile) -> float:
    """Return the electrons per second that equal radiance in all channels makes in the most sensitive pixels."""
    red, green, blue = (float(rate) for rate in electrons_per_radiance(profile))
    rates = (red, green, blue, red + green + blue)
    return max(rates[color] for color in site_colors(profile.mosaic))


def dark_doubling(profile: CameraProfile) -> float:
    """Return the factor of dark current at the sensor's temperature over that at the reference temperature.

    Source: EMVA 1288 release 4.0 linear, section 7: dark current doubles every so many kelvins.
    """
    warmth = profile.temperature - profile.dark_reference_temperature
    return float(2.0 ** (warmth / profile.dark_doubling_temperature))


def saturation_charge(profile: CameraProfile) -> float:
    """Return the charge [e-] at which full well or converter ends, whichever comes first."""
    return min(profile.full_well, (2.0**profile.bit_depth - 1.0 - profile.black_level) / profile.gain)


def balanced_gains(profile: CameraProfile) -> tuple[float, float, float]:
    """Return a profile's white balance: its own gains, or those that make equal radiance grey.

    The latter bring each channel to the most sensitive pixels: white is where these saturate.
    """
    if profile.white_balance is not None:
        return profile.white_balance
    largest = grey_responsivity(profile)
    red, green, blue = (largest / float(rate) for rate in electrons_per_radiance(profile))
    return red, green, blue


def has_clear(profile: CameraProfile) -> bool:
    """Tell whether some pixels have no filter beside others that do."""
    colors = set(site_colors(profile.mosaic))
    return CLEAR in colors and len(colors) > 1
