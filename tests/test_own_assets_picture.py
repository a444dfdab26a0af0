"""The example of users' assets runs, and its picture in the docs is small."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def test_models_are_checked_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of convex parts, which nothing has to be cut for, makes a picture."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    target = tmp_path / "own.png"
    importlib.import_module("own_assets").main(target, ("tray",))

    assert target.read_bytes()[:4] == b"\x89PNG"


def test_the_picture_in_the_docs_is_small() -> None:
    """It takes at most 300 kB."""
    assert 10_000 < (ROOT / "docs" / "images" / "own_assets.png").stat().st_size < 300_000
