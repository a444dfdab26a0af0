"""The reacher: a script that brings an arm's hand over an object and then down to it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ...kernels.transforms import cross_product
from ..link_tree import PRISMATIC, LinkTree
from ..physics import Joint
from ..scenario import Scenario
from ..world import World
from .moment import Moment
from .policy import Policy

if TYPE_CHECKING:
    from .tabletop import ReachTask

Array = NDArray[np.float64]
_TIP: Final = 0.1
"""Distance from the hand's frame to the point between the fingers, along its z [m]."""
_ABOVE: Final = 0.15
"""Height over the object at which the hand comes in [m]."""
_OVER: Final = 0.03
"""Horizontal distance from which it goes down [m]."""
_SPEED: Final = 0.3
"""Speed of the hand on its way [m/s]."""
_SLOW: Final = 0.15
"""Speed of the hand on its way down [m/s]."""
_TURN: Final = 0.8
"""Turn rate of the hand [rad/s]."""
_DAMPING: Final = 0.05
_PERIOD: Final = 1.0 / 30.0
_LAG: Final = 0.02
"""How far a joint may be behind its target before the arm counts as blocked; on free ways it is half [rad or m]."""
_BACK: Final = 8
"""Steps that it backs off by."""
_LARGEST_STEP: Final = 0.05
"""Change of a joint in a step at most [rad or m]."""


class ReachExpert(Policy):
    """Moves the hand, pointing down, in a straight line over the first object, and then down to its middle.

    The joints follow by the damped pseudo-inverse of the hand's Jacobian. It looks out for nothing: what stands in the
    way is touched, and where something blocks the arm, it backs off and stops for good, as robots do that feel a
    collision.

    Args:
        world: The world.
        robot: Returns the arm in it, which each scenario has anew.
        joints: Its joints.
        hand: Row of the hand among the links.
        task: The task.

    Source: Wampler, "Manipulator inverse kinematic solutions based on vector formulations and damped least-squares
    methods", IEEE Trans. Systems, Man and Cybernetics 16(1), 1986.
    """

    def __init__(
        self, *, world: World, robot: Callable[[], int], joints: Sequence[Joint], hand: int, task: ReachTask
    ) -> None:
        self._world, self._robot, self._joints, self._hand, self._task = world, robot, joints, hand, task
        self._tree: LinkTree | None = None
        self._past: deque[Array] = deque(maxlen=_BACK)
        self._is_over = self._is_blocked = False

    def begin(self, scenario: Scenario, moment: Moment) -> None:
        """Take note of the arm and of how it stands."""
        del scenario
        self._tree = self._world.link_tree(self._robot())
        self._past.clear()
        self._past.append(moment.joint_position.copy())
        self._is_over = self._is_blocked = False

    def act(self, step: int, moment: Moment, observation: dict[str, NDArray[Any]]) -> Array:
        """Choose the joints' next targets."""
        del step, observation
        self._is_blocked |= float(np.abs(self._past[-1] - moment.joint_position).max(initial=0.0)) > _LAG
        if self._is_blocked:
            return self._task.action_for(self._past[0])
        hand = moment.links[self._hand]
        tip, goal = hand[:3, 3] + _TIP * hand[:3, 2], moment.objects[0, :3].copy()
        dx, dy = (goal[:2] - tip[:2]).tolist()
        self._is_over = self._is_over or math.hypot(dx, dy) < _OVER
        if not self._is_over:
            goal[2] += _ABOVE
        move = _limited((goal - tip) / _PERIOD, _SLOW if self._is_over else _SPEED)
        # What turns the hand's z downwards.
        turn = _limited(np.array([-hand[1, 2], hand[0, 2], 0.0]) * 4.0, _TURN)
        if hand[2, 2] > 0.9:  # it points up: any way down is as good as any other
            turn = np.array([_TURN, 0.0, 0.0])
        wanted = np.array([*move.tolist(), turn[0], turn[1]]) * _PERIOD
        change = _damped_least_squares(self._jacobian(moment, tip), wanted)
        most = float(np.abs(change).max(initial=0.0))
        if most > _LARGEST_STEP:
            change = change * (_LARGEST_STEP / most)
        self._past.append(self._past[-1] + change)
        return self._task.action_for(self._past[-1])

    def _jacobian(self, moment: Moment, tip: Array) -> Array:
        """Return how the tip moves, and turns about x and y, with each joint, shape (5, J)."""
        tree = self._tree
        assert tree is not None  # begin comes first
        carrying, row = set[int](), self._hand
        while row > 0:
            carrying.add(row)
            row = int(tree.parent[row])
        jacobian = np.zeros((5, len(self._joints)))
        for column, joint in enumerate(self._joints):
            row = joint.index + 1
            if row not in carrying:
                continue
            x, y, z = tree.axis[row].tolist()
            pose = moment.links[row]
            axis = pose[:3, 0] * x + pose[:3, 1] * y + pose[:3, 2] * z
            if int(tree.kind[row]) == PRISMATIC:
                jacobian[:3, column] = axis
            else:
                jacobian[:3, column] = cross_product(axis, tip - pose[:3, 3])
                jacobian[3:, column] = axis[:2]
        return jacobian


def _limited(vector: Array, most: float) -> Array:
    x, y, z = vector.tolist()
    length = math.sqrt(x * x + y * y + z * z)
    return vector if length <= most else vector * (most / length)


def _damped_least_squares(jacobian: Array, wanted: Array) -> Array:
    """Return J^T (J J^T + d^2 I)^-1 w; written out, since BLAS may round differently elsewhere."""
    size = len(wanted)
    matrix = np.array([[(a * b).sum() for b in jacobian] for a in jacobian]) + _DAMPING**2 * np.eye(size)
    right = wanted.copy()
    for row in range(size):  # the matrix is positive definite: no pivots
        for below in range(row + 1, size):
            factor = matrix[below, row] / matrix[row, row]
            matrix[below] -= factor * matrix[row]
            right[below] -= factor * right[row]
    for row in reversed(range(size)):
        for after in range(row + 1, size):
            right[row] -= matrix[row, after] * right[after]
        right[row] /= matrix[row, row]
    return np.asarray((jacobian * right[:, None]).sum(axis=0))
