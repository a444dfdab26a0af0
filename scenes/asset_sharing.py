"""Asset sharing: scenes of one process that loaded the same assets keep them once."""

from __future__ import annotations

import json
import threading
from typing import Final
from weakref import WeakValueDictionary

from .asset_library import AssetLibrary

# Libraries never change, so who shares one cannot tell; those that no scene uses any more are gone.
_KEPT: Final[WeakValueDictionary[str, AssetLibrary]] = WeakValueDictionary()
_LOCK: Final = threading.Lock()


def share_asset_library(library: AssetLibrary) -> AssetLibrary:
    """Return the library of the same content that is already in use, or this one.

    Args:
        library: A library that has just been loaded, some 80 MB.

    Returns:
        A library of the same content.
    """
    key = json.dumps([dict(library.info), dict(library.digests)], sort_keys=True, default=str)
    with _LOCK:
        return _KEPT.setdefault(key, library)
