"""Folders of assets: what is said of each, which split it is in, and what is refused."""

from __future__ import annotations

import math

import pytest
import trimesh

from naive.asset_models import write_obj, write_urdf
from simloom.scenes.asset_folder import hash_file, scan_folder, split_of_asset
from simloom.scenes.asset_yaml import load_asset_yaml

CUBE = trimesh.creation.box((0.1, 0.1, 0.1))


@pytest.fixture
def folder(tmp_path):
    """A folder of two mugs and, below, a bowl as URDF."""
    for name, size in (("mug_a.obj", 1.0), ("mug_b.obj", 1.1)):
        write_obj(tmp_path / name, CUBE.copy().apply_scale(size))
    write_obj(tmp_path / "bowls" / "bowl.obj", CUBE.copy().apply_scale(1.2))
    write_urdf(tmp_path / "bowls" / "bowl.urdf", "bowl.obj")
    return tmp_path


def test_what_is_said_is_inherited(folder):
    """A folder's keys hold below it, deeper ones and those of single files win, a mass replaces a density."""
    (folder / "asset.yaml").write_text(
        "class: mug\nunit: cm\ndensity: 2400\nfriction: 5e-1\nfiles:\n"
        "  mug_b.obj: {mass: 0.3, keypoints: {handle: [1, 2, 3]}}\n"
        "  bowls/bowl.urdf: {restitution: 0.2}\n"
    )
    (folder / "bowls" / "asset.yaml").write_text("class: bowl\n")
    bowl, mug_a, mug_b = (asset.declaration for asset in scan_folder(folder))

    assert (mug_a.class_name, mug_a.density, mug_a.mass, mug_a.friction) == ("mug", 2400, None, 0.5)
    assert (mug_b.mass, mug_b.density, mug_b.keypoints) == (0.3, None, {"handle": (1.0, 2.0, 3.0)})
    assert (bowl.class_name, bowl.unit, bowl.restitution) == ("bowl", "cm", 0.2)
    assert mug_a.factor == 0.01
    assert mug_a.keeps_size


def test_null_takes_back_what_the_folder_says(folder):
    """A file's `symmetry: null`, or an empty one, undoes the folder's, and so does null of any key; others keep it."""
    (folder / "asset.yaml").write_text(
        "class: mug\nmass: 0.4\nsymmetry: {revolution: [{axis: [0, 0, 1]}]}\nkeypoints: {rim: [0, 0, 1]}\nfiles:\n"
        "  mug_b.obj: {symmetry: null, mass: null}\n"
        "  bowls/bowl.urdf: {class: null, symmetry: {}, keypoints: {}}\n"
    )
    bowl, mug_a, mug_b = (asset.declaration for asset in scan_folder(folder))

    assert (len(mug_a.symmetry), mug_a.mass) == (1, 0.4)
    assert (mug_b.symmetry, mug_b.mass, mug_b.class_name) == ((), None, "mug")
    assert (bowl.class_name, bowl.symmetry, dict(bowl.keypoints), bowl.mass) == (None, (), {}, 0.4)


def test_taken_back_is_no_key(folder):
    """What the declaration keeps for itself cannot be written."""
    (folder / "asset.yaml").write_text("taken_back: [mass]\n")
    with pytest.raises(ValueError, match="unknown key 'taken_back'"):
        scan_folder(folder)


def test_a_urdf_owns_the_meshes_beside_it(folder):
    """The bowl's mesh is no asset of its own, and decides the split of its URDF."""
    names = [asset.name for asset in scan_folder(folder)]
    assert names == ["bowls/bowl.urdf", "mug_a.obj", "mug_b.obj"]
    bowl = scan_folder(folder)[0]
    write_urdf(folder / "bowls" / "bowl.urdf", "bowl.obj", more="<!-- a remark -->")
    assert scan_folder(folder)[0].content_sha256 == bowl.content_sha256


def test_what_is_drawn_decides_the_split(folder):
    """A URDF with a collision mesh of its own, or with more links, falls where its drawn mesh falls; all are told."""
    write_obj(folder / "bowls" / "rough.obj", CUBE)
    text = (folder / "bowls" / "bowl.urdf").read_text()
    lid = '<link name="lid"><visual><geometry><mesh filename="rough.obj"/></geometry></visual></link>'
    lid += '<joint name="j" type="fixed"><parent link="base"/><child link="lid"/></joint></robot>'
    text = text.replace(
        '<collision><origin xyz="0 0 0"/><geometry><mesh filename="bowl.obj"/>',
        '<collision><geometry><mesh filename="rough.obj"/>',
    ).replace("</robot>", lid)
    (folder / "bowls" / "bowl.urdf").write_text(text)
    (folder / "alone.obj").write_bytes((folder / "bowls" / "bowl.obj").read_bytes())
    alone, bowl = scan_folder(folder)[:2]

    assert (alone.name, bowl.name) == ("alone.obj", "bowls/bowl.urdf")
    assert bowl.content_sha256 == alone.content_sha256
    assert bowl.split == alone.split
    assert bowl.visual_sha256 == alone.visual_sha256 == alone.collision_sha256
    assert bowl.collision_sha256 == (hash_file(folder / "bowls" / "rough.obj"),)


@pytest.mark.parametrize(
    "text, words",
    [
        ("clas: mug\n", "unknown key 'clas'; did you mean 'class'"),
        ("class: Mug\n", "class must be lower-case"),
        ("class: robot\n", "class must not be background or robot"),
        ("unit: metre\n", "unit must be one of m, cm, mm, inch, foot"),
        ("mass: -1\n", r"mass must be a number in \[1e-06, 100000\], got -1"),
        ("mass: .nan\n", "mass must be a number"),
        ("mass: 1\ndensity: 2\n", "mass or density, not both"),
        ("symmetry: {revolution: [{axis: [0, 0, 0]}]}\n", "must have a direction"),
        ("symmetry: {rotations: [{axis: [0, 0, 1], order: 1}]}\n", r"in \[2, 360\]"),
        ("symmetry: z\n", "symmetry must be {revolution"),
        ("keypoints: {top: [1, 2]}\n", "keypoint 'top' must be three numbers"),
        ("splits: {train: 0.5, test: 0.4}\n", "must sum to 1, got 0.9"),
        ("files: {mug_c.obj: {mass: 1}}\n", "'mug_c.obj' is no asset of this folder; did you mean 'mug_"),
        ("files: {mug_a.obj: {mas: 1}}\n", "files: mug_a.obj: unknown key 'mas'"),
        ("class: &x mug\ngroup: *x\n", "line 2: YAML anchors and aliases"),
        ("class: !!python/object/apply:os.system [ls]\n", "line 1: the tag .*os.system is not allowed"),
        ("class: mug\nclass: cup\n", "line 2: the key 'class' stands here twice"),
        ("class: [mug\n", "not valid YAML"),
        ("class: 2020-13-45\n", "class must be lower-case letters.*got '2020-13-45'"),
        ("mass: 1:30\n", "mass must be a number in .*got '1:30'"),
        ("friction: 1\nmass: " + "9" * 5000 + "\n", "line 2: a number of 5000 characters"),
        ("mass: 0x" + "f" * 5000 + "\n", "line 1: a number of 5002 characters"),
        ("mass: !!int heavy\n", "line 1: 'heavy' is no int"),
        ("class: " + "[" * 5000 + "\n", "line 1: nested deeper than 32 levels"),
        ("keypoints: {" + ", ".join(f"k{i}: [1,2,3]" for i in range(30000)) + "}\n", "larger than 262144 bytes"),
        ("files:\n  mug_a.obj:\n    mass: x\n", "line 2: files: mug_a.obj: mass must be a number"),
        ("- mug\n", "must hold keys with values"),
    ],
)
def test_mistakes_are_named(folder, text, words):
    """A declaration that cannot be is one sentence with its file and key."""
    (folder / "asset.yaml").write_text(text)
    with pytest.raises(ValueError, match=words) as caught:
        scan_folder(folder)
    assert str(folder / "asset.yaml") in str(caught.value)


def test_an_empty_declaration_says_nothing(folder):
    """An empty file is allowed."""
    (folder / "asset.yaml").write_text("# nothing yet\n")
    assert load_asset_yaml(folder / "asset.yaml").common.class_name is None
    assert not scan_folder(folder)[1].declaration.keeps_size


def test_links_out_of_the_folder_are_refused(folder, tmp_path_factory):
    """A symbolic link to a mesh elsewhere is an asset that may not be read, and its bytes are not hashed."""
    outside = write_obj(tmp_path_factory.mktemp("outside") / "secret.obj", CUBE)
    (folder / "linked.obj").symlink_to(outside)
    linked = next(asset for asset in scan_folder(folder) if asset.name == "linked.obj")

    assert "lies outside of" in linked.refusal
    assert linked.content_sha256 == ""


def test_splits_hold_their_shares_and_do_not_move():
    """Of 4000 keys the shares are within 5 standard deviations, and a key's split is a function of the key alone."""
    shares = {"train": 0.7, "val": 0.1, "test": 0.2}
    drawn = [split_of_asset(f"content {k}", shares) for k in range(4000)]

    for name, share in shares.items():
        band = 5.0 * math.sqrt(4000 * share * (1.0 - share))
        assert abs(drawn.count(name) - 4000 * share) < band
    assert drawn[:100] == [split_of_asset(f"content {k}", shares) for k in range(100)]
    assert {split_of_asset(f"content {k}", {"test": 1.0}) for k in range(50)} == {"test"}


def test_adding_and_renaming_moves_no_asset(folder):
    """A new file, or another name for one, leaves every other asset in its split; copies share theirs."""
    before = {asset.content_sha256: asset.split for asset in scan_folder(folder)}
    write_obj(folder / "another.obj", CUBE.copy().apply_scale(2.0))
    (folder / "mug_a.obj").rename(folder / "zebra.obj")
    (folder / "copy.obj").write_bytes((folder / "mug_b.obj").read_bytes())
    after = {asset.name: asset for asset in scan_folder(folder)}

    assert before.items() <= {asset.content_sha256: asset.split for asset in after.values()}.items()
    assert after["copy.obj"].split == after["mug_b.obj"].split


def test_groups_and_declared_splits(folder):
    """Assets of one group share a split, and a declared one stands."""
    (folder / "asset.yaml").write_text("group: family\nfiles: {mug_a.obj: {split: test}}\n")
    bowl, mug_a, mug_b = scan_folder(folder)

    assert bowl.split == mug_b.split == split_of_asset("family")
    assert mug_a.split == "test"
