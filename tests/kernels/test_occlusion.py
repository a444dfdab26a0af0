"""Occlusion: the lines that are drawn from jumps on hide exactly what brute force hides."""

from __future__ import annotations

import numpy as np
import pytest

from naive import stereo as naive
from simloom.kernels.device import Kernel, scalar
from simloom.kernels.occlusion import hide_line
from simloom.kernels.philox import philox_uniforms


@scalar
def _hide(line, width, reach, work_in, seen_out, status_out):  # type: ignore[no-untyped-def]
    hide_line(line, line, width, reach, 0, work_in, seen_out, status_out)


HIDE = Kernel(_hide)


def _uniform(name: str, *shape: int) -> np.ndarray:
    count = int(np.prod(shape))
    return philox_uniforms(5, name, np.stack([np.arange(count)] * 3, axis=1)).reshape(shape)


def _lines(kind: str) -> np.ndarray:
    """Disparities of 150 lines of 90 pixels."""
    x = np.arange(90)
    u = _uniform(kind, 150, 90)
    if kind == "noise":
        return 1.0 + 40.0 * u
    if kind == "steps":
        return 2.0 + 30.0 * np.repeat(u[:, ::9], 9, axis=1)[:, :90]
    if kind == "posts":
        return np.where(u > 0.93, 3.0 + 40.0 * u * u[:, ::-1], 3.0)
    if kind == "slopes":
        return np.abs(5.0 + np.cumsum(2.4 * (np.repeat(u[:, ::10], 10, axis=1)[:, :90] - 0.45), axis=1)) + 0.1
    if kind == "holes":
        return np.where(u[:, ::-1] > 0.8, 0.0, 2.0 + 20.0 * np.repeat(u[:, ::6], 6, axis=1)[:, :90])
    return np.maximum(0.05 * x + 3.0 * np.sin(x / (3 + 6 * u[:, :1])) + 4.0, 0.0)  # waves


@pytest.mark.parametrize("reach", [0.01, 0.4, 1.0, 3.0])
@pytest.mark.parametrize("kind", ["noise", "steps", "posts", "slopes", "holes", "waves"])
def test_hides_what_brute_force_hides(kind: str, reach: float) -> None:
    """Posts, steps, holes, steep and wavy surfaces: each pixel's occlusion is that of trying every surface."""
    with np.errstate(divide="ignore"):
        depth = 1.0 / _lines(kind)
    disparity = 1.0 / depth
    seen, status = np.zeros(disparity.shape, np.float32), np.zeros(disparity.shape, np.uint8)

    HIDE.launch(len(disparity), disparity.shape[1], reach, disparity, seen, status)

    expected = np.stack([naive.occluded(line, 1.0, reach) for line in depth])
    assert np.array_equal(status == 4, expected)
    if kind not in ("waves",) or reach < 1.0:
        assert expected.any()
