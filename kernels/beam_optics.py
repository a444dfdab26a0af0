"""What of a LiDAR matters to the air before it, and the two together as numbers for a kernel."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from .fog_echo import FOG_NUMBERS, pack_fog
from .lidar_profile import LidarProfile
from .precipitation import DROP_NUMBERS, fresnel_reflectance, pack_drops
from .weather import Weather, rain_distribution, rain_range_noise, snow_distribution

AIR_RAIN: Final = 2
"""Place of the rain among the numbers; extinction and range noise come before it."""
AIR_SNOW: Final = AIR_RAIN + DROP_NUMBERS
"""Place of the snow."""
AIR_FOG: Final = AIR_SNOW + DROP_NUMBERS
"""Place of the fog."""
AIR_NUMBERS: Final = AIR_FOG + FOG_NUMBERS
"""Numbers that describe the air before a sensor."""


@final
@dataclass(frozen=True, kw_only=True)
class BeamOptics:
    """Beam and receiver as the air meets them.

    Raises:
        ValueError: If a value is out of range.

    Example:
        >>> optics = BeamOptics(divergence=3e-3, near=0.5, far=100.0, floor=9e-5)
    """

    divergence: float
    """Full angle of the beam [rad], range [1e-5, 0.2]."""
    near: float
    """Smallest range that is reported [m], range [0.01, 100]."""
    far: float
    """Largest range that is reported [m], > near."""
    floor: float
    """Power below which no echo is found [1], >= 0; 1 = a white surface at 1 m."""
    aperture: float = 0.0
    """Width of the beam where it leaves [m], range [0, 1]."""
    pulse_width: float = 20e-9
    """Half-power width of the pulse [s], range [1e-10, 1e-6]; Hahner's value."""
    overlap_start: float = 0.9
    """Range at which the receiver begins to see the beam [m], >= 0; Hahner's value."""
    overlap_end: float = 1.0
    """Range from which it sees all of the beam [m], >= overlap_start; Hahner's value, below 10 m in most sensors."""

    def __post_init__(self) -> None:
        limits = (
            ("divergence", 1e-5, 0.2),
            ("near", 0.01, 100.0),
            ("far", self.near, 1e5),
            ("floor", 0.0, math.inf),
            ("aperture", 0.0, 1.0),
            ("pulse_width", 1e-10, 1e-6),
            ("overlap_start", 0.0, 100.0),
            ("overlap_end", self.overlap_start, 100.0),
        )
        for name, low, high in limits:
            value = getattr(self, name)
            if not low <= value <= high or (name == "far" and value == low):
                raise ValueError(
                    f"{name} must be a number in [{low:g}, {high:g}], got {value!r}; set BeamOptics.{name}"
                )


def find_optics(profile: LidarProfile) -> BeamOptics:
    """Return what of a LiDAR matters to the air; its beam as a round one of the same area.

    Args:
        profile: The LiDAR.

    Example:
        >>> find_optics(load_profile("velodyne_vlp16")).far
        100.0
    """
    wide, high = profile.divergence
    # An echo below the threshold is reported too where noise lifts it: four deviations, at most to a quarter.
    weakest = max(profile.detection_snr - 4.0 * profile.amplitude_noise, 0.25 * profile.detection_snr)
    return BeamOptics(
        divergence=max(math.sqrt(wide * high), 1e-5),
        near=min(max(profile.range_min, 0.05), 100.0),
        far=profile.range_max,
        floor=weakest / profile.snr_at_one_metre,
        aperture=profile.aperture,
        pulse_width=max(profile.pulse_width, 1e-10),
        overlap_start=profile.overlap_start,
        overlap_end=profile.overlap_full,
    )


@functools.lru_cache(maxsize=4096)
def pack_air(weather: Weather, optics: BeamOptics) -> NDArray[np.float64]:
    """Return what `weather_echo` needs, `AIR_NUMBERS` numbers; they are read only.

    Args:
        weather: The air.
        optics: The sensor.
    """
    extinction = weather.extinction

    def drops(distribution: tuple[float, float], index: float) -> NDArray[np.float64]:
        return pack_drops(
            distribution,
            divergence=optics.divergence,
            aperture=optics.aperture,
            overlap_start=optics.overlap_start,
            overlap_end=optics.overlap_end,
            diameter_min=weather.drop_diameter_min,
            reflectance=max(fresnel_reflectance(index), 1e-12),
            extinction=extinction,
            floor=optics.floor,
            near=optics.near,
            far=optics.far,
        )

    fog = pack_fog(
        backscatter=weather.fog_backscatter / weather.visibility,
        extinction=extinction,
        pulse_width=optics.pulse_width,
        overlap_start=optics.overlap_start,
        overlap_end=optics.overlap_end,
        near=optics.near,
        spread=weather.fog_spread,
    )
    noise = rain_range_noise(weather.rain_rate) if weather.range_noise else 0.0
    rain = drops(rain_distribution(weather.rain_rate), weather.rain_index)
    snow = drops(snow_distribution(weather.snow_rate), weather.snow_index)
    packed = np.concatenate(((extinction, noise), rain, snow, fog))
    packed.flags.writeable = False
    return packed


def pack_airs(
    weather: Weather | Sequence[Weather], optics: Sequence[BeamOptics], which_optics: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the numbers of each distinct pair of weather and sensor, and which of them each row has.

    Args:
        weather: One for all rows, or one for each.
        optics: Distinct sensors.
        which_optics: Place in `optics` of each row's, shape (N,).

    Raises:
        ValueError: If there is not one weather for each row.
    """
    count = len(which_optics)
    each = [weather] * count if isinstance(weather, Weather) else list(weather)
    if len(each) != count or not all(isinstance(one, Weather) for one in each):
        raise ValueError(f"weather must be a Weather for all or one for each of the {count} rows, got {weather!r}")
    places: dict[tuple[Weather, BeamOptics], int] = {}
    pairs = zip(each, which_optics.tolist(), strict=True)
    which = np.array([places.setdefault((one, optics[k]), len(places)) for one, k in pairs], np.int64)
    packed = np.empty((len(places), AIR_NUMBERS))
    for row, pair in enumerate(places):
        packed[row] = pack_air(*pair)
    return packed, which
