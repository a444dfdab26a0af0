"""The scene builder: users' files by their names, at the size that they state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import trimesh

from naive.asset_models import write_obj
from simloom.scenes import SceneBuilder
from simloom.scenes.asset_library import AssetLibrary
from simloom.scenes.assets import load_asset_library
from simloom.scenes.world import World

MAST = Path(__file__).resolve().parents[2] / "examples" / "own_scene" / "mast.urdf"


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> AssetLibrary:
    """Two folders: mugs in millimetres, one of them below another folder, and a cup that both have."""
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    write_obj(first / "mug_a.obj", trimesh.creation.box((80, 80, 100)))
    write_obj(first / "cup.obj", trimesh.creation.box((60, 60, 60)))
    (first / "asset.yaml").write_text("unit: mm\n")
    write_obj(second / "tall" / "mug_b.obj", trimesh.creation.box((0.1, 0.1, 0.2)))
    write_obj(second / "cup.obj", trimesh.creation.box((0.1, 0.1, 0.1)))
    return load_asset_library(object_folders=[first, second], robot=MAST, cache=False)


@pytest.fixture
def builder(assets: AssetLibrary) -> Iterator[SceneBuilder]:
    """A builder in an empty world."""
    with World() as world:
        yield SceneBuilder(world, assets, ("background", "robot", "mug"), (), 8)


@pytest.mark.parametrize(
    "given, name, sides",
    [
        ("mug_a.obj", "folder0/mug_a.obj", (0.08, 0.08, 0.1)),
        ("mug_b.obj", "folder1/tall/mug_b.obj", (0.1, 0.1, 0.2)),
        ("tall/mug_b.obj", "folder1/tall/mug_b.obj", (0.1, 0.1, 0.2)),
        ("folder1/cup.obj", "folder1/cup.obj", (0.1, 0.1, 0.1)),
        ("box", "box", (1.0, 1.0, 1.0)),
    ],
)
def test_an_object_is_found_by_its_name(
    builder: SceneBuilder, given: str, name: str, sides: tuple[float, float, float]
) -> None:
    """The folder need not be named where one file alone has the name; it has its own size."""
    builder.add_object("mug", given, position=(0, 0, 1))
    (plan,) = builder.plans

    assert plan.asset.name == name
    np.testing.assert_allclose(plan.extent, sides, rtol=1e-6)
    np.testing.assert_array_equal(plan.position, (0, 0, 1))


@pytest.mark.parametrize(
    "given, message",
    [
        ("cup.obj", r"several assets 'cup.obj': folder0/cup.obj, folder1/cup.obj; name one of these"),
        ("mug_c.obj", r"there is no asset 'mug_c.obj'; did you mean 'mug_[ab].obj'\?"),
        ("up.obj", r"there is no asset 'up.obj'; did you mean 'cup.obj'\?"),
    ],
)
def test_an_object_that_is_not_there_is_answered(builder: SceneBuilder, given: str, message: str) -> None:
    """Names that mean several files, or none, are refused with those that are there."""
    with pytest.raises(ValueError, match=message):
        builder.add_object("mug", given)


def test_a_place_given_for_a_scale_is_refused(builder: SceneBuilder) -> None:
    """A file has one scale, so three numbers in its stead are a mistake."""
    with pytest.raises(ValueError, match="takes one scale for all axes"):
        builder.add_object("mug", "mug_a.obj", (1.2, 0.0, 0.3))
