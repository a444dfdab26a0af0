"""Built scenes: what their scene does not say is done for it."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from naive.asset_models import write_obj
from simloom.kernels.transforms import invert_pose
from simloom.scenes import BuiltScene, Surface, draw_scenario


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


class BlockScene(EmptyScene):
    """Two of the first asset of the folders: as declared, and as said here."""

    name = "blocks"

    def build(self, builder, values):
        """Put up ground and blocks."""
        builder.add_ground()
        (block,) = [asset for asset in self.assets.assets if asset.nominal is not None]
        builder.add_object("mug", block, 1.0, (1.0, 0.0, 0.031))
        builder.add_object("mug", block, 1.0, (1.0, 0.5, 0.031), mass=0.2, surface=Surface(friction=0.3))


@pytest.fixture
def folder(tmp_path):
    """A folder of one block that declares class, mass and surface, all in one split."""
    write_obj(tmp_path / "block.obj", trimesh.creation.box((0.06, 0.06, 0.06)))
    (tmp_path / "asset.yaml").write_text(
        "unit: m\nclass: mug\nmass: 0.4\nfriction: 0.9\nsplits: {train: 1, val: 0, test: 0}\n"
    )
    return str(tmp_path)


def test_objects_are_what_their_assets_declare(folder):
    """Class, mass and friction are the declared ones where the scene gives none, and the given ones where it does."""
    scene = BlockScene(object_folders=[folder])
    stage = scene.stage(draw_scenario(scene.space, seed=0, index=0))
    names, found = scene.class_names, stage.snapshots[0].class_id[stage.snapshots[0].instance > 1]
    scene.close()

    assert stage.valid, stage.message
    assert stage.object["mass"][1:3].tolist() == [0.4, 0.2]
    assert stage.object["friction"][1:3].tolist() == [0.9, 0.3]
    assert {names[row] for row in (*stage.object["class"][1:3], *found)} == {"mug"}


def test_assets_are_those_of_a_split(folder):
    """A scene of one's own takes one split alone, and says where it is empty."""
    scene = EmptyScene(object_folders=[folder], asset_split="train")
    scene.close()

    assert len(scene.asset_table) == 1
    with pytest.raises(ValueError, match="none of the 1 assets is in 'val'"):
        EmptyScene(object_folders=[folder], asset_split="val")
