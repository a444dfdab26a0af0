"""Joint targets: where a scene wants the robot's joints, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .physics import Joint
from .spelling import nearest


def check_targets(given: object, joints: Sequence[Joint]) -> dict[str, float]:
    """Return positions by joint.

    Args:
        given: What a scene gave: a mapping from joint to position [rad or m].
        joints: The robot's movable joints.

    Returns:
        The same as numbers.

    Raises:
        TypeError: If it is no mapping, or a position is no number.
        ValueError: If the robot has no such joint (the nearest is named), or a position is not finite.

    Example:
        >>> check_targets({"pan": 0.5}, joints)
        {'pan': 0.5}
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"joints are given by name, such as {{'pan': 0.5}}, got {given!r}")
    known = [joint.name for joint in joints]
    found = {}
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"the robot has no joint {name!r}; {nearest(str(name), known)}")
        found[name] = float(value)
        if not math.isfinite(found[name]):
            raise ValueError(f"joint {name!r} cannot go to {value}; a position is a finite number of rad or m")
    return found
