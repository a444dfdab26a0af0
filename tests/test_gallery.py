"""The gallery's pictures can be made, and those in the docs are all there and small."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from simloom.kernels.philox import philox_words

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def gallery(monkeypatch: pytest.MonkeyPatch):
    """A function that imports a module of the example."""
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "gallery"))
    return importlib.import_module


def test_modules_are_named_apart_from_the_rooms() -> None:
    """Tests of a room are imported under its name, so that a module of the example must bear another."""
    modules = {path.stem for path in (ROOT / "examples" / "gallery").glob("*.py")}

    assert "render_gallery" in modules
    assert not modules & {folder.name for folder in (*ROOT.iterdir(), *(ROOT / "tests").iterdir()) if folder.is_dir()}


def test_the_page_shows_every_picture(gallery) -> None:
    """Each picture that the program makes stands in docs/gallery, is shown once, and takes at most 350 kB."""
    names = set(gallery("render_gallery").PICTURES)
    files = list((ROOT / "docs" / "gallery").iterdir())
    shown = re.findall(r"\]\(gallery/(\w+)\.png\)", (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8"))

    assert {path.name for path in files} == {f"{name}.png" for name in names}
    assert sorted(shown) == sorted(names)
    assert max(path.stat().st_size for path in files) <= 350_000
    assert sum(path.stat().st_size for path in files) <= 4_000_000


def test_spheres_of_every_kind_are_drawn(gallery) -> None:
    """The picture of materials has its size, and light and colour in it."""
    picture = gallery("materials").draw_materials(width=150)

    assert picture.shape == (93, 150, 3)
    assert picture.std() > 20


def test_small_pngs_stay_near_the_picture(gallery) -> None:
    """The file decodes to within the loss that its size takes; a picture that cannot be so small is refused."""
    drawing = gallery("drawing")
    axis = np.linspace(0.0, 1.0, 160)
    addresses = np.stack(np.unravel_index(np.arange(120 * 160), (120, 160, 1)), axis=1)
    noise = philox_words(1, "noise", addresses)[:, :3].reshape(120, 160, 3) % 17
    picture = (100 + 100 * axis[None, :, None] + noise).astype(np.uint8)

    whole = drawing.encode_small_png(picture)
    exact = cv2.imdecode(np.frombuffer(whole, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    data = drawing.encode_small_png(picture, most_bytes=len(whole) // 2)
    near = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]

    assert np.array_equal(exact, picture)
    assert len(data) <= len(whole) // 2
    assert 0 < np.abs(near.astype(int) - picture).max() <= 8
    with pytest.raises(ValueError, match="make it smaller"):
        drawing.encode_small_png(picture, most_bytes=500)
