"""The tabletop's arm: its joints as parameters, and the pose in which it is clear of the table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from .distribution import Distribution
from .distributions import Fixed, Uniform
from .physics import Joint
from .space import Parameter

MIMIC: Final = {"panda_finger_joint2": "panda_finger_joint1"}
"""Joints that follow another."""

_PANDA: Final[dict[str, tuple[float, float, float]]] = {
    # lower and upper bound of what is drawn, and the ready pose of the maker's software [rad; m for the finger]
    "panda_joint1": (-1.6, 1.6, 0.0),
    "panda_joint2": (-1.4, 0.5, -math.pi / 4),
    "panda_joint3": (-0.9, 0.9, 0.0),
    "panda_joint4": (-2.8, -1.2, -3 * math.pi / 4),
    "panda_joint5": (-1.2, 1.2, 0.0),
    "panda_joint6": (0.7, 2.8, math.pi / 2),
    "panda_joint7": (-1.8, 2.8, math.pi / 4),
    "panda_finger_joint1": (0.0, 0.04, 0.02),
}


def has_offset(joint: Joint) -> bool:
    """Tell whether a joint's zero may be off: an arm's joints, but not fingers."""
    return "finger" not in joint.name and joint.name not in MIMIC


def ready_positions(joints: Sequence[Joint]) -> list[float]:
    """Return a pose in which the robot is clear of the table: the Panda's ready pose, else the middle of each range."""
    positions = []
    for joint in joints:
        name = MIMIC.get(joint.name, joint.name)
        if name in _PANDA:
            positions.append(_PANDA[name][2])
        else:
            bounded = math.isfinite(joint.lower) and math.isfinite(joint.upper)
            positions.append(0.5 * (joint.lower + joint.upper) if bounded else 0.0)
    return positions


def robot_parameters(joints: Sequence[Joint]) -> list[Parameter]:
    """Return one parameter for each joint that does not follow another, well within its limits."""
    found = []
    for joint in joints:
        if joint.name in MIMIC:
            continue
        if joint.name in _PANDA:
            low, high, _ = _PANDA[joint.name]
        elif math.isfinite(joint.lower) and math.isfinite(joint.upper):
            middle, half = 0.5 * (joint.lower + joint.upper), 0.3 * (joint.upper - joint.lower)
            low, high = middle - half, middle + half
        else:
            low, high = -1.0, 1.0
        is_finger = "finger" in joint.name
        distribution: Distribution = Uniform(low=low, high=high) if low < high else Fixed(value=low)
        found.append(
            Parameter(
                name=f"robot.{joint.name}",
                distribution=distribution,
                unit="m" if is_finger else "rad",
                meaning=f"Position of {joint.name}; where links would touch something, all joints move towards ready",
                when="reset",
                allowed=(joint.lower, joint.upper),
            )
        )
    return found
