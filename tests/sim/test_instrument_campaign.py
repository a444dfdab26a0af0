"""Datasets with instruments: the same rows however they are made, readings that agree with the truth beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simloom
from simloom.kernels.deskew import deskew_points
from simloom.kernels.strapdown import integrate_inertial
from simloom.kernels.transforms import transform_points
from simloom.sim.campaign.plan import make_plan
from simloom.sim.campaign.row_regeneration import regenerate_row
from simloom.sim.dataset.verify import verify_dataset
from simloom.sim.errors import RecipeError
from simloom.sim.recipe import load_recipe

SCANNER: dict[str, Any] = {
    "base": "velodyne_vlp16",
    "name": "small",
    "values": {
        "columns": 180, "column_period": 0.0, "channel_elevation_deg": [-25.0, -12.0, -4.0, 3.0],
        "channel_azimuth_deg": [], "channel_time": [], "channel_height": [], "subray_rings": 0,
    },
}  # fmt: skip
YARD: dict[str, Any] = {
    "scene": "driving",
    "looks": 2,
    "slots": 6,
    "parameters": {
        "object_count": 4,
        "weather.rain_rate": {"uniform": [0.0, 30.0], "varies": "scenario"},
        "sensor.imu.imu.gyroscope_noise_density": {"loguniform": [1e-4, 1e-3]},
    },
    "rig": {
        "front": {
            "depth": "realsense_d435", "width": 32, "height": 24, "mount": "husky/base_link",
            "position": [0.4, 0.0, 0.3], "quaternion": [-0.5, 0.5, -0.5, 0.5],
            "timing": {"sampling_rate": 30.0, "delay": 0.04, "jitter": 0.01, "dropout": 0.3},
        },
        "top": {"lidar": SCANNER, "mount": "husky/base_link", "position": [0.1, 0.0, 0.6]},
        "imu": {"imu": "bosch_bmi088", "mount": "husky/base_link", "timing": {"sampling_rate": 240.0}},
        "wheels": {"encoder": "incremental_encoder"},
        "odometry": {"odometry": "turtlebot3_burger"},
        "gnss": {"gnss": "ublox_f9p_rtk", "mount": "husky/base_link", "position": [0.0, 0.0, 0.7]},
        "sonar": {"ranger": "hc_sr04", "mount": "husky/base_link", "position": [0.5, 0.0, 0.2]},
    },
    "outputs": ["depth", "instance", "poses"],
}  # fmt: skip
ARM: dict[str, Any] = {
    "slots": 5,
    "parameters": {"object_count": 3},
    "rig": {
        "imu": {"imu": "xsens_mti", "mount": "panda/hand"},
        "joints": {"encoder": "ams_as5048", "timing": {"sampling_rate": 500.0, "dropout": 0.1, "missing": "nan"}},
        "wrist": {"force_torque": "robotiq_ft300s", "mount": "panda/hand"},
        "pad": {"tactile": "tactile_pad_4x4", "mount": "panda/leftfinger"},
        "post": {"lidar": SCANNER, "position": [0.4, 1.2, 1.5]},
    },
    "outputs": ["poses"],
}


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six rows of the yard, made in one process."""
    folder = tmp_path_factory.mktemp("yard") / "data"
    simloom.generate(YARD, samples=6, out=folder, workers=0, batch=1)
    return folder


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return all rows of a dataset."""
    with simloom.open_dataset(folder, skip_rejected=False) as dataset:
        return [dict(dataset[i]) for i in range(len(dataset))]


def test_workers_and_batches_leave_no_trace(yard: Path, tmp_path: Path) -> None:
    """Two processes and bigger batches make the same bytes, and single rows can be made again."""
    other = simloom.generate(YARD, samples=6, out=tmp_path / "other", workers=2, batch=3)

    assert other.root_digest == simloom.open_dataset(yard).root_digest
    assert verify_dataset(yard, regenerate=regenerate_row(yard), regenerate_count=2).ok


def test_the_yard_agrees_with_itself(yard: Path) -> None:
    """Wheels, receiver and inertial unit tell of one motion; images and scans have stamps of one clock."""
    for row in rows_of(yard):
        instant = round(float(row["state/time"]) * 1e9)
        assert row["sensor/top/time"][0] == instant
        assert row["sensor/front/image_arrival"] > instant
        assert row["ideal/top/scan_pose_time"][-1] == instant
        # The LiDAR stands over the base: both frames' true poses give the lever arm.
        base = row["ideal/imu/pose_world_sensor"][-1]
        assert row["sensor/imu/time"][-1] <= instant
        if row["sensor/imu/time"][-1] == instant:
            np.testing.assert_allclose(
                row["ideal/top/scan_pose_world_sensor"][-1, :3, 3],
                base[:3, 3] + base[:3, :3] @ [0.1, 0.0, 0.6],
                atol=1e-9,
            )
        path = row["ideal/odometry/planar_pose"]
        ends = np.searchsorted(row["sensor/wheels/time"], row["sensor/odometry/time"][[0, -1]])
        rolled = np.diff(row["ideal/wheels/joint_position"][ends], axis=0)
        driven = np.hypot(*np.diff(path[:, :2], axis=0).T).sum()
        assert abs(abs(rolled.mean()) * 0.17775 - driven) < 0.1 * driven + 0.005
        error = row["sensor/odometry/planar_pose"][-1] - path[-1]
        assert np.abs(error).max() < 0.25


def test_scans_and_images_see_one_world(yard: Path) -> None:
    """A return on an object lies within the object's box, taken to the world by the sensor's pose at its time."""
    checked = 0
    for row in rows_of(yard):
        poses, times = row["ideal/top/scan_pose_world_sensor"], row["ideal/top/scan_pose_time"]
        points = row["sensor/top/point"][:, 0].astype(np.float64)
        straight = deskew_points(points[None], row["sensor/top/beam_time"][None], poses, times, int(times[-1]))[0]
        world = transform_points(poses[-1], straight)
        ids, kinds = row["label/top/return_instance"][:, 0], row["label/top/return_type"][:, 0]
        for slot in range(1, 5):
            mine = (ids == slot + 1) & (kinds == 1)
            if not mine.any():
                continue
            pose = row["object/pose_world_object"][slot]
            local = (world[mine] - pose[:3, 3]) @ pose[:3, :3]
            out = np.abs(local - row["object/box_center"][slot]) - 0.5 * row["object/extent"][slot]
            assert out.max() < 0.25  # range noise of 3 cm, and a beam that bends round edges
            assert np.median(out.max(axis=1)) < 0.06
            checked += int(mine.sum())
    assert checked > 20


def test_drawn_numbers_and_looks_do_their_part(yard: Path) -> None:
    """Looks share the truth and differ in noise; rain is a scenario's; the drawn noise density is a row's own."""
    first, second = rows_of(yard)[:2]

    np.testing.assert_array_equal(first["ideal/imu/specific_force"], second["ideal/imu/specific_force"])
    assert (first["sensor/imu/angular_rate"] != second["sensor/imu/angular_rate"]).any()
    assert first["param/weather.rain_rate"] == second["param/weather.rain_rate"]
    name = "param/sensor.imu.imu.gyroscope_noise_density"
    assert first[name] != second[name]
    np.testing.assert_array_equal(first["ideal/top/scan_pose_world_sensor"], second["ideal/top/scan_pose_world_sensor"])


def test_an_arm_is_felt_without_a_camera(tmp_path: Path) -> None:
    """A rig may have no camera; the wrist feels the hand's weight, and lost samples are NaN."""
    dataset = simloom.generate(ARM, samples=3, out=tmp_path / "arm", workers=0)
    rows = rows_of(tmp_path / "arm")

    assert dataset.root_digest
    for row in rows:
        weight = np.linalg.norm(row["ideal/wrist/wrench"][:, :3], axis=1)
        assert 5.0 < weight.mean() < 15.0
        lost = row["sensor/joints/delivered"] == 0
        np.testing.assert_array_equal(np.isnan(row["sensor/joints/joint_position"]).all(axis=1), lost)
        assert (row["sensor/post/range"][:, 0] > 0).mean() > 0.2
        pose = row["ideal/imu/pose_world_sensor"]
        path = integrate_inertial(
            row["ideal/imu/specific_force"][None, 1:],
            row["ideal/imu/angular_rate"][None, 1:],
            rate=float(1e9 / np.diff(row["sensor/imu/time"]).mean()),
            pose=pose[0],
            linear_velocity=(pose[1, :3, 3] - pose[0, :3, 3]) * 1e9 / np.diff(row["sensor/imu/time"])[0],
        )
        assert np.abs(path.pose[0, -1, :3, 3] - pose[-1, :3, 3]).max() < 0.02


@pytest.mark.parametrize(
    "change, words",
    [
        ({"top": {"lidar": "velodyne_vlp6"}}, "did you mean 'velodyne_vlp16'"),
        ({"top": {"lidar": "bosch_bmi088", "mount": "husky/base_link"}}, "not of kind 'lidar'"),
        ({"imu": {"imu": "bosch_bmi088", "mount": "husky/base"}}, "has no link 'base'"),
        ({"imu": {"imu": "bosch_bmi088"}}, "is fixed to a robot"),
        ({"wrist": {"force_torque": "robotiq_ft300s", "mount": "husky/base_footprint"}}, "hangs on no joint"),
    ],
)
def test_mistakes_in_a_rig_are_answered(change: dict[str, Any], words: str) -> None:
    """What cannot be mounted is refused before anything runs, with the reason."""
    with pytest.raises(RecipeError, match=words):
        make_plan(load_recipe(YARD | {"rig": change, "parameters": {}}))


@pytest.mark.parametrize("name", ["sensor.top.lidar.columns", "sensor.imu.imu.rate"])
def test_what_shapes_arrays_cannot_be_drawn(name: str) -> None:
    """A profile's number that decides how many samples there are is one for all rows."""
    with pytest.raises(RecipeError, match="cannot be drawn"):
        make_plan(load_recipe(YARD | {"parameters": {name: {"integer": [30, 60]}}}))


def test_a_short_window_is_answered() -> None:
    """A window that holds no sample of a sensor is refused, and how long it must be is said."""
    recipe = load_recipe(YARD | {"rig": {"gnss": YARD["rig"]["gnss"]}, "window": 0.05, "parameters": {}})
    with pytest.raises(RecipeError, match="set window to at least"):
        make_plan(recipe)


def test_a_recipe_too_long_to_be_read_again_is_refused() -> None:
    """A table of firings that would make the dataset's own recipe unreadable is refused before anything runs."""
    table = [value for k in range(60_000) for value in (1e-6 * k, 0.001 * (k % 1000), 0.5, 0)]
    lidar = {"base": "livox_like", "name": "long", "values": {"scan": "table", "columns": 60_000, "table": table}}
    with pytest.raises(RecipeError, match="shorten what is long"):
        make_plan(load_recipe(YARD | {"rig": {"top": {"lidar": lidar}}, "parameters": {}}))
