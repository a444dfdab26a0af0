"""Stable sides and free spots."""

from __future__ import annotations

import numpy as np
import pytest

from simloom.kernels.transforms import pose_from_position_quaternion
from simloom.scenes import draw_scenario
from simloom.scenes.object_plan import body_depth
from simloom.scenes.parameter_override import override_parameter
from simloom.scenes.placement import find_spot, lay_stable
from simloom.scenes.space import ParameterSpace


def _turn(quaternion):
    return pose_from_position_quaternion((0.0, 0.0, 0.0), quaternion)


@pytest.fixture(scope="module")
def turns():
    """Thirty quaternions of every direction."""
    angles = np.arange(120).reshape(30, 4) * 2.399963
    found = np.sin(angles)
    return found / np.sqrt((found**2).sum(axis=1, keepdims=True))


def test_shapes_come_to_stable_sides(scene, turns):
    """Boxes stand on a face, cylinders stand or lie, capsules lie, spheres stay as they are."""
    by_kind = {asset.kind: asset for asset in scene.assets.assets if asset.kind != "hulls"}
    for quaternion in turns:
        box = np.abs(_turn(lay_stable(by_kind["box"], quaternion))[2, :3])
        cylinder = abs(_turn(lay_stable(by_kind["cylinder"], quaternion))[2, 2])
        capsule = abs(_turn(lay_stable(by_kind["capsule"], quaternion))[2, 2])
        np.testing.assert_allclose(np.sort(box), (0.0, 0.0, 1.0), atol=1e-9)
        assert min(abs(cylinder), abs(cylinder - 1.0)) < 1e-9
        assert capsule < 1e-9
        assert lay_stable(by_kind["sphere"], quaternion) is quaternion


def test_hulls_rest_below_their_neighbours(scene, turns):
    """On its stable side a hull's centre of mass lies lower than after any small tilt: a minimum of the height."""
    asset = scene.assets.assets[scene.assets.rows_of_kind("hulls")[3]]
    for quaternion in turns[:10]:
        laid = _turn(lay_stable(asset, quaternion))
        height = body_depth(asset, np.ones(3), laid)
        for axis in ((0.01, 0, 0), (-0.01, 0, 0), (0, 0.01, 0), (0, -0.01, 0)):
            tilted = _turn((*axis, 1.0)) @ laid
            assert body_depth(asset, np.ones(3), tilted) > height - 1e-6


def test_spots_are_free_and_near():
    """A free point is taken as it is; a taken one gives the nearest around; nowhere gives none."""
    assert find_spot((0.2, 0.1), 0.05, [], lambda x, y: True) == (0.2, 0.1)
    x, y = find_spot((0.0, 0.0), 0.1, [(0.0, 0.0, 0.1)], lambda x, y: True)
    assert 0.2 < np.hypot(x, y) < 0.35
    assert find_spot((0.0, 0.0), 0.1, [], lambda x, y: False) is None


@pytest.mark.parametrize("row, name", [(1, "upright"), (2, "piled")])
def test_objects_are_placed_as_asked(scene, row, name):
    """Set down, objects settle at once and apart; piled, they end closer together than dropped."""
    places = [p if p.name != "placement" else override_parameter(p, name) for p in _with_choice(scene.space)]
    space = ParameterSpace(parameters=tuple(places))
    spans, steps = {0: [], row: []}, {0: [], row: []}
    for index in range(6):
        for key, chosen in ((0, scene.space), (row, space)):
            stage = scene.stage(draw_scenario(chosen, seed=2, index=index), chosen)
            if stage.valid:
                valid = stage.object["asset"] >= 0
                spans[key].append(stage.object["pose_world_object"][valid, :2, 3].std(axis=0).mean())
                steps[key].append(int(stage.state["settle_steps"]))

    assert len(spans[row]) >= 3
    if name == "upright":
        assert np.median(steps[row]) < np.median(steps[0])
    else:
        assert np.mean(spans[row]) < np.mean(spans[0])


def _with_choice(space):
    from simloom.scenes.placement import placement_parameters

    return [placement_parameters()[0] if p.name == "placement" else p for p in space.parameters]
