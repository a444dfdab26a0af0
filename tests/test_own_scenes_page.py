"""A stranger who copies the files of docs/own_scenes.md into an empty folder and runs its command gets rows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from simloom.sim import open_dataset
from simloom.sim.cli import app

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "own_scenes.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w.]+)`:\n\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def test_the_example_is_that_of_the_page() -> None:
    """The folder in examples holds the page's files, letter for letter, and the scene is short."""
    folder = ROOT / "examples" / "own_scene"

    assert set(FILES) == {path.name for path in folder.iterdir() if path.is_file()}
    assert all((folder / name).read_text(encoding="utf-8") == text for name, text in FILES.items())
    assert len(FILES["pallet.py"].splitlines()) <= 45


def test_the_page_alone_makes_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The command makes rows with the robot's camera and inertial unit, as the camera info says, without warnings."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [path for path in __import__("sys").path if path not in ("", str(tmp_path))])
    (command,) = re.findall(r"```bash\nsimloom (.*?)\n```", PAGE)
    done = CliRunner().invoke(app, [*shlex.split(command), "--workers", "1", "--seed", "3"])

    assert done.exit_code == 0, done.output
    assert not any("Warning" in text for text in (*capfd.readouterr(), done.stderr))
    told = yaml.safe_load(FILES["head_camera.yaml"])
    with open_dataset("data/pallet") as dataset:
        assert len(dataset) == 4
        for row in dataset:
            assert row["sensor/head/rgb"].shape == (240, 320, 3)
            np.testing.assert_array_equal(row["camera/head/intrinsics"].reshape(-1), told["camera_matrix"]["data"])
            assert row["sensor/imu/specific_force"].size > 100
            turn = row["state/joint_position"][0]
            assert abs(turn - row["param/mast.turn"]) < 0.05
            seen = row["label/head/visible_pixels"][1:] > 0
            assert seen.any()
            assert not seen[row["object/valid"][1:] == 0].any()
