"""The commands merge, subset and split."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from naive.dataset_rows import RECIPE, make_dataset
from simloom.sim.cli import app
from simloom.sim.dataset.reader import open_dataset


def _run(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.output


def test_datasets_are_merged_cut_and_divided(tmp_path: Path) -> None:
    """The three commands do what the library calls do, and verify, inspect and a second run go on from there."""
    make_dataset(tmp_path / "a", 12)
    make_dataset(tmp_path / "b", 8, recipe=RECIPE.replace("seed: 7", "seed: 8"))

    told = json.loads(_run("merge", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "c", "--json"))
    assert told["datasets"][0]["rows"] == 20
    assert "20 rows, 17 accepted" in _run("merge", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "c")
    _run(
        "subset", tmp_path / "c", "--where", "source == 1", "--arrays", "sensor/*,label/head/instance",
        "--drop-rejected", "-o", tmp_path / "d",
    )  # fmt: skip
    few = open_dataset(tmp_path / "d")
    assert few["sample/source_index"].tolist() == [0, 1, 2, 3, 4, 5, 7]
    assert few.tables["sources"]["0"]["facts"]["seed"] == 8
    assert len(few.tables["sources"]) == 1
    split = json.loads(
        _run("split", tmp_path / "c", "-o", tmp_path / "e", "--fractions", "train=0.5,val=0.5", "--json")
    )
    assert sum(part["rows"] for part in split["datasets"]) == 20
    assert split["left_out"] == 0
    for name in ("c", "d"):
        assert "complete" in _run("verify", tmp_path / name)
    assert "complete, 20 rows" in _run("inspect", tmp_path / "c")


def test_mistakes_are_answered(tmp_path: Path) -> None:
    """Exit code 2 and one sentence, never a traceback."""
    make_dataset(tmp_path / "a", 8)
    assert "sum to 1" in _run("split", tmp_path / "a", "-o", tmp_path / "b", "--fractions", "train=0.5", code=2)
    assert "name=fraction" in _run("split", tmp_path / "a", "-o", tmp_path / "b", "--fractions", "half", code=2)
    assert "is no dataset" in _run("merge", tmp_path / "a", tmp_path / "z", "-o", tmp_path / "b", code=2)
    _run("subset", tmp_path / "a", "-o", tmp_path / "c")
    assert "was derived (subset)" in _run("verify", tmp_path / "c", "--regenerate", "1", code=2)
    assert "was derived (subset)" in _run("generate", tmp_path / "c" / "recipe.yaml", "-n", 4, "-o", "x", code=2)
