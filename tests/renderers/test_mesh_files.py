"""Mesh files: parts, colours and textures as the file says, and nothing outside the folder."""

import struct
from dataclasses import replace

import numpy as np
import pytest

from simloom.renderers.mesh_files import MeshPart, flatten_texture, load_mesh, resolve_inside

OBJ = """mtllib two.mtl
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 0 0 1
vt 0 0
vt 1 0
vt 1 1
vt 0 1
usemtl red
f 1/1 2/2 3/3 4/4
usemtl pictured
f 1/1 2/2 5/3
"""
MTL = """newmtl red
Kd 0.5 0 0
newmtl pictured
Kd 1 1 1
map_Kd picture.png
"""


@pytest.fixture
def folder(tmp_path):
    """An OBJ of two materials with its MTL and a picture."""
    import cv2

    (tmp_path / "two.obj").write_text(OBJ)
    (tmp_path / "two.mtl").write_text(MTL)
    cv2.imwrite(str(tmp_path / "picture.png"), np.full((2, 3, 3), (10, 20, 30), np.uint8))
    return tmp_path


def test_obj_parts_have_their_materials(folder):
    """Faces are split by material, quads into triangles, Kd is taken from sRGB to linear, v runs up."""
    parts = {part.name: part for part in load_mesh(folder / "two.obj")}
    assert set(parts) == {"red", "pictured"}
    red, pictured = parts["red"], parts["pictured"]
    assert red.base_color == pytest.approx([0.21404114, 0, 0])
    assert red.texture is None
    assert len(red.triangles) == 2
    assert len(pictured.triangles) == 1
    assert pictured.base_color == pytest.approx([1, 1, 1])
    assert pictured.texture[0, 0].tolist() == [30, 20, 10]
    assert np.array_equal(red.uvs, red.vertices[:, :2])
    corners = red.vertices[red.triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    assert area.sum() == pytest.approx(1)


def test_obj_keeps_normals(tmp_path):
    """Normals in the file come with the part."""
    (tmp_path / "n.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nvn 0 0.6 0.8\nf 1//1 2//1 3//1\n")
    (part,) = load_mesh(tmp_path / "n.obj")
    assert part.normals == pytest.approx(np.tile([0, 0.6, 0.8], (3, 1)))
    assert part.base_color is None


def test_stl(tmp_path):
    """A binary STL is read."""
    triangle = struct.pack("<12fH", 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0)
    (tmp_path / "t.stl").write_bytes(bytes(80) + struct.pack("<I", 1) + triangle)
    (part,) = load_mesh(tmp_path / "t.stl")
    assert part.triangles.shape == (1, 3)
    assert part.vertices.max() == 2
    assert part.normals is None


def test_glb_with_node_transforms(tmp_path):
    """Nodes place their meshes; a base colour stays linear."""
    import trimesh

    material = trimesh.visual.material.PBRMaterial(baseColorFactor=[0.2, 0.4, 0.6, 1.0])
    box = trimesh.creation.box()
    box.visual = trimesh.visual.TextureVisuals(uv=np.zeros((8, 2)), material=material)
    pose = np.eye(4)
    pose[:3, 3] = (5, 0, 0)
    scene = trimesh.Scene()
    scene.add_geometry(box, transform=pose)
    (tmp_path / "b.glb").write_bytes(scene.export(file_type="glb"))
    (part,) = load_mesh(tmp_path / "b.glb")
    assert part.vertices.min(axis=0) == pytest.approx([4.5, -0.5, -0.5])
    assert len(part.triangles) == 12
    assert part.base_color == pytest.approx([0.2, 0.4, 0.6], abs=0.003)


def test_glb_normals_turn_with_their_node(tmp_path):
    """Normals of a squeezed, turned node stay at right angles to its faces."""
    import trimesh

    box = trimesh.creation.box()
    box.unmerge_vertices()
    assert box.vertex_normals.shape == (36, 3)
    pose = np.array([[0, -3.0, 0, 0], [1, 1, 0, 0], [0, 0, 0.5, 0], [0, 0, 0, 1]])
    scene = trimesh.Scene()
    scene.add_geometry(box, transform=pose)
    (tmp_path / "b.glb").write_bytes(scene.export(file_type="glb", include_normals=True))
    (part,) = load_mesh(tmp_path / "b.glb")
    a, b, c = (part.vertices[part.triangles[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    face /= np.linalg.norm(face, axis=1, keepdims=True)
    assert part.normals is not None
    normals = part.normals[part.triangles] / np.linalg.norm(part.normals[part.triangles], axis=2, keepdims=True)
    assert (normals * face[:, None]).sum(axis=2).min() > 0.999


@pytest.mark.parametrize("texture", ["../secret.png", "/etc/hostname", "link.png", "a/../../secret.png"])
def test_textures_outside_the_folder_are_refused(folder, texture):
    """Neither .. nor an absolute name nor a symbolic link leads out."""
    secret = folder.parent / "secret.png"
    secret.write_bytes(b"x")
    (folder / "link.png").symlink_to(secret)
    (folder / "two.mtl").write_text(MTL.replace("picture.png", texture))
    with pytest.raises(ValueError, match="lies outside of"):
        load_mesh(folder / "two.obj")


def test_material_files_outside_the_folder_are_refused(folder):
    """The OBJ cannot name a file elsewhere as its MTL."""
    (folder / "two.obj").write_text(OBJ.replace("two.mtl", "../../etc/passwd"))
    with pytest.raises(ValueError, match="lies outside of"):
        load_mesh(folder / "two.obj")


def test_roots_widen_what_may_be_read(folder):
    """A texture beside the folder is read where its folder is allowed."""
    inner = folder / "inner"
    inner.mkdir()
    (inner / "two.obj").write_text(OBJ)
    (inner / "two.mtl").write_text(MTL.replace("picture.png", "../picture.png"))
    with pytest.raises(ValueError, match="lies outside of"):
        load_mesh(inner / "two.obj")
    assert any(part.texture is not None for part in load_mesh(inner / "two.obj", [folder]))


def test_a_missing_texture_is_told(folder):
    """The mesh is read without it, with a warning."""
    (folder / "picture.png").unlink()
    with pytest.warns(UserWarning, match="does not exist"):
        parts = load_mesh(folder / "two.obj")
    assert all(part.texture is None for part in parts)


@pytest.mark.parametrize(
    "name, data, message",
    [
        ("a.obj", b"v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "NaN or infinite"),
        ("a.obj", b"", "no triangles"),
        ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", "no triangles"),
        ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n", "cannot|not a mesh|names vertices"),
        ("a.obj", b"v 0 zero 0\nv 1 0 0\nf 1 2 3\n", "not a mesh"),
        ("a.stl", b"\0\1\2 rubbish", "not a mesh|no triangles"),
        ("a.glb", b"glTF rubbish", "not a mesh"),
        ("a.txt", b"", "cannot be read as a mesh"),
    ],
)
def test_bad_files_get_one_clear_error(tmp_path, name, data, message):
    """Whatever is wrong, the error names the file."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        load_mesh(tmp_path / name)
    assert name in str(caught.value)


def test_missing_files_are_told(tmp_path):
    """A file that is not there is FileNotFoundError."""
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_mesh(tmp_path / "none.obj")


def test_resolve_inside(tmp_path):
    """Names resolve inside the roots only; empty names and zero bytes are none."""
    assert resolve_inside("a/b.obj", tmp_path, [tmp_path]) == (tmp_path / "a/b.obj").resolve()
    assert resolve_inside(str(tmp_path / "c"), tmp_path / "a", [tmp_path]) == (tmp_path / "c").resolve()
    for name in ("", " ", "a\0b", "..", "../x"):
        with pytest.raises(ValueError, match=r"not a file name|lies outside of"):
            resolve_inside(name, tmp_path, [tmp_path])


def test_palette_texture_becomes_a_colour() -> None:
    """A part painted by one cell of a palette keeps that colour and loses texture and coordinates; others keep both."""
    palette = np.zeros((4, 4, 3), np.uint8)
    palette[0, 3] = (255, 0, 127)
    part = MeshPart(
        vertices=np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]),
        triangles=np.array([[0, 1, 2]]),
        normals=None,
        uvs=np.array([[0.8, 0.8], [0.95, 0.8], [0.8, 0.95]]),
        base_color=None,
        texture=palette,
        name="part",
    )
    flat = flatten_texture(part)
    spread = replace(part, uvs=np.array([[0.1, 0.1], [0.95, 0.8], [0.8, 0.95]]))

    assert flat.texture is None
    assert flat.uvs is None
    assert flat.base_color is not None
    np.testing.assert_allclose(flat.base_color, [1.0, 0.0, 0.2122], atol=1e-3)
    assert flatten_texture(spread) is spread
