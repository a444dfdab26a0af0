"""The harness: contestants in turn, so that noise hits all of them; the first call apart; medians and quartiles."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

REPEATS = 7
"""Timed repeats of every contestant unless a suite is told otherwise."""
LEAST_REPEATS = 3
"""Timed repeats that are made however long they take."""


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """Something to be timed.

    Example:
        >>> Contestant(name="sum", items=1000, run=lambda: sum(range(1000)))
    """

    name: str
    """Its name in tables."""
    run: Callable[[], float | None]
    """One repeat, all work finished on return; it may return the seconds that count instead of those it took."""
    items: float
    """Units of work of one repeat, e.g. frames."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The timed repeats of one contestant."""

    name: str
    """The contestant."""
    items: float
    """Units of work of one repeat."""
    seconds: tuple[float, ...]
    """Time of each repeat [s], in order."""
    first_call: float
    """Time of the first call, which compiles, loads and touches memory [s]."""
    extra: dict[str, float] = field(default_factory=dict)
    """Whatever else is worth a column."""

    @property
    def rates(self) -> tuple[float, ...]:
        """Units of work per second of each repeat."""
        return tuple(self.items / seconds for seconds in self.seconds)

    @property
    def rate(self) -> float:
        """Median of the rates [1/s]."""
        return quartiles(self.rates)[1]

    @property
    def rate_quartiles(self) -> tuple[float, float]:
        """First and third quartile of the rates [1/s]."""
        low, _, high = quartiles(self.rates)
        return low, high

    def to_json(self) -> dict[str, Any]:
        """Return what result files hold of it, but for its name and `extra`."""
        return {
            "rate": self.rate,
            "rate_quartiles": list(self.rate_quartiles),
            "items_per_repeat": self.items,
            "seconds": list(self.seconds),
            "first_call_seconds": self.first_call,
        }


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return first quartile, median and third quartile, linearly interpolated.

    Raises:
        ValueError: If there are no values.
    """
    if not values:
        raise ValueError("quartiles need at least one value")
    low, middle, high = np.quantile(np.asarray(values, np.float64), (0.25, 0.5, 0.75))
    return float(low), float(middle), float(high)


def measure(
    contestants: Sequence[Contestant],
    *,
    repeats: int = REPEATS,
    warmups: int = 1,
    seconds: float | None = None,
    synchronize: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Measurement]:
    """Time contestants in turn: every repeat runs each of them once, in alternating order.

    Args:
        contestants: What to time. An error in one of them ends the measurement: it is a failure, never a slow run.
        repeats: Timed repeats, >= 1.
        warmups: Calls before the timed ones, >= 1; the first is reported apart.
        seconds: Time after which no repeat begins beyond the third [s]; None = all are made.
        synchronize: Waits for a device; called before the clock is read, at both ends of every call.
        clock: Source of time [s].

    Returns:
        One measurement per contestant, in the order given.

    Raises:
        ValueError: If there is nothing to time, two have one name, or a number is too small.
        RuntimeError: If a repeat took no time.
    """
    names = [contestant.name for contestant in contestants]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"contestants need names of their own, got {names}")
    if repeats < 1 or warmups < 1:
        raise ValueError(f"repeats and warmups must be at least 1, got {repeats} and {warmups}")
    first: dict[str, float] = {}
    for warmup in range(warmups):
        for contestant in contestants:
            synchronize()
            begun = clock()
            contestant.run()
            synchronize()
            if warmup == 0:
                first[contestant.name] = clock() - begun
    taken: dict[str, list[float]] = {name: [] for name in names}
    started = clock()
    for repeat in range(repeats):
        if seconds is not None and repeat >= LEAST_REPEATS and clock() - started > seconds:
            break
        for contestant in contestants if repeat % 2 == 0 else reversed(contestants):
            taken[contestant.name].append(_time(contestant, synchronize, clock))
    return [
        Measurement(name=c.name, items=c.items, seconds=tuple(taken[c.name]), first_call=first[c.name])
        for c in contestants
    ]


def _time(contestant: Contestant, synchronize: Callable[[], None], clock: Callable[[], float]) -> float:
    synchronize()
    begun = clock()
    counted = contestant.run()
    synchronize()
    taken = clock() - begun
    seconds = taken if counted is None else counted
    if seconds <= 0.0:
        raise RuntimeError(f"{contestant.name}: {seconds:.3g} s cannot be told from nothing; make the case longer")
    return seconds


def speed_ratio(fast: Measurement, slow: Measurement) -> tuple[float, float, float]:
    """Return how many times the rate of the second the first has.

    Repeats that ran next to each other are compared, so that a disturbance hits both sides of a quotient.

    Args:
        fast: One measurement.
        slow: Another of the same run, with as many repeats.

    Returns:
        First quartile, median and third quartile of the quotients.

    Raises:
        ValueError: If the repeats do not pair.
    """
    if len(fast.seconds) != len(slow.seconds):
        raise ValueError(f"{fast.name} has {len(fast.seconds)} repeats and {slow.name} {len(slow.seconds)}")
    return quartiles([a / b for a, b in zip(fast.rates, slow.rates, strict=True)])
