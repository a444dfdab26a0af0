"""A user's folder of assets, end to end: its classes, sizes, masses and splits reach the dataset."""

from __future__ import annotations

import json

import numpy as np
import pytest
import trimesh
from typer.testing import CliRunner

import simloom
from naive.asset_models import make_bowl, write_obj, write_urdf
from simloom.sim.errors import RecipeError
from simloom.sim.shared_assets import find_shared_assets

KEYS = """
unit: mm
density: 800
friction: 0.9
files:
  mug.obj:
    {class: mug, mass: 0.3, split: train, keypoints: {rim: [0, 0, 100]}, symmetry: {revolution: [{axis: [0, 0, 1]}]}}
  brick.stl: {class: brick, split: train}
  parts/wedge.urdf: {class: wedge, split: test}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of three assets with a declaration, in millimetres."""
    folder = tmp_path_factory.mktemp("things")
    mug = trimesh.creation.cylinder(radius=40, height=100, sections=16)
    mug.apply_translation((0, 0, 50))
    write_obj(folder / "mug.obj", mug)
    trimesh.creation.box((60, 80, 40)).export(folder / "brick.stl")
    wedge = trimesh.convex.convex_hull(np.array([[0, 0, 0], [60, 0, 0], [0, 60, 0], [60, 60, 0], [0, 0, 50.0]]))
    write_obj(folder / "parts" / "wedge.obj", wedge)
    write_urdf(folder / "parts" / "wedge.urdf", "wedge.obj")
    (folder / "asset.yaml").write_text(KEYS)
    return folder


@pytest.fixture(scope="module")
def datasets(folder, tmp_path_factory):
    """Two small datasets of one recipe: on the assets for training, and on those for tests."""
    made = {}
    for split in ("train", "test"):
        recipe = simloom.load_recipe(
            {
                "scene": "tabletop",
                "object_folders": [str(folder)],
                "asset_split": split,
                "rig": {"head": {"camera": "generic_rgb", "width": 48, "height": 32}},
                "parameters": {"object_count": {"fixed": 4}, "object.kind": {"choice": ["random_object"]}},
                "outputs": ["class", "poses"],
                "supersample": 1,
                "slots": 6,
            }
        )
        out = tmp_path_factory.mktemp("data") / split
        made[split] = simloom.generate(recipe, samples=3, out=out, workers=0)
    return made


def test_classes_masses_and_sizes_are_the_declared_ones(datasets):
    """Rows hold the assets' own classes, sizes in metres and masses; the table names them."""
    data = datasets["train"]
    names = dict(data.classes)
    objects = data.tables["objects"]
    seen = set()
    for k in range(len(data)):
        row = data[k]
        for slot in range(1, 5):
            entry = objects[str(int(row["object/asset"][slot]))]
            seen.add(entry["name"])
            assert names[str(int(row["object/class"][slot]))] == entry["class"]
            wanted = 0.3 if entry["class"] == "mug" else 800 * 0.06 * 0.08 * 0.04
            assert row["object/mass"][slot] == pytest.approx(wanted, rel=1e-4)
            assert row["object/friction"][slot] == pytest.approx(0.9)
            longest = 0.1 if entry["class"] == "mug" else 0.08
            assert row["object/extent"][slot].max() == pytest.approx(longest, rel=1e-3)

    assert {"mug", "brick"} <= set(names.values())
    assert seen <= {"folder0/mug.obj", "folder0/brick.stl"}


def test_keypoints_and_symmetry_are_in_the_objects_frame(datasets):
    """The rim's keypoint lies half the height above the centre of mass, in metres, and the axis goes through it."""
    (mug,) = (entry for entry in datasets["train"].tables["objects"].values() if entry["class"] == "mug")

    np.testing.assert_allclose(mug["keypoints"]["rim"], (0.0, 0.0, 0.05), atol=1e-6)
    assert mug["symmetry"][0]["axis"] == [0.0, 0.0, 1.0]
    np.testing.assert_allclose(mug["symmetry"][0]["point"][:2], 0.0, atol=1e-6)
    assert mug["symmetry"][0]["order"] is None


def test_splits_share_no_asset(datasets):
    """The manifests prove it: no mesh of one is in the other."""
    train, test = (datasets[name] for name in ("train", "test"))

    assert find_shared_assets(train.folder, test.folder) == ()
    assert find_shared_assets(train.folder, train.folder) != ()
    assert [entry["split"] for entry in test.tables["objects"].values()] == ["test"]
    files = [{name for name in data.tables["assets"] if name.startswith("file/")} for data in (train, test)]
    assert not any("wedge" in name for name in files[0])
    assert not any("mug" in name or "brick" in name for name in files[1])
    manifest = json.loads((train.folder / "manifest.json").read_text())
    assert manifest["objects"] == train.tables["objects"]


def test_a_split_without_assets_is_said(folder):
    """An empty split, and a split of PyBullet's own objects, are mistakes of the recipe."""
    from simloom.sim.campaign.plan import make_plan

    with pytest.raises(RecipeError, match="none of the 3 assets is in 'val'"):
        make_plan(simloom.load_recipe({"object_folders": [str(folder)], "asset_split": "val"}))
    with pytest.raises(RecipeError, match="asset_split needs object_folders"):
        make_plan(simloom.load_recipe({"asset_split": "val"}))


def test_check_prints_a_report(folder, tmp_path):
    """One line an asset, findings below, JSON for machines, a picture, and 42 where one is refused."""
    from simloom.sim.cli import app

    def run(*words: object) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["assets", "check", *map(str, words)])
        return done.exit_code, done.output

    picture = tmp_path / "things.png"
    code, text = run(folder, "--preview", picture)
    assert code == 0, text
    assert "ok       mug.obj  mug, train, 0.08 x 0.08 x 0.1 m" in text
    assert "3 assets: 3 ok, 0 warning, 0 refused" in text
    assert picture.read_bytes()[:4] == b"\x89PNG"
    write_urdf(tmp_path / "bad" / "thief.urdf", "../../secret.obj")
    code, text = run(tmp_path / "bad")
    assert code == 42
    assert "lies outside of" in text
    code, text = run(folder, "--json")
    assert json.loads(text)["counts"] == {"ok": 3, "warning": 0, "refused": 0}
    code, text = run(tmp_path / "nowhere")
    assert code == 2
    assert "does not exist" in text


def test_concave_assets_from_folder_to_dataset(tmp_path):
    """A bowl, cut by CoACD, is generated by the command line; the bowl of a URDF with a hull of its own is told too."""
    from simloom.sim.cli import app

    bowl = make_bowl(sections=8, rings=4)
    write_obj(tmp_path / "test" / "bowl.obj", bowl)
    write_obj(tmp_path / "train" / "bowl.obj", bowl)
    write_obj(tmp_path / "train" / "rough.obj", bowl.convex_hull)
    write_urdf(tmp_path / "train" / "bowl.urdf", "bowl.obj")
    text = (tmp_path / "train" / "bowl.urdf").read_text()
    drawn, touched = text.split("<collision>")
    (tmp_path / "train" / "bowl.urdf").write_text(f"{drawn}<collision>{touched.replace('bowl.obj', 'rough.obj')}")

    def run(*words: object) -> tuple[int, str]:
        done = CliRunner().invoke(app, list(map(str, words)))
        return done.exit_code, done.output

    for name in ("train", "test"):
        (tmp_path / name / "asset.yaml").write_text("class: bowl\nunit: m\ndensity: 2400\n")
        recipe = {
            "scene": "tabletop",
            "object_folders": [str(tmp_path / name)],
            "rig": {"head": {"camera": "generic_rgb", "width": 32, "height": 24}},
            "parameters": {"object_count": {"fixed": 2}, "object.kind": {"choice": ["random_object"]}},
            "outputs": ["class", "poses"],
            "supersample": 1,
            "slots": 4,
        }
        (tmp_path / f"{name}.yaml").write_text(json.dumps(recipe))
        code, text = run(
            "generate", tmp_path / f"{name}.yaml", "-n", 2, "-o", tmp_path / f"data_{name}", "--workers", 0
        )
        assert code == 0, text
    data = simloom.open_dataset(tmp_path / "data_test")
    (entry,) = data.tables["objects"].values()
    (ours,) = (number for number, name in data.classes.items() if name == "bowl")
    for row in range(2):
        assert data[row]["sample/valid"]
        assert data[row]["object/class"][1:3].tolist() == [int(ours)] * 2
        np.testing.assert_allclose(data[row]["object/mass"][1:3], entry["mass"], rtol=1e-5)
    code, text = run("assets", "check", tmp_path / "test", "--hulls", "--json")
    assert json.loads(text)["assets"][0]["facts"]["hulls"] > 1

    code, text = run("assets", "compare", tmp_path / "data_train", tmp_path / "data_test")
    assert code == 42
    assert "shared: folder0/bowl.urdf = folder0/bowl.obj" in text
    code, text = run("verify", tmp_path / "data_test", "--regenerate", 1)
    assert code == 0, text
