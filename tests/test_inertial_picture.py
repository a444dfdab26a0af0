"""The picture of inertial units can be made, and its recordings go on from piece to piece."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from simloom.kernels import apply_imu, list_profiles, load_profile

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch):
    """The program examples/sensors/show_allan.py."""
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "gallery"))
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "sensors"))
    return importlib.import_module("show_allan")


def test_pieces_make_one_recording(example, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording in pieces of 400 samples is that of one call."""
    monkeypatch.setattr(example, "PIECE", 400)
    profile = load_profile("xsens_mti")

    log = example.record_at_rest(profile, 1000, seed=6)

    still = np.zeros((1, 1000, 3))
    whole = apply_imu(still + np.array([0.0, 0.0, 9.81]), still, profile, rate=example.RATE, seed=6)
    assert np.array_equal(log["gyroscope"], whole.angular_rate[0])
    assert np.array_equal(log["accelerometer"], whole.specific_force[0])


def test_there_is_a_panel_for_every_unit(example) -> None:
    """The picture is wide enough for all units, and coloured points lie in each panel."""
    picture = example.draw_allan(hours=0.1)
    count = len(list_profiles("imu"))

    coloured = np.ptp(picture.astype(int), axis=2) > 60
    assert picture.shape[1] > 250 * count
    for panel in np.array_split(coloured[: picture.shape[0] // 2], count, axis=1):
        assert panel.sum() > 50
