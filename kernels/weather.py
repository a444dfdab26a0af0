"""Weather: rain, snow and fog as a laser beam meets them.

Drops and flakes have diameters D [mm] distributed as N(D) = N0 exp(-L D) [1/(m^3 mm)]:

    rain (Marshall-Palmer)   N0 = 8000                   L = 4.1 Rr^-0.21
    snow (Gunn-Marshall)     N0 = 7600 Rr^-0.87          L = 2.55 Rr^-0.48

with Rr the rate in mm of water per hour. A beam is weakened by them and by fog as exp(-2 a R) to a range R and back:

    drops   a = 1e-6 pi/4 integral D^2 Q N(D) dD = 1e-6 pi/2 Q N0 / L^3      Q = 2, far larger than the wavelength
    rain    a = 0.01 Rr^0.6                                                  the other law, 25 times that at 25 mm/h
    fog     a = ln 20 / MOR                                                  MOR: the meteorological optical range

Sources: Marshall and Palmer, "The distribution of raindrops with size", J. Meteorology 5, 1948; Kilic et al., "LISA:
lidar light scattering augmentation", 2021, and its program (both distributions as coded there; the snow's could not be
held against Gunn and Marshall 1958, so that it counts as typical); Goodin et al., "Predicting the influence of rain on
LIDAR in ADAS", Electronics 8(1), 2019 (as coded in LISA); Hahner et al., "Fog simulation on real LiDAR point clouds for
3D object detection in adverse weather", ICCV 2021, and its program.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, final

from .profile_check import check_choice, check_range

RAIN_LAWS: Final = ("marshall_palmer", "goodin")
"""Laws of the extinction of rain."""
EXTINCTION_EFFICIENCY: Final = 2.0
"""Cross-section over area of a drop much larger than the wavelength (van de Hulst 1957)."""
FOG_BACKSCATTER: Final = 0.046
"""Backscatter of fog times its optical range [1/sr]."""


@final
@dataclass(frozen=True, kw_only=True)
class Weather:
    """The air between a sensor and what it looks at; by default it is clear.

    Raises:
        ValueError: If a value is out of range.

    Example:
        >>> fog, downpour = Weather(visibility=60.0), Weather(rain_rate=25.0)
    """

    rain_rate: float = 0.0
    """Rain [mm/h], range [0, 500]."""
    snow_rate: float = 0.0
    """Snow as water [mm/h], range [0, 100]."""
    visibility: float = math.inf
    """Meteorological optical range of fog [m], >= 1: where 5 % of the light is left; infinite where there is none."""
    rain_law: Literal["marshall_palmer", "goodin"] = "marshall_palmer"
    """Law of the rain's extinction, one of `RAIN_LAWS`."""
    drop_diameter_min: float = 0.05
    """Smallest drop or flake that is drawn [mm], range [0.01, 5]; LISA's value."""
    rain_index: float = 1.328
    """Refractive index of drops [1], range [1, 3]; LISA's value for 905 nm."""
    snow_index: float = 1.3031
    """Refractive index of flakes [1], range [1, 3]; LISA's value for 905 nm."""
    fog_backscatter: float = FOG_BACKSCATTER
    """Backscatter of fog times `visibility` [1/sr], range [0, 1]; Hahner allows 0.023 to 0.092."""
    fog_spread: float = 0.4545
    """Scale of the ranges of fog's echoes beyond the strongest [m], range [0, 10]: a gamma distribution of shape 2,
    with the mean of Hahner's 10 beta(2, 20); typical, since wisps of fog are not modelled."""
    range_noise: bool = False
    """Whether rain also blurs the range by Goodin's 0.02 R (1 - exp(-Rr))^2."""

    def __post_init__(self) -> None:
        check_range(self, "rain_rate", 0.0, 500.0)
        check_range(self, "snow_rate", 0.0, 100.0)
        check_range(self, "visibility", 1.0, math.inf)
        check_choice(self, "rain_law", RAIN_LAWS)
        check_range(self, "drop_diameter_min", 0.01, 5.0)
        check_range(self, "rain_index", 1.0, 3.0)
        check_range(self, "snow_index", 1.0, 3.0)
        check_range(self, "fog_backscatter", 0.0, 1.0)
        check_range(self, "fog_spread", 0.0, 10.0)

    @property
    def is_clear(self) -> bool:
        """Whether there is nothing in the air."""
        return self.rain_rate == 0.0 and self.snow_rate == 0.0 and math.isinf(self.visibility)

    @property
    def extinction(self) -> float:
        """Extinction of all that is in the air [1/m]."""
        return (
            rain_extinction(self.rain_rate, self.rain_law)
            + snow_extinction(self.snow_rate)
            + fog_extinction(self.visibility)
        )


def rain_distribution(rain_rate: float) -> tuple[float, float]:
    """Return N0 [1/(m^3 mm)] and L [1/mm] of raindrops.

    Args:
        rain_rate: [mm/h], >= 0; 0 gives (0, 1).

    Source: Marshall and Palmer 1948.
    """
    return (8000.0, 4.1 * rain_rate**-0.21) if rain_rate > 0.0 else (0.0, 1.0)


def snow_distribution(snow_rate: float) -> tuple[float, float]:
    """Return N0 [1/(m^3 mm)] and L [1/mm] of snowflakes.

    Args:
        snow_rate: Water [mm/h], >= 0; 0 gives (0, 1).

    Source: LISA's program, `n_mg_snow`.
    """
    return (7600.0 * snow_rate**-0.87, 2.55 * snow_rate**-0.48) if snow_rate > 0.0 else (0.0, 1.0)


def rain_extinction(rain_rate: float, law: str = "marshall_palmer") -> float:
    """Return the extinction of rain [1/m].

    Args:
        rain_rate: [mm/h], >= 0.
        law: One of `RAIN_LAWS`.

    Raises:
        ValueError: If there is no such law.

    Source: Kilic et al. 2021 for "marshall_palmer"; Goodin et al. 2019 for "goodin".

    Example:
        >>> round(rain_extinction(25.0, "goodin"), 4)
        0.069
    """
    if law not in RAIN_LAWS:
        raise ValueError(f"law must be one of {', '.join(RAIN_LAWS)}, got {law!r}")
    if law == "goodin":
        return 0.01 * rain_rate**0.6 if rain_rate > 0.0 else 0.0
    return _drop_extinction(*rain_distribution(rain_rate))


def snow_extinction(snow_rate: float) -> float:
    """Return the extinction of snow [1/m].

    Args:
        snow_rate: Water [mm/h], >= 0.

    Source: Kilic et al. 2021.
    """
    return _drop_extinction(*snow_distribution(snow_rate))


def fog_extinction(visibility: float) -> float:
    """Return the extinction of fog [1/m].

    Args:
        visibility: Meteorological optical range [m], > 0; infinite gives 0.

    Source: Hahner et al. 2021; 5 % of the light is left at the meteorological optical range (WMO-No. 8).
    """
    return math.log(20.0) / visibility


def rain_range_noise(rain_rate: float) -> float:
    """Return the standard deviation of the range in rain over the range [1].

    Args:
        rain_rate: [mm/h], >= 0.

    Source: Goodin et al. 2019, 0.02 (1 - exp(-Rr))^2.
    """
    return 0.02 * math.expm1(-rain_rate) ** 2


def _drop_extinction(count: float, slope: float) -> float:
    # The third moment of an exponential: integral of D^2 exp(-L D) is 2 / L^3.
    return 0.5e-6 * math.pi * EXTINCTION_EFFICIENCY * count / slope**3
