"""What the air itself echoes to a beam: the strongest drop, flake, or stretch of fog before the surface.

Draws, in the stream "weather": blocks 0 to 31 of a beam, its raindrops; the next 32, its snowflakes; then one, the fog.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .device import Kernel, scalar
from .fog_echo import FOG_NODES, FOG_NUMBERS, fog_echo, pack_fog
from .image_rows import check_rows, check_sensor
from .philox import draw_block, stream_key
from .precipitation import DROP_BLOCKS, DROP_NUMBERS, fresnel_reflectance, pack_drops, strongest_drop
from .tensors import find_place
from .weather import Weather, fog_extinction, rain_distribution, rain_range_noise, snow_distribution

NO_ECHO: Final = 0
"""Kind of echo: none."""
RAIN: Final = 1
"""Kind of echo: a raindrop."""
SNOW: Final = 2
"""Kind of echo: a snowflake."""
FOG: Final = 3
"""Kind of echo: fog."""
_RAIN: Final = 2
_SNOW: Final = _RAIN + DROP_NUMBERS
_FOG: Final = _SNOW + DROP_NUMBERS
WEATHER_NUMBERS: Final = _FOG + FOG_NUMBERS
"""Numbers that describe the air before a sensor to a kernel: extinction, range noise, rain, snow, fog."""


@final
@dataclass(frozen=True, kw_only=True)
class BeamOptics:
    """What of a sensor matters to the air before it.

    Raises:
        ValueError: If a value is out of range.
    """

    divergence: float
    """Full angle of the beam [rad], range [1e-5, 0.2]."""
    near: float
    """Smallest range that is reported [m], range [0.01, 100]."""
    far: float
    """Largest range that is reported [m], > near."""
    floor: float
    """Power below which no echo is found [1], >= 0; 1 = a white surface at 1 m."""
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


@functools.lru_cache(maxsize=4096)
def pack_weather(weather: Weather, optics: BeamOptics) -> NDArray[np.float64]:
    """Return what `weather_echo` needs, `WEATHER_NUMBERS` numbers; they are read only.

    Args:
        weather: The air.
        optics: The sensor.
    """
    extinction = weather.extinction

    def drops(distribution: tuple[float, float], index: float) -> NDArray[np.float64]:
        return pack_drops(
            distribution,
            divergence=optics.divergence,
            diameter_min=weather.drop_diameter_min,
            reflectance=max(fresnel_reflectance(index), 1e-12),
            extinction=extinction,
            floor=optics.floor,
            near=optics.near,
            far=optics.far,
        )

    foggy = fog_extinction(weather.visibility) > 0.0
    fog = pack_fog(
        backscatter=weather.fog_backscatter / weather.visibility if foggy else 0.0,
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


@scalar
def weather_echo(
    target: float, row: int, packed_in: Any, key_0: Any, key_1: Any, item: Any, index: Any, sensor: Any
) -> tuple[float, float, int]:
    """Return range [m], power and kind of what the air echoes most strongly; 0, 0 and `NO_ECHO` where nothing does.

    Args:
        target: Range of the surface, or the sensor's farthest range [m].
        row: Row of `packed_in`.
        packed_in: Numbers of `pack_weather`, shape (rows, WEATHER_NUMBERS).
        key_0: Key of the stream "weather"; likewise key_1.
        key_1: See key_0.
        item: Number of the beam.
        index: Row index.
        sensor: Number of the sensor.
    """
    kind = NO_ECHO
    best, strongest, _ = strongest_drop(target, row, _RAIN, packed_in, key_0, key_1, item, index, sensor, 0)
    if strongest > 0.0:
        kind = RAIN
    distance, power, _ = strongest_drop(target, row, _SNOW, packed_in, key_0, key_1, item, index, sensor, DROP_BLOCKS)
    if power > strongest:
        best, strongest, kind = distance, power, SNOW
    if packed_in[row, _FOG + 1 + FOG_NODES] > 0.0:
        w0, w1, _, _ = draw_block(key_0, key_1, item, index, sensor, 2 * DROP_BLOCKS)
        distance, power = fog_echo(target, row, _FOG, packed_in, w0, w1)
        if power > strongest:
            best, strongest, kind = distance, power, FOG
    return best, strongest, kind


@scalar
def _echo(
    beam: Any, target_in: Any, which_in: Any, row_in: Any, packed_in: Any, key_0: Any, key_1: Any, sensor: Any,
    beams: Any, far: Any, range_out: Any, power_out: Any, kind_out: Any,
) -> None:  # fmt: skip
    row = beam // beams
    target = np.float64(target_in[beam])
    distance, power, kind = weather_echo(
        target if target > 0.0 else far, which_in[row], packed_in, key_0, key_1, beam - row * beams, row_in[row], sensor
    )
    range_out[beam], power_out[beam], kind_out[beam] = distance, power, kind


_ECHO: Final = Kernel(_echo)


@dataclass(frozen=True, kw_only=True, eq=False)
class WeatherEchoes:
    """The strongest echo of the air to each beam."""

    range: Any
    """[m], shape (N, P), float64; 0 = none."""
    power: Any
    """Power [1], shape (N, P), float64; 1 = a white surface at 1 m through clear air."""
    kind: Any
    """`NO_ECHO`, `RAIN`, `SNOW` or `FOG`, shape (N, P), uint8."""


def draw_weather_echoes(
    target: Any,
    weather: Weather | Sequence[Weather],
    optics: BeamOptics,
    *,
    seed: int = 0,
    index: ArrayLike | None = None,
    sensor: int = 0,
    device: str = "cpu",
    threads: int | None = None,
) -> WeatherEchoes:
    """Draw what the air echoes to beams, without a sensor that would measure it.

    Args:
        target: Range of the surface behind [m], shape (N, P); 0 = none.
        weather: The air, for all rows or one for each.
        optics: The sensor.
        seed: Seed of the draws, [0, 2^64).
        index: Global row indices, shape (N,); 0 to N - 1 where not given.
        sensor: Number of the sensor, [0, 65536).
        device: Where to run if the arrays are the host's.
        threads: CPU threads; None for all.

    Returns:
        The echoes, arrays of the target's kind.

    Raises:
        ValueError: If a shape or a value is wrong.

    Source: see `precipitation` and `fog_echo`.

    Example:
        >>> optics = BeamOptics(divergence=3e-3, near=0.5, far=100.0, floor=9e-5)
        >>> echoes = draw_weather_echoes(np.full((1, 500), 40.0), Weather(rain_rate=25.0), optics)
    """
    if len(target.shape) != 2:
        raise ValueError(f"target must have shape (rows, beams), got {tuple(target.shape)}")
    rows, beams = (int(length) for length in target.shape)
    place = find_place(target, device)
    packed, which = pack_weathers(weather, optics, rows)
    addresses = check_rows(np.arange(rows) if index is None else index, rows)
    found, power = place.allocate((rows, beams), np.float64), place.allocate((rows, beams), np.float64)
    kind = place.allocate((rows, beams), np.uint8)
    _ECHO.launch(
        rows * beams, place.borrow(target, np.float64).reshape(-1), which, addresses, packed,
        *stream_key(seed, "weather"), check_sensor(sensor), beams, optics.far, found.reshape(-1), power.reshape(-1),
        kind.reshape(-1), device=place.device, threads=threads,
    )  # fmt: skip
    return WeatherEchoes(range=place.give(found), power=place.give(power), kind=place.give(kind))


def pack_weathers(
    weather: Weather | Sequence[Weather], optics: BeamOptics, count: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the numbers of each distinct weather, and which of them each row has.

    Raises:
        ValueError: If there is not one weather for each row.
    """
    if isinstance(weather, Weather):
        return pack_weather(weather, optics)[None].copy(), np.zeros(count, np.int64)
    if len(weather) != count:
        raise ValueError(f"weather must be one for all or one for each of the {count} rows, got {len(weather)}")
    places: dict[Weather, int] = {}
    which = np.array([places.setdefault(given, len(places)) for given in weather], np.int64)
    packed = np.array([pack_weather(given, optics) for given in places]).reshape(len(places), WEATHER_NUMBERS)
    return packed, which
