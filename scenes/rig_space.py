"""Where a rig may stand: the parameters `camera.*`, drawn for every view, relative to the robot."""

from __future__ import annotations

import math
from typing import Any

from .distribution import Distribution
from .distributions import TruncatedNormal, Uniform
from .space import Parameter

_DEGREE = math.pi / 180.0
_Range = tuple[float, float]


def rig_parameters(
    *,
    azimuth: _Range,
    elevation: _Range,
    distance: _Range,
    target_x: _Range,
    target_y: _Range,
    target_z: _Range,
    over: str,
) -> list[Parameter]:
    """Return the parameters of a rig's placement.

    Args:
        azimuth: Direction from the target to the camera [rad].
        elevation: Height over the target, as an angle [degree].
        distance: Distance from the target [m].
        target_x: Point looked at, forward of the robot [m].
        target_y: Point looked at, left of the robot [m].
        target_z: Point looked at, over the ground or table [m].
        over: What the point's height is over, for people.

    Returns:
        The parameters.
    """

    def make(name: str, distribution: Distribution, unit: str, meaning: str, **more: Any) -> Parameter:
        return Parameter(
            name=f"camera.{name}",
            distribution=distribution,
            unit=unit,
            meaning=meaning,
            varies="view",
            when="reset",
            group="camera",
            **more,
        )

    def between(bounds: _Range, scale: float = 1.0) -> Uniform:
        return Uniform(low=bounds[0] * scale, high=bounds[1] * scale)

    tilt = TruncatedNormal(mean=0.0, deviation=3 * _DEGREE, low=-8 * _DEGREE, high=8 * _DEGREE)
    return [
        make(
            "azimuth",
            between(azimuth),
            "rad",
            "Direction from the target to the camera, about z from the robot's forward axis",
            nominal=0.6,
        ),
        make(
            "elevation",
            between(elevation, _DEGREE),
            "rad",
            "Height of the camera over the target, as an angle",
            allowed=(-0.5, 1.57),
        ),
        make(
            "distance",
            between(distance),
            "m",
            "Distance from target to camera; farther where the robot is in the way",
            allowed=(0.1, 20.0),
        ),
        make("target_x", between(target_x), "m", "Point looked at, forward of the robot"),
        make("target_y", between(target_y), "m", "Point looked at, left of the robot"),
        make("target_z", between(target_z), "m", f"Point looked at, over {over}"),
        make("roll", tilt, "rad", "Turn about the optical axis", nominal=0.0),
        make(
            "field_of_view",
            between((45.0, 75.0), _DEGREE),
            "rad",
            "Horizontal angle between the image's edges",
            allowed=(0.02, 3.0),
        ),
    ]
