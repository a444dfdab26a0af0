"""Mounts of a rig's instruments: what is allowed, what is refused, and the way to JSON and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simloom.scenes.instruments.mount import INSTRUMENTS, InstrumentMount
from simloom.scenes.sensors import Rig

GIVEN: dict[str, dict[str, Any]] = {
    "head": {"camera": "generic_rgb", "timing": {"sampling_rate": 30.0, "delay": 0.03}},
    "joints": {"encoder": "ams_as5048", "timing": {"sampling_rate": 500.0, "dropout": 0.01, "missing": "nan"}},
}


def test_a_rig_tells_cameras_from_instruments() -> None:
    """An entry with the key of an instrument is one; the others are cameras."""
    rig = Rig.from_json(GIVEN)

    assert [mount.name for mount in rig.mounts] == ["head"]
    assert [(mount.name, mount.kind) for mount in rig.instruments] == [("joints", "encoder")]
    assert rig.find("joints") is rig.instruments[0]
    assert rig.instruments[0].profile("encoder").name == "ams_as5048"
    assert rig.instruments[0].profile("camera") is None


def test_json_leads_there_and_back() -> None:
    """What a rig writes is JSON that makes the same rig."""
    rig = Rig.from_json(GIVEN)
    text = json.dumps(rig.to_json())

    assert Rig.from_json(json.loads(text)) == rig


@pytest.mark.parametrize(
    "entry, message",
    [
        ({"encoder": "ams_as5049"}, "did you mean 'ams_as5048'"),
        ({"encoder": "generic_rgb"}, "not of kind 'encoder'"),
        ({"encoder": "ams_as5048", "mount": "panda/hand"}, "reads the whole robot; leave mount out"),
        ({"encoder": "ams_as5048", "width": 3}, "has no setting 'width'"),
        ({"encoder": "ams_as5048", "unit": -1}, "unit must be a whole number"),
        ({"encoder": "ams_as5048", "position": [0, 0, 1]}, "reads the whole robot; leave position"),
        ({"lidar": "solid_state", "position": [0, 0]}, "position has 3 finite numbers"),
        ({"lidar": "solid_state", "quaternion": [0, 0, 0, 0]}, "sensor 'joints': "),
        ({"encoder": "ams_as5048", "timing": {"sampling_rate": 9, "buffer_size": 2}}, "buffer_size is for observers"),
        ({"encoder": "ams_as5048", "timing": {"rate": 3}}, "a timing has no setting 'rate'"),
        ({"encoder": "ams_as5048", "timing": {"delay": 3}}, "a timing needs sampling_rate"),
        ({"encoder": "ams_as5048", "imu": "bosch_bmi088"}, "is one of .*, got encoder, imu"),
    ],
)
def test_bad_entries_are_refused(entry: dict[str, Any], message: str) -> None:
    """Each mistake is answered with what was given and what is allowed."""
    with pytest.raises(ValueError, match=message):
        Rig.from_json({"joints": entry}).instruments[0].profile("encoder")


@pytest.mark.parametrize(
    "kind", [kind for kind in INSTRUMENTS if kind not in ("lidar", "ranger", "encoder", "odometry")]
)
def test_what_feels_a_link_needs_one(kind: str) -> None:
    """An instrument that feels how a link moves cannot stand in the world."""
    with pytest.raises(ValueError, match="is fixed to a robot"):
        InstrumentMount(name="one", kind=kind, given="any")


def test_names_are_shared_by_all_sensors() -> None:
    """A camera and an instrument cannot have one name."""
    camera = Rig.from_json(GIVEN).mounts[0]
    with pytest.raises(ValueError, match="names of their own"):
        Rig(mounts=(camera,), instruments=(InstrumentMount(name="head", kind="encoder", given="ams_as5048"),))
