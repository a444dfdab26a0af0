"""Policies: who acts in an episode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...kernels.philox import philox_uniforms
from ..scenario import Scenario
from .moment import Moment

if TYPE_CHECKING:
    from .task import Arrays, Task


class Policy(ABC):
    """Chooses the actions of an episode; they depend on its scenario and on what was seen since it began, alone."""

    @abstractmethod
    def begin(self, scenario: Scenario, moment: Moment) -> None:
        """Take note of a new episode.

        Args:
            scenario: Its scenario.
            moment: Its first moment.
        """

    @abstractmethod
    def act(self, step: int, moment: Moment, observation: Arrays) -> NDArray[np.float64]:
        """Choose an action.

        Args:
            step: Number of the step, 0 first.
            moment: What the physics says.
            observation: What the environment says, without a picture.

        Returns:
            Numbers in [-1, 1], one for each of the task's actuators.
        """


class HoldPolicy(Policy):
    """Leaves the robot as it stands at the start.

    Args:
        task: The task.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._action = np.zeros(0)

    def begin(self, scenario: Scenario, moment: Moment) -> None:
        """Take note of how the robot stands."""
        del scenario
        self._action = self._task.rest(moment)

    def act(self, step: int, moment: Moment, observation: Arrays) -> NDArray[np.float64]:
        """Return the same action at each step."""
        del step, moment, observation
        return self._action


class RandomPolicy(Policy):
    """Draws each action evenly out of the whole action space, by the scenario's seed and number and by the step.

    Args:
        count: Numbers of an action.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._scenario: Scenario | None = None

    def begin(self, scenario: Scenario, moment: Moment) -> None:
        """Take note of the scenario."""
        del moment
        self._scenario = scenario

    def act(self, step: int, moment: Moment, observation: Arrays) -> NDArray[np.float64]:
        """Draw the action of a step."""
        del moment, observation
        assert self._scenario is not None  # begin comes first
        places = np.array([(actuator, self._scenario.index, step) for actuator in range(self._count)])
        return 2.0 * philox_uniforms(self._scenario.seed, "policy/random", places) - 1.0


def make_policy(name: str, task: Task) -> Policy:
    """Make a policy by its name.

    Args:
        name: `hold`, `random` or `expert`.
        task: The task.

    Returns:
        The policy.

    Raises:
        ValueError: If the task has no expert, or there is no such policy.
    """
    if name == "hold":
        return HoldPolicy(task)
    if name == "random":
        return RandomPolicy(int(task.action_space.shape[0]))
    if name != "expert":
        raise ValueError(f"unknown policy {name!r} of an episode; there are hold, random, expert")
    expert = task.make_expert()
    if expert is None:
        raise ValueError(f"{type(task).__name__} has no expert for an episode; use policy hold or random")
    return expert
