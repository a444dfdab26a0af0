"""Datasets whose depth is in millimetres: made, made again, drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simloom
from simloom.sim.campaign.row_regeneration import regenerate_row
from simloom.sim.contact_sheet import row_tiles
from simloom.sim.dataset.depth_format import depth_in_metres, to_millimetres
from simloom.sim.dataset.verify import verify_dataset
from simloom.sim.errors import RecipeError
from simloom.sim.recipe import load_recipe

RECIPE: dict[str, Any] = {
    "slots": 4,
    "views": 2,
    "parameters": {"object_count": 2},
    "rig": {"head": {"camera": "generic_rgb", "depth": "realsense_d435", "width": 32, "height": 24}},
    "outputs": ["depth", "ideal/depth", "instance"],
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same rows twice: depth in metres, and in millimetres."""
    root = tmp_path_factory.mktemp("depth")
    for name in ("float32", "uint16_mm"):
        recipe = load_recipe({**RECIPE, "depth_format": name, "codec": {"depth": "raw"}})
        simloom.sim.generate(recipe, samples=4, out=root / name, workers=0)
    return root / "float32", root / "uint16_mm"


def test_millimetres_are_the_metres_rounded(folders: tuple[Path, Path]) -> None:
    """Depth is the only difference between the two datasets, and its digest follows from it."""
    metres, millimetres = (simloom.sim.open_dataset(folder, skip_rejected=False) for folder in folders)
    assert metres.root_digest != millimetres.root_digest
    for one, other in zip(metres, millimetres, strict=True):
        for name, array in one.items():
            if name.endswith("/depth") and name.startswith(("sensor", "ideal")):
                assert array.any()
                np.testing.assert_array_equal(other[name], to_millimetres(array), strict=True)
            else:
                np.testing.assert_array_equal(other[name], array, strict=True)


def test_rows_are_made_again_in_millimetres(folders: tuple[Path, Path]) -> None:
    """The dataset's own recipe.yaml tells the format; a recipe of before has no such key."""
    texts = [(folder / "recipe.yaml").read_text() for folder in folders]
    assert ["depth_format" in text for text in texts] == [False, True]
    assert verify_dataset(folders[1], regenerate=regenerate_row(folders[1]), regenerate_count=2).ok


def test_pictures_show_metres(folders: tuple[Path, Path]) -> None:
    """Tiles of both datasets tell the same distances, and the pictures are alike but for rounding."""
    first, second = (dict(row_tiles(simloom.sim.open_dataset(folder, skip_rejected=False)[0])) for folder in folders)
    assert first.keys() == second.keys()
    for caption, picture in first.items():
        apart = np.abs(picture.astype(int) - second[caption].astype(int))
        assert apart.max() <= 6


def test_inspecting_tells_the_unit(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of arrays says metres or millimetres, as the file does."""
    from simloom.sim.console import print_dataset

    monkeypatch.setenv("COLUMNS", "300")
    for folder, unit, dtype in zip(folders, ("m", "mm"), ("float32", "uint16"), strict=True):
        print_dataset(simloom.sim.open_dataset(folder, skip_rejected=False))
        (line,) = (text for text in capsys.readouterr().out.splitlines() if "sensor/head/depth " in text)
        assert {unit, dtype} <= set(line.split())


def test_the_keys_of_the_recipe_are_checked() -> None:
    """Codecs by reading change no digest, the depth format does; nearest names are told."""
    plain = load_recipe(RECIPE)
    assert load_recipe({**RECIPE, "codec": {"rgb": "raw", "default": "zstd"}}).sha256 == plain.sha256
    assert load_recipe({**RECIPE, "depth_format": "float32"}).sha256 == plain.sha256
    assert load_recipe({**RECIPE, "depth_format": "uint16_mm"}).sha256 != plain.sha256
    assert load_recipe("tabletop", overrides=["codec.rgb=raw"]).codec == {"rgb": "raw", "default": "deflate"}
    with pytest.raises(RecipeError, match=r"recipe: codec: .*'rbg'; did you mean 'rgb'\?"):
        load_recipe({**RECIPE, "codec": {"rbg": "raw"}})
    with pytest.raises(RecipeError, match="depth_format: given 'uint16', allowed: 'float32' or 'uint16_mm'"):
        load_recipe({**RECIPE, "depth_format": "uint16"})
    assert depth_in_metres(np.array([1500], np.uint16))[0] == np.float32(1.5)
