"""The picture of navigation sensors can be made, and shows what its titles say."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch):
    """The program of examples/sensors."""
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "sensors"))
    return importlib.import_module("show_navigation")


def test_navigation_is_drawn_from_what_is_measured(example) -> None:
    """Odometry drifts as its closed form, receivers scatter, sound sees arcs and light the wall; fixes grow old."""
    png, shown = example.draw_navigation(minutes=2.0, robots=60)
    drive, growth, corner, lateness = (shown[name] for name in ("drive", "growth", "corner", "lateness"))
    walls = np.where(
        np.abs(corner["headings"]) < 0.2, example.WALL_X, np.where(np.abs(corner["headings"] - np.pi / 2) < 0.2,
        example.WALL_Y, np.nan),
    )  # fmt: skip
    code = np.nanstd(drive["code"][0, :, :2] - drive["truth"][::20, :2])
    carrier = np.nanstd(drive["carrier"][0, :, :2] - drive["truth"][::20, :2])

    assert png.startswith(b"\x89PNG")
    assert len(png) < 300_000
    assert np.abs(growth["spread"][9:300] / growth["formula"][9:300] - 1.0).max() < 5 / np.sqrt(2 * 60)
    assert carrier < 0.3 < code
    assert np.nanmax(np.abs(corner["hc_sr04"] - walls)) < 0.03
    assert np.nanmax(np.abs(corner["vl53l0x"] - walls)) < 0.08
    assert np.isnan(corner["hc_sr04"]).any()
    assert lateness["age"].max() > 2 * 10**8
