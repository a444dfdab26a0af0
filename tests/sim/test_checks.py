"""Checks: a verdict per row from known rows."""

import numpy as np
import pytest

from simloom.sim.quality.checks import judge_rows, least_visible_fraction, needed_outputs
from simloom.sim.recipe import Bounds, Checks


def _rows() -> dict[str, np.ndarray]:
    rgb = np.full((3, 10, 10, 3), 100, np.uint8)
    rgb[1, :2, :, 0] = 255
    return {
        "sample/valid": np.array([1, 1, 0], np.uint8),
        "sensor/head/rgb": rgb,
        "state/contact_distance": np.array([[-0.001, 0.0], [-0.003, 0.0], [0.0, 0.0]]),
        "object/valid": np.array([[1, 1, 0]] * 3, np.uint8),
        "label/a/visible_pixels": np.array([[5, 0, 0], [10, 8, 0], [0, 0, 0]], np.int32),
        "label/a/total_pixels": np.array([[10, 10, 0], [10, 10, 0], [0, 0, 0]], np.int32),
        "label/b/visible_pixels": np.array([[0, 2, 9], [0, 0, 0], [0, 0, 0]], np.int32),
        "label/a/in_frame_pixels": np.array([[10, 9, 0], [10, 10, 0], [0, 0, 0]], np.int32),
        "label/b/in_frame_pixels": np.array([[0, 10, 9], [0, 0, 0], [0, 0, 0]], np.int32),
        "label/b/total_pixels": np.array([[7, 10, 9], [0, 0, 0], [0, 0, 0]], np.int32),
    }


def test_the_best_camera_counts_and_the_least_visible_object_decides() -> None:
    """An object seen well by one camera is seen; empty slots and objects out of frame do not count."""
    fraction = least_visible_fraction(_rows())

    assert fraction is not None
    assert fraction.tolist() == [0.2, 0.8, 1.0]


@pytest.mark.parametrize(
    "checks, verdicts",
    [
        (Checks(clipped_fraction=Bounds(), penetration=Bounds()), [0, 0, 1]),
        (Checks(clipped_fraction=Bounds(max=0.05), penetration=Bounds()), [0, 1, 1]),
        (Checks(clipped_fraction=Bounds(max=0.2), penetration=Bounds()), [0, 0, 1]),
        (Checks(clipped_fraction=Bounds(), penetration=Bounds(max=0.002)), [0, 1, 1]),
        (Checks(clipped_fraction=Bounds(), penetration=Bounds(), visible_fraction=Bounds(min=0.5)), [1, 0, 1]),
        (Checks(clipped_fraction=Bounds(), penetration=Bounds(), visible_objects=Bounds(max=1)), [1, 1, 1]),
        (Checks(clipped_fraction=Bounds(), penetration=Bounds(), settled=False), [0, 0, 0]),
    ],
)
def test_verdicts_follow_the_bounds(checks: Checks, verdicts: list[int]) -> None:
    """Each bound rejects the rows outside of it and no other."""
    assert judge_rows(_rows(), checks).tolist() == verdicts


def test_checks_say_which_outputs_they_need() -> None:
    """What is not bounded need not be captured."""
    assert set(needed_outputs(Checks())) == {"rgb", "contacts"}
    assert set(needed_outputs(Checks(visible_fraction=Bounds(min=0.1)))) == {"rgb", "contacts", "visibility", "poses"}
