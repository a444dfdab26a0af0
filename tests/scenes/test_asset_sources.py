"""Sources of assets: every file that a mesh is read from is hashed, whatever it is called, and no other."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from naive.asset_models import write_urdf
from simloom.renderers.mesh_files import load_mesh
from simloom.renderers.mesh_references import list_mesh_files
from simloom.renderers.urdf import load_urdf_visuals
from simloom.renderers.urdf_bodies import list_urdf_files
from simloom.scenes import load_asset_library
from simloom.scenes.asset_sources import collect_sources

POINTS = np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0], [0, 0, 0.1]], np.float32)
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.uint16)
OBJ = (
    "mtllib paint.mtl\nv 0 0 0\nv 0.1 0 0\nv 0 0.1 0\nv 0 0 0.1\nvt 0 0\nvt 1 0\nvt 0 1\nusemtl skin\n"
    "f 1/1 3/2 2/3\nf 1/1 2/2 4/3\nf 1/1 4/2 3/3\nf 2/1 3/2 4/3\n"
)


def paint(path: Path, shade: int) -> None:
    """Write an image of two colours."""
    image = np.full((8, 8, 3), shade, np.uint8)
    image[4:] = 255 - shade
    encoded = cv2.imencode(".webp", image)[1] if path.suffix == ".webp" else cv2.imencode(".tiff", image)[1]
    path.write_bytes(encoded.tobytes())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An OBJ and a glTF whose materials, images and buffer have unusual names, and a file that none of them names."""
    monkeypatch.setenv("SIMLOOM_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "things"
    folder.mkdir()
    (folder / "a.obj").write_text(OBJ)
    (folder / "paint.mtl").write_text("newmtl skin\nKd 1 1 1\nmap_Kd -s 1 1 1 skin.webp\n")
    paint(folder / "skin.webp", 10)
    paint(folder / "glaze.tif", 10)
    (folder / "b.gltf").write_text(
        json.dumps(
            {
                "asset": {"version": "2.0"},
                "scenes": [{"nodes": [0]}],
                "nodes": [{"mesh": 0}],
                "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
                "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
                "textures": [{"source": 0}],
                "images": [{"uri": "glaze.tif"}],
                "buffers": [{"uri": "points.data", "byteLength": 72}],
                "bufferViews": [
                    {"buffer": 0, "byteOffset": 0, "byteLength": 48},
                    {"buffer": 0, "byteOffset": 48, "byteLength": 24},
                ],
                "accessors": [
                    {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"},
                    {"bufferView": 1, "componentType": 5123, "count": 12, "type": "SCALAR"},
                ],
            }
        )
    )
    (folder / "points.data").write_bytes(POINTS.tobytes() + FACES.tobytes())
    (folder / "readme.txt").write_text("nothing")
    return folder


@pytest.mark.parametrize("name", ["a.obj", "b.gltf"])
def test_files_that_a_mesh_is_read_from_are_listed(folder, monkeypatch, name):
    """What loading opens is what is listed."""
    opened: set[Path] = set()
    read = Path.read_bytes

    def record(self: Path) -> bytes:
        opened.add(self.resolve())
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", record)
    load_mesh(folder / name)
    monkeypatch.undo()
    assert opened == set(list_mesh_files(folder / name))
    assert len(opened) == 3


@pytest.mark.parametrize("name", ["a.obj", "b.gltf", "paint.mtl", "skin.webp", "glaze.tif", "points.data"])
def test_every_file_of_an_asset_is_in_the_key(folder, name):
    """A change of any of them is another library, and the digests name it."""
    before = collect_sources([folder], None, ())
    (folder / "readme.txt").write_text("something")
    assert collect_sources([folder], None, ()).key(1) == before.key(1)
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data + b"\n")
    after = collect_sources([folder], None, ())

    assert after.key(1) != before.key(1)
    assert f"file/0/{name}" in {key for key in after.digests if after.digests[key] != before.digests[key]}


def test_a_repainted_texture_is_drawn(folder):
    """The cache does not answer with the texels of before."""
    (folder / "b.gltf").unlink()
    first = load_asset_library(object_folders=[folder])
    paint(folder / "skin.webp", 200)
    second = load_asset_library(object_folders=[folder])
    arrays = first.meshes.arrays()
    assert not all(np.array_equal(value, arrays[name]) for name, value in second.meshes.arrays().items())


def test_a_robots_key_holds_its_own_files_alone(folder):
    """A texture of the robot counts; what else grows beside the URDF, such as a dataset, does not."""
    write_urdf(folder / "robot.urdf", "a.obj")
    text = (folder / "robot.urdf").read_text()
    painted = '<material name="m"><texture filename="glaze.tif"/></material></visual>'
    (folder / "robot.urdf").write_text(text.replace("</visual>", painted))
    before = collect_sources(None, folder / "robot.urdf", ())
    (folder / "data").mkdir()
    (folder / "data" / "contact_sheet.png").write_bytes(b"made later")
    assert collect_sources(None, folder / "robot.urdf", ()).key(1) == before.key(1)
    for name in ("skin.webp", "glaze.tif"):
        paint(folder / name, 99)
        after = collect_sources(None, folder / "robot.urdf", ())
        assert after.key(1) != before.key(1)
        before = after
    visual = load_urdf_visuals(folder / "robot.urdf")[0]
    assert {visual.mesh_path} <= set(list_urdf_files(folder / "robot.urdf"))
    assert sorted(before.digests)[-5:] == [
        f"robot/{name}" for name in ("a.obj", "glaze.tif", "paint.mtl", "robot.urdf", "skin.webp")
    ]
