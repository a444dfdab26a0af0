"""The driver: a script that steers for the goal, around what stands in the way."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..scenario import Scenario
from .moment import Moment
from .policy import Policy

_HALF_WIDTH: Final = 0.75
"""Half of the lane that must be free, wide enough for a Husky that turns [m]."""
_AHEAD: Final = 2.5
"""How far ahead the lane must be free [m]."""
_NEAR: Final = 1.0
"""Distance to a thing ahead from which the robot slows down [m]."""
_DIRECTIONS: Final = 72
_GAIN: Final = 1.6
_KEEP: Final = 0.25
"""How much a direction counts that differs from the last one, over one that differs from the goal's."""


class DriveExpert(Policy):
    """Turns towards the free direction nearest to the goal's, and drives where it points.

    It knows what the environment observes, nothing else: the goal in the robot's frame and 24 ranges. It sees no thing
    between two ranges, plans no way out of a dead end, and so it fails now and then.

    Source: Borenstein and Koren, "The vector field histogram", IEEE Trans. Robotics and Automation 7(3), 1991: the
    choice among free directions, here from one scan and with a lane of fixed width.
    """

    def __init__(self) -> None:
        self._last = 0.0

    def begin(self, scenario: Scenario, moment: Moment) -> None:
        """Forget the last episode."""
        del scenario, moment
        self._last = 0.0

    def act(self, step: int, moment: Moment, observation: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Choose speed and turn rate."""
        del step, moment
        goal_x, goal_y = (float(value) for value in observation["goal"])
        ranges = [float(value) for value in observation["range"]]
        distance, bearing = math.hypot(goal_x, goal_y), math.atan2(goal_y, goal_x)
        points = [
            (found * math.cos(angle), found * math.sin(angle))
            for found, angle in zip(ranges, _angles(len(ranges)), strict=True)
        ]
        reach = min(distance, _AHEAD)
        best, least = bearing, math.inf
        for angle in (bearing, *_angles(_DIRECTIONS)):
            free = _free_way(points, angle, reach)
            # A lane that is blocked near by is worse than any turn.
            cost = abs(_wrap(angle - bearing)) + _KEEP * abs(_wrap(angle - self._last)) + 8.0 * (1.0 - free / reach)
            if cost < least - 1e-9:
                best, least = angle, cost
        self._last = best
        turn = max(-1.0, min(1.0, _GAIN * best))
        free = _free_way(points, 0.0, _AHEAD)
        speed = max(0.0, math.cos(best)) ** 2 * min(1.0, max(0.0, (free - 0.35) / _NEAR))
        return np.array([speed, turn])


def _angles(count: int) -> list[float]:
    return [_wrap(2.0 * math.pi * number / count) for number in range(count)]


def _wrap(angle: float) -> float:
    return math.remainder(angle, 2.0 * math.pi)


def _free_way(points: list[tuple[float, float]], angle: float, reach: float) -> float:
    """Return how far the lane in some direction is free [m], at most `reach`."""
    cosine, sine = math.cos(angle), math.sin(angle)
    free = reach
    for x, y in points:
        along, aside = cosine * x + sine * y, cosine * y - sine * x
        if along > 0.0 and abs(aside) < _HALF_WIDTH:
            free = min(free, along)
    return free
