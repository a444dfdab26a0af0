"""Import of BOP scenes, held to projections of the models' points."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from simloom.sim.dataset.errors import DatasetCorruptError, DatasetError
from simloom.sim.dataset.verify import verify_dataset
from simloom.sim.errors import UsageError
from simloom.sim.real.bop import import_bop

K = np.array([[150.0, 0, 63.2], [0, 148.0, 47.7], [0, 0, 1]])
CORNERS = np.array([[x, y, z] for x in (-40, 40) for y in (-25, 25) for z in (-15, 15)], np.float64)  # mm
WIDTH, HEIGHT = 128, 96


def _rotation(draw: np.random.Generator) -> np.ndarray:
    return np.asarray(cv2.Rodrigues(draw.normal(size=3))[0])


def _write_scene(folder: Path, seed: int, images: int, *, world: bool, scale: float = 0.1) -> None:
    """Draw boxes by cv2.projectPoints, far ones first; masks are the visible pixels."""
    draw = np.random.default_rng([9, seed])
    for name in ("rgb", "depth", "mask_visib"):
        (folder / name).mkdir(parents=True)
    cameras, poses, infos = {}, {}, {}
    for number in range(images):
        rgb = np.full((HEIGHT, WIDTH, 3), (60, 90, 120), np.uint8)
        depth = np.full((HEIGHT, WIDTH), round(1500 / scale), np.uint16)
        owner = np.full((HEIGHT, WIDTH), -1)
        entries = []
        for distance in (900.0, 600.0):
            turn = _rotation(draw)
            shift = np.array([draw.uniform(-150, 150), draw.uniform(-100, 100), distance])
            entries.append({"cam_R_m2c": turn.reshape(-1).tolist(), "cam_t_m2c": shift.tolist(),
                            "obj_id": int(draw.integers(1, 4))})  # fmt: skip
            points = cv2.projectPoints(CORNERS, turn, shift, K, None)[0].reshape(-1, 2)
            hull = cv2.convexHull(np.round(points).astype(np.int32))
            cv2.fillConvexPoly(rgb, hull, draw.integers(30, 250, 3).tolist())
            cv2.fillConvexPoly(depth, hull, round(distance / scale))
            painted = np.zeros((HEIGHT, WIDTH), np.uint8)
            cv2.fillConvexPoly(painted, hull, 1)
            owner[painted == 1] = len(entries) - 1
        told = []
        for place in range(len(entries)):
            seen = owner == place
            cv2.imwrite(str(folder / "mask_visib" / f"{number:06d}_{place:06d}.png"), seen.astype(np.uint8) * 255)
            told.append({"bbox_obj": [10, 12, 20, 30], "bbox_visib": [-1, -1, -1, -1], "px_count_all": 500,
                         "px_count_visib": int(seen.sum()), "visib_fract": 0.25 + place / 2})  # fmt: skip
        cv2.imwrite(str(folder / "rgb" / f"{number:06d}.png"), rgb)
        cv2.imwrite(str(folder / "depth" / f"{number:06d}.png"), depth)
        cameras[str(number)] = {"cam_K": K.reshape(-1).tolist(), "depth_scale": scale}
        if world:
            cameras[str(number)] |= {
                "cam_R_w2c": _rotation(draw).reshape(-1).tolist(),
                "cam_t_w2c": [5.0, -300.0, 900.0],
            }
        poses[str(number)], infos[str(number)] = entries, told
    for name, value in (("scene_camera", cameras), ("scene_gt", poses), ("scene_gt_info", infos)):
        (folder / f"{name}.json").write_text(json.dumps(value))


@pytest.fixture
def split(tmp_path: Path) -> Path:
    """Two scenes, three images and two, with poses of the cameras."""
    _write_scene(tmp_path / "lm" / "test" / "000002", 1, 3, world=True)
    _write_scene(tmp_path / "lm" / "test" / "000007", 2, 2, world=True)
    return tmp_path / "lm" / "test"


def _change(path: Path, change: Any) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (100, 100), (256, 160)])
def test_points_project_onto_their_masks(split: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    """Model points through pose_world_object, pose_world_camera and K fall on their instance or on one before it."""
    done = import_bop(split, out=tmp_path / "out", size=size, camera="cam").dataset
    draw = np.random.default_rng(3)
    seen_points = 0
    for row in done:
        to_camera = np.linalg.inv(row["camera/cam/pose_world_camera"])
        grown = np.stack(
            [cv2.dilate((row["label/cam/instance"] == k).astype(np.uint8), np.ones((5, 5))) for k in (1, 2)]
        )
        for slot in range(2):
            points = draw.uniform(CORNERS.min(0), CORNERS.max(0), (200, 3)) / 1000
            there = to_camera @ row["object/pose_world_object"][slot] @ np.c_[points, np.ones(200)].T
            uv = row["camera/cam/intrinsics"] @ there[:3]
            u, v = np.round(uv[:2] / uv[2]).astype(int)
            inside = (u >= 0) & (v >= 0) & (u < size[0]) & (v < size[1])
            assert np.allclose(there[2].mean(), (0.9, 0.6)[slot], atol=0.02)
            # The second box lies before the first, so its points are never hidden.
            allowed = grown[slot] | (grown[1] if slot == 0 else 0)
            assert allowed[v[inside], u[inside]].all()
            seen_points += int(grown[slot][v[inside], u[inside]].sum())
            mine = row["label/cam/instance"] == slot + 1
            if mine.any():
                assert np.allclose(row["sensor/cam/depth"][mine], (0.9, 0.6)[slot], atol=1e-4)
    assert seen_points > 1000


def test_an_import_is_an_ordinary_dataset(split: Path, tmp_path: Path) -> None:
    """It verifies, has a picture, and a scene is one world whose images are its views."""
    (split.parent / "models").mkdir()
    (split.parent / "models" / "obj_000001.ply").write_text("ply\n")
    done = import_bop(split, out=tmp_path / "out")
    dataset = done.dataset

    assert done.skipped == {}
    report = verify_dataset(dataset.folder)
    assert report.ok, report.lines()
    assert (dataset.folder / "contact_sheet.png").exists()
    assert dataset["sample/scenario"].tolist() == [2, 2, 2, 7, 7]
    assert dataset["sample/view"].tolist() == [0, 1, 2, 0, 1]
    assert dataset["sample/is_real"].tolist() == [1] * 5
    gt = json.loads((split / "000002" / "scene_gt.json").read_text())
    for row in range(3):
        found = dataset[row]
        assert found["object/asset"].tolist() == [item["obj_id"] for item in gt[str(row)]]
        names = [dataset.classes[str(k)] for k in found["object/class"]]
        assert names == [f"obj_{item['obj_id']:06d}" for item in gt[str(row)]]
        assert found["label/camera/box_amodal"][0].tolist() == [10, 12, 30, 42]
        assert np.allclose(found["label/camera/visible_fraction"], [0.25, 0.75])
        assert found["label/camera/total_pixels"].tolist() == [500, 500]
    assert {entry["name"] for entry in dataset.tables["objects"].values()} <= {f"lm/obj_{k:06d}" for k in (1, 2, 3)}
    assert str(tmp_path) not in (dataset.folder / "description.json").read_text()


def test_without_camera_poses_the_camera_is_the_world(tmp_path: Path) -> None:
    """Poses are then those in the camera's frame; one scene can be imported alone."""
    _write_scene(tmp_path / "000000", 4, 1, world=False)
    row = import_bop(tmp_path / "000000", out=tmp_path / "out", is_real=False).dataset[0]
    gt = json.loads((tmp_path / "000000" / "scene_gt.json").read_text())["0"][1]

    assert np.array_equal(row["camera/camera/pose_world_camera"], np.eye(4))
    assert np.allclose(row["object/pose_world_object"][1][:3, 3], np.array(gt["cam_t_m2c"]) / 1000)
    assert row["sample/is_real"] == 0


def test_what_cannot_be_used_is_counted(split: Path, tmp_path: Path) -> None:
    """Missing colour, depth and masks, damaged poses, objects of unknown images and beyond the slots."""
    scene = split / "000002"
    (scene / "rgb" / "000001.png").unlink()
    (scene / "depth" / "000000.png").unlink()
    (scene / "mask_visib" / "000002_000001.png").write_bytes(b"")
    _change(
        scene / "scene_gt.json", lambda value: value["0"][0].update(cam_R_m2c=[2.0] * 9) or value.update({"9": [{}]})
    )
    done = import_bop(split, out=tmp_path / "out", slots=1)

    assert done.skipped == {
        "image file is missing": 1,
        "object of an image that is left out: image file is missing": 2,
        "depth image is missing, the row has no return": 1,
        "mask of an object: image is neither PNG nor JPEG": 1,
        "object whose pose or number is damaged": 1,
        "object of an image that scene_camera.json does not list": 1,
        "object beyond the slots": 3,
    }
    assert len(done.dataset) == 4
    assert not done.dataset[0]["sensor/camera/depth"].any()
    assert done.dataset[1]["object/asset"][0] == json.loads((scene / "scene_gt.json").read_text())["2"][1]["obj_id"]


def test_hostile_scenes_are_refused(split: Path, tmp_path: Path) -> None:
    """Links to elsewhere, damaged tables and impossible cameras are one clear error."""
    camera = split / "000002" / "scene_camera.json"
    text = camera.read_text()
    for change in (
        lambda value: value.update({"../1": {}}),
        lambda value: value["0"].update(cam_K=[0.0] * 9),
        lambda value: value["0"].update(cam_K="K"),
        lambda value: value["0"].update(depth_scale=-1),
        lambda value: value["0"].update(cam_R_w2c=[1.0] * 9),
        lambda value: value.update({"0": 3}),
    ):
        _change(camera, change)
        with pytest.raises(DatasetCorruptError):
            import_bop(split, out=tmp_path / "out")
        camera.write_text(text)
    camera.write_text("[" * 50000)
    with pytest.raises(DatasetCorruptError):
        import_bop(split, out=tmp_path / "out")
    camera.write_text(text)
    for name in ("rgb/000000.png", "rgb"):
        (split / "000002" / name).rename(tmp_path / "moved")
        os.symlink(tmp_path / "moved", split / "000002" / name)
        with pytest.raises(DatasetError, match="link"):
            import_bop(split, out=tmp_path / "out")
        os.unlink(split / "000002" / name)
        (tmp_path / "moved").rename(split / "000002" / name)
    with pytest.raises(UsageError, match="holds no scene"):
        import_bop(tmp_path, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
