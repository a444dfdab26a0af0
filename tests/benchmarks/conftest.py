"""Makes the benchmarks importable: they are programs beside the package, not a part of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

_FOLDER = str(Path(__file__).resolve().parent.parent.parent / "benchmarks")
sys.path.insert(0, _FOLDER)


@pytest.fixture(autouse=True)
def _search_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes that a benchmark starts find its modules too."""
    monkeypatch.syspath_prepend(_FOLDER)
