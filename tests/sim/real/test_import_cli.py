"""The commands of simloom import."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("pycocotools")

from naive.coco_photos import write_coco
from simloom.sim.cli import app

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def _run(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.output


def test_photographs_are_imported(tmp_path: Path) -> None:
    """The command tells rows, digest and what was left out, and the dataset is sound."""
    path, images = write_coco(tmp_path / "coco", [(60, 40), (40, 60)])
    (images / "more" / "0001.png").unlink()
    words = ("import", "coco", path, images, "--size", "48x48", "-o", tmp_path / "out")
    told = json.loads(_run(*words, "--intrinsics", "50,50,29.5,19.5", "--json"))

    assert told["rows"] == 1
    assert told["skipped"]["image file is missing"] == 1
    assert "left out: 1 x image file is missing" in _run(*words, "--intrinsics", "50,50,29.5,19.5")
    assert "complete, 1 rows" in _run("verify", tmp_path / "out")
    assert "complete, 1 rows" in _run("inspect", tmp_path / "out")
    assert "imported from coco" in _run("verify", tmp_path / "out", "--regenerate", 1, code=2)


def test_mistakes_are_answered(tmp_path: Path) -> None:
    """Exit code 2 and one sentence."""
    path, images = write_coco(tmp_path / "coco", [(60, 40)])
    out = tmp_path / "out"
    assert "WIDTHxHEIGHT" in _run("import", "coco", path, images, "--size", "48", "-o", out, code=2)
    words = ("import", "coco", path, images, "--size", "48x48", "-o", out)
    assert "fx,fy,cx,cy" in _run(*words, "--intrinsics", "a", code=2)
    assert "is no folder" in _run("import", "bop", tmp_path / "none", "-o", out, code=2)
    assert "is not there" in _run("import", "robomimic", tmp_path / "none", "-o", out, code=2)
