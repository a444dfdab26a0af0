"""A flipped bit anywhere is found by `verify`, and never changes what the reader gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.forked import run_campaign
from faults.tally import Tally


@pytest.mark.parametrize(
    "count, commits_only, least", [(2, 1, 40), pytest.param(400, 200, 10_000, marks=pytest.mark.slow)]
)
def test_flipped_bits_are_found_and_never_give_wrong_values(
    count: int, commits_only: int, least: int, quick_path: Path
) -> None:
    """`verify` names the file; the reader raises an error that names it, or gives exactly what was written."""
    result = run_campaign("bit_flips", quick_path, count=count, commits_only=commits_only)
    tally = Tally("Flipped bits")
    tally.merge(result["counts"])
    assert not result["failures"], "\n".join(result["failures"][:12])
    assert tally.total >= least
