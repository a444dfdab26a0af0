"""Light beyond sun and gradient as parameters: lamps, rooms without sun, sky images, haze."""

from __future__ import annotations

import math
from typing import Any, Final

from .distribution import Distribution
from .distributions import Choice, Integer, LogUniform, Uniform
from .space import Axis, Parameter

LAMPS: Final = 4
"""Lamps that there is room for."""
LAMP_KINDS: Final = ("point", "spot")
"""Options of `lamp.kind`."""
SKIES: Final = ("gradient", "overcast", "clear", "sunset", "room", "hall", "night")
"""Options of `sky.image`: the gradient of `sky.*`, or one of the renderers' built-in skies."""


def _make(
    name: str, distribution: Distribution, unit: str, meaning: str, *, varies: Axis = "look", **more: Any
) -> Parameter:
    return Parameter(
        name=name,
        distribution=distribution,
        unit=unit,
        meaning=meaning,
        varies=varies,
        when="reset",
        group="lamps",
        **more,
    )


def lamp_parameters(
    *,
    distance: tuple[float, float],
    elevation: tuple[float, float],
    intensity: tuple[float, float],
    haze: tuple[float, float],
) -> list[Parameter]:
    """Return the parameters of lamps, of what the sky is, and of haze; all neutral while their group stands still.

    Args:
        distance: Range of the lamps' distances from the point that they light [m].
        elevation: Range of their heights over it, as an angle [degree].
        intensity: Range of a lamp's radiant intensity [W/sr].
        haze: Range of the extinction of fog [1/m].

    Returns:
        The parameters, for `build_lighting` to apply.
    """
    each: dict[str, Any] = {"count": LAMPS}
    return [
        _make(
            "light.sun",
            Choice(options=("shines", "none"), weights=(0.7, 0.3)),
            "1",
            "Whether the sun shines; without it, light.irradiance scales the sky alone",
            nominal=0,
        ),
        _make(
            "light.radius",
            LogUniform(low=0.004, high=0.1),
            "rad",
            "Angular radius of the sun: how soft its shadows are",
            nominal=0.0,
            allowed=(0.0, 0.5),
        ),
        _make(
            "sky.image",
            Choice(options=SKIES, weights=(0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)),
            "1",
            "What stands at the sky: the gradient, or a built-in image as bright",
            nominal=0,
        ),
        _make("sky.yaw", Uniform(low=0.0, high=2 * math.pi), "rad", "Turn of the sky's image about z", nominal=0.0),
        _make("lamp_count", Integer(low=0, high=LAMPS), "1", "Lamps that shine", nominal=0, allowed=(0, LAMPS)),
        _make(
            "lamp.kind",
            Choice(options=LAMP_KINDS, weights=(0.5, 0.5)),
            "1",
            "Kind of each lamp; spots point at what is lit",
            nominal=0,
            **each,
        ),
        _make("lamp.azimuth", Uniform(low=0.0, high=2 * math.pi), "rad", "Direction to each lamp about z", **each),
        _make(
            "lamp.elevation",
            Uniform(low=math.radians(elevation[0]), high=math.radians(elevation[1])),
            "rad",
            "Height of each lamp, as an angle",
            allowed=(0.02, 1.5708),
            **each,
        ),
        _make(
            "lamp.distance",
            Uniform(low=distance[0], high=distance[1]),
            "m",
            "Distance of each lamp from the point that is lit",
            allowed=(0.2, 50.0),
            **each,
        ),
        _make(
            "lamp.intensity",
            LogUniform(low=intensity[0], high=intensity[1]),
            "W/sr",
            "Radiant intensity of each lamp along its axis, mean of the three primaries",
            allowed=(0.0, 1e5),
            **each,
        ),
        _make(
            "lamp.temperature",
            Uniform(low=2400.0, high=7000.0),
            "K",
            "Colour temperature of each lamp",
            allowed=(1700.0, 25000.0),
            **each,
        ),
        _make(
            "lamp.cone",
            Uniform(low=0.3, high=0.9),
            "rad",
            "Half angle of a spot, beyond which it gives no light",
            allowed=(0.05, 1.39),
            **each,
        ),
        _make(
            "lamp.radius",
            Uniform(low=0.01, high=0.15),
            "m",
            "Radius of each lamp's ball: how soft its shadows are",
            allowed=(0.0, 1.0),
            **each,
        ),
        _make(
            "weather.fog_extinction",
            LogUniform(low=haze[0], high=haze[1]),
            "1/m",
            "Extinction of fog, for LiDARs and in pictures; the visibility is 3.0 over it",
            varies="scenario",
            nominal=0.0,
            allowed=(0.0, 2.9),
        ),
    ]
