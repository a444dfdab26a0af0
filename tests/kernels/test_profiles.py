"""Profiles: complete, sourced, validated, and found by name."""

from __future__ import annotations

import dataclasses

import pytest

from simloom.kernels.profiles import (
    CONFIDENCES,
    SENSOR_KINDS,
    CameraProfile,
    DepthProfile,
    describe_profile,
    list_profiles,
    load_camera_profile,
    load_depth_profile,
    load_profile,
)


@pytest.mark.parametrize("name", list_profiles())
def test_every_value_has_unit_source_and_confidence(name: str) -> None:
    """Each field of a built-in profile says its unit, where it comes from and how sure it is."""
    profile = load_profile(name)
    values = describe_profile(name)

    assert profile.name == name
    assert {value.name for value in values} == {field.name for field in dataclasses.fields(profile)} - {"name"}
    assert all(value.unit and value.source and value.confidence in CONFIDENCES for value in values)
    assert all(getattr(profile, value.name) == value.value for value in values)


def test_kinds_are_told_apart() -> None:
    """Lists can be narrowed to a kind, and loading the wrong kind is an error that names the right ones."""
    assert isinstance(load_profile("generic_rgb"), CameraProfile)
    assert isinstance(load_profile("realsense_d435"), DepthProfile)
    assert sorted(name for kind in SENSOR_KINDS for name in list_profiles(kind)) == sorted(list_profiles())
    with pytest.raises(ValueError, match=r"not of kind 'camera'; choose one of .*generic_rgb"):
        load_camera_profile("realsense_d435")
    with pytest.raises(ValueError, match=r"not of kind 'depth'; choose one of .*realsense_d435"):
        load_depth_profile("generic_rgb")
    with pytest.raises(ValueError, match="kind must be"):
        list_profiles("radar")


def test_unknown_name_gets_the_nearest() -> None:
    """A misspelt name is answered with the names there are and the nearest one."""
    with pytest.raises(ValueError, match="did you mean 'realsense_d435'"):
        load_profile("realsens_d435")
    with pytest.raises(ValueError, match="profile must be one of"):
        load_profile("../device")


@pytest.mark.parametrize(
    "name, field, value",
    [
        ("generic_rgb", "f_number", 0.0),
        ("generic_rgb", "full_well", float("nan")),
        ("generic_rgb", "bit_depth", 17),
        ("generic_rgb", "black_level", 4095.0),
        ("generic_rgb", "quantum_efficiency", (0.5, 0.5)),
        ("generic_rgb", "exposure_time_max", 1e-6),
        ("realsense_d435", "baseline", -0.05),
        ("realsense_d435", "noise_cell", 0),
        ("realsense_d435", "cosine_full", 0.01),
    ],
)
def test_impossible_values_are_refused(name: str, field: str, value: object) -> None:
    """A value outside its range gets an error that names the field to mend."""
    with pytest.raises(ValueError, match=f"{field} must be .*; set .*{field}"):
        dataclasses.replace(load_profile(name), **{field: value})
