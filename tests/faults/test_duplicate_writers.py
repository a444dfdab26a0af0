"""Any number of writers of one folder make one dataset, or are told that their values differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.forked import run_campaign
from faults.tally import Tally


@pytest.mark.parametrize("rounds", [1, pytest.param(40, marks=pytest.mark.slow)])
def test_duplicate_writers_make_one_dataset(rounds: int, quick_path: Path) -> None:
    """Equal writers are harmless, also late ones and those that grow it; other values are a loud error."""
    result = run_campaign("duplicate_writers", quick_path, rounds=rounds)
    tally = Tally("Duplicate writers")
    tally.merge(result["counts"])
    assert not result["failures"], "\n".join(result["failures"][:5])
