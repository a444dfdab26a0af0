"""What the tabletop scene randomizes: its parameters with their distributions, units and meanings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from .distribution import Distribution
from .distributions import Choice, Integer, LogUniform, TruncatedNormal, Uniform
from .physics import Joint
from .space import Axis, Parameter, ParameterSpace
from .tabletop_robot import robot_parameters
from .vector_distributions import Rotation

OBJECT_KINDS: Final = ("random_object", "box", "sphere", "cylinder", "capsule")
"""Options of `object.kind`, in the order of their classes."""
MATERIAL_KINDS: Final = ("own", "plain", "texture", "checker", "stripes", "noise", "wood", "speckle")
"""Options of `<surface>.material`; own = what the asset's file says."""

_POSITIVE: Final = (1e-9, math.inf)


def _surface(name: str, what: str, count: int, period: tuple[float, float], own: float) -> list[Parameter]:
    """Return the parameters of a surface's material, drawn for every look."""

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


def tabletop_space(*, objects: int, asset_count: int, joints: Sequence[Joint], own_materials: bool) -> ParameterSpace:
    """Return the tabletop's parameters as declared.

    Args:
        objects: Object slots beside the robot's, >= 1.
        asset_count: Random objects in the library, >= 1.
        joints: The robot's movable joints.
        own_materials: Whether objects mostly keep the material of their file.

    Returns:
        The space.
    """

    def make(
        name: str,
        distribution: Distribution,
        unit: str,
        meaning: str,
        group: str,
        varies: Axis = "scenario",
        **more: Any,
    ) -> Parameter:
        more = {"when": "reset" if varies != "scenario" else "build"} | more
        return Parameter(
            name=name,
            distribution=distribution,
            unit=unit,
            meaning=meaning,
            group=group,
            varies=varies,
            **more,
        )

    degrees = math.pi / 180.0
    each: dict[str, Any] = {"count": objects}
    fraction = each | {"allowed": (0.0, 1.0)}
    coefficient = each | {"allowed": (0.0, 10.0)}
    parameters = [
        make(
            "object_count",
            Integer(low=min(3, objects), high=min(15, objects)),
            "1",
            "Objects on the table",
            "objects",
            allowed=(0, objects),
        ),
        make(
            "object.kind",
            Choice(options=OBJECT_KINDS, weights=(0.58, 0.12, 0.08, 0.13, 0.09)),
            "1",
            "Kind of each object",
            "objects",
            **each,
        ),
        make(
            "object.asset",
            Integer(low=0, high=asset_count - 1),
            "1",
            "Which random object",
            "objects",
            allowed=(0, asset_count - 1),
            **each,
        ),
        make(
            "object.size",
            Uniform(low=0.035, high=0.12),
            "m",
            "Longest side of each object (a sphere has 0.6 of it)",
            "objects",
            allowed=(0.005, 1.0),
            **each,
        ),
        make(
            "object.aspect",
            Uniform(low=0.35, high=1.0),
            "1",
            "Middle side over longest",
            "objects",
            allowed=(0.1, 1.0),
            **each,
        ),
        make(
            "object.flatness",
            Uniform(low=0.35, high=1.0),
            "1",
            "Shortest side over longest",
            "objects",
            allowed=(0.1, 1.0),
            **each,
        ),
        make(
            "object.x",
            Uniform(low=0.0, high=1.0),
            "1",
            "Where it is dropped, along the region's depth",
            "objects",
            **fraction,
        ),
        make(
            "object.y",
            Uniform(low=0.0, high=1.0),
            "1",
            "Where it is dropped, along the region's width",
            "objects",
            **fraction,
        ),
        make("object.orientation", Rotation(), "1", "Rotation when dropped, xyzw", "objects", **each),
        make(
            "object.drop",
            Uniform(low=0.003, high=0.04),
            "m",
            "Height of its lowest point over what lies below when dropped",
            "objects",
            allowed=(0.0, 1.0),
            **each,
        ),
        make(
            "object.mass",
            LogUniform(low=0.03, high=0.6),
            "kg",
            "Mass of each object",
            "dynamics",
            allowed=(1e-4, 1e3),
            **each,
        ),
        make(
            "friction",
            LogUniform(low=0.3, high=1.2),
            "1",
            "Coulomb coefficient of each object",
            "dynamics",
            **coefficient,
        ),
        make(
            "restitution",
            Uniform(low=0.0, high=0.3),
            "1",
            "Coefficient of restitution of each object",
            "dynamics",
            count=objects,
            allowed=(0.0, 1.0),
        ),
        make(
            "table.friction",
            LogUniform(low=0.4, high=1.2),
            "1",
            "Coulomb coefficient of the table",
            "dynamics",
            allowed=(0.0, 10.0),
        ),
        make(
            "table.height", Uniform(low=0.6, high=0.85), "m", "Height of the table's top", "objects", allowed=(0.1, 2.0)
        ),
        make(
            "table.depth", Uniform(low=1.15, high=1.5), "m", "Size of the table along x", "objects", allowed=(1.0, 5.0)
        ),
        make(
            "table.width", Uniform(low=1.2, high=1.9), "m", "Size of the table along y", "objects", allowed=(0.9, 5.0)
        ),
        make(
            "table.thickness", Uniform(low=0.02, high=0.06), "m", "Thickness of the top", "objects", allowed=(0.01, 0.1)
        ),
        *robot_parameters(joints),
        make(
            "camera.azimuth",
            Uniform(low=-2.4, high=2.4),
            "rad",
            "Direction from the target to the camera, about z from the robot's forward axis",
            "camera",
            "view",
            nominal=0.6,
        ),
        make(
            "camera.elevation",
            Uniform(low=20 * degrees, high=70 * degrees),
            "rad",
            "Height of the camera over the target, as an angle",
            "camera",
            "view",
            allowed=(-0.5, 1.57),
        ),
        make(
            "camera.distance",
            Uniform(low=0.6, high=1.6),
            "m",
            "Distance from target to camera; farther where the robot is in the way",
            "camera",
            "view",
            allowed=(0.1, 20.0),
        ),
        make(
            "camera.target_x",
            Uniform(low=0.3, high=0.6),
            "m",
            "Point looked at, forward of the robot",
            "camera",
            "view",
        ),
        make(
            "camera.target_y",
            Uniform(low=-0.15, high=0.15),
            "m",
            "Point looked at, left of the robot",
            "camera",
            "view",
        ),
        make("camera.target_z", Uniform(low=0.0, high=0.1), "m", "Point looked at, over the table", "camera", "view"),
        make(
            "camera.roll",
            TruncatedNormal(mean=0.0, deviation=3 * degrees, low=-8 * degrees, high=8 * degrees),
            "rad",
            "Turn about the optical axis",
            "camera",
            "view",
            nominal=0.0,
        ),
        make(
            "camera.field_of_view",
            Uniform(low=45 * degrees, high=75 * degrees),
            "rad",
            "Horizontal angle between the image's edges",
            "camera",
            "view",
            allowed=(0.02, 3.0),
        ),
        *_surface("floor", "the floor", 1, (0.1, 0.8), 0.0),
        *_surface("table", "the table", 1, (0.04, 0.3), 0.0),
        *_surface("object", "each object", objects, (0.008, 0.05), 0.6 if own_materials else 0.0),
        make(
            "robot.tint",
            Uniform(low=0.45, high=1.0),
            "1",
            "Factor on the robot's own colours r, g, b",
            "materials",
            "look",
            count=3,
            nominal=1.0,
            allowed=(0.0, 1.0),
        ),
        make(
            "robot.roughness",
            Uniform(low=0.25, high=0.7),
            "1",
            "Perceptual roughness of the robot",
            "materials",
            "look",
            allowed=(0.03, 1.0),
        ),
        make(
            "robot.wear",
            Uniform(low=0.05, high=0.3),
            "1",
            "Depth of the wear pattern on untextured links",
            "materials",
            "look",
            allowed=(0.0, 1.0),
        ),
        make(
            "light.azimuth",
            Uniform(low=0.0, high=2 * math.pi),
            "rad",
            "Direction to the sun about z",
            "lighting",
            "look",
            nominal=0.8,
        ),
        make(
            "light.elevation",
            Uniform(low=25 * degrees, high=80 * degrees),
            "rad",
            "Height of the sun",
            "lighting",
            "look",
            allowed=(0.02, 1.5708),
        ),
        make(
            "light.irradiance",
            LogUniform(low=8.0, high=250.0),
            "W/m^2",
            "Irradiance on a surface that faces the sun, mean of the three primaries",
            "lighting",
            "look",
            allowed=(0.0, 2000.0),
        ),
        make(
            "light.temperature",
            Uniform(low=2800.0, high=7500.0),
            "K",
            "Colour temperature of the sun's light",
            "lighting",
            "look",
            nominal=5500.0,
            allowed=(1700.0, 25000.0),
        ),
        make(
            "sky.ratio",
            Uniform(low=0.12, high=0.45),
            "1",
            "Irradiance of the sky on a level surface over that of the sun",
            "lighting",
            "look",
            allowed=(0.0, 100.0),
        ),
        make(
            "sky.temperature",
            Uniform(low=5000.0, high=12000.0),
            "K",
            "Colour temperature of the sky at the zenith",
            "lighting",
            "look",
            nominal=7500.0,
            allowed=(1700.0, 25000.0),
        ),
        make(
            "sky.horizon",
            Uniform(low=0.6, high=1.6),
            "1",
            "Radiance at the horizon over that of the zenith",
            "lighting",
            "look",
            allowed=(0.0, 10.0),
        ),
        make(
            "sky.ground",
            Uniform(low=0.1, high=0.5),
            "1",
            "Radiance from below over that of the zenith",
            "lighting",
            "look",
            allowed=(0.0, 10.0),
        ),
    ]
    return ParameterSpace(parameters=tuple(parameters))
