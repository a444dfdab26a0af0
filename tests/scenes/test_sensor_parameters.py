"""Profile values as parameters: declared by name, checked at both ends, drawn for each row."""

from __future__ import annotations

import numpy as np
import pytest

from simloom.kernels.profiles import load_profile
from simloom.scenes import draw_scenario, make_scene
from simloom.scenes.capture import Capturer
from simloom.scenes.sensor_parameters import draw_profiles, override_space
from simloom.scenes.sensors import Rig, SensorMount
from simloom.scenes.space import ParameterSpace

RIG = Rig(mounts=(SensorMount(name="head"), SensorMount(name="wrist", camera=None)))
NOISE, CELL = "sensor.head.camera.read_noise", "sensor.wrist.depth.noise_cell"


def _space(overrides: dict[str, object]) -> ParameterSpace:
    return override_space(ParameterSpace(parameters=()), RIG, overrides)


def test_only_what_is_asked_for_is_declared() -> None:
    """A number of a profile becomes a parameter when it is named; a whole number stays whole."""
    space = _space({NOISE: {"uniform": [2.0, 8.0]}, CELL: {"integer": [3, 9]}})

    assert space.names == (NOISE, CELL)
    assert space[NOISE].varies == "look"
    assert override_space(space, RIG, {}) == space


@pytest.mark.parametrize(
    "overrides, words",
    [
        ({"sensor.hand.camera.read_noise": 3.0}, "no sensor 'hand'"),
        ({"sensor.head.radar.read_noise": 3.0}, "a sensor is one of camera, depth, .*, not 'radar'"),
        ({"sensor.wrist.camera.read_noise": 3.0}, "'wrist' has no camera"),
        ({"sensor.head.camera.read_nose": 3.0}, "did you mean 'read_noise'"),
        ({"sensor.head.camera.mosaic": 3.0}, "no number 'mosaic'"),
        ({"sensor.head.read_noise": 3.0}, "sensor.<sensor>.<camera.depth.*>.<value>"),
        ({NOISE: {"uniform": [-1.0, 8.0]}}, "read_noise must be a number in"),
        ({NOISE: {"normal": [3.0, 1.0]}}, "must have a bounded distribution"),
    ],
)
def test_mistakes_are_named(overrides: dict[str, object], words: str) -> None:
    """The message names the parameter, and what is allowed or near."""
    with pytest.raises(ValueError, match=words):
        _space(overrides)


def test_each_row_has_the_profile_it_drew() -> None:
    """Undrawn profiles stay one; drawn ones differ by row and in nothing else."""
    rows = np.array([2, 0])
    params = {f"param/{NOISE}": np.array([1.0, 2.0, 3.0])}
    profiles = draw_profiles(RIG.mounts[0], "camera", params, rows)

    assert [profile.read_noise for profile in profiles] == [3.0, 1.0]
    assert profiles[0].gain == load_profile("generic_rgb").gain
    assert draw_profiles(RIG.mounts[1], "depth", params, rows) == load_profile("realsense_d435")


def test_a_scenes_rows_are_sensed_with_what_they_drew() -> None:
    """Rows store the drawn values, and the readings follow them; other parameters stay where they were."""
    rig = {"head": {"camera": "generic_rgb", "depth": "realsense_d435", "width": 40, "height": 30}}
    reach = "sensor.head.depth.range_max"
    options = {"slots": 5, "rig": rig, "overrides": {"object_count": 3, reach: {"uniform": [0.3, 3.0]}}}
    plain = make_scene("tabletop", {**options, "overrides": {"object_count": 3}})
    scene = make_scene("tabletop", options)
    found = {}
    for name, made in (("plain", plain), ("drawn", scene)):
        capturer = Capturer(scene=made, outputs=("depth", "ideal/depth"), seed=3, views=1, looks=3, supersample=1)
        rows = capturer.allocate(3)
        capturer.fill([made.stage(draw_scenario(made.space, seed=3, index=0, looks=3))], rows, start=0)
        found[name] = rows
        made.close()
    drawn = found["drawn"]

    assert np.array_equal(drawn["ideal/head/depth"], found["plain"]["ideal/head/depth"])
    assert len(set(drawn[f"param/{reach}"].tolist())) == 3
    for row in range(3):
        farther = drawn["ideal/head/depth"][row] > drawn[f"param/{reach}"][row]
        assert not drawn["sensor/head/depth"][row][farther].any()
    assert not np.array_equal(drawn["sensor/head/depth"][0] > 0, drawn["sensor/head/depth"][1] > 0)


def test_a_rigs_own_profile_and_lens_travel_as_json() -> None:
    """Whole profiles, a lens and the specimen survive the recipe's form; a depth sensor refuses a lens."""
    entry = {
        "camera": {"base": "generic_rgb", "name": "mine", "values": {"read_noise": 4.0}},
        "lens": {"model": "brown_conrady", "coefficients": [-0.1, 0.02, 0.0, 0.0]},
        "unit": 3,
    }
    mount = SensorMount.from_json("head", entry)
    again = SensorMount.from_json("head", mount.to_json())

    assert again == mount
    assert mount.profile("camera").read_noise == 4.0
    with pytest.raises(ValueError, match="rectified"):
        SensorMount.from_json("head", {**entry, "depth": "realsense_d435"})
    with pytest.raises(ValueError, match="takes 4 or 5"):
        SensorMount.from_json("head", {**entry, "lens": {"coefficients": [0.1]}})
    with pytest.raises(ValueError, match="unit must be"):
        SensorMount.from_json("head", {**entry, "unit": -1})


def test_what_bounds_a_value_may_be_drawn_too() -> None:
    """Two drawn numbers of one profile are tried together; sensors apart do not bound each other."""
    none, full = "sensor.head.depth.cosine_none", "sensor.head.depth.cosine_full"
    with pytest.raises(ValueError, match=r"cosine_none = 0.6, cosine_full = 0.3: cosine_full must be"):
        _space({none: {"uniform": [0.0, 0.6]}, full: {"uniform": [0.3, 0.9]}})

    assert _space({none: {"uniform": [0.3, 0.6]}, full: {"uniform": [0.7, 0.9]}}).size == 2
    assert _space({none: {"uniform": [0.0, 0.2]}, "sensor.wrist.depth.cosine_full": {"uniform": [0.1, 0.9]}}).size == 2


def test_a_drawn_focus_is_given_the_depth() -> None:
    """A focus that only some rows have blurs them; the scene renders the depth that it needs."""
    focus = "sensor.head.camera.focus_distance"
    rig = {"head": {"camera": "generic_rgb", "width": 40, "height": 30}}
    made = make_scene("tabletop", {"slots": 5, "rig": rig, "overrides": {focus: {"uniform": [0.05, 0.06]}}})
    capturer = Capturer(scene=made, outputs=("rgb",), seed=3, views=1, looks=1, supersample=1)
    rows = capturer.allocate(1)
    capturer.fill([made.stage(draw_scenario(made.space, seed=3, index=0))], rows, start=0)
    made.close()

    assert rows["sensor/head/rgb"].any()


def test_a_camera_is_no_depth_sensor() -> None:
    """A profile of the wrong kind is refused where it is mounted."""
    with pytest.raises(ValueError, match="camera takes a camera's profile"):
        SensorMount.from_json("head", {"camera": {"base": "realsense_d435", "values": {}}})
    with pytest.raises(ValueError, match="camera takes a camera's profile"):
        SensorMount.from_json("head", {"depth": {"base": "generic_rgb", "values": {}}})
