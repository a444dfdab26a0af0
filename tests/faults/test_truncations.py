"""A file that is cut, or has bytes behind, is found by `verify` and never changes what the reader gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.forked import run_campaign
from faults.tally import Tally


@pytest.mark.parametrize("near, every", [(1, 12_000), pytest.param(64, 251, marks=pytest.mark.slow)])
def test_cut_and_longer_files_are_found(near: int, every: int, quick_path: Path) -> None:
    """Cut at every page and near both ends, every file is named, and no value is another."""
    result = run_campaign("truncations", quick_path, near=near, every=every)
    Tally("Cut and longer files").merge(result["counts"])
    assert not result["failures"], "\n".join(result["failures"][:12])
