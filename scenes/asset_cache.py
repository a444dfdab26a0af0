"""Where prepared things are kept on disk: assets, hulls, designs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO


def cache_folder(kind: str) -> Path:
    """Return the folder of one kind of prepared things; it need not exist.

    Args:
        kind: assets, hulls or designs.

    Returns:
        A folder below `SIMLOOM_CACHE_DIR`, or else below the user's cache.
    """
    base = os.environ.get("SIMLOOM_CACHE_DIR")
    if base is None:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        base = os.path.join(home, "simloom")
    return Path(base) / kind


def keep_file(path: Path, write: Callable[[IO[bytes]], object]) -> bool:
    """Write a file of the cache, all or nothing; a cache that cannot be written is done without.

    Args:
        path: The file; its folder is made.
        write: Writes the content to an open file.

    Returns:
        Whether it is there.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=path.suffix, dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            write(file)
        os.replace(temporary, path)
    except OSError:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        return False
    return True
