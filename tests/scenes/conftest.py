"""What the tests of the scenes share: one tabletop scene, and a digest of what it stages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import fields

import numpy as np
import pytest

from simloom.scenes import SceneSpec, Stage, TabletopScene


@pytest.fixture(scope="session")
def scene() -> Iterator[TabletopScene]:
    """The tabletop as it comes."""
    made = SceneSpec(name="tabletop").make()
    assert isinstance(made, TabletopScene)
    yield made
    made.close()


def _digest(stage: Stage) -> str:
    total = hashlib.sha256()
    for arrays in (stage.object, stage.state, stage.param):
        for name in sorted(arrays):
            total.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    for snapshot in stage.snapshots:
        for table in (snapshot, snapshot.materials, snapshot.lighting):
            for field in fields(table):
                value = getattr(table, field.name)
                if isinstance(value, np.ndarray):
                    total.update(value.tobytes())
    for name in sorted(stage.cameras):
        for camera in stage.cameras[name]:
            total.update(camera.pose_world_camera.tobytes() + camera.intrinsics.tobytes())
    return total.hexdigest()


@pytest.fixture(scope="session")
def digest() -> Callable[[Stage], str]:
    """A hash of every array of a stage."""
    return _digest
