"""Environment groups: some environments of a batch, stepped one after another, reading and writing shared arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .environment import SceneEnvironment
from .episode_view import EpisodeView
from .shared_arrays import Fields, SharedArrays
from .task import Arrays

NEXT_STEP, SAME_STEP, DISABLED = "NextStep", "SameStep", "Disabled"
"""When an environment whose episode is over starts the next: values of Gymnasium's `AutoresetMode`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Begun:
    """An episode that began."""

    info: dict[str, Any]
    """What `reset` says."""
    view: EpisodeView
    """How the episode looks."""


def group_fields(environment: SceneEnvironment, count: int) -> Fields:
    """Return the arrays that a batch shares with its workers.

    Args:
        environment: One environment of the batch.
        count: Environments N.

    Returns:
        Array name to shape and type, the first axis N; `final/...` is how an episode ended whose environment has begun
        another within the same step.
    """
    events = len(environment.task.events)
    fields: dict[str, tuple[tuple[int, ...], str]] = {
        "action": ((count, *environment.task.action_space.shape), "float32"),
        "reward": ((count,), "float64"),
        "terminated": ((count,), "bool"),
        "truncated": ((count,), "bool"),
        "begun": ((count,), "bool"),
    }
    for end in ("", "final/"):
        for name, space in environment.state_space.spaces.items():
            assert space.shape is not None
            fields[f"{end}observation/{name}"] = ((count, *space.shape), str(space.dtype))
        fields[f"{end}event"] = ((count, events), "float64")
        fields[f"{end}links"] = ((count, len(environment.scene.links), 4, 4), "float64")
        fields[f"{end}bodies"] = ((count, environment.scene.slots - 1 + _most_distractors(environment), 7), "float64")
    return fields


def _most_distractors(environment: SceneEnvironment) -> int:
    """Return how many distractors a scene may have."""
    return next((parameter.count for parameter in environment.space if parameter.name == "distractor.kind"), 0)


class EnvironmentGroup:
    """Steps the environments of some rows.

    Args:
        environments: The environments.
        first: Row of the first; the others follow.
        arrays: Arrays of `group_fields`.
        autoreset: When an environment whose episode is over starts the next.
    """

    def __init__(
        self, environments: Sequence[SceneEnvironment], first: int, arrays: SharedArrays, autoreset: str
    ) -> None:
        self._environments = tuple(environments)
        self._first, self._arrays, self._autoreset = first, arrays, autoreset
        self._over = [False] * len(environments)

    @property
    def rows(self) -> range:
        """The rows that it steps."""
        return range(self._first, self._first + len(self._environments))

    def reset(self, orders: Mapping[int, tuple[int | None, dict[str, Any] | None]]) -> dict[int, Begun]:
        """Start episodes.

        Args:
            orders: Row to seed and options.

        Returns:
            Row to what began.
        """
        return {row: self._begin(row, *orders[row]) for row in self.rows if row in orders}

    def step(self) -> dict[int, Begun]:
        """Step all by the actions in the arrays, and start the episodes that are due.

        Returns:
            Row to what began.
        """
        arrays, begun = self._arrays, {}
        for row, environment in zip(self.rows, self._environments, strict=True):
            k = row - self._first
            if self._over[k] and self._autoreset == NEXT_STEP:
                begun[row] = self._begin(row)
                continue
            observation, reward, terminated, truncated, info = environment.advance(arrays["action"][row])
            arrays["reward"][row], arrays["begun"][row] = reward, False
            arrays["terminated"][row], arrays["truncated"][row] = terminated, truncated
            self._over[k] = terminated or truncated
            if self._over[k] and self._autoreset == SAME_STEP:
                self._write(row, observation, "final/")
                arrays["final/event"][row] = list(info.values())
                begun[row] = self._begin(row, keep=True)
            else:
                self._write(row, observation)
                arrays["event"][row] = list(info.values())
        return begun

    def close(self) -> None:
        """Close the environments."""
        for environment in self._environments:
            environment.close()

    def _begin(
        self, row: int, seed: int | None = None, options: dict[str, Any] | None = None, *, keep: bool = False
    ) -> Begun:
        """Start an episode; `keep` leaves the last one's reward and end in the arrays."""
        k, arrays = row - self._first, self._arrays
        observation, info = self._environments[k].restart(seed=seed, options=options)
        self._over[k] = False
        arrays["begun"][row] = True
        if not keep:
            arrays["reward"][row], arrays["terminated"][row], arrays["truncated"][row] = 0.0, False, False
        self._write(row, observation)
        return Begun(info=info, view=self._environments[k].view)

    def _write(self, row: int, observation: Arrays, end: str = "") -> None:
        arrays, moment = self._arrays, self._environments[row - self._first].moment
        for name, value in observation.items():
            arrays[f"{end}observation/{name}"][row] = value
        arrays[f"{end}links"][row] = moment.links
        arrays[f"{end}bodies"][row, : len(moment.bodies)] = moment.bodies
