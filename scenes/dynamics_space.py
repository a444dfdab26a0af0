"""Dynamics as parameters beyond mass and friction: damping, declared values, gravity, actuators, joints' offsets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from .calibration import PREFIX
from .distribution import Distribution
from .distributions import LogUniform, TruncatedNormal, Uniform
from .physics import ANGULAR_DAMPING, LINEAR_DAMPING
from .space import Parameter

_DEGREE: Final = math.pi / 180.0


def _make(name: str, distribution: Distribution, unit: str, meaning: str, group: str, **more: Any) -> Parameter:
    return Parameter(name=name, distribution=distribution, unit=unit, meaning=meaning, group=group, **more)


def damping_parameters(objects: int) -> list[Parameter]:
    """Return the drag on each object as parameters; a neutral one is Bullet's own.

    Args:
        objects: Objects, >= 1.
    """
    return [
        _make(
            "object.linear_damping",
            Uniform(low=0.0, high=0.5),
            "1/s",
            "Share of each object's speed that is lost in a second",
            "physics",
            nominal=LINEAR_DAMPING,
            count=objects,
            allowed=(0.0, 1.0),
        ),
        _make(
            "object.angular_damping",
            Uniform(low=0.0, high=0.5),
            "1/s",
            "Share of each object's turn rate that is lost in a second",
            "physics",
            nominal=ANGULAR_DAMPING,
            count=objects,
            allowed=(0.0, 1.0),
        ),
    ]


def nominal_parameters(objects: int) -> list[Parameter]:
    """Return what objects depart by from what their assets declare as parameters; neutral is as declared.

    Args:
        objects: Objects, >= 1.
    """
    each: dict[str, Any] = {"group": "physics", "count": objects}
    return [
        _make(
            "object.mass_scale",
            LogUniform(low=0.8, high=1.25),
            "1",
            "Mass of each object over that which its asset declares",
            nominal=1.0,
            allowed=(0.01, 100.0),
            **each,
        ),
        _make(
            "friction_scale",
            LogUniform(low=0.7, high=1.4),
            "1",
            "Friction of each object over that which its asset declares",
            nominal=1.0,
            allowed=(0.0, 100.0),
            **each,
        ),
        _make(
            "restitution_offset",
            Uniform(low=-0.1, high=0.1),
            "1",
            "What is added to the restitution that each object's asset declares; the sum is kept within [0, 1]",
            nominal=0.0,
            allowed=(-1.0, 1.0),
            **each,
        ),
    ]


def gravity_parameters() -> list[Parameter]:
    """Return the direction of gravity as parameters: a table that is not level; neutral is straight down."""
    return [
        _make(
            "gravity.tilt",
            Uniform(low=0.0, high=2.0 * _DEGREE),
            "rad",
            "Angle of gravity to the world's -z axis",
            "physics",
            nominal=0.0,
            when="reset",
            allowed=(0.0, 0.5),
        ),
        _make(
            "gravity.direction",
            Uniform(low=0.0, high=2.0 * math.pi),
            "rad",
            "Direction about z that a tilted gravity pulls to",
            "physics",
            nominal=0.0,
            when="reset",
        ),
    ]


def joint_parameters(joints: int) -> list[Parameter]:
    """Return the offsets of a robot's joints as parameters; neutral is none.

    Args:
        joints: Joints whose zero may be off, >= 0.
    """
    if joints == 0:
        return []
    return [
        _make(
            f"{PREFIX}joint_offset",
            TruncatedNormal(mean=0.0, deviation=0.4 * _DEGREE, low=-1.2 * _DEGREE, high=1.2 * _DEGREE),
            "rad",
            "Each joint's true position less the one that is commanded and reported",
            "robot",
            nominal=0.0,
            count=joints,
            when="reset",
            allowed=(-0.5, 0.5),
        )
    ]


def actuator_parameters(kind: str, *, delay: tuple[float, float] = (0.0, 0.04)) -> list[Parameter]:
    """Return how a robot's motors follow their commands as parameters; neutral is as before, at once.

    Args:
        kind: `position` for joints that are driven to positions, `speed` for wheels.
        delay: Range of the time between a command and its effect [s].

    Raises:
        ValueError: If there is no such kind.
    """
    makers: dict[str, Sequence[tuple[str, Distribution, float, str, tuple[float, float]]]] = {
        "position": (
            (
                "position_gain",
                LogUniform(low=0.4, high=2.0),
                1.0,
                "Motors' gain on position over their own",
                (0.05, 4.0),
            ),
            ("velocity_gain", Uniform(low=0.6, high=1.0), 1.0, "Motors' gain on speed", (0.05, 1.0)),
        ),
        "speed": (("torque", LogUniform(low=0.5, high=1.5), 1.0, "Motors' torque over their own", (0.05, 4.0)),),
    }
    if kind not in makers:
        raise ValueError(f"kind must be position or speed, got {kind!r}")
    found = [
        _make(f"actuator.{name}", distribution, "1", meaning, "robot", nominal=neutral, when="reset", allowed=allowed)
        for name, distribution, neutral, meaning, allowed in makers[kind]
    ]
    found.append(
        _make(
            "actuator.delay",
            Uniform(low=delay[0], high=delay[1]),
            "s",
            "Time between a command and its effect, in whole steps of physics",
            "robot",
            nominal=0.0,
            when="reset",
            allowed=(0.0, 1.0),
        )
    )
    return found
