"""Asset sharing: equal libraries are kept once, and not for ever."""

from __future__ import annotations

import gc
import weakref

from simloom.scenes import load_asset_library
from simloom.scenes.asset_sharing import share_asset_library


def test_equal_libraries_are_one():
    """A second load of the same assets is answered with the first, other assets are not, and the unused are freed."""
    load_asset_library()  # from now on it comes from the cache
    libraries = [load_asset_library() for _ in range(3)]
    for library, robot in zip(libraries, ("here", "here", "elsewhere"), strict=True):
        library.info["robot_urdf"] = f"/{robot}/robot.urdf"  # none that another scene of this process holds
    first, second, other = (share_asset_library(library) for library in libraries)

    assert second is first
    assert other is libraries[2]
    gone = weakref.ref(first)
    del first, second, library, libraries
    gc.collect()
    assert gone() is None
