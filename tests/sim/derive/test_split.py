"""Dividing datasets without a leak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from naive.dataset_rows import RECIPE, TABLES, make_dataset, make_rows, open_writer
from simloom.sim.dataset.errors import DatasetFolderError
from simloom.sim.dataset.lineage import own_scenario
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.dataset.samples import split_of
from simloom.sim.dataset.verify import verify_dataset
from simloom.sim.derive import merge_datasets, split_dataset, subset_dataset
from simloom.sim.derive.asset_groups import asset_identities, count_primitives
from simloom.sim.errors import UsageError

HALVES = {"train": 0.5, "val": 0.5}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty worlds of four rows, each with three slots that show some of twenty assets; one world is empty."""
    folder = tmp_path_factory.mktemp("shown") / "data"
    draw = np.random.default_rng(5)
    objects = {str(100 + k): {"name": f"mug{k}", "visual_sha256": [f"{k:064x}"]} for k in range(20)}
    objects["119"]["visual_sha256"] = [f"{19:064x}", f"{3:064x}"]  # shares a mesh with mug3
    worlds = np.where(draw.random((40, 3)) < 0.5, draw.integers(100, 120, (40, 3)), draw.integers(-1, 8, (40, 3)))
    worlds[7] = -1
    writer = open_writer(folder, 160, tables={**TABLES, "objects": objects})
    for shard in writer.missing():
        rows = writer.shard_rows(shard)
        more = {"object/asset": worlds[np.array(rows) // 4].astype(np.int32)}
        more["object/valid"] = np.ones((len(rows), 3), np.uint8)
        writer.commit_shard(shard, {**make_rows(rows), **more})
    writer.finish()
    return folder


def _worlds(dataset: Any) -> set[int]:
    return set(own_scenario(dataset.array("sample/scenario", dataset.rows)).tolist())


def _identities(dataset: Any) -> set[str]:
    known = asset_identities(dataset.tables["objects"])
    numbers = np.unique(dataset.array("object/asset", dataset.rows)).tolist()
    return {known.get(number, str(number)) for number in numbers if number in known or number >= count_primitives()}


def test_by_scenario_no_world_is_in_two_parts(shown: Path, tmp_path: Path) -> None:
    """Every row is in one part, all rows of a world in the same, and each part says so of its rows."""
    split = split_dataset(shown, by="scenario", fractions=HALVES, out=tmp_path / "parts")
    parts = [open_dataset(tmp_path / "parts" / name, skip_rejected=False) for name in HALVES]

    assert not _worlds(parts[0]) & _worlds(parts[1])
    assert sum(len(part) for part in parts) == 160
    assert not len(split.left_out)
    for name, part in zip(HALVES, parts, strict=True):
        assert set(part.table().column("split").to_pylist()) == {name}
        assert verify_dataset(part.folder).ok


def test_by_asset_no_asset_and_no_world_is_in_two_parts(shown: Path, tmp_path: Path) -> None:
    """Worlds that show assets of several parts are in none and are counted; a shared mesh is one asset."""
    split = split_dataset(shown, by="asset", fractions=HALVES, out=tmp_path / "parts")
    parts = [open_dataset(tmp_path / "parts" / name, skip_rejected=False) for name in HALVES]

    assert not _identities(parts[0]) & _identities(parts[1])
    assert not _worlds(parts[0]) & _worlds(parts[1])
    assert all(_identities(part) for part in parts)
    assert sum(len(part) for part in parts) + len(split.left_out) == 160
    assert len(split.left_out)
    assert any("asset_split" in note for note in split.notes)
    everything = open_dataset(shown, skip_rejected=False)
    known = asset_identities(everything.tables["objects"])
    for row in split.left_out.tolist():
        numbers = everything.row(row)["object/asset"]
        assert len({known[number] for number in numbers.tolist() if number in known}) > 1
    with pytest.raises(DatasetFolderError, match="divide their rows differently"):
        merge_datasets([part.folder for part in parts], out=tmp_path / "both")


def test_a_grown_dataset_keeps_its_parts(tmp_path: Path) -> None:
    """A row that was in a part is in it when the dataset has grown, and in a merged dataset."""
    make_dataset(tmp_path / "small", 40)
    make_dataset(tmp_path / "large", 80)
    make_dataset(tmp_path / "other", 40, recipe=RECIPE.replace("seed: 7", "seed: 8"))
    merge_datasets([tmp_path / "other", tmp_path / "large"], out=tmp_path / "merged")
    small, large, merged = (
        split_dataset(tmp_path / name, fractions=HALVES).parts for name in ("small", "large", "merged")
    )

    for name in HALVES:
        rows = small[name].rows.tolist()
        assert rows == [row for row in large[name].rows.tolist() if row < 40]
        part = merged[name]
        indices = part.array("sample/source_index")[part.array("sample/source") == 1].tolist()
        assert indices == large[name].rows.tolist()


def test_views_are_given_where_nothing_is_written(shown: Path) -> None:
    """Without a folder the parts are views, and parts agree with the split of each scenario."""
    split = split_dataset(shown, fractions=HALVES)
    for name, part in split.parts.items():
        assert {split_of(world, HALVES) for world in _worlds(part)} == {name}


def test_an_empty_part_is_told(tmp_path: Path) -> None:
    """A part that no world falls into is not made, and a note says so."""
    make_dataset(tmp_path / "data", 4)
    split = split_dataset(tmp_path / "data", fractions=HALVES, out=tmp_path / "parts")

    assert len(split.parts) == 1
    assert len(split.notes) == 1
    assert "has no row" in split.notes[0]


def test_a_dataset_without_assets_is_split_by_scenario_only(tmp_path: Path) -> None:
    """What does not tell its assets cannot be divided by them."""
    make_dataset(tmp_path / "data", 8)
    with pytest.raises(DatasetFolderError, match=r"has no object/asset.*split by scenario"):
        split_dataset(tmp_path / "data", by="asset")


@pytest.mark.parametrize(
    "fractions, text",
    [({"train": 0.5}, "sum to 1"), ({"Train": 1.0}, "lower-case"), ({"a": 0.0, "b": 1.0}, "above 0"), ({}, "sum to 1")],
)
def test_fractions_that_cannot_be_are_refused(fractions: dict[str, float], text: str, tmp_path: Path) -> None:
    """Fractions are above 0, sum to 1 and have names of letters."""
    with pytest.raises(UsageError, match=text):
        split_dataset(tmp_path, fractions=fractions)


def test_views_can_be_divided(shown: Path, tmp_path: Path) -> None:
    """A view is divided as it is seen."""
    view = open_dataset(shown).where("weight < 20").columns(["sensor/head/rgb"])
    split = split_dataset(view, by="asset", fractions=HALVES)
    rows = np.sort(np.concatenate([*(part.rows for part in split.parts.values()), split.left_out]))

    assert rows.tolist() == view.rows.tolist()
    done = subset_dataset(split.parts["train"], out=tmp_path / "train")
    assert done["sample/source_index"].tolist() == split.parts["train"].rows.tolist()


def test_a_split_that_loses_every_row_is_refused(shown: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where every world shows assets of several parts nothing is made, and the way out is told."""
    monkeypatch.setattr("simloom.sim.derive.split._split_worlds", lambda source, *_: dict.fromkeys(range(1 << 10), ""))
    with pytest.raises(UsageError, match=r"no part would have a row.*Split by scenario"):
        split_dataset(shown, by="asset", fractions=HALVES, out=tmp_path / "parts")
    assert not (tmp_path / "parts").exists()


def test_a_dataset_is_not_written_into_itself(shown: Path) -> None:
    """The folder that is read, and any folder within it, is refused by one sentence."""
    before = sorted(path.name for path in shown.rglob("*"))
    with pytest.raises(UsageError, match="give another folder"):
        subset_dataset(shown, query="index < 3", out=shown)
    with pytest.raises(UsageError, match="give another folder"):
        split_dataset(shown, fractions=HALVES, out=shown / "parts")
    assert sorted(path.name for path in shown.rglob("*")) == before
