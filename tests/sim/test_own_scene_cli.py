"""What the command line answers to mistakes in a scene of one's own, and to faults that are not the user's."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from simloom.scenes.workers import WorkerError, WorkerPool
from simloom.sim.cli import app

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "own_scene"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example's files in an empty folder, the module under a name of its own."""
    for path in FOLDER.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_text(path.read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


def _generate(name: str, folder: Path, *more: str) -> Any:
    text = (folder / "pallet.yaml").read_text().replace("pallet:PalletScene", f"{name}:PalletScene")
    (folder / "wrong.yaml").write_text(text)
    return CliRunner().invoke(app, ["generate", "wrong.yaml", "-n", "1", "-o", "data", "--allow-code", *more])


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_mistake_in_the_scene_is_one_sentence(folder: Path, workers: str) -> None:
    """The author's line, the nearest name, exit code 2; no traceback and no fault of simloom, in whatever process."""
    name = f"mistaken_{workers}"
    text = (folder / "pallet.py").read_text().replace('"box.mass"][k]', '"box.mas"][k]')
    (folder / f"{name}.py").write_text(text)
    line = next(k for k, line in enumerate(text.splitlines(), 1) if '"box.mas"]' in line)

    done = _generate(name, folder, "--workers", workers)

    assert done.exit_code == 2
    assert [line for line in done.stderr.splitlines() if line] == [
        f"error: your scene, {name}.py line {line}, in build: there is no parameter 'box.mas'; did you mean 'box.mass'?"
    ]


def test_a_fault_in_a_worker_is_shown_as_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's traceback comes as it is, one sentence below it says what to do."""

    def fail(self: WorkerPool, *, in_order: bool = True) -> Any:
        raise WorkerError("scenario 0: KeyError: 'inside'", "Traceback:\n  inside")

    monkeypatch.setattr(WorkerPool, "results", fail)
    done = _generate("pallet", folder, "--workers", "1")

    assert done.exit_code == 42
    assert re.search(r"^Traceback:\n  inside\nerror: physics failed: .*; this is a fault of simloom", done.stderr, re.M)


def test_why_scenarios_failed_is_shown(folder: Path) -> None:
    """The summary counts a joint beyond its limit and says which."""
    text = (folder / "pallet.py").read_text().replace('{"tilt": 0.75}', '{"tilt": 1.75}')
    (folder / "steep.py").write_text(text)

    done = _generate("steep", folder, "--workers", "0")

    assert done.exit_code == 0, done.output
    shown = " ".join(re.sub("[^\\x20-\\x7e]", " ", done.stdout).split())
    assert "tombstones 1: 1 joint limit" in shown
    assert "joint 'tilt' cannot stand at 1.75 rad: its limits are [-0.5, 1.2]" in shown
