"""The picture of LiDAR patterns can be made."""

from __future__ import annotations

import importlib
import io
from pathlib import Path

import numpy as np
import pytest

from simloom.kernels import list_profiles

ROOT = Path(__file__).resolve().parent.parent


def test_every_lidar_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a row for each built-in LiDAR, and each is full of dots."""
    from PIL import Image

    monkeypatch.syspath_prepend(str(ROOT / "examples" / "sensors"))
    module = importlib.import_module("show_lidar_patterns")
    image = np.asarray(Image.open(io.BytesIO(module.draw_patterns(width=700))).convert("RGB")).astype(int)
    rows = len(list_profiles("lidar"))

    assert set(module.DETAILS) == set(list_profiles("lidar"))
    coloured = image.max(axis=2) - image.min(axis=2) > 40
    for part in np.array_split(coloured, rows):
        assert part[:, : part.shape[1] // 3].mean() > 0.02
