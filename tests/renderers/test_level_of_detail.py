"""Levels of detail: the stated error holds, and nothing opens or collapses that must not."""

from itertools import pairwise

import numpy as np
import pytest

from simloom.renderers import MeshLibraryBuilder
from simloom.renderers.level_of_detail import MAX_RATIO, MIN_TRIANGLES, build_levels
from simloom.renderers.mesh_normals import is_balanced, weld_rows
from simloom.renderers.mesh_preparation import prepare_mesh


def bumpy_grid(count, closed=False):
    """A height field of 2 count^2 triangles, or a bumpy torus."""
    axis = np.arange(count + (not closed)) / count
    u, v = np.meshgrid(axis, axis, indexing="ij")
    if closed:
        a, b = 2 * np.pi * u, 2 * np.pi * v
        r = 0.1 + 0.02 * np.sin(5 * a) * np.cos(3 * b)
        points = np.stack([(0.3 + r * np.cos(b)) * np.cos(a), (0.3 + r * np.cos(b)) * np.sin(a), r * np.sin(b)], -1)
    else:
        points = np.stack([u, v, 0.05 * np.sin(7 * u) * np.cos(9 * v)], -1)
    side = len(axis)
    i, j = np.meshgrid(np.arange(count), np.arange(count), indexing="ij")
    i, j, k, m = (x.reshape(-1) for x in (i, j, (i + 1) % side, (j + 1) % side))
    quads = [i * side + j, k * side + j, k * side + m, i * side + m]
    triangles = np.concatenate(
        (np.stack([quads[0], quads[1], quads[2]], 1), np.stack([quads[0], quads[2], quads[3]], 1))
    )
    return points.reshape(-1, 3), triangles, np.stack([u.reshape(-1), v.reshape(-1)], 1)


@pytest.fixture(scope="module", params=[False, True], ids=["sheet", "torus"])
def levels(request):
    """Levels of a bumpy sheet and of a bumpy torus."""
    points, triangles, uvs = bumpy_grid(96, request.param)
    full, closed = prepare_mesh("m", points, triangles, None, uvs)
    assert closed == request.param
    return build_levels(full)


def test_levels_shrink_and_errors_ascend(levels):
    """Each level has at most 60 % of the triangles of the one before."""
    counts = [len(level.triangles) for level in levels]
    assert len(levels) >= 4
    assert all(b <= MAX_RATIO * a for a, b in pairwise(counts))
    assert levels[0].error == 0
    assert all(a.error < b.error for a, b in pairwise(levels))


def test_every_vertex_is_within_the_stated_error(levels):
    """Each full vertex has a vertex of the level no farther than the level's error, which is not exaggerated."""
    full = levels[0].vertices.astype(float)
    for level in levels[1:]:
        points = level.vertices.astype(float)
        nearest = np.concatenate(
            [np.sqrt(((full[k : k + 500, None] - points) ** 2).sum(-1)).min(axis=1) for k in range(0, len(full), 500)]
        )
        assert nearest.max() <= level.error
        assert nearest.max() > 0.4 * level.error


def test_vertices_are_vertices_of_the_full_mesh(levels):
    """No position is invented."""
    full = {row.tobytes() for row in levels[0].vertices}
    for level in levels[1:]:
        assert all(row.tobytes() in full for row in level.vertices)


def test_levels_are_well_formed(levels):
    """Normals are unit, indices in range, no triangle is degenerate or repeated."""
    for level in levels:
        assert np.abs(np.linalg.norm(level.normals, axis=1) - 1).max() < 1e-5
        assert level.triangles.min() >= 0
        assert level.triangles.max() < len(level.vertices)
        corners = weld_rows(level.vertices)[0][level.triangles]
        assert (corners != np.roll(corners, 1, axis=1)).all()


def test_texture_coordinates_follow_positions(levels):
    """Texture coordinates of a vertex are those of the full mesh at its position, up to one merged cell."""
    full = levels[0]
    known = {tuple(p): uv for p, uv in zip(full.vertices.tolist(), full.uvs, strict=True)}
    for level in levels[1:-1]:
        moved = np.array([known[tuple(p)] for p in level.vertices.tolist()]) - level.uvs
        moved -= np.round(moved)  # the torus repeats
        assert np.abs(moved).max() < 0.26


def test_levels_are_deterministic():
    """The same mesh gives the same bytes."""
    points, triangles, uvs = bumpy_grid(40)
    one, two = (build_levels(prepare_mesh("m", points, triangles, None, uvs)[0]) for _ in range(2))
    for a, b in zip(one, two, strict=True):
        assert a.vertices.tobytes() == b.vertices.tobytes()
        assert a.triangles.tobytes() == b.triangles.tobytes()


def test_small_meshes_have_one_level():
    """Below 64 triangles nothing is simplified."""
    points, triangles, _ = bumpy_grid(5)
    assert len(triangles) < MIN_TRIANGLES
    assert len(build_levels(prepare_mesh("m", points, triangles)[0])) == 1


def test_a_thin_plate_keeps_both_sides_and_hard_edges_stay_shut():
    """Faces of a thin box that point up and down both survive, and merged creases leave no crack."""
    points, triangles, _ = bumpy_grid(48)
    count = len(points)
    lower = points - (0, 0, 0.004)
    side = 49
    border = [[i * side for i in range(side)], [i * side + side - 1 for i in range(side)][::-1]]
    border += [list(range(side))[::-1], list(range(count - side, count))]
    walls = []
    for line in border:
        for a, b in pairwise(line):
            walls += [[a, b, b + count], [a, b + count, a + count]]
    faces = np.concatenate((triangles, triangles[:, ::-1] + count, np.array(walls)))
    full, closed = prepare_mesh("plate", np.concatenate((points, lower)), faces)
    if not closed:
        faces = np.concatenate((triangles, triangles[:, ::-1] + count, np.array(walls)[:, ::-1]))
        full, closed = prepare_mesh("plate", np.concatenate((points, lower)), faces)
    assert closed
    levels = build_levels(full)
    assert len(levels) >= 3
    for level in levels:
        a, b, c = (level.vertices[level.triangles[:, k]].astype(float) for k in range(3))
        up = np.cross(b - a, c - a)[:, 2] / 2
        assert up[up > 0].sum() == pytest.approx(1.0, abs=0.08)
        assert -up[up < 0].sum() == pytest.approx(1.0, abs=0.08)
        assert is_balanced(weld_rows(level.vertices)[0][level.triangles])


def test_builder_stores_levels():
    """A mesh added by file data gets its levels in the library, errors ascending."""
    builder = MeshLibraryBuilder()
    points, triangles, uvs = bumpy_grid(48)
    builder.add_mesh("one", points, triangles, uvs=uvs)
    builder.add_mesh("two", points, triangles, levels=False)
    library = builder.build()
    assert library.mesh_level_count[0] > 2
    assert library.mesh_level_count[1] == 1
    assert library.mesh_has_uv.tolist() == [1, 0]
    assert (np.diff(library.level_error[: library.mesh_level_count[0]]) > 0).all()
