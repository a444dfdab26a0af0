"""Asset sharing: equal libraries are kept once, and not for ever."""

from __future__ import annotations

import gc
import weakref

from simloom.scenes import load_asset_library
from simloom.scenes.asset_sharing import share_asset_library


def test_equal_libraries_are_one():
    """A second load of the same assets is answered with the first, other assets are not, and the unused are freed."""
    first = share_asset_library(load_asset_library())
    second = share_asset_library(load_asset_library())
    other = load_asset_library()
    other.info["robot_urdf"] = "/elsewhere/robot.urdf"

    assert second is first
    assert share_asset_library(other) is other
    gone = weakref.ref(first)
    del first, second
    gc.collect()
    assert gone() is None
