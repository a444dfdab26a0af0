"""What objects depart by from the values that their assets declare."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from naive.asset_models import write_obj
from simloom.scenes import draw_scenario, make_scene
from simloom.scenes.driving_layout import plan_yard

SIDE = {"tabletop": 0.05, "driving": 0.3}


@pytest.fixture
def folder(tmp_path):
    """A function that writes a folder of one block, of a side [m], which declares its mass and its surface."""

    def write(side):
        write_obj(tmp_path / "block.obj", trimesh.creation.box((side, side, side)))
        (tmp_path / "asset.yaml").write_text("unit: m\nmass: 0.4\nfriction: 0.6\nrestitution: 0.95\n")
        return str(tmp_path)

    return write


def _stage(name, folder, more):
    blocks = {"object_count": 3, "object.kind": "random_object"}
    scene = make_scene(name, {"object_folders": [folder(SIDE[name])], "overrides": blocks | more})
    scenario = draw_scenario(scene.space, seed=3, index=0)
    stage = scene.stage(scenario)
    if name == "tabletop":
        plans = scene._plans
    else:
        values = scene.space.resolve(scenario.u_scenario, scenario.u_view, scenario.u_look)
        plans = plan_yard(values, scene.assets.assets, scene.class_names).plans
    surfaces = [plan.surface for plan in plans]
    scene.close()
    rows = stage.object["asset"] >= 0
    return stage.object["mass"][rows], stage.object["friction"][rows], surfaces


@pytest.mark.parametrize("name", ["tabletop", "driving"])
def test_declared_values_are_scaled(folder, name):
    """Mass and friction are the declared ones times their factors; restitution is shifted and kept within 1."""
    mass, friction, surfaces = _stage(name, folder, {})
    assert len(mass) == 3
    assert (mass == 0.4).all()
    assert (friction == 0.6).all()
    changed = {"object.mass_scale": 1.5, "friction_scale": 0.5, "restitution_offset": 0.1}
    mass, friction, shifted = _stage(name, folder, changed)
    np.testing.assert_allclose(mass, 0.6)
    np.testing.assert_allclose(friction, 0.3)
    assert {surface.restitution for surface in surfaces} == {0.95}
    assert {surface.restitution for surface in shifted} == {1.0}


def test_what_declares_nothing_is_not_scaled(scene):
    """An object whose asset says nothing keeps the mass and the friction that were drawn."""
    scaled = make_scene("tabletop", {"overrides": {"object.mass_scale": 1.5, "friction_scale": 0.5}})
    scenario = draw_scenario(scene.space, seed=3, index=0)
    first, second = scene.stage(scenario), scaled.stage(scenario)
    scaled.close()

    np.testing.assert_array_equal(first.object["mass"], second.object["mass"])
    np.testing.assert_array_equal(first.object["friction"], second.object["friction"])


@pytest.mark.parametrize("name", ["tabletop", "driving"])
def test_they_are_neutral_unless_named(name):
    """Without `physics` they take no coordinate; with it, they have one for each object."""
    still, varied = make_scene(name), make_scene(name, {"randomize": ["physics"]})
    for parameter in ("object.mass_scale", "friction_scale", "restitution_offset"):
        assert still.space[parameter].coordinate_count == 0
        assert varied.space[parameter].coordinate_count == still.slots - 1
    still.close()
    varied.close()
