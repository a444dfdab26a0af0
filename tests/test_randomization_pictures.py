"""The pictures of docs/randomization.md can be made, and show what they are to show."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch):
    """A function that imports a program of examples/randomization."""
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "gallery"))
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "randomization"))
    return importlib.import_module


def test_a_strip_changes_from_picture_to_picture(example) -> None:
    """Pictures of one size stand beside each other, and no two show the same light."""
    strip = example("show_groups").draw_strip("lamps", pictures=3, size=(48, 36), threads=1)
    tiles = [strip[:, k * 52 : k * 52 + 48] for k in range(3)]

    assert strip.shape == (36, 3 * 52 - 4, 3)
    assert len({tile.tobytes() for tile in tiles}) == 3


def test_every_group_of_the_page_has_its_picture(example) -> None:
    """docs/randomization.md shows the strip of every group."""
    page = (ROOT / "docs" / "randomization.md").read_text(encoding="utf-8")
    for name in example("show_groups").STRIPS:
        assert f"randomization/{name}.png" in page
        assert (ROOT / "docs" / "randomization" / f"{name}.png").stat().st_size < 250_000


def test_tiles_of_the_contact_sheet_are_pictures(example) -> None:
    """Scenarios give pictures that are neither burnt nor black, laid out in lines."""
    module = example("show_contact_sheet")
    tiles, told = module.make_tiles(2, seed=1, threads=1)
    sheet = module.join_tiles(np.concatenate([tiles, tiles]), 2)

    assert sheet.shape == (2 * module.HEIGHT, 2 * module.WIDTH, 3)
    assert not told["dark"].any()
    assert told["clipped"].max() < 0.05
    assert tiles.std() > 10
