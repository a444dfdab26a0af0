"""A camera info file as the camera of a recipe: what it tells is what the rows were taken with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

import simloom
from simloom.kernels.lens import project_directions
from simloom.kernels.transforms import invert_pose, transform_points
from simloom.scenes.sensors import Intrinsics, Rig, SensorMount
from simloom.sim.campaign.plan import make_plan
from simloom.sim.errors import RecipeError
from simloom.sim.recipe import load_recipe

FILE = """\
image_width: 96
image_height: 72
camera_name: gripper
camera_matrix:
  rows: 3
  cols: 3
  data: [81.5, 0.0, 46.25, 0.0, 80.75, 36.5, 0.0, 0.0, 1.0]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.12, 0.03, 0.001, -0.0015, 0.002]
"""


def write(folder: Path, text: str = FILE) -> str:
    """Write a camera info file."""
    path = folder / "head.yaml"
    path.write_text(text)
    return str(path)


def recipe(camera_info: str, **more: Any) -> dict[str, Any]:
    """A recipe with that camera."""
    return {
        "scene": "tabletop",
        "seed": 5,
        "parameters": {"object_count": 4, "object.kind": "box"},
        "rig": {"head": {"camera": "generic_rgb", "camera_info": camera_info, **more}},
        "outputs": ["instance", "boxes", "poses"],
    }


def test_labels_agree_with_opencv(tmp_path: Path) -> None:
    """Through a row's own K, pose and lens, boxes project where cv2.projectPoints puts them with the file's numbers."""
    path = write(tmp_path)
    dataset = simloom.generate(recipe(path), samples=3, out=tmp_path / "data", workers=0)
    told = yaml.safe_load(FILE)
    matrix = np.array(told["camera_matrix"]["data"]).reshape(3, 3)
    distortion = np.array(told["distortion_coefficients"]["data"])
    mount = Rig.from_json(dataset.tables["cameras"]).mounts[0]
    assert mount.lens is not None

    seen = 0
    for row in dataset:
        assert row["label/head/instance"].shape == (72, 96)
        np.testing.assert_array_equal(row["camera/head/intrinsics"], matrix)
        camera_world = invert_pose(row["camera/head/pose_world_camera"])
        for slot in np.flatnonzero(row["object/valid"])[1:]:
            corners = transform_points(camera_world, row["object/box_corners"][slot])
            wanted, _ = cv2.projectPoints(corners, np.zeros(3), np.zeros(3), matrix, distortion)
            x, y = project_directions(corners, mount.lens).T
            k = row["camera/head/intrinsics"]
            found = np.stack([k[0, 0] * x + k[0, 2], k[1, 1] * y + k[1, 2]], axis=1)
            np.testing.assert_allclose(found, wanted[:, 0], rtol=0, atol=1e-6)
            # The 2D label is what the renderer made of it: pixels whose centres lie within the corners' bounds.
            box = row["label/head/box_amodal"][slot]
            if box.any():
                low, high = box[:2] - wanted[:, 0].min(axis=0), wanted[:, 0].max(axis=0) - (box[2:] - 1.0)
                assert min(*low, *high) > -0.1
                assert max(*low, *high) < 2.0
                seen += 1
    assert seen >= 6


def test_the_resolved_recipe_needs_no_file(tmp_path: Path) -> None:
    """What the file told stands in the recipe that a dataset keeps, and means the same when the file is gone."""
    path = write(tmp_path)
    plan = make_plan(load_recipe(recipe(path)))
    plan.scene.close()
    Path(path).unlink()
    kept = tmp_path / "recipe.yaml"
    kept.write_text(plan.resolved_yaml)
    again = make_plan(load_recipe(kept))
    again.scene.close()

    assert again.scene.rig == plan.scene.rig
    assert again.resolved_yaml == plan.resolved_yaml
    assert again.scene.rig.mounts[0].intrinsics == Intrinsics(81.5, 80.75, 46.25, 36.5)


def test_a_built_in_recipe_takes_a_file(tmp_path: Path) -> None:
    """Sizes that the recipe gives are taken back by null."""
    changes = [
        f"rig.head.camera_info={write(tmp_path)}",
        *(f"rig.head.{key}=null" for key in ("width", "height", "depth")),
    ]
    sensor = load_recipe("tabletop", overrides=changes).rig["head"]

    assert (sensor.settings()["width"], sensor.settings()["height"]) == (96, 72)
    with pytest.raises(RecipeError, match="width: null takes back"):
        load_recipe("tabletop", overrides=changes[:1])


def test_a_pinhole_has_no_lens_and_may_measure_depth(tmp_path: Path) -> None:
    """Without distortion the file makes a pinhole, which a depth sensor takes."""
    path = write(tmp_path, FILE.replace("[-0.12, 0.03, 0.001, -0.0015, 0.002]", "[0.0, 0.0, 0.0, 0.0, 0.0]"))
    sensor = load_recipe(recipe(path, depth="realsense_d435")).rig["head"]
    mount = SensorMount.from_json("head", sensor.settings())

    assert (mount.width, mount.height, mount.lens) == (96, 72, None)
    camera = mount.make_camera(np.eye(4))
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (81.5, 80.75, 46.25, 36.5)


@pytest.mark.parametrize(
    "text, more, words",
    [
        (FILE.replace("plumb_bob", "plum_bob"), {}, "head.yaml, line 8: distortion_model: given 'plum_bob'"),
        (FILE.replace("81.5, 0.0", "81.5, 0.2"), {}, "head.yaml, line 4: camera_matrix: a skewed or scaled matrix"),
        (
            FILE.replace("81.5", "-81.5"),
            {},
            "head.yaml, line 4: camera_matrix: data must be nine numbers, fx and fy above 0",
        ),
        (FILE.replace("image_width: 96", "image_width: wide"), {}, "image_width: given 'wide'"),
        (None, {}, "head.yaml: No such file"),
        (FILE, {"width": 640}, "camera_info tells width"),
        (FILE, {"field_of_view": 1.0}, "camera_info tells field_of_view"),
        (FILE, {"lens": {"model": "brown_conrady"}}, "camera_info tells lens"),
    ],
)
def test_mistakes_are_answered_with_both_lines(
    tmp_path: Path, text: str | None, more: dict[str, Any], words: str
) -> None:
    """The message has the line of the recipe and, where the file is wrong, that of the file."""
    path = tmp_path / "head.yaml"
    if text is not None:
        write(tmp_path, text)
    given = tmp_path / "own.yaml"
    given.write_text(yaml.safe_dump(recipe(str(path), **more), sort_keys=False))
    with pytest.raises(RecipeError) as error:
        load_recipe(given)

    assert words in str(error.value)
    assert re.match(rf"{re.escape(str(given))}, line \d+: rig.head", str(error.value))


@pytest.mark.parametrize(
    "given, words",
    [
        ({"intrinsics": {"fx": 100, "fy": 100, "cx": 1, "cy": 1}, "field_of_view": 1.0}, "give one of them"),
        ({"intrinsics": {"fx": 0, "fy": 100, "cx": 1, "cy": 1}}, "fx and fy above 0"),
        ({"intrinsics": {"fx": 100, "fy": 100, "cx": 1}}, "cy"),
        ({"intrinsics": {"fx": 100, "fy": 100, "cx": 1, "cz": 1}}, "no setting 'cz'"),
    ],
)
def test_intrinsics_are_checked(given: dict[str, Any], words: str) -> None:
    """A camera matrix is four numbers that can be."""
    with pytest.raises(ValueError, match=words):
        SensorMount.from_json("head", {"camera": "generic_rgb", **given})
