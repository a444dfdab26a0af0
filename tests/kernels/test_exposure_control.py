"""Automatic exposure over time: the closed form, any rate, limits, rows alone."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from naive.twin import run_simulated
from simloom.kernels.exposure_control import ExposureControl, advance_exposure

CONTROL = ExposureControl(brighten_time=0.6, darken_time=0.15)


def _one(state: float, metered: float, dt: float, control: ExposureControl = CONTROL) -> float:
    return float(advance_exposure(np.array([state]), np.array([metered]), dt, control)[0])


@pytest.mark.parametrize("metered, time_constant", [(0.08, 0.6), (0.0005, 0.15)])
def test_stops_decay_exponentially(metered: float, time_constant: float) -> None:
    """The distance to the target in stops falls by exp(-t / T), with a constant for each direction."""
    for time in (0.0, 0.01, 0.3, 2.0):
        stops = math.log2(_one(0.01, metered, time) / metered)
        assert stops == pytest.approx(math.log2(0.01 / metered) * math.exp(-time / time_constant), abs=1e-12)


def test_the_rate_does_not_matter() -> None:
    """Hundred small steps are one large one."""
    for metered in (0.5, 1e-4):
        state = 0.01
        for _ in range(100):
            state = _one(state, metered, 0.004)
        assert state == pytest.approx(_one(0.01, metered, 0.4), rel=1e-12)


def test_a_still_scene_and_no_time_change_nothing() -> None:
    """At the target, or in no time, the state stays as it is to the bit."""
    assert _one(0.0123, 0.0123, 0.7) == 0.0123
    assert _one(0.0123, 4.0, 0.0) == 0.0123


def test_limits_hold() -> None:
    """The state stays within the limits, and a control without lag is there at once."""
    control = ExposureControl(exposure_time_min=1e-3, exposure_time_max=0.02)
    assert _one(0.01, 100.0, 1e3, control) == 0.02
    assert _one(0.01, 1e-9, 1e3, control) == pytest.approx(1e-3, rel=1e-15)
    assert _one(5.0, 5.0, 0.0, control) == 0.02
    assert _one(0.01, 0.003, 0.0, ExposureControl(brighten_time=0.0, darken_time=0.0)) == 0.003


def test_rows_are_alone() -> None:
    """Each row has its own control and step, and does not depend on the batch."""
    state, metered = np.geomspace(1e-4, 1e-1, 9), np.geomspace(1e-1, 1e-5, 9)
    steps = np.linspace(0.0, 0.5, 9)
    controls = [CONTROL, ExposureControl()] * 4 + [CONTROL]
    whole = advance_exposure(state, metered, steps, controls)
    for k in range(9):
        assert whole[k] == _one(state[k], metered[k], steps[k], controls[k])


def test_tensors_stay_tensors() -> None:
    """A torch state comes back as one."""
    found = advance_exposure(torch.tensor([0.01, 0.02]), torch.tensor([0.02, 0.02]), 0.1, CONTROL)

    assert isinstance(found, torch.Tensor)
    assert found.dtype == torch.float64


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's times within rounding."""
    state, metered = np.array([0.01, 0.02, 0.5]), np.array([0.1, 1e-3, 0.5])
    code = """
from simloom.kernels.exposure_control import ExposureControl, advance_exposure
out = {"time": advance_exposure(state, metered, 0.1, ExposureControl(), device="cuda")}
"""
    twin = run_simulated(code, tmp_path, state=state, metered=metered)

    assert np.allclose(twin["time"], advance_exposure(state, metered, 0.1, ExposureControl()), rtol=1e-14)


def test_bad_input_is_refused() -> None:
    """Each mistake gets an error that names it."""
    with pytest.raises(ValueError, match="brighten_time must be"):
        ExposureControl(brighten_time=-1.0)
    with pytest.raises(ValueError, match="exposure_time_max must be"):
        ExposureControl(exposure_time_min=0.1, exposure_time_max=0.01)
    one = np.array([0.01])
    for arguments, message in (
        ((one, np.array([0.0]), 0.1, CONTROL), "metered must be positive"),
        ((np.array([np.nan]), one, 0.1, CONTROL), "state must be positive"),
        ((one, one, -0.1, CONTROL), "dt must be"),
        ((one, one, [0.1, 0.2], CONTROL), "dt must be"),
        ((one, np.array([0.1, 0.1]), 0.1, CONTROL), "state and metered"),
        ((one, one, 0.1, "fast"), "control must be"),
    ):
        with pytest.raises(ValueError, match=message):
            advance_exposure(*arguments)
