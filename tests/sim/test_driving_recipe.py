"""The driving recipe: rows are pure, whoever makes them, and can be made again."""

from __future__ import annotations

from pathlib import Path

from simloom.sim import generate, load_recipe, regenerate_row
from simloom.sim.dataset.verify import verify_dataset

SMALL = ["rig.front.width=32", "rig.front.height=24", "slots=6", "looks=1", "parameters.object_count=4"]


def test_rows_are_pure(tmp_path: Path) -> None:
    """In one go, or resumed and by workers, the dataset has one digest; its rows can be made again."""
    recipe = load_recipe("driving", overrides=SMALL)
    whole = generate(recipe, samples=4, out=tmp_path / "whole", workers=0)
    generate(recipe, samples=2, out=tmp_path / "parts", workers=1)
    parts = generate(recipe, samples=4, out=tmp_path / "parts", workers=1)
    report = verify_dataset(tmp_path / "parts", regenerate=regenerate_row(str(tmp_path / "parts")), regenerate_count=1)

    assert whole.root_digest == parts.root_digest
    assert report.ok
    assert recipe.scene == "driving"
    assert whole[0]["sensor/front/rgb"].shape == (24, 32, 3)
