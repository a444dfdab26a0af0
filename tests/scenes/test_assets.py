"""Assets: the cache gives what the files give, damage is noticed, users' folders are taken."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from naive.asset_models import write_obj
from simloom.scenes import load_asset_library
from simloom.scenes.asset_library import outline_points
from simloom.scenes.hulls import make_hulls

TETRAHEDRA = """o first
v 0 0 0
v 0.1 0 0
v 0 0.1 0
v 0 0 0.1
f 1 3 2
f 1 2 4
f 1 4 3
f 2 3 4
o second
v 0.2 0 0
v 0.3 0 0
v 0.2 0.1 0
v 0.2 0 0.1
f 5 7 6
f 5 6 8
f 5 8 7
f 6 7 8
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with one object of two convex parts, and a cache of its own."""
    monkeypatch.setenv("SIMLOOM_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "pair.obj").write_text(TETRAHEDRA)
    return tmp_path


def same(first, second):
    """Whether two libraries hold the same bits."""
    tables = all(np.array_equal(value, second.tables[name]) for name, value in first.tables.items())
    meshes = all(np.array_equal(v, second.meshes.arrays()[k]) for k, v in first.meshes.arrays().items())
    return tables and meshes and first.info["assets"] == second.info["assets"]


def test_cache_and_files_give_the_same(folder, monkeypatch):
    """Built once, read back and rebuilt after damage, a library is the same."""
    objects = [folder / "objects"]
    built = load_asset_library(object_folders=objects)
    (path,) = (folder / "cache" / "assets").glob("*.npz")
    with monkeypatch.context() as context:
        context.setattr("simloom.scenes.assets.build_asset_library", None)
        read = load_asset_library(object_folders=objects)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    again = load_asset_library(object_folders=objects)

    assert same(built, read)
    assert same(built, again)


def test_a_users_object_is_taken_apart(folder):
    """Each object of an OBJ is a hull, the frame's origin goes to the centre of mass, and a change is a new library."""
    library = load_asset_library(object_folders=[folder / "objects"])
    (row,) = library.rows_of_kind("hulls")
    asset = library.assets[row]

    assert asset.name == "folder0/pair.obj"
    assert asset.hulls.starts.tolist() == [0, 4, 8]
    assert asset.volume == pytest.approx(2 * 0.1**3 / 6)
    assert len(asset.digest) == 64
    np.testing.assert_allclose(asset.extent, (0.3, 0.1, 0.1), atol=1e-7)
    np.testing.assert_allclose(asset.center, (0.025, 0.025, 0.025), atol=1e-7)
    (folder / "objects" / "pair.obj").write_text(TETRAHEDRA.replace("0.3", "0.4"))
    changed = load_asset_library(object_folders=[folder / "objects"])
    assert changed.assets[row].extent[0] == pytest.approx(0.4)


def test_missing_and_flat_files_are_named(folder):
    """A folder that is not there or holds nothing, and a mesh without a volume, are one sentence each."""
    (folder / "empty").mkdir()
    for place, words in ((folder / "none", "does not exist"), (folder / "empty", "holds no meshes")):
        with pytest.raises(FileNotFoundError, match=words):
            load_asset_library(object_folders=[place])
    (folder / "objects" / "flat.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 1 0\nf 1 2 3\nf 2 4 3\n")
    with pytest.raises(ValueError, match=r"flat\.obj: no part has a volume"):
        load_asset_library(object_folders=[folder / "objects"])


def test_insets_split_the_error():
    """A cube's corners move 2 / (1 + cos 54.7 deg) margins along the diagonal."""
    cube = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
    hulls, center, volume = make_hulls([cube])
    outward = (hulls.points - 0.5) / np.sqrt(0.75)

    assert volume == pytest.approx(1.0)
    assert center == pytest.approx([0.5] * 3)
    np.testing.assert_allclose(hulls.inset, outward * 2 / (1 + 1 / np.sqrt(3)), atol=0.05)


def test_outline_spans_the_mesh(scene):
    """A box around the outline is the mesh's own box, along its axes."""
    vertices = scene.library.level(scene.assets.robot_parts[3].mesh).vertices
    outline = outline_points(vertices)

    np.testing.assert_allclose(outline.min(axis=0), vertices.min(axis=0), atol=1e-7)
    np.testing.assert_allclose(outline.max(axis=0), vertices.max(axis=0), atol=1e-7)


def test_all_unusable_files_are_named_at_once(tmp_path):
    """A folder's bad files are told together, whatever is wrong with each, with the command that looks closer."""
    write_obj(tmp_path / "good.obj", trimesh.creation.box((0.1, 0.1, 0.1)))
    (tmp_path / "flat.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 1 0\nf 1 2 3\nf 2 4 3\n")
    (tmp_path / "empty.obj").write_text("# nothing\n")
    (tmp_path / "late.stl").write_bytes(b"no mesh")
    with pytest.raises(ValueError, match="object_folders") as caught:
        load_asset_library(object_folders=[tmp_path], cache=False)
    first, *lines = str(caught.value).splitlines()

    assert first.startswith("3 of 4 files of object_folders cannot be used")
    assert first.endswith(f"simloom assets check {tmp_path}")
    assert [line.split(": ")[0] for line in lines] == [
        "object folder0/empty.obj", "object folder0/flat.obj", "object folder0/late.stl"
    ]  # fmt: skip


def test_files_that_lead_outside_are_named_at_once(tmp_path):
    """Links out of the folder are told together, too, before anything is read."""
    (tmp_path / "other").mkdir()
    write_obj(tmp_path / "other" / "box.obj", trimesh.creation.box((0.1, 0.1, 0.1)))
    (tmp_path / "mine").mkdir()
    for name in ("a.obj", "b.obj"):
        (tmp_path / "mine" / name).symlink_to(tmp_path / "other" / "box.obj")
    with pytest.raises(ValueError, match="2 of 2 files of object_folders cannot be used") as caught:
        load_asset_library(object_folders=[tmp_path / "mine"], cache=False)

    assert "folder0/a.obj" in str(caught.value)
    assert "folder0/b.obj" in str(caught.value)
