"""What the fault campaigns share."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faults.tally import TALLIES


@pytest.fixture
def quick_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: thousands of datasets are made there, and nothing waits for a disk."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    path = Path(tempfile.mkdtemp(prefix="simloom-faults-", dir="/dev/shm"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the counts of the whole campaigns."""
    if terminalreporter.config.option.markexpr == "slow":
        for title in sorted(TALLIES):
            terminalreporter.write_line("\n".join(TALLIES[title].lines()))
