"""The pictures of cameras and lenses can be made, and show what their captions say."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from simloom.kernels import list_profiles

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch):
    """A function that imports a program of examples/sensors."""
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "gallery"))
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "sensors"))
    return importlib.import_module


def test_cameras_grow_brighter_with_exposure(example) -> None:
    """Every camera has a line of pictures, each brighter than the one before it."""
    width = 64
    picture = example("compare_cameras").draw_cameras(width=width).astype(float)
    columns = [picture[:, 16 + k * (width + 6) : 16 + k * (width + 6) + width] for k in range(4)]
    means = [column.mean() for column in columns]

    assert picture.shape[0] > len(list_profiles("camera")) * width * 3 // 4
    assert means == sorted(means)
    assert means[3] > 2 * means[0]


def test_lenses_bend_the_wall(example) -> None:
    """There is a picture for each lens, and no two are alike."""
    module = example("compare_lenses")
    width, count = 64, len(module.LENSES)
    picture = module.draw_lenses(width=width)
    tiles = {picture[:, 16 + k * (width + 6) : 16 + k * (width + 6) + width].tobytes() for k in range(3)}

    assert count == 6
    assert len(tiles) == 3
    assert np.std(picture) > 20
