"""The example that compares depth cameras can be run, and shows what it says."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from simloom.kernels import list_profiles
from simloom.renderers import DotProjector, Raster, render_infrared

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch):
    """A function that imports a module of the example."""
    for folder in ("gallery", "depth_cameras"):
        monkeypatch.syspath_prepend(str(ROOT / "examples" / folder))
    return importlib.import_module


def test_every_depth_profile_is_compared(example) -> None:
    """Each built-in depth camera and both ways of matching measure the scene; dots help where there is no texture."""
    compare, scene = example("compare_depth_cameras"), example("depth_scene")
    library, snapshot = scene.stage_scene()
    camera = scene.place_camera(256)
    views = [
        render_infrared(
            Raster(library), [snapshot], [camera], baseline=0.05, projector=projector, ambient=0.01, supersample=1
        )
        for projector in (DotProjector(), None)
    ]
    readings = compare.read_cameras(*views, camera.fx)
    valid = {name: float((reading.status == 0).mean()) for name, reading in readings.items()}

    assert set(readings) == {*list_profiles("depth"), "matched, with dots", "matched, passive"}
    assert valid["realsense_d435"] > 0.7
    assert valid["matched, with dots"] > valid["matched, passive"] + 0.2


def test_the_picture_is_drawn(example) -> None:
    """The picture has three rows of pictures, and light and colour in it."""
    picture = example("compare_depth_cameras").draw_comparison(width=160, shrink=1)

    assert picture.shape[1] > 5 * 160
    assert picture.shape[0] > 3 * 90
    assert np.std(picture) > 20
