"""Capture: arrays of a known shape, truth from the stage, rows that do not depend on their batch."""

import numpy as np
import pytest

from simloom.scenes import draw_scenario, make_scene
from simloom.scenes.capture import OUTPUTS, Capturer, box_corners


@pytest.fixture(scope="module")
def capturer() -> Capturer:
    """Everything there is of two small cameras, one of them on the hand."""
    rig = {
        "head": {"camera": "generic_rgb", "depth": "realsense_d435", "width": 40, "height": 30},
        "wrist": {"depth": "realsense_d435", "width": 24, "height": 20, "mount": "panda/hand"},
    }
    scene = make_scene("tabletop", {"slots": 5, "rig": rig, "overrides": {"object_count": 3}})
    return Capturer(scene=scene, outputs=OUTPUTS, seed=3, views=2, looks=2)


def test_rows_do_not_depend_on_the_batch(capturer: Capturer) -> None:
    """Two stages at once give the bytes that each gives alone."""
    scenarios = [draw_scenario(capturer.scene.space, seed=3, index=i, views=2, looks=2) for i in (0, 4)]
    stages = [capturer.scene.stage(scenario) for scenario in scenarios]
    together = capturer.allocate(8)
    capturer.fill(stages, together, start=0)
    for position, stage in enumerate(stages):
        alone = capturer.allocate(4)
        capturer.fill([stage], alone, start=0)
        for name, array in alone.items():
            assert array.tobytes() == together[name][4 * position : 4 * position + 4].tobytes(), name

    assert together["sample/index"].tolist() == [0, 1, 2, 3, 16, 17, 18, 19]
    assert "sensor/wrist/rgb" not in together
    assert not np.isnan(together["ideal/head/colour"]).any()
    assert capturer.row_bytes == sum(array.nbytes for array in alone.values()) // 4


def test_box_corners_are_the_box_in_the_world() -> None:
    """A turned box has its corners where its axes say; empty slots give zeros."""
    pose = np.zeros((2, 4, 4))
    pose[0] = [[0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]]
    objects = {
        "pose_world_object": pose,
        "box_center": np.array([[0.5, 0, 0], [0, 0, 0]]),
        "extent": np.array([[1.0, 2.0, 4.0], [0, 0, 0]]),
    }
    corners = box_corners(objects)

    assert corners[0, 0].tolist() == [2.0, 2.0, 1.0]
    assert corners[0, 7].tolist() == [0.0, 3.0, 5.0]
    assert not corners[1].any()


def test_unknown_outputs_and_foreign_stages_are_refused(capturer: Capturer) -> None:
    """The message says what there is."""
    with pytest.raises(ValueError, match="there are rgb"):
        Capturer(scene=capturer.scene, outputs=("rbg",), seed=0, views=1, looks=1)
    stage = capturer.scene.stage(draw_scenario(capturer.scene.space, seed=3, index=0))
    with pytest.raises(ValueError, match="not 2 and 2"):
        capturer.fill([stage], capturer.allocate(4), start=0)
