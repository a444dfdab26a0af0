"""The harness of the benchmarks, on a clock of its own."""

from __future__ import annotations

import pytest

from simloom.sim.bench.timing import Contestant, Measurement, measure, quartiles, speed_ratio


class FakeClock:
    """A clock that moves when it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def _measurement(name: str, *seconds: float, items: float = 1.0) -> Measurement:
    return Measurement(name=name, items=items, seconds=seconds, first_call=0.0)


def test_quartiles_of_five_values_are_the_second_third_and_fourth() -> None:
    """Quartiles are those of linear interpolation between sorted values."""
    assert (2.0, 3.0, 4.0) == quartiles([5.0, 1.0, 4.0, 2.0, 3.0])


def test_quartiles_of_nothing_are_refused() -> None:
    """A median of no repeats is an error, not a NaN."""
    with pytest.raises(ValueError, match="at least one"):
        quartiles([])


def test_measure_times_each_call_and_keeps_the_first_apart() -> None:
    """The first call, which compiles, is none of the timed repeats."""
    clock, calls = FakeClock(), iter([10.0, 1.0, 2.0, 3.0])

    (found,) = measure(
        [Contestant(name="a", items=4, run=lambda: clock.advance(next(calls)))], repeats=3, warmups=1, clock=clock
    )

    assert 10.0 == found.first_call
    assert (1.0, 2.0, 3.0) == found.seconds
    assert 2.0 == found.rate


def test_contestants_take_turns_in_alternating_order() -> None:
    """Noise that lasts longer than one call hits all contestants."""
    clock, order = FakeClock(), list[str]()

    def make(name: str) -> Contestant:
        def run() -> None:
            order.append(name)
            clock.advance(1.0)

        return Contestant(name=name, items=1, run=run)

    measure([make("a"), make("b")], repeats=2, warmups=1, clock=clock)

    assert ["a", "b", "a", "b", "b", "a"] == order


def test_a_contestant_may_say_what_counts() -> None:
    """Seconds that a run returns take the place of those it took."""
    clock = FakeClock()

    def run() -> float:
        clock.advance(5.0)
        return 0.5

    (found,) = measure([Contestant(name="a", items=1, run=run)], repeats=2, clock=clock)

    assert (0.5, 0.5) == found.seconds
    assert 5.0 == found.first_call


def test_an_error_in_a_contestant_is_a_failure() -> None:
    """A broken run never looks like a slow one."""

    def run() -> None:
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        measure([Contestant(name="a", items=1, run=run)])


def test_a_repeat_that_took_no_time_is_a_failure() -> None:
    """A difference of two runs that is not positive is noise, not a speed."""
    with pytest.raises(RuntimeError, match="longer"):
        measure([Contestant(name="a", items=1, run=lambda: -0.1)], repeats=1)


@pytest.mark.parametrize("arguments", [{"repeats": 0}, {"warmups": 0}])
def test_measure_refuses_to_repeat_nothing(arguments: dict[str, int]) -> None:
    """There is at least one warm-up and one repeat."""
    with pytest.raises(ValueError, match="at least 1"):
        measure([Contestant(name="a", items=1, run=lambda: None)], **arguments)


def test_measure_refuses_two_of_one_name() -> None:
    """Results are found by the contestants' names."""
    twin = Contestant(name="a", items=1, run=lambda: None)

    with pytest.raises(ValueError, match="names of their own"):
        measure([twin, twin])


def test_speed_ratio_pairs_neighbouring_repeats() -> None:
    """A disturbance that slows both sides of one repeat leaves the quotient as it is."""
    ours, theirs = _measurement("a", 1.0, 4.0, 1.0, items=10), _measurement("b", 2.0, 8.0, 2.0, items=5)

    assert (4.0, 4.0, 4.0) == speed_ratio(ours, theirs)


def test_speed_ratio_needs_as_many_repeats_on_both_sides() -> None:
    """Repeats that do not pair are refused."""
    with pytest.raises(ValueError, match="repeats"):
        speed_ratio(_measurement("a", 1.0), _measurement("b", 1.0, 2.0))
