"""Profiles of a batch: one for all, or one for each image, also as JSON."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from simloom.kernels.depth import apply_depth
from simloom.kernels.profile_json import profile_from_json, profile_to_json
from simloom.kernels.profile_rows import find_profile_rows
from simloom.kernels.profiles import list_profiles, load_depth_profile, load_profile


def test_equal_profiles_are_told_once() -> None:
    """Names and equal profiles are one; order is that of the first image."""
    d435 = load_profile("realsense_d435")
    other = dataclasses.replace(d435, disparity_noise=0.2)
    found = find_profile_rows([other, "realsense_d435", d435, other], 4, load_profile)

    assert found.profiles == (other, d435)
    assert found.which.tolist() == [0, 1, 1, 0]
    with pytest.raises(ValueError, match="one for each of the 3 images, got 2"):
        find_profile_rows([d435, other], 3, load_profile)


def test_each_image_has_its_own_profile() -> None:
    """A batch of different profiles gives what each image gives alone with its own."""
    d435 = load_depth_profile("realsense_d435")
    profiles = [
        dataclasses.replace(d435, noise_cell=cell, disparity_noise=noise, range_max=reach)
        for cell, noise, reach in ((7, 0.08, 10.0), (3, 0.3, 2.0), (1, 0.0, 10.0))
    ]
    depth = np.tile(np.linspace(0.6, 3.0, 70, dtype=np.float32), (3, 9, 1))
    together = apply_depth(depth, profiles, fx=200.0, seed=1, index=[5, 6, 7])

    assert together.profiles == tuple(profiles)
    for image, profile in enumerate(profiles):
        alone = apply_depth(depth[image : image + 1], profile, fx=200.0, seed=1, index=[5 + image])
        assert np.array_equal(together.depth[image], alone.depth[0])
        assert np.array_equal(together.status[image], alone.status[0])


@pytest.mark.parametrize("name", list_profiles())
def test_profiles_travel_as_json(name: str) -> None:
    """A profile is equal after a round trip through text."""
    profile = load_profile(name)

    assert profile_from_json(json.loads(json.dumps(profile_to_json(profile)))) == profile


def test_a_base_gives_what_is_left_out() -> None:
    """Values replace those of a built-in profile; mistakes name the nearest field."""
    mine = profile_from_json({"base": "generic_rgb", "name": "mine", "values": {"read_noise": 4.0}})

    assert mine == dataclasses.replace(load_profile("generic_rgb"), name="mine", read_noise=4.0)
    for given, words in (
        ({"base": "generic_rgb", "values": {"read_nose": 4.0}}, "did you mean 'read_noise'"),
        ({"values": {}}, "needs a base, or a kind out of camera"),
        ({"kind": "stereo", "values": {"baseline": 0.05}}, "needs disparity_noise"),
        ({"base": "generic_rgb", "kind": "stereo"}, "is no 'stereo' profile"),
        ({"base": "generic_rgb", "value": {}}, "no key 'value'"),
        ({"base": "generic_rgb", "values": {"full_well": -1.0}}, "full_well must be"),
        ({"base": "generic_rgb", "values": {"full_well": 10**400}}, "full_well must be"),
        ({"base": "generic_rgb", "values": {"vignetting": 3.0}}, "vignetting must be 3 numbers"),
        ({"base": "generic_rgb", "values": {"natural_vignetting": "false"}}, "must be true or false"),
        ({"base": "generic_rgb", "values": None}, "values are a mapping"),
        ({"kind": ["camera"], "values": {}}, "a kind out of camera"),
    ):
        with pytest.raises(ValueError, match=words):
            profile_from_json(given)


@pytest.mark.parametrize("name", list_profiles("depth"))
def test_empty_batches_give_empty_readings(name: str) -> None:
    """No image gives no image; no profile is an error that says so."""
    reading = apply_depth(np.empty((0, 6, 60), np.float32), name, fx=60.0, seed=0, index=np.empty(0, np.int64))

    assert reading.depth.shape == reading.status.shape == (0, 6, 60)
    with pytest.raises(ValueError, match="at least one profile"):
        apply_depth(np.empty((0, 6, 60), np.float32), [], fx=60.0, seed=0, index=np.empty(0, np.int64))
