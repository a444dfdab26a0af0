"""Readers and tasks: what is observed of a scene, and what is asked of its robot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..space import Parameter
from ..stage import Stage
from .moment import Moment

if TYPE_CHECKING:
    from gymnasium.spaces import Box, Space

    from .policy import Policy

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a step came to."""

    reward: float
    """The reward."""
    success: bool
    """Whether the task is done, which ends the episode."""
    failure: bool = False
    """Whether it can no longer be done, which ends the episode as well."""
    events: Mapping[str, float]
    """A number for each of the task's events."""


class Reader(ABC):
    """Reads named physical quantities of a scene, each a row of numbers with bounds."""

    spaces: Mapping[str, Space[Any]]
    """Name to the quantity's space."""

    def begin(self, stage: Stage) -> None:
        """Take note of a new episode's stage."""
        del stage

    @abstractmethod
    def read(self, moment: Moment) -> Arrays:
        """Read all quantities; each lies in its space."""


class Task(ABC):
    """What is asked of the robot: its actions, the reward, when an episode is over."""

    events: ClassVar[Mapping[str, type]]
    """Names in `info` after a step, and their types: float or bool. `is_success` is one."""
    parameters: tuple[Parameter, ...] = ()
    """What it randomizes beside the scene, such as a goal."""
    spaces: Mapping[str, Space[Any]]
    """What it adds to observations."""
    requirements: tuple[str, ...] = ()
    """What must hold between parameters for it to be asked, such as `object_count >= 1`."""
    action_space: Box[Any]
    """What can be done."""
    frames_per_second: ClassVar[int]
    """Steps in a second of simulated time."""

    @abstractmethod
    def begin(self, stage: Stage, moment: Moment) -> str | None:
        """Start an episode at a stage.

        Args:
            stage: The stage.
            moment: The same as the physics has it.

        Returns:
            Why it cannot be asked there, for people: another stage is drawn then. None where it can.
        """

    @abstractmethod
    def act(self, action: NDArray[np.float64]) -> None:
        """Drive the robot and let the world step; the action lies within the action space."""

    @abstractmethod
    def judge(self, moment: Moment) -> Outcome:
        """Say what the last action came to."""

    def rest(self, moment: Moment) -> NDArray[np.float64]:
        """Return the action that leaves the robot as it is; of speeds, that is none."""
        del moment
        return np.zeros(self.action_space.shape)

    def make_expert(self) -> Policy | None:
        """Make a script that does the task; None where there is none."""
        return None

    @abstractmethod
    def observe(self, moment: Moment) -> Arrays:
        """Return what the task adds to observations."""


def bounded(values: Any, space: Space[Any]) -> NDArray[np.float32]:
    """Return a row of numbers as float32 within the bounds of its space."""
    box: Any = space
    row = np.asarray(values, np.float64).reshape(-1)
    return np.clip(row, box.low, box.high).astype(np.float32)
