"""The picture of recorded motion can be made, and shows what its captions say."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch):
    """The program that draws it."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "gallery"))
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "sensors"))
    return importlib.import_module("show_motion")


def test_the_wheels_tell_the_speed_and_overstate_the_turn(example) -> None:
    """The base goes as fast as the wheels' rims, and turns by less; each picture shows another yard."""
    stages, pictures = example.stage_drives(width=64, window=2.0)

    assert len({picture.tobytes() for picture in pictures}) == 3
    for stage in stages:
        ahead, turn, told, told_turn = example.odometry(stage)
        assert np.abs(ahead - told).mean() < 0.08
        assert np.abs(turn).mean() < np.abs(told_turn).mean()


def test_weight_and_inertia_are_all_that_a_free_hand_feels(example) -> None:
    """What is left of the force after compensation is below 0.1 N of 10 N."""
    force, left = example.compensate(example.stage_arm())

    assert np.abs(force).max() > 5.0
    assert np.abs(left[2:-2]).max() < 0.1
