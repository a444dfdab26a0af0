"""Makes the benchmarks importable: they are programs beside the package, not a part of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

_FOLDER = str(Path(__file__).resolve().parent.parent.parent / "benchmarks")
sys.path.insert(0, _FOLDER)


@pytest.fixture(scope="session")
def _rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep the rows that several benchmarks want."""
    return tmp_path_factory.mktemp("rows")


@pytest.fixture(autouse=True)
def _search_path(monkeypatch: pytest.MonkeyPatch, _rows: Path) -> None:
    """Let the processes that a benchmark starts find its modules too, and rows be kept among the tests' files alone."""
    monkeypatch.syspath_prepend(_FOLDER)
    monkeypatch.setenv("SIMLOOM_BENCHMARK_DATA", str(_rows))
    # Peers have versions of their own, in an interpreter of their own; the tests need none of them.
    monkeypatch.delenv("SIMLOOM_PEERS_PYTHON", raising=False)
