"""Merging and cutting down datasets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from naive.dataset_rows import RECIPE, TABLES, make_dataset, make_row
from simloom.sim.dataset.errors import DatasetCorruptError, DatasetFolderError, RecipeMismatchError
from simloom.sim.dataset.lineage import own_scenario
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.dataset.verify import verify_dataset
from simloom.sim.derive import merge_datasets, subset_dataset
from simloom.sim.errors import RecipeError, UsageError
from simloom.sim.recipe import load_recipe

OTHER = RECIPE.replace("seed: 7", "seed: 8")
RENUMBERED = {"0": "background", "1": "box", "2": "cup"}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two datasets of twenty and twelve rows, of two recipes."""
    folder = tmp_path_factory.mktemp("pair")
    make_dataset(folder / "one", 20)
    make_dataset(folder / "two", 12, recipe=OTHER)
    return folder / "one", folder / "two"


def _everything(folder: Path) -> Any:
    return open_dataset(folder, skip_rejected=False)


def test_merged_rows_are_the_sources_rows(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """Every array of every row is copied; index, scenario and lineage are new; the dataset is sound."""
    merge_datasets(pair, out=tmp_path / "both", rows_per_shard=9)

    dataset = _everything(tmp_path / "both")
    assert len(dataset) == 32
    for row in (0, 8, 19, 20, 31):
        source, index = (0, row) if row < 20 else (1, row - 20)
        found, wanted = dataset.row(row), make_row(index)
        assert found["sample/index"] == row
        assert (found["sample/source"], found["sample/source_index"]) == (source, index)
        assert found["sample/scenario"] == (source << 40) + index // 4
        for name in wanted:
            if name not in ("sample/index", "sample/scenario"):
                assert np.array_equal(found[name], wanted[name]), name
    report = verify_dataset(tmp_path / "both")
    assert report.ok, report.lines()
    assert report.checked_rows == 32


def test_rows_keep_their_split(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """A row's split is what it was in its own dataset, also after a second merge in another order."""
    merge_datasets(pair, out=tmp_path / "both")
    subset_dataset(tmp_path / "both", query="source == 1", out=tmp_path / "late")
    subset_dataset(tmp_path / "both", query="source == 0", out=tmp_path / "early")
    merge_datasets([tmp_path / "late", tmp_path / "early"], out=tmp_path / "again")

    before = [_everything(folder).table().column("split").to_pylist() for folder in pair]
    assert _everything(tmp_path / "both").table().column("split").to_pylist() == [*before[0], *before[1]]
    assert _everything(tmp_path / "again").table().column("split").to_pylist() == [*before[1], *before[0]]


def test_lineage_leads_to_the_first_dataset(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """Derived from derived, a row still tells the dataset that it was generated in, and its number there."""
    merge_datasets(pair, out=tmp_path / "both")
    subset_dataset(tmp_path / "both", rows=[31, 3, 20], out=tmp_path / "few")

    dataset = _everything(tmp_path / "few")
    names = [dataset.tables["sources"][str(number)]["facts"]["seed"] for number in dataset["sample/source"]]
    assert names == [8, 7, 8]
    assert dataset["sample/source_index"].tolist() == [11, 3, 0]
    assert own_scenario(dataset["sample/scenario"]).tolist() == [2, 0, 0]
    assert dataset.tables["sources"]["0"]["recipe"] == RECIPE


def test_a_killed_merge_is_finished_to_the_same_digest(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """Killed in the middle of a shard, the same call makes what is missing and the digest of one made at once."""
    whole = merge_datasets(pair, out=tmp_path / "whole", rows_per_shard=8).root_digest
    code = (
        "import os, sys; os.environ['SIMLOOM_CRASH_AT'] = sys.argv[4]\n"
        "from simloom.sim.derive import merge_datasets\n"
        "merge_datasets(sys.argv[1:3], out=sys.argv[3], rows_per_shard=8)"
    )
    for point in ("after-shard-half:000002.h5", "after-record-write:000001.json", "after-manifest-open"):
        out = tmp_path / point.replace(":", "-")
        done = subprocess.run([sys.executable, "-c", code, *map(str, pair), str(out), point], check=False)
        assert done.returncode == -9
        assert merge_datasets(pair, out=out).root_digest == whole
        assert verify_dataset(out).ok


def test_a_view_is_copied_as_it_is_seen(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """Rows and arrays of a view are kept, and addresses always; nothing else is."""
    view = open_dataset(pair[0]).where("weight > 2").columns(["sensor/head/depth"])
    done = subset_dataset(view, out=tmp_path / "view")

    assert done["sample/source_index"].tolist() == view.rows.tolist()
    assert [name for name in done.names if not name.startswith("sample/")] == ["sensor/head/depth"]
    assert np.array_equal(done["sensor/head/depth"], view["sensor/head/depth"])


def test_rejected_rows_are_kept_or_dropped(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """By default rejected rows and tombstones come along with their verdicts; a flag leaves them out."""
    kept = subset_dataset(pair[0], out=tmp_path / "kept")
    dropped = subset_dataset(pair[0], out=tmp_path / "dropped", rejected="drop")

    assert kept.rows_wanted == 20
    assert dropped.rows_wanted == len(kept) == len(open_dataset(pair[0])) == 17


def test_the_recipe_tells_the_sources_and_no_folder(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """recipe.yaml names digests and the operation; no path of this machine is anywhere in the small files."""
    done = subset_dataset(pair[0], query="weight > 2", out=tmp_path / "part")
    recipe = yaml.safe_load((done.folder / "recipe.yaml").read_text())

    assert recipe["derived"]["operation"] == "subset"
    assert recipe["derived"]["query"] == "weight > 2"
    assert recipe["derived"]["sources"][0]["root_digest"] == open_dataset(pair[0]).root_digest
    for name in ("recipe.yaml", "description.json", "manifest.json"):
        assert str(tmp_path.parent) not in (done.folder / name).read_text()


def test_a_recipe_with_a_folder_of_this_machine_is_not_copied(tmp_path: Path) -> None:
    """The text of a source's recipe is left out where it names a folder; its digest stays."""
    make_dataset(tmp_path / "own", 8, recipe=RECIPE + "object_folders: [/home/someone/mugs]\n")
    done = subset_dataset(tmp_path / "own", out=tmp_path / "part")

    assert done.tables["sources"]["0"]["recipe"] is None
    assert len(done.tables["sources"]["0"]["recipe_sha256"]) == 64


def test_rows_cannot_be_made_again(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """Who would make rows of a derived dataset again is sent to its sources."""
    done = subset_dataset(pair[0], out=tmp_path / "part")
    with pytest.raises(
        RecipeError, match=r"derived \(subset\) from 1 dataset: no scene makes its rows.*made again from"
    ):
        load_recipe(done.folder / "recipe.yaml")


def test_other_sources_are_another_dataset(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """A folder that holds one derived dataset is no place for another."""
    subset_dataset(pair[0], query="weight > 2", out=tmp_path / "part")
    with pytest.raises(RecipeMismatchError, match="query"):
        subset_dataset(pair[0], query="weight > 3", out=tmp_path / "part")


def test_classes_are_matched_by_name(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """Ids of the second table become those that the first gives the same names; new names get free ids."""

    def classes(folder: Path, table: dict[str, str], recipe: str, ids: list[int]) -> None:
        make_labelled(folder, {**TABLES, "classes": table}, recipe, {"object/class": np.array([ids], np.int32)})

    classes(tmp_path / "a", {"0": "background", "2": "box", "5": "can"}, RECIPE, [2, 5, 0])
    classes(tmp_path / "b", RENUMBERED, OTHER, [1, 2, 0])
    done = merge_datasets([tmp_path / "a", tmp_path / "b"], out=tmp_path / "both")

    assert done.classes == {"0": "background", "1": "cup", "2": "box", "5": "can"}
    ids = {name: int(number) for number, name in done.classes.items()}
    found = done["object/class"]
    assert found[0].tolist() == [ids["box"], ids["can"], 0]
    assert found[-1].tolist() == [ids["box"], ids["cup"], 0]


def make_labelled(folder: Path, tables: dict[str, Any], recipe: str, more: dict[str, Any], rows: int = 8) -> None:
    """Write a small dataset with more arrays, each given for one row."""
    from naive.dataset_rows import make_rows, open_writer

    writer = open_writer(folder, rows, tables=tables, recipe=recipe)
    for shard in writer.missing():
        arrays = make_rows(writer.shard_rows(shard))
        arrays |= {name: np.repeat(value, len(writer.shard_rows(shard)), axis=0) for name, value in more.items()}
        writer.commit_shard(shard, arrays)
    writer.finish()


def test_users_assets_are_matched_by_what_they_are(tmp_path: Path) -> None:
    """The same number for two assets becomes two numbers, one asset under two numbers becomes one."""
    mug = {"name": "mug", "content_sha256": "a" * 64}
    jar = {"name": "jar", "content_sha256": "b" * 64}
    for name, recipe, objects in (("a", RECIPE, {"8": mug, "9": jar}), ("b", OTHER, {"8": jar})):
        more = {"object/asset": np.array([[-1, 2, 8]], np.int32)}
        make_labelled(tmp_path / name, {**TABLES, "objects": objects}, recipe, more)
    done = merge_datasets([tmp_path / "a", tmp_path / "b"], out=tmp_path / "both")

    names = {int(number): entry["name"] for number, entry in done.tables["objects"].items()}
    assert sorted(names.values()) == ["jar", "mug"]
    assert done["object/asset"][:, :2].tolist() == [[-1, 2]] * len(done)
    assert [names[number] for number in done["object/asset"][:, 2].tolist()] == [
        "mug" if source == 0 else "jar" for source in done["sample/source"]
    ]


REFUSED: list[tuple[str, Callable[[Path, Path, Path], Any], str]] = [
    ("twice", lambda a, b, out: merge_datasets([a, b, a], out=out), "row 0 of .*one and row 0 of .*one are both row 0"),
    ("row twice", lambda a, b, out: subset_dataset(a, rows=[1, 1], out=out), "would be there twice"),
    ("no row", lambda a, b, out: subset_dataset(a, query="weight < 0", out=out), "no row of .* meets"),
    ("not there", lambda a, b, out: subset_dataset(a, rows=[99], out=out), "row 99 is not there"),
    ("both", lambda a, b, out: subset_dataset(a, rows=[1], query="weight > 0", out=out), "not both"),
    ("unknown array", lambda a, b, out: subset_dataset(a, arrays=["sensor/hed/rgb"], out=out), "did you mean"),
    ("bad rejected", lambda a, b, out: subset_dataset(a, rejected="no", out=out), "'keep' or 'drop'"),  # type: ignore[arg-type]
    ("none", lambda a, b, out: merge_datasets([], out=out), "between 1 and"),
]


@pytest.mark.parametrize("call, text", [pytest.param(call, text, id=name) for name, call, text in REFUSED])
def test_what_cannot_be_is_refused(
    pair: tuple[Path, Path], tmp_path: Path, call: Callable[[Path, Path, Path], Any], text: str
) -> None:
    """Every refusal says what was wrong, and leaves no folder behind."""
    with pytest.raises((DatasetFolderError, UsageError), match=text):
        call(*pair, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_different_arrays_are_refused_or_left_out(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """The message names the arrays and the way out, and the way out works."""
    part = subset_dataset(pair[1], arrays=["sensor/*", "object/*"], out=tmp_path / "part").folder
    with pytest.raises(DatasetFolderError, match=r"label/head/instance is .* absent in .*part.*--arrays common"):
        merge_datasets([pair[0], part], out=tmp_path / "both")
    done = merge_datasets([pair[0], part], arrays="common", out=tmp_path / "both")

    assert "sensor/head/rgb" in done.names
    assert not [name for name in done.names if name.startswith("label/")]


def test_a_parameter_of_another_meaning_is_refused(tmp_path: Path) -> None:
    """Choices in another order are other numbers: the parameter must be left out."""
    for name, recipe, options in (("a", RECIPE, ["x", "y"]), ("b", OTHER, ["y", "x"])):
        entry = {"unit": "1", "distribution": {"choice": {"options": options}}}
        make_dataset(tmp_path / name, 8, recipe=recipe, tables={**TABLES, "parameters": {"friction": entry}})
    both = [tmp_path / "a", tmp_path / "b"]
    with pytest.raises(DatasetFolderError, match="'friction' means different things: its options"):
        merge_datasets(both, out=tmp_path / "both")
    done = merge_datasets(both, arrays=["sensor/*", "param/position"], out=tmp_path / "both")
    assert list(done.tables["parameters"]) == []


def test_an_unfinished_source_is_refused(tmp_path: Path) -> None:
    """What may still grow is no source."""
    from naive.dataset_rows import make_rows, open_writer

    writer = open_writer(tmp_path / "one", 20)
    writer.commit_shard(0, make_rows(writer.shard_rows(0)))
    with pytest.raises(DatasetFolderError, match="incomplete, 1 of 3 shards: finish it first"):
        subset_dataset(tmp_path / "one", out=tmp_path / "part")


@pytest.mark.parametrize(
    "table, value",
    [
        ("classes", []), ("classes", {"x": "cup"}), ("classes", {"1": 5}), ("objects", {"1": {}}),
        ("objects", {"1": {"name": "a", "visual_sha256": [3]}}), ("parameters", {"friction": 3}), ("cameras", 7),
        ("splits", {"train": "all"}), ("sources", {"0": {}}), ("sources", {"1": {}}), ("sources", "text"),
    ],
)  # fmt: skip
def test_hostile_tables_are_refused(tmp_path: Path, table: str, value: Any) -> None:
    """A description from elsewhere that is not what it should be is one clear error."""
    import json

    make_dataset(tmp_path / "one", 8)
    path = tmp_path / "one" / "description.json"
    description = json.loads(path.read_text())
    path.write_text(json.dumps({**description, table: value}))
    with pytest.raises(DatasetCorruptError):
        subset_dataset(tmp_path / "one", out=tmp_path / "part")
    assert not (tmp_path / "part").exists()
