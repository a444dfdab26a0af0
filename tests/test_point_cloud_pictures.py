"""The pictures of point clouds can be made, and show what their captions say."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from simloom.kernels import Weather

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch):
    """The program of examples/sensors that shows point clouds."""
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "gallery"))
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "sensors"))
    return importlib.import_module("show_point_clouds")


def test_clouds_have_rings_shadows_and_weather(example) -> None:
    """The lowest rings are circles on the ground, fog is a blob that hides what is far, and the tiles are drawn."""
    hits, directions = example.scan_street()
    heights = hits.range[0, :, 0] * directions[:, 2]
    ground = hits.class_id[0, :, 0] == 1
    lowest = ground & (directions[:, 2] < np.sin(np.radians(-14.0)))
    radius = np.hypot(*(hits.range[0, lowest, 0, None] * directions[lowest, :2]).T)
    assert np.abs(radius / (example.HEIGHT / np.tan(np.radians(15.0))) - 1.0).max() < 0.01
    assert np.abs(heights[lowest] + example.HEIGHT).max() < 0.02

    clear, fog = example.sense(hits), example.sense(hits, Weather(visibility=60.0))
    assert fog.range[fog.return_type == 4].max() < 15.0
    assert np.median(fog.range[fog.return_type == 4]) < 3.0
    assert clear.range[clear.return_type == 1].max() > 40.0
    assert fog.range[fog.return_type == 1].max() < 35.0

    picture = example.draw_clouds(size=120)
    assert picture.shape[1] > 3 * 120
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 30


def test_deskewing_puts_the_scan_over_the_one_at_rest(example) -> None:
    """As measured much of the scan at rest shows beside the moving one's; de-skewed little of it does."""
    picture = example.draw_deskewing(size=300).astype(int)
    grey = np.abs(picture - 90).max(axis=2) < 2
    half = picture.shape[1] // 2
    assert grey[:, :half].sum() > 5 * grey[:, half:].sum()
