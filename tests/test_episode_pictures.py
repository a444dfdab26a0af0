"""The example that draws episodes: what its pictures claim is so."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def test_the_driver_on_the_picture_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reaches its goal, rolls without sinking or jumping, and each camera has its line of pictures."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import show_episodes

    blocks, episode = show_episodes.make_strip("driving", tmp_path / "drive", columns=2)
    base = episode["object/pose_world_object"][:, 0, :3, 3]
    way = np.linalg.norm(np.diff(base[:, :2], axis=0), axis=1)

    assert [len(tiles) for _, tiles in blocks] == [2, 2]
    assert "done" in blocks[0][0]
    assert episode["task/success"][-1] == 1
    assert np.ptp(base[:, 2]) < 0.01
    assert way.max() < 0.11
    # The way made good is what was earned, and 1 for arriving.
    assert 3.0 < episode["task/reward"].sum() < 6.0
    sys.modules.pop("show_episodes")
