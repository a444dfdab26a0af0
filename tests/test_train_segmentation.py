"""The example that trains a network: it learns, and a crash changes nothing."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from naive.training_rows import make_shapes
from simloom.sim.dataset.dataset import Dataset

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "train_segmentation.py"
EPOCHS = 3


@pytest.fixture(scope="module")
def example() -> Iterator[Any]:
    """The example as a module, on one thread: as many in each process, so that sums are added up alike."""
    spec = importlib.util.spec_from_file_location("train_segmentation", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield made
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Dataset, Dataset]:
    """Simulated rows, others, and others that are held out."""
    folder = tmp_path_factory.mktemp("sets")
    other = make_shapes(folder / "other", 40, first=64)
    return make_shapes(folder / "simulated", 48), other.where("scenario < 5"), other.where("scenario >= 5")


def test_a_killed_training_goes_on_to_the_same_losses(
    example: Any, sets: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed in mid-epoch, some steps after a checkpoint, it resumes to the very losses of one that ran through."""
    simulated, other, held_out = sets
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    straight.mkdir()
    broken.mkdir()
    wanted = example.train(simulated, other, held_out, straight, epochs=EPOCHS, save_every=3)
    code = f"""
import importlib.util, sys, torch
from pathlib import Path
import simloom
torch.set_num_threads(1)
spec = importlib.util.spec_from_file_location("train_segmentation", {str(EXAMPLE)!r})
example = importlib.util.module_from_spec(spec)
spec.loader.exec_module(example)
other = simloom.open_dataset({str(other.folder)!r})
example.train(simloom.open_dataset({str(simulated.folder)!r}), other.where("scenario < 5"),
              other.where("scenario >= 5"), Path({str(broken)!r}), epochs={EPOCHS}, save_every=3, crash_at=8)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    kept = torch.load(broken / "checkpoint.pt", weights_only=True)
    assert len(kept["losses"]) == 6
    assert kept["loader"]["position"] == 1  # of five batches: killed in the middle of the second epoch
    resumed = example.train(simulated, other, held_out, broken, epochs=EPOCHS, save_every=3)
    assert resumed == wanted
    assert len(wanted) == EPOCHS * 5
    assert "other: 25.0% of the rows" in capsys.readouterr().out


def test_it_learns(example: Any, sets: Any, tmp_path: Path) -> None:
    """On easy pictures the loss falls to a third, and every class is found."""
    losses = example.train(*sets, tmp_path, epochs=12)
    assert losses[-1] < losses[0] / 3
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    network = example.Network()
    network.load_state_dict(state["network"])
    assert min(example.measure_iou(network, sets[2])) > 0.5


@pytest.mark.slow
def test_the_whole_program_resumes(tmp_path: Path) -> None:
    """Over generated data: trained, killed and resumed, the losses are the same, and intersection over union grows."""
    command = [sys.executable, str(EXAMPLE), "--samples", "192", "--epochs", "8"]

    def run(folder: str, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, "--out", str(tmp_path / folder), *more], capture_output=True, text=True)

    straight = run("straight")
    assert straight.returncode == 0, straight.stderr
    assert run("broken", "--crash-at", "57").returncode == -signal.SIGKILL
    resumed = run("broken")
    assert resumed.returncode == 0, resumed.stderr
    losses = [json.loads((tmp_path / folder / "losses.json").read_text()) for folder in ("straight", "broken")]
    assert losses[0] == losses[1]
    assert resumed.stdout.splitlines()[-4:] == straight.stdout.splitlines()[-4:]
    ious = [float(line.rpartition("object ")[2]) for line in straight.stdout.splitlines() if line.startswith("epoch")]
    assert ious[-1] > ious[0] + 0.1
