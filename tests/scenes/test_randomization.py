"""Every group of parameters changes what it says, and nothing else; still groups change nothing."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import trimesh

from naive.asset_models import write_obj
from simloom.renderers import Raster
from simloom.renderers.lighting import Lamp
from simloom.scenes import draw_scenario, make_scene
from simloom.scenes.asset_library import Sky
from simloom.scenes.distractors import CLASS
from simloom.scenes.driving import DrivingScene
from simloom.scenes.lamp_space import LAMPS, SKIES, lamp_parameters
from simloom.scenes.lamps import light_color, place_lamps
from simloom.scenes.look import build_lighting
from simloom.scenes.look_space import lighting_parameters
from simloom.scenes.space import ParameterSpace

BASE = ("materials", "lighting", "camera", "dynamics")
SEED, INDEX = 5, 1
RIG = {"head": {"camera": "generic_rgb", "width": 64, "height": 48, "mount": "world"}}
ORDER = ("base_color", "roughness", "metallic", "texture", "texture_scale", "pattern", "pattern_color", "pattern_scale")


def _stage(*, overrides=None, groups=(), name="tabletop", index=INDEX, **options):
    scene = make_scene(name, {"rig": RIG, "overrides": overrides or {}, "randomize": (*BASE, *groups), **options})
    try:
        return scene.stage(draw_scenario(scene.space, seed=SEED, index=index))
    finally:
        scene.close()


@pytest.fixture(scope="module")
def still():
    """One world as the scene makes it by itself."""
    return _stage()


def _geometry(stage):
    snapshot = stage.snapshots[0]
    return [getattr(snapshot, name).tobytes() for name in ("mesh", "pose_world_instance", "instance", "class_id")]


def _look(stage):
    return [getattr(stage.snapshots[0].materials, name).tobytes() for name in ORDER]


def _light(stage):
    light = stage.snapshots[0].lighting
    return [getattr(light, field.name).tobytes() for field in fields(light)]


def _camera(stage):
    camera = stage.cameras["head"][0]
    return camera.intrinsics.tobytes() + camera.pose_world_camera.tobytes()


def test_lamps_change_light_alone(still):
    """Lamps, sky, sun and haze leave poses, surfaces and cameras, bit by bit, and the picture of depth."""
    lit = _stage(groups=["lamps"], overrides={"lamp_count": 3, "sky.image": "night"})
    with_scene = make_scene("tabletop", {"rig": RIG})
    raster = Raster(with_scene.library, threads=1, supersample=1)
    frames = [
        raster.render([s.snapshots[0]], [s.cameras["head"][0]], outputs=("colour", "depth"), instance_count=16)
        for s in (still, lit)
    ]
    with_scene.close()

    assert _geometry(lit) == _geometry(still)
    assert _look(lit) == _look(still)
    assert _camera(lit) == _camera(still)
    assert _light(lit) != _light(still)
    np.testing.assert_array_equal(frames[0].depth, frames[1].depth)
    assert not np.array_equal(frames[0].colour, frames[1].colour)


def _lighting(overrides, looks=1, seed=0):
    declared = lamp_parameters(distance=(1, 2), elevation=(30, 60), intensity=(5, 50), haze=(1e-3, 0.1))
    space = ParameterSpace(parameters=(*lighting_parameters(), *declared)).override(overrides)
    s = draw_scenario(space, seed=seed, index=0, looks=looks)
    param = space.spread(space.resolve(s.u_scenario, s.u_view, s.u_look), 1, looks)
    skies = {name: Sky(row=row, horizon=(0.1, 0.2, 0.3)) for row, name in enumerate(SKIES[1:])}
    return param, build_lighting(param, 0, skies=skies, lit_point=(0.4, 0.0, 0.7))


def test_lamps_stand_where_their_parameters_say():
    """Place, axis, colour, cone and size of every lamp follow; those over the count do not shine."""
    param, light = _lighting({"lamp_count": 3, "lamp.kind": "spot", "light.sun": "shines"})
    away = light.lamp_position[0, :3] - np.array([0.4, 0.0, 0.7], np.float32)
    far = np.sqrt((away.astype(float) ** 2).sum(axis=1))

    assert light.lamp_kind[0].tolist() == [Lamp.SPOT] * 3 + [Lamp.NONE] * (LAMPS - 3)
    np.testing.assert_allclose(far, param["lamp.distance"][0, 0, :3], rtol=1e-5)
    np.testing.assert_allclose(np.arcsin(away[:, 2] / far), param["lamp.elevation"][0, 0, :3], rtol=1e-4)
    np.testing.assert_allclose(light.lamp_direction[0, :3], -away / far[:, None], atol=1e-5)
    np.testing.assert_allclose(light.lamp_intensity[0, :3].mean(axis=1), param["lamp.intensity"][0, 0, :3], rtol=1e-5)
    np.testing.assert_allclose(
        light.lamp_intensity[0, 1] / light.lamp_intensity[0, 1].mean(),
        light_color(float(param["lamp.temperature"][0, 0, 1])),
        rtol=1e-5,
    )
    assert (light.lamp_cone[0, :3, 1] == param["lamp.cone"][0, 0, :3].astype(np.float32)).all()
    assert light.sun_irradiance.min() > 0
    assert place_lamps(param | {"lamp_count": np.zeros((1, 1))}, 0, (0, 0, 0)) == {}


def test_without_sun_the_sky_stays():
    """Indoors the sun gives no light, and the sky as much as it gave beside the sun."""
    on, off = (_lighting({"light.sun": name, "lamp_count": 0})[1] for name in ("shines", "none"))

    assert on.sun_irradiance.max() > 0
    assert off.sun_irradiance.max() == 0
    np.testing.assert_array_equal(on.sky_zenith, off.sky_zenith)


def test_a_sky_image_lights_fog_by_its_horizon():
    """The image's row, scale and yaw follow, and fog shows the image's horizon; the gradient has no image."""
    param, light = _lighting({"sky.image": "room", "weather.fog_extinction": 0.05})
    _, plain = _lighting({"sky.image": "gradient", "weather.fog_extinction": 0.05})

    assert light.sky_image.tolist() == [SKIES.index("room") - 1]
    np.testing.assert_allclose(light.fog_radiance[0], light.sky_scale[0] * (0.1, 0.2, 0.3), rtol=1e-5)
    assert light.sky_yaw[0] == np.float32(param["sky.yaw"][0, 0])
    assert plain.sky_image.tolist() == [-1]
    np.testing.assert_array_equal(plain.fog_radiance, plain.sky_horizon)


def test_distractors_belong_to_the_background(still):
    """They have a class of their own, instance 0 and no slot; drawn targets and cameras are the same parameters."""
    full = _stage(groups=["distractors"], overrides={"distractor_count": 6, "distractor.place": "floor"})
    snapshot = full.snapshots[0]
    mine = snapshot.class_id == 9

    assert full.valid
    assert mine.sum() >= 6
    assert (snapshot.instance[mine] == 0).all()
    np.testing.assert_array_equal(full.object["valid"], still.object["valid"])
    np.testing.assert_array_equal(full.object["asset"], still.object["asset"])
    assert _light(full) == _light(still)
    # On the floor beside the table, in nobody's way.
    assert snapshot.pose_world_instance[mine, 2, 3].max() < 0.25
    np.testing.assert_array_equal(full.object["pose_world_object"][0], still.object["pose_world_object"][0])


@pytest.mark.parametrize("name", ["tabletop", "driving"])
def test_own_objects_are_no_distractors(tmp_path, name):
    """With a user's objects, distractors are primitives of every kind, and the scene's objects alone are theirs."""
    write_obj(tmp_path / "mug.obj", trimesh.creation.box((0.06, 0.05, 0.04)))
    (tmp_path / "asset.yaml").write_text("unit: m\nclass: mug\n")
    ours = {"object.kind": "random_object", "distractor.kind": "random_object", "distractor_count": 6}
    scene = make_scene(
        name, {"object_folders": [str(tmp_path)], "randomize": ["distractors"], "overrides": ours | {"object_count": 2}}
    )
    snapshots = [scene.stage(draw_scenario(scene.space, seed=SEED, index=k)).snapshots[0] for k in range(4)]
    (mug,) = [{part.mesh for part in asset.parts} for asset in scene.assets.assets if asset.nominal is not None]
    names = scene.class_names
    scene.close()
    seen = [
        (names[c], int(m), int(i)) for s in snapshots for c, m, i in zip(s.class_id, s.mesh, s.instance, strict=True)
    ]

    assert len([1 for one in seen if one[0] == CLASS]) > 12
    assert len({mesh for found, mesh, _ in seen if found == CLASS}) >= 4
    assert {(found, number > 0) for found, mesh, number in seen if mesh in mug} == {("mug", True)}


def test_distractors_on_the_table_rest_on_it():
    """What stands on the table is no deeper than the tolerance and clear of the robot's base."""
    full = _stage(groups=["distractors"], overrides={"distractor_count": 6, "distractor.place": "table"})
    poses = full.snapshots[0].pose_world_instance[full.snapshots[0].class_id == 9]

    assert full.valid, full.message
    assert (poses[:, 2, 3] > full.param["table.height"][0, 0]).all()
    assert (np.hypot(poses[:, 0, 3], poses[:, 1, 3]) > 0.25).all()


def test_a_joint_offset_moves_the_robot_alone(still):
    """True joints are the reported ones and their offsets; objects, lights and the outer camera stay."""
    off = _stage(groups=["robot"])
    moved = off.state["joint_position"] - off.state["joint_reported"]

    np.testing.assert_array_equal(still.state["joint_reported"], still.state["joint_position"])
    np.testing.assert_allclose(moved[:7], off.param["calibration.joint_offset"][0, 0], atol=1e-12)
    assert np.abs(moved[:7]).max() > 1e-4
    assert (moved[7:] == 0).all()
    np.testing.assert_array_equal(off.object["pose_world_object"][1:], still.object["pose_world_object"][1:])
    assert _light(off) == _light(still)
    assert off.cameras["head"][0].pose_world_camera.tobytes() == still.cameras["head"][0].pose_world_camera.tobytes()


def test_damping_slows_what_flies():
    """In the air a ball loses the share of its speed that its damping says, within a step's rounding."""
    from simloom.scenes import World

    speeds = {}
    for damping in (0.0, 0.3):
        with World(gravity=0.0) as world:
            ball = world.add_sphere(0.05, mass=1.0, damping=(damping, damping))
            world.set_velocity(ball, (1.0, 0.0, 0.0))
            world.step(240)
            speeds[damping] = float(world.body_velocity(ball)[0][0])

    assert speeds[0.0] == pytest.approx(1.0, abs=1e-9)
    assert speeds[0.3] == pytest.approx(0.7, rel=1e-3)


def test_tilted_gravity_pulls_aside_and_friction_holds():
    """A falling ball drifts by the tilt's tangent; a box whose friction is above it keeps its place."""
    from simloom.scenes import World

    tilt = 0.03
    with World() as world:
        world.tilt_gravity(tilt, 0.5 * np.pi)
        ball = world.add_sphere(0.05, position=(0, 0, 10), mass=1.0, damping=(0.0, 0.0))
        floor = world.add_box((1, 1, 0.1), position=(0, 0, -0.1))
        box = world.add_box((0.05, 0.05, 0.05), position=(0.5, 0, 0.05), mass=1.0)
        world.settle([box])
        before = world.body_pose(box)
        world.step(240)
        fall = world.body_pose(ball)[:3, 3] - (0, 0, 10)
        moved = world.body_pose(box)[:3, 3] - before[:3, 3]
        world.reset()
        again = world.add_sphere(0.05, position=(0, 0, 10), mass=1.0)
        world.step(60)
        straight = world.body_pose(again)[:3, 3]

    assert floor >= 0
    assert fall[1] / -fall[2] == pytest.approx(np.tan(tilt), rel=1e-3)
    assert abs(fall[0]) < 1e-6
    # Unhindered it would have slid 14 cm; the rest is Bullet's own creep, across the tilt too.
    assert np.abs(moved).max() < 1e-3
    np.testing.assert_allclose(straight[:2], 0.0, atol=1e-9)


def test_a_late_motor_lags():
    """With a delay the arm is behind a prompt one on the same way, by about the speed times the delay."""
    places = {}
    for delay in (0.0, 0.05):
        stage = _stage(overrides={"actuator.delay": delay, "object_count": 0, "motion.speed": 0.3}, window=0.5, slots=3)
        places[delay] = stage.motion.joint_position
    lag = np.abs(places[0.0] - places[0.05])

    assert lag[60].max() > 1e-3
    assert lag[0].max() < 1e-6


def test_a_driving_scene_takes_the_groups():
    """Lamps, distractors, calibration and actuators are one list each; still ones leave the yard as it was."""
    plain = _stage(name="driving", index=0)
    full = _stage(
        name="driving",
        index=0,
        groups=["lamps", "distractors", "calibration", "context"],
        overrides={"distractor_count": 4, "lamp_count": 2, "context": "warehouse"},
    )

    assert CLASS in DrivingScene.classes
    assert (full.snapshots[0].class_id == DrivingScene.classes.index(CLASS)).sum() >= 4
    assert full.snapshots[0].lighting.lamp_kind.max() > 0
    assert full.cameras["head"][0].fx != full.nominal_cameras["head"][0].fx
    assert plain.cameras["head"][0] is plain.nominal_cameras["head"][0]
    np.testing.assert_array_equal(plain.object["valid"], full.object["valid"])
