"""What the air itself echoes to a beam: the strongest drop, flake, or stretch of fog before the surface.

Draws, in the stream "weather", item = firing: blocks 0 to 31, its raindrops; the next 32, its snowflakes; then one:
words 0 and 1 the fog, word 2 how rain blurs the range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .beam_optics import AIR_FOG, AIR_RAIN, AIR_SNOW, BeamOptics, pack_airs
from .device import Kernel, scalar
from .fog_echo import FOG_NODES, fog_echo
from .image_rows import check_rows, check_sensor
from .lidar_reading import FOG, NO_RETURN, RAIN, SNOW, SURFACE
from .philox import draw_block, stream_key
from .precipitation import DROP_BLOCKS, strongest_drop
from .tensors import Place, find_place
from .variates import normal
from .weather import Weather

_LAST_BLOCK: Final = 2 * DROP_BLOCKS


@scalar(forceinline=True)
def weather_echo(
    target: float, row: int, packed_in: Any, key_0: Any, key_1: Any, item: Any, index: Any, sensor: Any
) -> tuple[float, float, int]:
    """Return range [m], power and type of what the air echoes most strongly; zeros where nothing does.

    Args:
        target: Range of the surface, or the sensor's farthest range [m].
        row: Row of `packed_in`.
        packed_in: Numbers of `pack_air`, shape (rows, AIR_NUMBERS).
        key_0: Key of the stream "weather"; likewise key_1.
        key_1: See key_0.
        item: Number of the firing.
        index: Row index.
        sensor: Number of the sensor.
    """
    kind = NO_RETURN
    best, strongest, _ = strongest_drop(target, row, AIR_RAIN, packed_in, key_0, key_1, item, index, sensor, 0)
    if strongest > 0.0:
        kind = RAIN
    distance, power, _ = strongest_drop(
        target, row, AIR_SNOW, packed_in, key_0, key_1, item, index, sensor, DROP_BLOCKS
    )
    if power > strongest:
        best, strongest, kind = distance, power, SNOW
    if packed_in[row, AIR_FOG + 1 + FOG_NODES] > 0.0:
        w0, w1, _, _ = draw_block(key_0, key_1, item, index, sensor, _LAST_BLOCK)
        distance, power = fog_echo(target, row, AIR_FOG, packed_in, w0, w1)
        if power > strongest:
            best, strongest, kind = distance, power, FOG
    return best, strongest, kind


@scalar
def _echo_firing(
    element: Any, range_in: Any, which_in: Any, row_in: Any, far_in: Any, packed_in: Any, key_0: Any, key_1: Any,
    sensor: Any, firings: Any, range_out: Any, power_out: Any, type_out: Any,
) -> None:  # fmt: skip
    image = element // firings
    # The beam goes on as far as its farthest sub-ray; where one meets nothing, as far as the sensor sees.
    target = 0.0
    for k in range(range_in.shape[1]):
        distance = float(range_in[element, k])
        if not ((distance > 0.0) and (distance < far_in[image])):
            distance = far_in[image]
        target = max(target, distance)
    distance, power, kind = weather_echo(
        target, which_in[image], packed_in, key_0, key_1, element - image * firings, row_in[image], sensor
    )
    range_out[element], power_out[element] = np.float32(distance), np.float32(power)
    type_out[element] = np.uint8(kind)


_ECHO: Final = Kernel(_echo_firing)


@scalar
def _blur_firing(
    element: Any, truth_in: Any, type_in: Any, which_in: Any, row_in: Any, limit_in: Any, packed_in: Any, key_0: Any,
    key_1: Any, sensor: Any, firings: Any, range_out: Any,
) -> None:  # fmt: skip
    image = element // firings
    share = packed_in[which_in[image], 1]
    if share > 0.0:
        _, _, w2, _ = draw_block(key_0, key_1, element - image * firings, row_in[image], sensor, _LAST_BLOCK)
        low, high, step = limit_in[image, 0], limit_in[image, 1], limit_in[image, 2]
        for echo in range(range_out.shape[1]):
            if type_in[element, echo] == SURFACE:
                measured = float(range_out[element, echo]) + share * float(truth_in[element, echo]) * normal(w2)
                if step > 0.0:
                    measured = np.floor(measured / step + 0.5) * step
                range_out[element, echo] = min(max(measured, low), high)


_BLUR: Final = Kernel(_blur_firing)


@dataclass(frozen=True, kw_only=True, eq=False)
class WeatherEchoes:
    """The strongest echo of the air to each of P firings."""

    range: Any
    """[m], shape (N, P), float32; 0 = none."""
    power: Any
    """Power [1], shape (N, P), float32; 1 = a white surface at 1 m through clear air."""
    return_type: Any
    """What echoed, place in `RETURN_NAMES`, shape (N, P), uint8; 0 = nothing."""


class Air:
    """The air before each of N sensors, ready for kernels.

    Args:
        weather: One for all rows, or one for each.
        optics: Distinct sensors.
        which: Place in `optics` of each row's, shape (N,).
        seed: Seed of the draws, [0, 2^64).
        rows: Global row indices, shape (N,).
        sensor: Number of the sensor within its rig.

    Raises:
        ValueError: If there is not one weather for each row.
    """

    def __init__(
        self,
        weather: Weather | Sequence[Weather],
        optics: Sequence[BeamOptics],
        which: NDArray[np.int64],
        *,
        seed: int,
        rows: NDArray[np.int64],
        sensor: np.uint64,
    ) -> None:
        self._packed, self._which = pack_airs(weather, optics, which)
        self._far = np.array([optics[k].far for k in which.tolist()])
        self._draw = (*stream_key(seed, "weather"), sensor)
        self._rows = rows

    @property
    def extinction(self) -> NDArray[np.float64]:
        """Extinction of each row's air [1/m], shape (N,)."""
        value: NDArray[np.float64] = self._packed[self._which, 0]
        return value

    def draw_echoes(self, ranges: Any, firings: int, place: Place, threads: int | None) -> tuple[Any, Any, Any]:
        """Return range, power and type of the strongest echo of each firing, shape (N P,) each.

        Args:
            ranges: Range of the surface along each sub-ray [m], shape (N P, S), as a launch takes it.
            firings: Number of firings P.
            place: Where the arrays live.
            threads: CPU threads; None for all.
        """
        count = int(ranges.shape[0])
        found, power = place.allocate((count,), np.float32), place.allocate((count,), np.float32)
        kind = place.allocate((count,), np.uint8)
        _ECHO.launch(
            count, ranges, self._which, self._rows, self._far, self._packed, *self._draw, firings, found, power, kind,
            device=place.device, threads=threads,
        )  # fmt: skip
        return found, power, kind

    def blur_ranges(
        self, measured: Any, truth: Any, kind: Any, limits: NDArray[np.float64], firings: int, place: Place,
        threads: int | None,
    ) -> None:  # fmt: skip
        """Blur ranges of surfaces as rain does, in place, where a weather asks for it.

        Args:
            measured: Measured ranges [m], shape (N P, E).
            truth: True ranges, the same shape.
            kind: Type of each return, the same shape.
            limits: Smallest and largest range, and step of the range [m], of each row, shape (N, 3).
            firings: Number of firings P.
            place: Where the arrays live.
            threads: CPU threads; None for all.
        """
        if (self._packed[:, 1] > 0.0).any():
            _BLUR.launch(
                int(measured.shape[0]), truth, kind, self._which, self._rows, limits, self._packed, *self._draw,
                firings, measured, device=place.device, threads=threads,
            )  # fmt: skip


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
        optics: The sensor; `find_optics` has it of a profile.
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
        raise ValueError(f"target must have shape (rows, firings), got {tuple(target.shape)}")
    count, firings = (int(length) for length in target.shape)
    place = find_place(target, device)
    rows = check_rows(np.arange(count) if index is None else index, count)
    air = Air(
        weather, [optics], np.zeros(count, np.int64), seed=seed, rows=rows, sensor=check_sensor(sensor)
    )  # fmt: skip
    ranges = place.borrow(target, np.float64).reshape(-1, 1)
    found = air.draw_echoes(ranges, firings, place, threads)
    distance, power, kind = (place.give(array.reshape(count, firings)) for array in found)
    return WeatherEchoes(range=distance, power=power, return_type=kind)
