"""What looks may vary: parameters of surfaces, of a robot's finish and of the light, shared by all scenes."""

from __future__ import annotations

import math
from typing import Any, Final

from .distribution import Distribution
from .distributions import Choice, LogUniform, Uniform
from .space import Parameter

MATERIAL_KINDS: Final = ("own", "plain", "texture", "checker", "stripes", "noise", "wood", "speckle")
"""Options of `<surface>.material`; own = what the asset's file says."""

_POSITIVE: Final = (1e-9, math.inf)


def surface_parameters(name: str, what: str, count: int, period: tuple[float, float], own: float) -> list[Parameter]:
    """Return the parameters of a surface's material, drawn for every look.

    Args:
        name: Prefix of the parameters, such as `floor`.
        what: The surface, for people.
        count: Elements: one surface, or one for each object.
        period: Range of the pattern's period [m].
        own: Probability that the material of the file is kept.

    Returns:
        The parameters.
    """

    def make(suffix: str, distribution: Distribution, unit: str, meaning: str, **more: Any) -> Parameter:
        return Parameter(
            name=f"{name}.{suffix}",
            distribution=distribution,
            unit=unit,
            meaning=f"{meaning} of {what}",
            varies="look",
            when="reset",
            group="materials",
            **more,
        )

    weights = (own, *((1.0 - own) * w for w in (0.04, 0.40, 0.10, 0.13, 0.12, 0.12, 0.09)))
    unit_range = (0.0, 1.0)
    return [
        make("material", Choice(options=MATERIAL_KINDS, weights=weights), "1", "Kind of surface", count=count),
        make(
            "texture", Uniform(low=0.0, high=1.0), "1", "Place in the row of textures", count=count, allowed=unit_range
        ),
        make("color", Uniform(low=0.06, high=0.85), "1", "Linear albedo r, g, b", count=3 * count, allowed=unit_range),
        make(
            "pattern_color",
            Uniform(low=0.04, high=0.85),
            "1",
            "Linear second colour r, g, b",
            count=3 * count,
            allowed=unit_range,
        ),
        make(
            "pattern_scale",
            LogUniform(low=period[0], high=period[1]),
            "m",
            "Period of the pattern (a texture spans four)",
            count=count,
            allowed=_POSITIVE,
        ),
        make("roughness", Uniform(low=0.2, high=1.0), "1", "Perceptual roughness", count=count, allowed=(0.03, 1.0)),
        make("metallic", Choice(options=(0, 1), weights=(0.92, 0.08)), "1", "Metalness", count=count),
    ]


def _make(group: str, name: str, distribution: Distribution, unit: str, meaning: str, **more: Any) -> Parameter:
    return Parameter(
        name=name,
        distribution=distribution,
        unit=unit,
        meaning=meaning,
        varies="look",
        when="reset",
        group=group,
        **more,
    )


def robot_look_parameters() -> list[Parameter]:
    """Return the parameters of a robot's finish, drawn for every look."""
    return [
        _make(
            "materials",
            "robot.tint",
            Uniform(low=0.45, high=1.0),
            "1",
            "Factor on the robot's own colours r, g, b",
            count=3,
            nominal=1.0,
            allowed=(0.0, 1.0),
        ),
        _make(
            "materials",
            "robot.roughness",
            Uniform(low=0.25, high=0.7),
            "1",
            "Perceptual roughness of the robot",
            allowed=(0.03, 1.0),
        ),
        _make(
            "materials",
            "robot.wear",
            Uniform(low=0.05, high=0.3),
            "1",
            "Depth of the wear pattern on untextured links",
            allowed=(0.0, 1.0),
        ),
    ]


def lighting_parameters(*, below: tuple[float, float] = (0.1, 0.5)) -> list[Parameter]:
    """Return the parameters of sun and sky, drawn for every look.

    Args:
        below: Range of the radiance from below over that of the zenith; out of doors the ground is bright.

    Returns:
        The parameters.
    """
    degrees = math.pi / 180.0
    return [
        _make(
            "lighting",
            "light.azimuth",
            Uniform(low=0.0, high=2 * math.pi),
            "rad",
            "Direction to the sun about z",
            nominal=0.8,
        ),
        _make(
            "lighting",
            "light.elevation",
            Uniform(low=25 * degrees, high=80 * degrees),
            "rad",
            "Height of the sun",
            allowed=(0.02, 1.5708),
        ),
        _make(
            "lighting",
            "light.irradiance",
            LogUniform(low=8.0, high=250.0),
            "W/m^2",
            "Irradiance on a surface that faces the sun, mean of the three primaries",
            allowed=(0.0, 2000.0),
        ),
        _make(
            "lighting",
            "light.temperature",
            Uniform(low=2800.0, high=7500.0),
            "K",
            "Colour temperature of the sun's light",
            nominal=5500.0,
            allowed=(1700.0, 25000.0),
        ),
        _make(
            "lighting",
            "sky.ratio",
            Uniform(low=0.12, high=0.45),
            "1",
            "Irradiance of the sky on a level surface over that of the sun",
            allowed=(0.0, 100.0),
        ),
        _make(
            "lighting",
            "sky.temperature",
            Uniform(low=5000.0, high=12000.0),
            "K",
            "Colour temperature of the sky at the zenith",
            nominal=7500.0,
            allowed=(1700.0, 25000.0),
        ),
        _make(
            "lighting",
            "sky.horizon",
            Uniform(low=0.6, high=1.6),
            "1",
            "Radiance at the horizon over that of the zenith",
            allowed=(0.0, 10.0),
        ),
        _make(
            "lighting",
            "sky.ground",
            Uniform(low=below[0], high=below[1]),
            "1",
            "Radiance from below over that of the zenith",
            allowed=(0.0, 10.0),
        ),
    ]
