"""Differences between devices: counted per output, rounding told from flips, and refused where there is no comparing."""

from __future__ import annotations

import numpy as np
import pytest

from simloom.sim.device_comparison import compare_devices, format_differences


def test_differences_are_counted_beside_their_bounds() -> None:
    """A grey level is rounding and an id is a flip; truth must be equal, and NaN equals NaN."""
    ids = np.zeros((1, 10, 20), np.uint16)
    flipped = ids.copy()
    flipped[0, 0, :2] = 3
    first = {
        "label/head/instance": ids,
        "sensor/head/rgb": np.full((1, 10, 20, 3), 9, np.uint8),
        "ideal/head/depth": np.full((1, 10, 20), 2.0, np.float32),
        "sensor/head/depth": np.full((1, 10, 20), np.nan, np.float32),
        "sample/index": np.array([4]),
    }
    second = first | {
        "label/head/instance": flipped,
        "sensor/head/rgb": np.full((1, 10, 20, 3), 10, np.uint8),
        "ideal/head/depth": np.full((1, 10, 20), 2.1, np.float32),
        "sample/index": np.array([5]),
    }
    found = {one.name: one for one in compare_devices(first, second)}

    assert [(one.kind, one.changed, one.beyond, one.within) for one in found.values()] == [
        ("coverage", 2, 2, True),
        ("colour", 600, 0, True),
        ("depth", 200, 200, False),
        ("reading", 0, 0, True),
        ("other", 1, 1, False),
    ]
    assert found["ideal/head/depth"].largest == pytest.approx(0.1, rel=1e-5)
    table = format_differences(tuple(found.values())).splitlines()
    assert table[2] == "| label/head/instance | coverage | 200 | 2 | 2 (1.000%) | 3 | 1% | within |"
    assert table[4].endswith("| **beyond** |")


def test_other_arrays_are_refused() -> None:
    """The message names them."""
    with pytest.raises(ValueError, match="b"):
        compare_devices({"a": np.zeros(1)}, {"a": np.zeros(1), "b": np.zeros(1)})
    with pytest.raises(ValueError, match="a is float64"):
        compare_devices({"a": np.zeros(1)}, {"a": np.zeros(2)})
