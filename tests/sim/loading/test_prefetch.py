"""Work ahead."""

from __future__ import annotations

import threading

import pytest

from simloom.sim.loading.prefetch import prefetch


@pytest.mark.parametrize("depth, threads", [(0, 1), (1, 1), (3, 2), (50, 4)])
def test_results_come_in_order(depth: int, threads: int) -> None:
    """Whatever is made first, results come in the order of their steps, each once."""
    waits = [threading.Event() for _ in range(20)]
    if threads == 1:
        for wait in waits:
            wait.set()

    def make(step: int) -> int:
        if threads > 1:  # odd steps wait for the even one before them to have begun
            waits[step].set()
            waits[max(0, step - step % 2)].wait(10)
        return step * step

    assert list(prefetch(make, range(20), depth=depth, threads=threads)) == [step * step for step in range(20)]


def test_no_more_is_made_than_asked() -> None:
    """At most `depth` results are there or under way beyond the one in use."""
    begun: list[int] = []
    results = prefetch(lambda step: begun.append(step) or step, iter(range(100)), depth=3, threads=2)
    for used in range(5):
        assert next(results) == used
        assert len(begun) <= used + 1 + 3
    results.close()  # type: ignore[attr-defined]
    assert len(begun) <= 8


def test_an_error_comes_in_its_place() -> None:
    """Results before the failing step come, then its error, and no thread is left."""

    def make(step: int) -> int:
        if step == 3:
            raise ValueError("step 3")
        return step

    seen: list[int] = []
    with pytest.raises(ValueError, match="step 3"):
        seen.extend(prefetch(make, range(10), depth=4, threads=2))
    assert seen == [0, 1, 2]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("simloom-load")]
