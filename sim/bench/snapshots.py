"""The snapshots that come with the package, and those of a user, opened to be measured on."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ...renderers.replay import Replay, load_replay
from ..errors import UsageError

BUILT_IN: Final = Path(__file__).resolve().parent / "panda.npz"
"""The tabletop with the Panda and ten objects, eight views of 256x256; made by `benchmarks/panda_snapshots.py`."""


def open_snapshots(path: str | Path | None = None) -> Replay:
    """Open a replay file for measuring.

    Args:
        path: The file; None for the one that comes with the package.

    Raises:
        UsageError: If it is none, or its cameras have different sizes.
    """
    try:
        replay = load_replay(BUILT_IN if path is None else path)
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from error
    sizes = {(camera.width, camera.height) for camera in replay.cameras}
    if len(sizes) != 1:
        raise UsageError(f"the views of {path} have sizes {sorted(sizes)}; give a file whose views have one size")
    return replay
