"""How many processes a campaign takes."""

from __future__ import annotations

import os

import pytest

from simloom.sim.campaign.resources import Resources


@pytest.mark.parametrize("ranks, count", [(None, 8), ("2", 4), ("3", 2), ("16", 1), ("0", 8), ("many", 8)])
def test_ranks_share_the_cores(monkeypatch: pytest.MonkeyPatch, ranks: str | None, count: int) -> None:
    """By default a rank takes its share of the cores that it may use; a number that is given counts as it is."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    if ranks is not None:
        monkeypatch.setenv("LOCAL_WORLD_SIZE", ranks)
    assert Resources().worker_count == count
    assert Resources(workers=5).worker_count == 5
    assert Resources(workers=0).worker_count == 0
