"""Solids: closedness, winding, volume and inertia against bodies with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from naive.asset_models import make_bowl, make_mug, make_open_sheet
from simloom.scenes.mesh_solid import weld_solid


def solid_of(mesh):
    """Weld a mesh as a file would give it: every triangle with vertices of its own."""
    return weld_solid(mesh.triangles.reshape(-1, 3), np.arange(3 * len(mesh.faces)).reshape(-1, 3))


def test_volume_and_inertia_of_a_box():
    """A box off the origin has the volume, centre and moments of the formula m (b^2 + c^2) / 12."""
    box = trimesh.creation.box((0.1, 0.2, 0.3))
    box.apply_translation((5.0, -3.0, 2.0))
    solid = solid_of(box)

    assert len(solid.vertices) == 8
    assert solid.volume == pytest.approx(0.006)
    np.testing.assert_allclose(solid.mass_center, (5.0, -3.0, 2.0), atol=1e-12)
    expected = 2.0 / 12.0 * np.diag([0.2**2 + 0.3**2, 0.1**2 + 0.3**2, 0.1**2 + 0.2**2])
    np.testing.assert_allclose(solid.inertia(2.0), expected, atol=1e-12)


@pytest.mark.parametrize("make", [make_bowl, make_mug])
def test_agrees_with_trimesh(make):
    """Volume, centre and inertia of concave meshes are trimesh's."""
    mesh = make()
    solid = solid_of(mesh)

    assert solid.is_watertight
    assert solid.is_wound_consistently
    assert not solid.is_convex
    assert solid.volume == pytest.approx(mesh.volume, rel=1e-9)
    np.testing.assert_allclose(solid.mass_center, mesh.center_mass, atol=1e-9)
    np.testing.assert_allclose(solid.inertia(mesh.volume), mesh.moment_inertia, rtol=1e-6, atol=1e-12)


def test_faults_are_seen():
    """An open sheet has four rim edges, a flipped triangle breaks the winding, an inverted cube has negative volume."""
    sheet, cube = solid_of(make_open_sheet()), trimesh.creation.box((1, 1, 1))
    assert sheet.open_edges == 4
    assert not sheet.is_watertight
    flipped = cube.faces.copy()
    flipped[0] = flipped[0][::-1]
    assert not weld_solid(cube.vertices, flipped).is_wound_consistently
    assert weld_solid(cube.vertices, cube.faces[:, ::-1]).volume == pytest.approx(-1.0)


def test_degenerate_and_doubled_triangles_are_left_out():
    """What has no area or stands twice, whichever corner comes first, is dropped and counted."""
    cube = trimesh.creation.box((1, 1, 1))
    more = np.concatenate([cube.faces, cube.faces[:2][:, [1, 2, 0]], [[0, 0, 1]]])
    solid = weld_solid(cube.vertices, more)

    assert solid.dropped == 3
    assert len(solid.triangles) == 12


def test_pieces_come_apart_in_the_order_of_the_file():
    """A mug is its cup and its handle."""
    cup, handle = solid_of(make_mug()).pieces()

    assert cup.volume > handle.volume > 0
    assert float(handle.vertices[:, 0].min()) > 0.03
