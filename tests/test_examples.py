"""The example programs run and print what they promise."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def test_read_dataset(demo_dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The points of the best seen object lie in its box, give or take the depth camera's noise."""
    runpy.run_path(str(EXAMPLES / "read_dataset.py"))["main"](str(demo_dataset))

    assert "true box" in capsys.readouterr().out


def test_own_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recipe written as a mapping generates rows."""
    runpy.run_path(str(EXAMPLES / "own_recipe.py"))["main"](str(tmp_path / "data"), samples=2)

    assert capsys.readouterr().out.startswith("2 rows")


def test_sense_own_images(capsys: pytest.CaptureFixture[str]) -> None:
    """The sensor models run without a scene."""
    runpy.run_path(str(EXAMPLES / "sense_own_images.py"))["main"]()

    assert "noise" in capsys.readouterr().out


def test_cloth(tmp_path: Path) -> None:
    """The cloth falls on the box and hangs over its edges; its frames are a picture."""
    import cv2

    lowest = runpy.run_path(str(EXAMPLES / "cloth.py"))["main"](tmp_path / "cloth.png")

    assert lowest[0] > 0.69
    assert 0.0 <= lowest[-1] < 0.38
    assert cv2.imread(str(tmp_path / "cloth.png")).shape == (200, 960, 3)


def test_stream_training(capsys: pytest.CaptureFixture[str]) -> None:
    """A network trains on rows that are made meanwhile."""
    program = runpy.run_path(str(EXAMPLES / "stream_training.py"))
    losses = program["main"](2, 4, workers=0, batch=2)

    assert len(losses) == 2
    assert all(loss > 0 for loss in losses)
    assert capsys.readouterr().out.startswith("2 steps, loss")
