"""What the driving scene randomizes: its parameters with their distributions, units and meanings."""

from __future__ import annotations

import math
from typing import Any, Final

from .context import structure_space
from .distractor_space import distractor_parameters
from .distribution import Distribution
from .distributions import Choice, Integer, LogUniform, Uniform
from .dynamics_space import actuator_parameters, damping_parameters, nominal_parameters
from .lamp_space import lamp_parameters
from .look_space import lighting_parameters, robot_look_parameters, surface_parameters
from .rig_space import rig_parameters
from .space import Parameter, ParameterSpace
from .vector_distributions import Rotation
from .weather_space import weather_parameters

OBJECT_COUNT: Final = (5, 15)
"""Least and most objects that are drawn where there are slots for them."""
OBSTACLE_KINDS: Final = ("box", "pillar", "random_object")
"""Options of `object.kind`, in the order of their classes."""
WALLS: Final = 4
"""Walls that there is room for."""
PIECES: Final = 4
"""Pieces of the drive, each with commands of its own."""


def _make(name: str, distribution: Distribution, unit: str, meaning: str, group: str, **more: Any) -> Parameter:
    return Parameter(name=name, distribution=distribution, unit=unit, meaning=meaning, group=group, **more)


def driving_space(*, objects: int, asset_count: int, own_materials: bool) -> ParameterSpace:
    """Return the driving scene's parameters as declared.

    Args:
        objects: Object slots beside the robot's, >= 1.
        asset_count: Random objects in the library, >= 1.
        own_materials: Whether objects mostly keep the material of their file.

    Returns:
        The space.
    """
    parameters = [
        *_yard_parameters(),
        *_obstacle_parameters(objects, asset_count),
        *_drive_parameters(),
        *rig_parameters(
            azimuth=(-math.pi, math.pi),
            elevation=(8.0, 50.0),
            distance=(2.2, 6.0),
            target_x=(-0.5, 1.5),
            target_y=(-0.8, 0.8),
            target_z=(0.0, 0.5),
            over="the ground",
        ),
        *surface_parameters("ground", "the ground", 1, (0.4, 3.0), 0.0),
        *surface_parameters("wall", "the walls", 1, (0.1, 1.0), 0.0),
        *surface_parameters("object", "each object", objects, (0.05, 0.4), 0.6 if own_materials else 0.0),
        *robot_look_parameters(),
        *lighting_parameters(below=(0.5, 1.2)),
        *(parameter for parameter in weather_parameters() if parameter.name != "weather.fog_extinction"),
        *lamp_parameters(distance=(4.0, 9.0), elevation=(40.0, 80.0), intensity=(50.0, 2500.0), haze=(1e-3, 0.1)),
        *damping_parameters(objects),
        *nominal_parameters(objects),
        *actuator_parameters("speed"),
        *distractor_parameters(asset_count=asset_count, size=(0.1, 0.6), mass=(1.0, 20.0), own_objects=own_materials),
    ]
    return ParameterSpace(parameters=tuple(structure_space(parameters)))


def _yard_parameters() -> list[Parameter]:
    walls: dict[str, Any] = {"count": WALLS}
    return [
        _make(
            "yard.side", Uniform(low=12.0, high=20.0), "m", "Side of the square yard", "objects", allowed=(6.0, 40.0)
        ),
        _make(
            "yard.friction",
            LogUniform(low=0.45, high=1.1),
            "1",
            "Coulomb coefficient of the ground; that of a wheel is the robot's own",
            "dynamics",
            allowed=(0.0, 10.0),
        ),
        _make("wall_count", Integer(low=1, high=WALLS), "1", "Walls in the yard", "objects", allowed=(0, WALLS)),
        _make(
            "wall.x",
            Uniform(low=0.0, high=1.0),
            "1",
            "Middle of each wall along the yard",
            "objects",
            allowed=(0.0, 1.0),
            **walls,
        ),
        _make(
            "wall.y",
            Uniform(low=0.0, high=1.0),
            "1",
            "Middle of each wall across the yard",
            "objects",
            allowed=(0.0, 1.0),
            **walls,
        ),
        _make(
            "wall.heading", Uniform(low=0.0, high=math.pi), "rad", "Direction of each wall about z", "objects", **walls
        ),
        _make(
            "wall.length",
            Uniform(low=2.0, high=7.0),
            "m",
            "Length of each wall",
            "objects",
            allowed=(0.1, 40.0),
            **walls,
        ),
        _make(
            "wall.height",
            Uniform(low=0.5, high=2.6),
            "m",
            "Height of each wall",
            "objects",
            allowed=(0.05, 20.0),
            **walls,
        ),
        _make(
            "wall.thickness",
            Uniform(low=0.1, high=0.35),
            "m",
            "Thickness of each wall",
            "objects",
            allowed=(0.02, 5.0),
            **walls,
        ),
    ]


def _obstacle_parameters(objects: int, asset_count: int) -> list[Parameter]:
    each: dict[str, Any] = {"count": objects}
    share = each | {"allowed": (0.0, 1.0)}
    ratio = each | {"allowed": (0.1, 1.0)}
    return [
        _make(
            "object_count",
            Integer(low=min(OBJECT_COUNT[0], objects), high=min(OBJECT_COUNT[1], objects)),
            "1",
            "Objects in the yard",
            "objects",
            allowed=(0, objects),
        ),
        _make(
            "object.kind",
            Choice(options=OBSTACLE_KINDS, weights=(0.4, 0.25, 0.35)),
            "1",
            "Kind of each object",
            "objects",
            **each,
        ),
        _make(
            "object.asset",
            Integer(low=0, high=asset_count - 1),
            "1",
            "Which random object",
            "objects",
            allowed=(0, asset_count - 1),
            **each,
        ),
        _make(
            "object.x",
            Uniform(low=0.0, high=1.0),
            "1",
            "Where it stands along the yard; where that is taken, nearby",
            "objects",
            **share,
        ),
        _make("object.y", Uniform(low=0.0, high=1.0), "1", "Where it stands across the yard", "objects", **share),
        _make(
            "object.heading",
            Uniform(low=-math.pi, high=math.pi),
            "rad",
            "Turn of a box or pillar about z",
            "objects",
            **each,
        ),
        _make(
            "object.orientation", Rotation(), "1", "Rotation of a random object when dropped, xyzw", "objects", **each
        ),
        _make(
            "box.size",
            Uniform(low=0.25, high=1.1),
            "m",
            "Longest side of a box",
            "objects",
            allowed=(0.02, 5.0),
            **each,
        ),
        _make("box.aspect", Uniform(low=0.4, high=1.0), "1", "Depth over longest side of a box", "objects", **ratio),
        _make(
            "box.flatness", Uniform(low=0.35, high=1.0), "1", "Height over longest side of a box", "objects", **ratio
        ),
        _make(
            "pillar.radius",
            Uniform(low=0.06, high=0.3),
            "m",
            "Radius of a pillar",
            "objects",
            allowed=(0.01, 3.0),
            **each,
        ),
        _make(
            "pillar.height",
            Uniform(low=0.6, high=2.8),
            "m",
            "Height of a pillar",
            "objects",
            allowed=(0.05, 20.0),
            **each,
        ),
        _make(
            "random_object.size",
            Uniform(low=0.25, high=0.8),
            "m",
            "Longest side of a random object",
            "objects",
            allowed=(0.02, 5.0),
            **each,
        ),
        _make(
            "object.mass",
            LogUniform(low=2.0, high=60.0),
            "kg",
            "Mass of each object; pillars stand fast",
            "dynamics",
            allowed=(1e-3, 1e4),
            **each,
        ),
        _make(
            "friction",
            LogUniform(low=0.4, high=1.1),
            "1",
            "Coulomb coefficient of each object",
            "dynamics",
            allowed=(0.0, 10.0),
            **each,
        ),
    ]


def _drive_parameters() -> list[Parameter]:
    pieces: dict[str, Any] = {"count": PIECES}
    return [
        _make(
            "start.x",
            Uniform(low=0.3, high=0.7),
            "1",
            "Where the robot starts along the yard",
            "objects",
            allowed=(0.0, 1.0),
        ),
        _make(
            "start.y",
            Uniform(low=0.3, high=0.7),
            "1",
            "Where the robot starts across the yard",
            "objects",
            allowed=(0.0, 1.0),
        ),
        _make(
            "start.heading",
            Uniform(low=-math.pi, high=math.pi),
            "rad",
            "Its direction at the start, about z",
            "objects",
        ),
        _make(
            "drive.time",
            Uniform(low=0.6, high=3.0),
            "s",
            "Time driven before the recorded window",
            "dynamics",
            allowed=(0.0, 60.0),
        ),
        _make(
            "drive.speed",
            Uniform(low=-0.2, high=1.0),
            "m/s",
            "Speed forwards that the robot is told, for each quarter of the drive",
            "dynamics",
            allowed=(-2.0, 2.0),
            nominal=0.6,
            **pieces,
        ),
        _make(
            "drive.turn",
            Uniform(low=-0.9, high=0.9),
            "rad/s",
            "Turn rate to the left that it is told, for each quarter of the drive",
            "dynamics",
            allowed=(-3.0, 3.0),
            nominal=0.0,
            **pieces,
        ),
        _make(
            "drive.acceleration",
            Uniform(low=0.6, high=2.0),
            "m/s^2",
            "Largest change of the speed told; of the turn rate, the same number of rad/s^2",
            "dynamics",
            allowed=(0.05, 20.0),
        ),
    ]
