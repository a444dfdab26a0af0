"""Lost power: only what fsync certified is left, and what was promised is part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.forked import run_campaign
from faults.tally import Tally


@pytest.mark.parametrize("every, least", [(53, 16), pytest.param(1, 1000, marks=pytest.mark.slow)])
def test_lost_power_loses_nothing_promised(every: int, least: int, quick_path: Path) -> None:
    """After any call, whatever the disk kept of the rest, promised shards are there and the dataset resumes."""
    result = run_campaign("power_campaign", quick_path, every=every)
    tally = Tally("Lost power")
    tally.merge(result["counts"])
    assert not result["failures"], "\n".join(result["failures"][:5])
    assert tally.total >= least
