"""The tabletop: reproducible, free of overlap and gaps, in order as a snapshot, documented."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simloom.kernels.transforms import invert_pose, transform_points
from simloom.renderers.snapshot import Pattern
from simloom.scenes import SceneSpec, TabletopScene, draw_scenario, make_scene, scene_names
from simloom.scenes.contact_check import check_contacts
from simloom.scenes.describe import describe_space
from simloom.scenes.lamps import light_color
from simloom.scenes.stage import Reason

COUNT = 24


@pytest.fixture(scope="module")
def stages(scene):
    """Two dozen stages of two views and two looks."""
    drawn = (draw_scenario(scene.space, seed=5, index=i, views=2, looks=2) for i in range(COUNT))
    return [scene.stage(scenario) for scenario in drawn]


def test_most_scenarios_are_valid(stages):
    """At least 80 % of draws make a settled world; the others say why."""
    valid = [stage.valid for stage in stages]

    assert np.mean(valid) >= 0.8
    assert all(stage.valid == (stage.reason == Reason.NONE) == (stage.message == "") for stage in stages)


def test_order_and_history_do_not_matter(scene, stages, digest):
    """Staged again in another order, every array has the same bits."""
    for index in (7, 2, 11):
        again = scene.stage(draw_scenario(scene.space, seed=5, index=index, views=2, looks=2))
        assert digest(again) == digest(stages[index])


def test_seeds_differ(scene, stages, digest):
    """Seed 0 and seed 1 make different worlds."""
    made = {digest(scene.stage(draw_scenario(scene.space, seed=seed, index=0))) for seed in (0, 1)}

    assert len(made) == 2
    assert len({digest(stage) for stage in stages}) == COUNT


def test_nothing_floats_or_overlaps(scene, stages):
    """Measured from poses alone, no settled object is more than 2 mm off what holds it, or in it."""
    for stage in stages:
        if not stage.valid:
            continue
        objects = stage.object
        found = check_contacts(
            scene.assets,
            asset=objects["asset"],
            scale=objects["scale"],
            pose_world_object=objects["pose_world_object"],
            table_height=float(stage.param["table.height"][0, 0]),
        )
        rows = objects["asset"] >= 0
        assert found.is_ok[rows].all(), (found.support_gap, found.penetration)
        assert min(stage.margins.values()) > 0


def test_the_check_sees_what_floats_and_what_overlaps(scene, stages):
    """An object lifted by 5 mm floats, one lowered by 5 mm penetrates."""
    stage = next(stage for stage in stages if stage.valid)
    objects, height = stage.object, float(stage.param["table.height"][0, 0])
    for shift in (0.005, -0.005):
        poses = objects["pose_world_object"].copy()
        poses[:, 2, 3] += shift
        found = check_contacts(
            scene.assets, asset=objects["asset"], scale=objects["scale"], pose_world_object=poses, table_height=height
        )
        assert not found.is_ok[objects["asset"] >= 0].all()


def test_snapshots_are_in_order(scene, stages):
    """Ids ascend from the background over the robot to the objects, geometry is shared, looks differ."""
    stage = stages[0]
    first, second = stage.snapshots
    valid = int(stage.object["valid"].sum())

    assert first.mesh is second.mesh
    assert first.pose_world_instance is second.pose_world_instance
    assert np.unique(first.instance).tolist() == list(range(valid + 1))
    assert (np.diff(first.instance) >= 0).all()
    assert set(np.unique(first.class_id[first.instance == 0])) == {1, 2}
    assert first.look_count == 2
    assert not np.array_equal(first.materials.base_color[0], first.materials.base_color[1])
    assert first.mesh.max() < scene.library.mesh_count
    assert first.materials.texture.max() < scene.library.texture_count
    for slot in range(valid):
        rows = first.class_id[first.instance == slot + 1]
        assert (rows == stage.object["class"][slot]).all()


def test_object_coordinates_agree_with_poses(stages):
    """World pose of an instance = pose of its object times the pose of the part within it."""
    stage = stages[1]
    snapshot = stage.snapshots[0]
    for row in np.flatnonzero(snapshot.instance > 0):
        pose = stage.object["pose_world_object"][snapshot.instance[row] - 1]
        np.testing.assert_allclose(
            pose @ snapshot.pose_instance_part[row], snapshot.pose_world_instance[row], atol=1e-9
        )


def test_boxes_hold_their_meshes(scene, stages):
    """Every vertex of an object lies in its 3D box, and the box is tight; the robot's is within 3 mm."""
    for stage in stages[:6]:
        snapshot, objects = stage.snapshots[0], stage.object
        for slot in range(int(objects["valid"].sum())):
            points = []
            for row in np.flatnonzero(snapshot.instance == slot + 1):
                vertices = scene.library.level(int(snapshot.mesh[row])).vertices * snapshot.scale[row]
                points.append(transform_points(snapshot.pose_world_instance[row], vertices))
            local = transform_points(invert_pose(objects["pose_world_object"][slot]), np.concatenate(points))
            half, center = 0.5 * objects["extent"][slot], objects["box_center"][slot]
            slack = 0.003 if slot == 0 else 1e-5
            np.testing.assert_allclose(local.max(axis=0), center + half, atol=slack)
            np.testing.assert_allclose(local.min(axis=0), center - half, atol=slack)


def test_surfaces_are_mostly_textured(stages):
    """At least 90 % of the surfaces carry a texture or a pattern."""
    marked = []
    for stage in stages:
        for snapshot in stage.snapshots:
            table = snapshot.materials
            used = np.unique(snapshot.material)
            marked.append(((table.texture >= 0) | (table.pattern != Pattern.NONE))[:, used].mean())

    assert np.mean(marked) >= 0.9


def test_lights_are_physical(stages):
    """Suns shine from above, skies give 10 to 50 % of the sun's light on a level surface, and colours are finite."""
    for stage in stages:
        light = stage.snapshots[0].lighting
        np.testing.assert_allclose((light.sun_direction**2).sum(axis=1), 1.0, rtol=1e-5)
        level = light.sun_irradiance.mean(axis=1) * light.sun_direction[:, 2]
        share = np.pi * light.sky_zenith.mean(axis=1) / level
        assert (light.sun_direction[:, 2] > 0.3).all()
        assert (share > 0.1).all()
        assert (share < 0.5).all()
    np.testing.assert_allclose(light_color(6500.0), 1.0, atol=0.06)
    assert light_color(3000.0)[0] > 1.5 > light_color(3000.0)[2]


def test_contacts_are_between_instances(stages):
    """Contacts name instances of the scene, carry unit normals and, together, the objects' weight."""
    for stage in stages:
        if not stage.valid:
            continue
        state = stage.state
        count = int(state["contact_count"])
        ids = state["contact_instances"][:count]
        assert ids.max() <= stage.object["valid"].sum()
        assert (ids[:, 0] != ids[:, 1]).all()
        np.testing.assert_allclose((state["contact_normal"][:count] ** 2).sum(axis=1), 1.0, atol=1e-6)
        on_table = (ids == 0).any(axis=1)
        lift = (np.abs(state["contact_normal"][:count, 2]) * state["contact_force"][:count])[on_table].sum()
        assert lift == pytest.approx(9.81 * stage.object["mass"].sum(), rel=0.25)


def test_cameras_see_the_table(scene, stages):
    """Views differ, stand over the table, look at it, and have the rig's size."""
    for stage in stages:
        first, second = stage.cameras["head"]
        assert (first.width, first.height) == (320, 240)
        assert not np.array_equal(first.pose_world_camera, second.pose_world_camera)
        for camera in (first, second):
            height = camera.pose_world_camera[2, 3] - stage.param["table.height"][0, 0]
            assert height > 0.1
            assert camera.pose_world_camera[2, 2] < 0


def test_options_are_taken(digest):
    """A mount on the hand moves with it; overrides and switched-off groups hold in what is staged."""
    options = {
        "slots": 5,
        "rig": {"wrist": {"depth": "realsense_d435", "width": 64, "height": 48, "mount": "panda/hand"}},
        "overrides": {"object_count": 2, "friction": {"uniform": [0.5, 0.6]}},
        "randomize": ["camera"],
    }
    scene = make_scene("tabletop", options)
    stage = scene.stage(draw_scenario(scene.space, seed=0, index=0, views=1, looks=2))
    scene.close()
    materials = stage.snapshots[0].materials

    assert stage.object["valid"].tolist() == [1, 1, 1, 0, 0]
    assert stage.cameras["wrist"][0].width == 64
    assert np.array_equal(materials.base_color[0], materials.base_color[1])
    assert (0.5 <= stage.param["friction"]).all()
    assert (stage.param["friction"] <= 0.6).all()


@pytest.mark.parametrize(
    "name, options, words",
    [
        ("tabeltop", {}, "did you mean 'tabletop'"),
        ("tabletop", {"slot": 3}, "did you mean 'slots'"),
        ("tabletop", {"slots": 1}, r"slots must be in \[2, 256\]"),
        ("tabletop", {"overrides": {"frction": 1}}, "did you mean 'friction'"),
        ("tabletop", {"randomize": ["light"]}, "did you mean 'lighting'"),
        ("tabletop", {"rig": {"w": {"camera": "generic_rgb", "mount": "panda/hnd"}}}, "no link 'hnd'"),
        ("tabletop", {"rig": {"w": {"camra": "generic_rgb"}}}, "did you mean 'camera'"),
        ("tabletop", {"overrides": {"object_count": {"integer": [3, 40]}}}, r"must lie in \[0, 15\]"),
        ("os:getcwd", {}, "--allow-code"),
    ],
    ids=str,
)
def test_mistakes_are_answered(name, options, words):
    """A wrong name or option is one sentence with what is allowed."""
    with pytest.raises(ValueError, match=words):
        make_scene(name, options)


def test_a_spec_is_all_it_takes():
    """The built-in scenes are listed, and code is imported only where allowed."""
    assert "tabletop" in scene_names()
    spec = SceneSpec(name="simloom.scenes.tabletop:TabletopScene", allow_code=True)
    made = spec.make()
    made.close()
    assert isinstance(made, TabletopScene)


def test_the_page_lists_the_parameters(scene, repository: Path):
    """docs/scenes.md holds the table of the space as it is; the failure shows what to paste."""
    page = (repository / "docs" / "scenes.md").read_text(encoding="utf-8")
    _, _, rest = page.partition("<!-- parameters: begin -->\n")
    table, _, _ = rest.partition("<!-- parameters: end -->")

    assert table.strip() == describe_space(scene.space).strip(), describe_space(scene.space)
