"""Convex decomposition: hollow things stay hollow, the same mesh gives the same parts, convex ones stay as they are."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from naive.asset_models import make_bowl
from simloom.scenes import World
from simloom.scenes.convex_decomposition import decompose_mesh
from simloom.scenes.hulls import make_hulls

RADIUS, WALL = 0.08, 0.005


@pytest.fixture(scope="module")
def bowl():
    """A bowl of few triangles, and its parts."""
    mesh = make_bowl(RADIUS, WALL, sections=20, rings=7)
    return mesh, decompose_mesh(mesh.vertices, mesh.faces, cache=False)


def test_convex_pieces_are_taken_as_they_are(tmp_path, monkeypatch):
    """Two boxes that touch nothing are two parts with their own corners, and nothing is cut."""
    monkeypatch.setattr("simloom.scenes.convex_decomposition._cut", None)
    boxes = [trimesh.creation.box((0.1, 0.1, 0.1)), trimesh.creation.box((0.1, 0.2, 0.1))]
    boxes[1].apply_translation((1.0, 0.0, 0.0))
    both = trimesh.util.concatenate(boxes)
    parts = decompose_mesh(both.vertices, both.faces)

    assert [len(part) for part in parts] == [8, 8]
    np.testing.assert_allclose(parts[1], boxes[1].vertices)


def test_a_bowl_stays_hollow(bowl):
    """Its parts cover the wall, and leave the middle free down to near its floor."""
    from scipy.spatial import ConvexHull

    mesh, parts = bowl
    hulls = [ConvexHull(part) for part in parts]
    axis = np.zeros((40, 3))
    axis[:, 2] = np.linspace(-0.002, RADIUS, 40)
    filled = np.zeros(40, bool)
    for hull in hulls:
        heights = (axis[:, None, :] * hull.equations[None, :, :3]).sum(axis=2) + hull.equations[:, 3]
        filled |= (heights <= 1e-9).all(axis=1)

    assert len(parts) > 5
    assert not filled[axis[:, 2] > 3 * WALL].any()
    assert filled[(axis[:, 2] > 0.2 * WALL) & (axis[:, 2] < 0.8 * WALL)].all()
    assert mesh.volume < sum(hull.volume for hull in hulls) < 2.0 * mesh.volume


def test_the_same_mesh_gives_the_same_parts(bowl, tmp_path, monkeypatch):
    """A second process, and the cache, give the same bits; a damaged cache is made again."""
    monkeypatch.setenv("SIMLOOM_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    mesh, parts = bowl
    again = decompose_mesh(mesh.vertices, mesh.faces)
    (file,) = (tmp_path / "hulls").glob("*.npz")
    monkeypatch.setattr("simloom.scenes.convex_decomposition._run", None)
    cached = decompose_mesh(mesh.vertices, mesh.faces)

    assert len(parts) == len(again) == len(cached)
    assert all(np.array_equal(a, b) and np.array_equal(a, c) for a, b, c in zip(parts, again, cached, strict=True))
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(TypeError):
        decompose_mesh(mesh.vertices, mesh.faces)


def test_a_ball_stays_in_the_bowl(bowl):
    """A ball that is dropped into the bowl comes to rest within its wall, above its floor."""
    hulls, center, _ = make_hulls(bowl[1])
    moved = type(hulls)(points=hulls.points - center, inset=hulls.inset, starts=hulls.starts)
    world = World()
    try:
        world.reset()
        world.add_box((1.0, 1.0, 0.5), position=(0.0, 0.0, -0.5))
        vessel = world.add_hulls(moved, 1.0, position=center.tolist(), mass=0.4)
        ball = world.add_sphere(0.015, position=(0.02, 0.0, 0.1), mass=0.02)
        assert world.settle([vessel, ball], max_steps=2400).at_rest
        inside = world.body_pose(ball)[:3, 3] - (world.body_pose(vessel)[:3, 3] - center)
    finally:
        world.close()

    assert np.hypot(inside[0], inside[1]) < RADIUS - WALL
    assert 0.015 < inside[2] < 0.5 * RADIUS


def test_what_cannot_be_cut_is_said(monkeypatch):
    """A flat mesh, one without area, and a process that fails are sentences."""
    with pytest.raises(ValueError, match="no part has a volume"):
        decompose_mesh(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]]), np.array([[0, 1, 2], [1, 3, 2]]))
    with pytest.raises(ValueError, match="no surface"):
        decompose_mesh(np.zeros((3, 3)), np.array([[0, 1, 2]]))
    monkeypatch.setattr("simloom.scenes.convex_decomposition.TIME_LIMIT", 1e-3)
    mesh = make_bowl(sections=8, rings=4)
    with pytest.raises(ValueError, match=r"took longer than 0\.001 s; simplify"):
        decompose_mesh(mesh.vertices, mesh.faces, cache=False)
