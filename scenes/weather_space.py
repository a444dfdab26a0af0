"""The air of outdoor scenes as parameters: clear unless a recipe says otherwise."""

from __future__ import annotations

from .distributions import Fixed
from .space import Parameter


def weather_parameters() -> list[Parameter]:
    """Return rain, snow and fog as parameters, all of them none at first."""
    return [
        Parameter(
            name="weather.rain_rate",
            distribution=Fixed(value=0.0),
            unit="mm/h",
            meaning="Rain, as LiDARs meet it; it is not drawn in pictures",
            group="lighting",
            allowed=(0.0, 500.0),
        ),
        Parameter(
            name="weather.snow_rate",
            distribution=Fixed(value=0.0),
            unit="mm/h",
            meaning="Snow as water, as LiDARs meet it; it is not drawn in pictures",
            group="lighting",
            allowed=(0.0, 100.0),
        ),
        Parameter(
            name="weather.fog_extinction",
            distribution=Fixed(value=0.0),
            unit="1/m",
            meaning="Extinction of fog, for LiDARs and in pictures; the visibility is 3.0 over it",
            group="lighting",
            allowed=(0.0, 2.9),
        ),
    ]
