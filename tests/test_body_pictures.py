"""The picture of encoders, wrist and pad can be made, and its numbers are what its titles say."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch):
    """The program."""
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "gallery"))
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "sensors"))
    return importlib.import_module("show_body_sensors")


def test_the_picture_has_twelve_parts(module) -> None:
    """Every part of the picture holds something, and readings are drawn in their colour."""
    picture = module.draw_body_sensors(dots_per_inch=60)
    height, width = picture.shape[0] // 3, picture.shape[1] // 4
    parts = [picture[i * height : (i + 1) * height, j * width : (j + 1) * width] for i in range(3) for j in range(4)]
    blue = [(np.abs(part.astype(int) - (31, 119, 180)).max(axis=2) < 40).sum() for part in parts]

    assert all(part.std() > 20 for part in parts)
    assert all(count > 5 for count in (*blue[:8], blue[11]))
