"""Built scenes: what their scene does not say is done for it."""

from __future__ import annotations

import numpy as np
import pytest

from simloom.kernels.transforms import invert_pose
from simloom.scenes import BuiltScene, draw_scenario


class EmptyScene(BuiltScene):
    """Ground and robot."""

    name = "empty"
    classes = ("background", "ground", "robot")

    def parameters(self):
        """Nothing varies."""
        return []

    def build(self, builder, values):
        """Put up the ground."""
        builder.add_ground()


def test_cameras_err_as_calibration_says():
    """True and nominal cameras differ by the errors that the row's parameters hold."""
    scene = EmptyScene(randomize=["calibration"], overrides={"calibration.focal": 0.05})
    stage = scene.stage(draw_scenario(scene.space, seed=0, index=0))
    scene.close()
    true, nominal = stage.cameras["head"][0], stage.nominal_cameras["head"][0]
    error = invert_pose(nominal.pose_world_camera) @ true.pose_world_camera

    assert true.fx / nominal.fx == pytest.approx(1.05, abs=1e-12)
    np.testing.assert_allclose(error[:3, 3], stage.param["calibration.position"][0, 0], atol=1e-12)
    assert np.abs(error[:3, 3]).max() > 1e-5
