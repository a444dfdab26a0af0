"""Which rows a rank hands out, in which order, and where it stands: the arithmetic of streams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ..errors import UsageError

STATE_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class StreamOrder:
    """Rows [start, stop) of a recipe; whole scenarios are dealt out to the ranks in turn.

    Raises:
        UsageError: If a number cannot be.
    """

    rows_per_scenario: int
    """Rows of one scenario."""
    start: int = 0
    """First row."""
    stop: int | None = None
    """Row before which a pass ends; None for never."""
    rank: int = 0
    """Which rank this is, [0, world_size); scenario s is rank s % world_size's."""
    world_size: int = 1
    """Ranks that share the rows."""

    def __post_init__(self) -> None:
        if self.world_size < 1 or not 0 <= self.rank < self.world_size:
            raise UsageError(f"rank must be in [0, world_size), got rank {self.rank} and world_size {self.world_size}")
        if self.start < 0 or (self.stop is not None and self.start >= self.stop):
            end = "" if self.stop is None else f" and less than the {self.stop} rows that there are"
            raise UsageError(f"start must be a row number from 0{end}, got {self.start}")

    def scenarios(self, place: StreamPlace) -> Iterator[int]:
        """Yield this rank's scenarios that hold rows to hand out, in order."""
        size = self.rows_per_scenario
        return (each for each in self._scenarios(place.position) if not place.is_done((each + 1) * size - 1, each))

    def _scenarios(self, position: int) -> Iterator[int]:
        first = position // self.rows_per_scenario
        first += (self.rank - first) % self.world_size
        if self.stop is None:
            return count(first, self.world_size)
        return iter(range(first, -(-self.stop // self.rows_per_scenario), self.world_size))


@dataclass(frozen=True, kw_only=True)
class StreamPlace:
    """Where a rank stands.

    A row is done where one of the frontiers says so: a frontier holds a row number for each of the ranks of its time,
    and of that rank's scenarios all rows before it were handed out, or are rejected.
    """

    epoch: int = 0
    """Passes gone through."""
    position: int = 0
    """Of this rank's rows, all before it were handed out, or are rejected."""
    frontiers: tuple[tuple[int, ...], ...] = field(default=())
    """What other numbers of ranks had handed out before."""

    def is_done(self, row: int, scenario: int) -> bool:
        """Tell whether a row of one of this rank's scenarios was handed out."""
        return row < self.position or any(row < f[scenario % len(f)] for f in self.frontiers)

    def at(self, position: int) -> StreamPlace:
        """Return the place from which all before a row is done; frontiers that are passed are forgotten."""
        ahead = tuple(frontier for frontier in self.frontiers if max(frontier) > position)
        return StreamPlace(epoch=self.epoch, position=position, frontiers=ahead)

    def to_json(self) -> dict[str, Any]:
        """Return the place as JSON values."""
        return {
            "epoch": self.epoch, "position": self.position, "frontiers": [list(each) for each in self.frontiers],
        }  # fmt: skip


def write_state(place: StreamPlace, order: StreamOrder, recipe_sha256: str) -> dict[str, Any]:
    """Return a rank's state as JSON values."""
    return {
        "version": STATE_VERSION, "recipe_sha256": recipe_sha256, "rank": order.rank, "world_size": order.world_size,
        **place.to_json(),
    }  # fmt: skip


def read_state(state: Mapping[str, Any], order: StreamOrder, recipe_sha256: str) -> StreamPlace:
    """Read where to go on.

    Args:
        state: A state of the same rank among as many, or one from `join_states`.
        order: The order of the rank that goes on.
        recipe_sha256: Its recipe.

    Raises:
        UsageError: It is of another version, recipe or number of ranks, or beyond the end.
    """
    _check_version(state)
    missing = {"recipe_sha256", "rank", "world_size", "position", "epoch", "frontiers"} - state.keys()
    if missing:
        raise UsageError(f"the state lacks {', '.join(sorted(missing))}: it was not written by a stream")
    if state["recipe_sha256"] != recipe_sha256:
        raise UsageError(
            "the state belongs to a stream of another recipe or seed: go on with that one, or begin without a state"
        )
    rank, world_size = state["rank"], state["world_size"]
    if rank is not None and (rank, world_size) != (order.rank, order.world_size):
        raise UsageError(
            f"the state is of rank {rank} of {world_size}, this is rank {order.rank} of {order.world_size}: join the "
            f"states of all {world_size} ranks by simloom.sim.join_states and load that on every rank"
        )
    position = int(state["position"])
    if position < 0 or int(state["epoch"]) < 0 or (order.stop is not None and position > order.stop):
        raise UsageError(f"the state stands at row {position}, and the stream has rows 0 to {order.stop}")
    frontiers = tuple(tuple(int(row) for row in each) for each in state["frontiers"])
    if not all(frontiers):
        raise UsageError("the state holds an empty frontier: it was not written by a stream")
    return StreamPlace(epoch=int(state["epoch"]), position=position, frontiers=frontiers)


def join_states(states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Join the states of all ranks of a run into one that any number of ranks can go on from.

    No row that was handed out comes again and none is left out. Where some ranks were in a later pass than others, what
    they had handed out of it comes again.

    Args:
        states: The `state_dict()` of every rank, in any order, taken at one moment.

    Returns:
        The state to load on every rank.

    Raises:
        UsageError: One is missing, or they are not of one run.

    Example:
        >>> joined = join_states([json.load(open(f"rank{rank}.json")) for rank in range(4)])
    """
    ordered = sorted(states, key=lambda state: -1 if state["rank"] is None else state["rank"])
    for state in ordered:
        _check_version(state)
    ranks = [state["rank"] for state in ordered]
    if not ordered or ranks != list(range(ordered[0]["world_size"] or 0)):
        raise UsageError(f"a state of each rank is needed, once, got those of ranks {ranks}")
    if len({(state["recipe_sha256"], state["world_size"]) for state in ordered}) > 1:
        raise UsageError("the states are of different runs: their recipes or numbers of ranks differ")
    epoch = min(state["epoch"] for state in ordered)
    # Who is in a later pass has done all of this one.
    later = 1 << 62
    frontier = [state["position"] if state["epoch"] == epoch else later for state in ordered]
    # Who is furthest behind has forgotten the fewest frontiers.
    behind = min((state for state in ordered if state["epoch"] == epoch), key=lambda state: int(state["position"]))
    place = StreamPlace(
        epoch=epoch, position=min(frontier), frontiers=(*map(tuple, behind["frontiers"]), tuple(frontier))
    )
    return {
        "version": STATE_VERSION, "recipe_sha256": behind["recipe_sha256"], "rank": None, "world_size": None,
        **place.to_json(),
    }  # fmt: skip


def _check_version(state: Mapping[str, Any]) -> None:
    if state.get("version") != STATE_VERSION:
        raise UsageError(f"the state has version {state.get('version')!r}, this simloom reads {STATE_VERSION}")
