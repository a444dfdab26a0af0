"""The check of assets: what is sound passes, each fault is named, hostile files are refused and nothing is raised."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import trimesh

from naive.asset_models import make_bowl, make_mug, make_open_sheet, write_obj, write_urdf
from simloom.scenes.asset_check import check_folder
from simloom.scenes.asset_shape import _obj_objects
from simloom.scenes.inertia_check import check_inertia
from simloom.scenes.plausible_size import likely_unit, plausible_size


def check_one(folder):
    """Return the only report of a folder and its codes by level."""
    (report,) = check_folder(folder)
    return report, {(finding.level, finding.code) for finding in report.findings}


def test_sound_assets_pass(tmp_path):
    """A bowl and a mug with a handle are fine, with the volume, mass and inertia of their solids."""
    bowl, mug = make_bowl(), make_mug()
    write_obj(tmp_path / "bowl.obj", bowl)
    mug.export(tmp_path / "mug.stl")
    (tmp_path / "asset.yaml").write_text(
        "density: 2400\nfiles:\n  bowl.obj: {class: bowl, symmetry: {revolution: [{axis: [0, 0, 1]}]}}\n"
        "  mug.stl: {class: mug, keypoints: {handle: [0.065, 0, 0.05]}}\n"
    )
    reports = {report.name: report for report in check_folder(tmp_path)}

    assert [report.status for report in reports.values()] == ["ok", "ok"]
    facts = reports["bowl.obj"].facts
    assert facts["watertight"]
    assert facts["mass"] == pytest.approx(2400 * bowl.volume, rel=1e-6)
    # Its sections are 32, so the two moments across the axis are equal.
    np.testing.assert_allclose(facts["inertia"][0], facts["inertia"][1], rtol=1e-6)
    assert reports["mug.stl"].facts["pieces"] == 2
    json.dumps([report.to_json() for report in reports.values()], allow_nan=False)


@pytest.mark.parametrize(
    "name, scale, words, likely",
    [
        ("mug.obj", 20.0, "longest side is 2 m; a mug has 6 cm to 20 cm", "unit: inch"),
        ("mug.obj", 1000.0, "longest side is 100 m", "unit: mm"),
        ("chair.obj", 0.012, "longest side is 1.2 mm; a chair has 50 cm to 1.5 m", "scale: 1000"),
        ("thing.obj", 1000.0, "an object has 4 mm to 4 m", "unit: mm"),
    ],
)
def test_implausible_sizes_come_with_the_likely_unit(tmp_path, name, scale, words, likely):
    """A mug of 2 m, a chair of 1.2 mm and a thing of 100 m are warned of."""
    write_obj(tmp_path / name, trimesh.creation.box((0.05, 0.05, 0.1)).apply_scale(scale))
    report, found = check_one(tmp_path)

    assert found - {("note", "look")} == {("warning", "size")}
    assert words in report.findings[0].message
    assert likely in report.findings[0].advice
    (tmp_path / "asset.yaml").write_text(likely.replace("inch", "cm\nscale: 5") + "\n")
    assert check_one(tmp_path)[0].status == "ok"


def test_likely_unit_is_the_middle_of_the_range():
    """Of several fitting units the one nearest to the middle of the range is named, from the raw numbers."""
    assert plausible_size("coffee_mug", "x")[0] == "mug"
    assert plausible_size(None, "wooden-bowls_03")[0] == "bowl"
    assert likely_unit(100.0, 0.06, 0.2) == "mm"
    assert likely_unit(0.1, 0.06, 0.2, current=0.001) == "mm"
    assert likely_unit(1e9, 0.06, 0.2) is None


@pytest.mark.parametrize(
    "make, code",
    [
        (make_open_sheet, "open"),
        (lambda: trimesh.Trimesh(make_bowl().vertices, make_bowl().faces[:, ::-1], process=False), "inverted"),
        (lambda: flip_some(trimesh.creation.box((0.1, 0.1, 0.1))), "winding"),
        (lambda: double_some(trimesh.creation.box((0.1, 0.1, 0.1))), "degenerate"),
    ],
)
def test_faults_of_the_surface_are_warnings(tmp_path, make, code):
    """Open, inverted, partly flipped and doubled surfaces can be used, and are warned of."""
    write_obj(tmp_path / "a.obj", make())
    report, found = check_one(tmp_path)

    assert ("warning", code) in found
    assert report.status == "warning"
    assert report.facts["volume"] > 0


def flip_some(mesh):
    """Turn the first triangle over."""
    mesh.faces[0] = mesh.faces[0][::-1]
    return trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)


def double_some(mesh):
    """Write four triangles twice."""
    return trimesh.Trimesh(mesh.vertices, np.concatenate([mesh.faces, mesh.faces[:4]]), process=False)


def test_unusable_meshes_are_refused(tmp_path):
    """NaN, flat, empty, truncated and binary rubbish: a sentence each, no exception."""
    write_obj(tmp_path / "flat.obj", trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]], process=False))
    bad = make_bowl()
    bad.vertices[3] = np.nan
    write_obj(tmp_path / "nan.obj", bad)
    (tmp_path / "empty.stl").write_bytes(b"")
    (tmp_path / "rubbish.glb").write_bytes(b"glTF" + bytes(range(256)))
    (tmp_path / "text.ply").write_text("ply\nformat ascii 1.0\nelement vertex 99999999999\nend_header\n")
    (tmp_path / "cut.stl").write_bytes(trimesh.creation.box().export(file_type="stl")[:200])
    reports = check_folder(tmp_path)

    assert {report.name: report.status for report in reports if report.status != "refused"} == {}
    assert all(report.split is None and report.findings[0].message for report in reports)


@pytest.mark.parametrize(
    "text, words",
    [
        ("v 0.1 0.1 0.1\n" * 3 + "f 1 2 3\n", "all its vertices are one point"),
        ("v 0 0 0\nv 1e-30 0 0\nv 0 1e-30 0\nf 1 2 3\n", "its longest side is 1e-27 mm"),
        ("v 0 0 0\nv 1e300 0 0\nv -1e300 1e300 0\nf 1 2 3\n", "its longest side is 2e+300 m"),
        ("v 0 0 0\nv 1.7e308 0 0\nv -1.7e308 1e300 0\nf 1 2 3\n", "its longest side is inf m"),
        ("o a\nv 0 0\nv 1 0\nv 0 1\nv 1 1\nf 1 2 3\n", "odd.obj"),
        ("o a\nv 0 0 0 1\nv 1 0 0\nv 0 1\nv 1 1 0\nf 1 2 3\n", "odd.obj"),
        ("o a\n" + "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\n" + "f\nf 1 2 3\n", "odd.obj"),
        ("o a\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 x 3\n", "odd.obj"),
    ],
)
def test_a_degenerate_mesh_hides_no_other(tmp_path, text, words):
    """No extent, absurd numbers and lines without three numbers: refused with a reason, and the rest is reported."""
    (tmp_path / "odd.obj").write_text(text)
    write_obj(tmp_path / "bowl.obj", make_bowl())
    bowl, odd = check_folder(tmp_path)

    assert (bowl.status, odd.status) == ("ok", "refused")
    assert words in odd.findings[0].message
    json.dumps(odd.to_json(), allow_nan=False)


@pytest.mark.parametrize("line, words", [("v 0 0", "line 3: a vertex is"), ("f 1 2 y", "line 3: a face is")])
def test_lines_of_a_collision_mesh_are_named(tmp_path, line, words):
    """What the objects of an OBJ are made of is checked by simloom itself, which names file and line."""
    path = tmp_path / "parts.obj"
    path.write_text(f"o a\nv 0 0 0\n{line}\n")
    with pytest.raises(ValueError, match=f"parts.obj, {words}"):
        _obj_objects(path)


@pytest.mark.parametrize("mesh", ["../secret.obj", "{outside}/secret.obj", "file://{outside}/secret.obj"])
def test_a_urdf_cannot_reach_out(tmp_path, mesh):
    """Relative and absolute paths out of the folder are refused, whether drawn or touched."""
    write_obj(tmp_path / "secret.obj", make_bowl())
    inside = tmp_path / "assets"
    write_urdf(inside / "thing.urdf", mesh.format(outside=tmp_path))
    report, found = check_one(inside)

    assert found == {("refused", "reach")}
    assert "lies outside of" in report.findings[0].message
    write_obj(inside / "good.obj", make_bowl())
    text = (inside / "thing.urdf").read_text()
    name = mesh.format(outside=tmp_path)
    (inside / "thing.urdf").write_text(text.replace(name, "good.obj", 1))  # only what collides reaches out now
    assert check_one(inside)[1] == {("refused", "reach")}


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE robot [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE robot [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
    ],
)
def test_entities_are_refused(tmp_path, head):
    """Neither external entities nor a billion laughs are expanded."""
    write_obj(tmp_path / "bowl.obj", make_bowl())
    write_urdf(tmp_path / "thing.urdf", "bowl.obj", head=head)
    assert check_one(tmp_path)[1] == {("refused", "reach")}


@pytest.mark.parametrize("uri", ["../secret.bin", "/etc/passwd", "http://example.org/a.bin", "file:///etc/passwd"])
def test_a_glb_cannot_reach_out(tmp_path, uri):
    """Buffers by address, outside the folder or on the net, are refused."""
    (tmp_path / "secret.bin").write_bytes(bytes(36))
    header = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": 36, "uri": uri}],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "nodes": [{"mesh": 0}],
        "scenes": [{"nodes": [0]}],
        "scene": 0,
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "a.glb").write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body)
    (report,) = check_folder(tmp_path / "assets")
    assert report.status == "refused"


def test_missing_textures_are_warned_of(tmp_path):
    """A material file that is not there, or names an image that is not there, leaves the mesh usable."""
    write_obj(tmp_path / "bowl.obj", make_bowl(), head="mtllib bowl.mtl\nusemtl paint\n")
    (tmp_path / "bowl.mtl").write_text("newmtl paint\nKd 1 0 0\nmap_Kd paint.png\n")
    report, found = check_one(tmp_path)
    assert ("warning", "file") in found
    assert "paint.png" in report.findings[0].message
    (tmp_path / "bowl.mtl").unlink()
    report, found = check_one(tmp_path)
    assert ("warning", "file") in found
    assert "names the material file bowl.mtl, which does not exist" in report.findings[0].message
    assert report.facts["textures"] == 0


def test_impossible_inertias():
    """A box's inertia passes; negative, one-sided and outsized ones do not."""
    moments = np.diag([0.13, 0.1, 0.05]) / 12.0
    assert check_inertia(1.0, moments, 0.4) == ()
    assert "must be positive" in check_inertia(0.0, moments, 0.4)[0]
    assert "must be positive" in check_inertia(1.0, np.diag([-1.0, 1.0, 1.0]), 0.4)[0]
    assert "triangle inequality" in check_inertia(1.0, np.diag([0.001, 0.001, 0.003]), 0.4)[0]
    assert "times what 0.1 kg can have" in check_inertia(0.1, np.eye(3), 0.1)[0]


def test_urdf_inertia_and_links_are_warned_of(tmp_path):
    """What PyBullet's own random objects state, 1 kg m^2 for 0.1 kg, is named, and so are links that are left out."""
    write_obj(tmp_path / "bowl.obj", make_bowl())
    inertia = '<inertial><mass value="0.1"/><inertia ixx="1" ixy="0" ixz="0" iyy="1" iyz="0" izz="1"/></inertial>'
    joint = '<link name="lid"/><joint name="j" type="fixed"><parent link="base"/><child link="lid"/></joint>'
    write_urdf(tmp_path / "thing.urdf", "bowl.obj", inertia=inertia, more=joint)
    assert {("warning", "inertia"), ("warning", "links")} <= check_one(tmp_path)[1]


def test_declared_symmetry_and_keypoints_are_held_against_the_mesh(tmp_path):
    """A bowl turns about z, not about x; a keypoint a metre away is no part of it."""
    write_obj(tmp_path / "bowl.obj", make_bowl())
    said = "class: bowl\nsymmetry: {revolution: [{axis: [%s]}]}\nkeypoints: {rim: [%s]}\n"
    (tmp_path / "asset.yaml").write_text(said % ("0, 0, 1", "0.08, 0, 0.08"))
    assert check_one(tmp_path)[0].status == "ok"
    (tmp_path / "asset.yaml").write_text(said % ("1, 0, 0", "0.08, 0, 1.08"))
    assert {("warning", "symmetry"), ("warning", "keypoint")} <= check_one(tmp_path)[1]


def test_a_handle_is_not_diluted_by_the_body(tmp_path):
    """A mug with a handle is no body of revolution, nor the same after half a turn, though 95 % of its surface is."""
    write_obj(tmp_path / "mug.obj", make_mug())
    for said in ("revolution: [{axis: [0, 0, 1]}]", "rotations: [{axis: [0, 0, 1], order: 2}]"):
        (tmp_path / "asset.yaml").write_text(f"class: mug\nsymmetry: {{{said}}}\n")
        assert ("warning", "symmetry") in check_one(tmp_path)[1]


def test_a_rough_scan_of_a_ball_is_a_ball(tmp_path):
    """Noise of 1 % of the radius is no asymmetry."""
    ball = trimesh.creation.icosphere(4, 0.05)
    ball.vertices *= 1.0 + 0.01 * np.random.default_rng(0).standard_normal((len(ball.vertices), 1))
    write_obj(tmp_path / "ball.obj", ball)
    (tmp_path / "asset.yaml").write_text("class: ball\nsymmetry: {revolution: [{axis: [0, 0, 1]}]}\n")
    assert ("warning", "symmetry") not in check_one(tmp_path)[1]


def test_impossible_density_is_warned_of(tmp_path):
    """A bowl of 50 kg is denser than anything."""
    write_obj(tmp_path / "bowl.obj", make_bowl())
    (tmp_path / "asset.yaml").write_text("mass: 50\n")
    assert ("warning", "density") in check_one(tmp_path)[1]


def test_twins_in_two_splits_are_warned_of(tmp_path):
    """One shape as OBJ and as STL, in two splits, is a leak, until both share a group."""
    make_bowl().export(tmp_path / "bowl.stl")
    write_obj(tmp_path / "bowl.obj", make_bowl())
    (tmp_path / "asset.yaml").write_text("files: {bowl.stl: {split: test}, bowl.obj: {split: train}}\n")
    assert all("twin" in {finding.code for finding in report.findings} for report in check_folder(tmp_path))
    (tmp_path / "asset.yaml").write_text("group: bowl\n")
    assert all("twin" not in {finding.code for finding in report.findings} for report in check_folder(tmp_path))


def test_a_mesh_drawn_in_two_splits_is_warned_of(tmp_path):
    """A mesh that is part of one asset and all of another is a leak where their splits differ."""
    write_obj(tmp_path / "bowl.obj", make_bowl())
    write_obj(tmp_path / "set" / "bowl.obj", make_bowl())
    write_obj(tmp_path / "set" / "mug.obj", make_mug())
    write_urdf(tmp_path / "set" / "set.urdf", "bowl.obj")
    text = (tmp_path / "set" / "set.urdf").read_text()
    mug = '<visual><geometry><mesh filename="mug.obj"/></geometry></visual></link>'
    (tmp_path / "set" / "set.urdf").write_text(text.replace("</link>", mug))
    (tmp_path / "asset.yaml").write_text("files: {bowl.obj: {split: test}, set/set.urdf: {split: train}}\n")
    for report in check_folder(tmp_path):
        (finding,) = (finding for finding in report.findings if finding.code == "twin")
        assert finding.message.startswith("draws a mesh of")
