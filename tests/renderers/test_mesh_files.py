"""Mesh files: parts, colours and textures as the file says, and nothing outside the folder."""

import struct
from dataclasses import replace

import numpy as np
import pytest
import trimesh

from simloom.renderers.mesh_files import MeshPart, flatten_texture, load_mesh, resolve_inside
from simloom.renderers.mesh_materials import is_normal_map, join_gltf, split_gltf

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


def write_gltf(folder, *, external):
    """A textured, painted triangle as GLB, or as glTF whose picture and buffer lie beside it."""
    import base64
    import json

    import cv2

    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (3, 2 + k, 3), np.uint8) for k in range(3)]
    encoded = [cv2.imencode(".png", picture[:, :, ::-1])[1].tobytes() for picture in pictures]
    numbers = [
        np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4").tobytes(),
        np.array([[0, 0], [1, 0], [0, 1]], "<f4").tobytes(),
        np.array([[1, 0, 0], [0, 0.5, 0], [0, 0, 0.2]], "<f4").tobytes(),
        np.array([0, 1, 2], "<u4").tobytes(),
    ]
    blocks = [*numbers, *encoded]
    offsets = [0]
    for block in blocks:
        offsets.append(offsets[-1] + len(block) + -len(block) % 4)
    binary = b"".join(block + bytes(-len(block) % 4) for block in blocks)
    views = [{"buffer": 0, "byteOffset": o, "byteLength": len(b)} for o, b in zip(offsets, blocks, strict=False)]
    float_code, index_code = 5126, 5125
    header = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{
            "attributes": {"POSITION": 0, "TEXCOORD_0": 1, "COLOR_0": 2}, "indices": 3, "material": 1,
        }]}],
        "accessors": [
            {"bufferView": k, "componentType": code, "count": 3, "type": kind}
            for k, (code, kind) in enumerate(
                [(float_code, "VEC3"), (float_code, "VEC2"), (float_code, "VEC3"), (index_code, "SCALAR")]
            )
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": len(binary)}],
        "images": [{"bufferView": 4 + k, "mimeType": "image/png"} for k in range(3)],
        "textures": [{"source": k} for k in range(3)],
        "materials": [
            {"name": "other"},
            {
                "name": "painted",
                "pbrMetallicRoughness": {
                    "baseColorFactor": [0.2, 0.4, 0.6, 1], "metallicFactor": 0.25, "roughnessFactor": 0.75,
                    "baseColorTexture": {"index": 0}, "metallicRoughnessTexture": {"index": 1},
                },
                "normalTexture": {"index": 2}, "emissiveFactor": [0, 0.5, 1],
            },
        ],
    }  # fmt: skip
    if external:
        header["buffers"][0]["uri"] = "numbers.bin"
        (folder / "numbers.bin").write_bytes(binary)
        (folder / "picture.png").write_bytes(encoded[0])
        header["images"][0] = {"uri": "picture.png"}
        header["images"][1] = {"uri": "data:image/png;base64," + base64.b64encode(encoded[1]).decode()}
        (folder / "m.gltf").write_text(json.dumps(header))
        return folder / "m.gltf", pictures
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    total = 28 + len(text) + len(binary)
    (folder / "m.glb").write_bytes(
        struct.pack("<4sIIII", b"glTF", 2, total, len(text), 0x4E4F534A)
        + text
        + struct.pack("<II", len(binary), 0x004E4942)
        + binary
    )
    return folder / "m.glb", pictures


@pytest.mark.parametrize("external", [False, True], ids=["glb", "gltf"])
def test_gltf_materials_are_read(tmp_path, external):
    """Factors, three textures and linear vertex colours come with the part, from GLB and from files beside it."""
    path, pictures = write_gltf(tmp_path, external=external)
    (part,) = load_mesh(path)
    assert part.base_color == pytest.approx([0.2, 0.4, 0.6])
    assert np.array_equal(part.texture, pictures[0])
    assert part.material.texture is part.texture
    assert np.array_equal(part.material.metallic_roughness_texture, pictures[1])
    assert np.array_equal(part.material.normal_texture, pictures[2])
    assert (part.material.metallic, part.material.roughness) == (0.25, 0.75)
    assert part.material.emission.tolist() == [0, 0.5, 1]
    assert part.uvs[:, 1].tolist() == [1, 1, 0]
    assert part.colors.tolist() == [[255, 0, 0], [0, 188, 0], [0, 0, 124]]


def test_gltf_images_outside_the_folder_are_refused(tmp_path):
    """A picture elsewhere is not read, and an index that points nowhere is one clear error."""
    import json

    (tmp_path / "in").mkdir()
    path, _ = write_gltf(tmp_path / "in", external=True)
    header = json.loads(path.read_text())
    header["images"][0]["uri"] = "../secret.png"
    path.write_text(json.dumps(header))
    with pytest.raises(ValueError, match="lies outside"):
        load_mesh(path)
    header["images"] = []
    path.write_text(json.dumps(header))
    with pytest.raises(ValueError, match="not a mesh that can be read"):
        load_mesh(path)


def test_a_glb_is_put_together_again(tmp_path):
    """Splitting and joining keeps the binary chunk."""
    path, _ = write_gltf(tmp_path, external=False)
    header, binary = split_gltf(path.read_bytes())
    again = split_gltf(join_gltf(header, path.read_bytes()))
    assert again == (header, binary)


def test_mtl_says_more_than_colour(folder):
    """Pr, Pm, Ke, their maps and normal maps are read; a grey bump map is not taken for normals."""
    import cv2

    blue = np.full((2, 3, 3), (250, 128, 128), np.uint8)  # OpenCV's order
    cv2.imwrite(str(folder / "normal.png"), blue)
    cv2.imwrite(str(folder / "grey.png"), np.full((2, 3, 3), 90, np.uint8))
    more = "Pr 0.3\nPm 0.6\nKe 0 1 0\nmap_Pr grey.png\nmap_Pm picture.png\nmap_Bump -bm 1.0 {}\n"
    (folder / "two.mtl").write_text(MTL + more.format("normal.png"))
    material = {part.name: part for part in load_mesh(folder / "two.obj")}["pictured"].material
    assert (material.roughness, material.metallic) == (0.3, 0.6)
    assert material.emission.tolist() == [0, 1, 0]
    assert material.metallic_roughness_texture[0, 0].tolist() == [255, 90, 30]
    assert material.normal_texture[0, 0].tolist() == [128, 128, 250]
    (folder / "two.mtl").write_text(MTL + more.format("grey.png"))
    assert {part.name: part for part in load_mesh(folder / "two.obj")}["pictured"].material.normal_texture is None
    assert is_normal_map(blue[..., ::-1])


def test_vertex_colours_of_ply_and_obj(tmp_path):
    """Bytes of a PLY and display-referred numbers of an OBJ come as sRGB bytes."""
    ply = ["ply", "format ascii 1.0", "element vertex 3"]
    ply += [f"property float {axis}" for axis in "xyz"] + [f"property uchar {c}" for c in ("red", "green", "blue")]
    ply += ["element face 1", "property list uchar int vertex_indices", "end_header"]
    ply += ["0 0 0 255 0 10", "1 0 0 0 128 10", "0 1 0 7 8 9", "3 0 1 2", ""]
    (tmp_path / "c.ply").write_text("\n".join(ply))
    (part,) = load_mesh(tmp_path / "c.ply")
    assert part.colors.tolist() == [[255, 0, 10], [0, 128, 10], [7, 8, 9]]
    (tmp_path / "c.obj").write_text("v 0 0 0 1 0 0\nv 1 0 0 0 0.5 0\nv 0 1 0 0 0 0.2\nf 1 2 3\n")
    (part,) = load_mesh(tmp_path / "c.obj")
    assert part.colors.tolist() == [[255, 0, 0], [0, 128, 0], [0, 0, 51]]
    (tmp_path / "d.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    assert load_mesh(tmp_path / "d.obj")[0].colors is None


@pytest.mark.parametrize("line", ["mtllib ../../paint.mtl", "mtllib thief.mtl"])
def test_a_material_file_is_read_wherever_it_is_named(tmp_path, line):
    """Behind the vertices it is read as at the head: several are joined, and one that reaches out is refused."""
    points = "v 0 0 0\nv 1 0 0\nv 0 1 0\n"
    (tmp_path / "red.mtl").write_text("newmtl red\nKd 1 0 0\n")
    (tmp_path / "green.txt").write_text("newmtl green\nKd 0 1 0\n")
    (tmp_path / "thief.mtl").write_text("newmtl red\nmap_Kd ../../secret.png\n")
    path = tmp_path / "late.obj"
    path.write_text(f"{points}mtllib red.mtl\nmtllib green.txt\nusemtl green\nf 1 2 3\n")
    np.testing.assert_array_equal(load_mesh(path)[0].base_color, (0, 1, 0))
    path.write_text(f"{points}{line}\nusemtl red\nf 1 2 3\n")
    with pytest.raises(ValueError, match="lies outside of"):
        load_mesh(path)


def test_a_small_file_cannot_place_millions_of_copies(tmp_path, monkeypatch):
    """A mesh that nodes repeat beyond the limit is refused before a copy is made; below it is read."""
    scene = trimesh.Scene(trimesh.creation.icosphere(subdivisions=3))
    (name,) = scene.geometry
    count = len(scene.geometry[name].vertices)
    for k in range(400):
        scene.graph.update(f"copy{k}", matrix=trimesh.transformations.translation_matrix((k, 0, 0)), geometry=name)
    path = tmp_path / "many.glb"
    scene.export(path)
    assert sum(len(part.vertices) for part in load_mesh(path)) == 401 * count
    monkeypatch.setattr("simloom.renderers.mesh_files.MAX_COPIES", 401 * count - 1)
    with pytest.raises(ValueError, match=f"many.glb .* 401 nodes place {count} vertices as {401 * count}, more than"):
        load_mesh(path)
    single = trimesh.Scene(scene.geometry[name]).export(tmp_path / "single.glb")
    monkeypatch.setattr("simloom.renderers.mesh_files.MAX_COPIES", 10)
    assert single
    assert len(load_mesh(tmp_path / "single.glb")[0].vertices) == count
