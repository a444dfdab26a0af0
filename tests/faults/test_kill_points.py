"""kill -9 anywhere: what was promised is there, nothing is partial, and the same command finishes the dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.forked import run_campaign
from faults.tally import Tally


@pytest.mark.parametrize(
    "random_count, every, least", [(4, 151, 8), pytest.param(600, 1, 1000, marks=pytest.mark.slow)]
)
def test_killed_writers_lose_nothing_committed(random_count: int, every: int, least: int, quick_path: Path) -> None:
    """At any step, call or time, the folder reads as far as promised and resumes to the digest of never having died."""
    result = run_campaign("kill_campaign", quick_path, random_count=random_count, every=every)
    tally = Tally("Kill points")
    tally.merge(result["counts"])
    assert not result["failures"], "\n".join(result["failures"][:5])
    assert tally.total >= least


@pytest.mark.parametrize("count", [pytest.param(48, marks=pytest.mark.slow)])
def test_killed_generate_loses_nothing_committed(count: int, quick_path: Path) -> None:
    """While it renders and writes: the dataset reads as far as committed, and the same call finishes it."""
    result = run_campaign("generate_kills", quick_path, count=count)
    Tally("Kill points of generate").merge(result["counts"])
    assert not result["failures"], "\n".join(result["failures"][:5])
