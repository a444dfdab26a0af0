"""Where prepared assets are kept on disk."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(kind: str) -> Path:
    """Return the folder of one kind of prepared things; it need not exist.

    Args:
        kind: assets or hulls.

    Returns:
        A folder below `SIMLOOM_CACHE_DIR`, or else below the user's cache.
    """
    base = os.environ.get("SIMLOOM_CACHE_DIR")
    if base is None:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        base = os.path.join(home, "simloom")
    return Path(base) / kind
