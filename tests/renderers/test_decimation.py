"""Decimated levels: the stated error holds as it is stated, and distances are never understated."""

from itertools import pairwise

import numpy as np
import pytest

from naive.still_life import convex_hull
from simloom.renderers import MeshLibraryBuilder
from simloom.renderers.decimation import COVERED, SMALLEST, bound_distance, decimate
from simloom.renderers.mesh_normals import weld_rows
from simloom.renderers.mesh_preparation import prepare_mesh


def brute_distance(points, vertices, triangles):
    """Distance of each point to the nearest of all triangles: the plane where the foot lies inside, else an edge."""
    best = np.full(len(points), np.inf)
    for a, b, c in vertices[triangles]:
        normal = np.cross(b - a, c - a)
        normal = normal / np.linalg.norm(normal)
        height = (points - a) @ normal
        foot = points - height[:, None] * normal
        inside = np.ones(len(points), bool)
        edges = np.full(len(points), np.inf)
        for p, q in ((a, b), (b, c), (c, a)):
            inside &= np.cross(q - p, foot - p) @ normal >= 0
            t = np.clip((points - p) @ (q - p) / ((q - p) @ (q - p)), 0, 1)
            edges = np.minimum(edges, np.linalg.norm(points - (p + t[:, None] * (q - p)), axis=1))
        best = np.minimum(best, np.where(inside, np.abs(height), edges))
    return best


def spread(level, count, generator):
    """Points spread evenly over the area of a level."""
    a, b, c = (level.vertices[level.triangles[:, k]].astype(float) for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    rows = generator.choice(len(area), count, p=area / area.sum())
    u, v = generator.uniform(size=(2, count))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    return a[rows] + u[:, None] * (b - a)[rows] + v[:, None] * (c - a)[rows]


@pytest.fixture(scope="module")
def full():
    """A knobbly closed body of some 2400 triangles."""
    count = 1200
    turn = np.pi * (1 + 5**0.5) * np.arange(count)
    up = 1 - (2 * np.arange(count) + 1) / count
    unit = np.stack([np.sqrt(1 - up**2) * np.cos(turn), np.sqrt(1 - up**2) * np.sin(turn), up], 1)
    _, triangles = convex_hull(unit)
    bumps = 1 + 0.04 * np.sin(3 * unit[:, :1] + 1) * np.cos(2 * unit[:, 1:2]) + 0.03 * np.sin(4 * unit[:, 2:])
    level, closed = prepare_mesh("body", 0.2 * unit * bumps, triangles)
    assert closed
    return level


@pytest.fixture(scope="module")
def levels(full):
    """Its levels."""
    return decimate(full)


def test_levels_shrink_and_errors_ascend(levels):
    """The first level is the full mesh without error; each further one has fewer triangles and no smaller error."""
    assert len(levels) >= 3
    assert levels[0].error == 0
    assert all(len(b.triangles) <= 0.75 * len(a.triangles) for a, b in pairwise(levels))
    assert all(a.error <= b.error for a, b in pairwise(levels))
    assert all(level.error > 0 for level in levels[1:])


def test_the_stated_error_covers_most_of_both_surfaces(levels):
    """95 % of the full mesh's area lies within the error of the level, and of the level's within it of that."""
    generator = np.random.default_rng(0)
    full = levels[0]
    count = 1500
    band = 3 * np.sqrt(COVERED * (1 - COVERED) / count)
    for level in levels[1:]:
        there = brute_distance(spread(full, count, generator), level.vertices.astype(float), level.triangles)
        back = brute_distance(spread(level, count, generator), full.vertices.astype(float), full.triangles)
        for distance in (there, back):
            assert (distance <= level.error).mean() > COVERED - band
        worst = max(np.quantile(there, COVERED), np.quantile(back, COVERED))
        assert level.error < 2.0 * worst  # not exaggerated either


def test_bounds_are_never_below_the_distance(full):
    """bound_distance is at least the brute-force distance, and equal to it nearly everywhere near the surface."""
    generator = np.random.default_rng(1)
    vertices = full.vertices.astype(float)
    points = np.concatenate((spread(full, 400, generator), generator.uniform(-0.4, 0.4, (300, 3))))
    points[:400] += generator.normal(size=(400, 3)) * 0.01
    exact = brute_distance(points, vertices, full.triangles)
    bound = bound_distance(points, vertices, full.triangles.astype(np.int64))
    assert (bound >= exact - 1e-12).all()
    assert (bound[:400] <= exact[:400] + 1e-9).mean() > 0.95
    assert (bound - exact).max() < 0.01


def test_distance_to_one_triangle_has_its_regions():
    """Above the face, beside an edge, beyond a corner: the closed forms."""
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    points = np.array([[0.2, 0.2, 0.5], [0.5, -0.3, 0.4], [-0.3, -0.4, 0.0], [1.0, 1.0, 0.0], [0.25, 0.25, 0.0]])
    found = bound_distance(points, vertices, np.array([[0, 1, 2]]))
    assert found == pytest.approx([0.5, 0.5, 0.5, np.sqrt(0.5), 0.0], abs=1e-12)


def test_levels_are_well_formed(levels):
    """Indices are in range, normals unit and within a right angle of their face, no triangle is degenerate."""
    for level in levels[1:]:
        assert level.vertices.dtype == level.normals.dtype == level.uvs.dtype == np.float32
        assert level.triangles.dtype == np.int32
        assert level.triangles.min() == 0
        assert level.triangles.max() == len(level.vertices) - 1
        assert np.isfinite(level.vertices).all()
        assert np.linalg.norm(level.normals, axis=1) == pytest.approx(1, abs=1e-5)
        corners = weld_rows(level.vertices)[0][level.triangles]
        assert (corners != np.roll(corners, 1, axis=1)).all()
        a, b, c = (level.vertices[level.triangles[:, k]].astype(float) for k in range(3))
        face = np.cross(b - a, c - a)
        for k in range(3):
            assert ((face * level.normals[level.triangles[:, k]]).sum(1) > 0).all()


def test_volume_is_kept(levels):
    """A collapsed body neither shrinks nor turns inside out."""

    def volume(level):
        a, b, c = (level.vertices[level.triangles[:, k]].astype(float) for k in range(3))
        return (a * np.cross(b, c)).sum() / 6

    for level in levels[1:]:
        assert volume(level) == pytest.approx(volume(levels[0]), rel=0.05)


def test_levels_are_deterministic(full, levels):
    """The same mesh gives the same bytes."""
    for one, two in zip(levels, decimate(full), strict=True):
        assert one.error == two.error
        for name in ("vertices", "normals", "uvs", "triangles"):
            assert getattr(one, name).tobytes() == getattr(two, name).tobytes()


def test_small_meshes_have_one_level():
    """Below 512 triangles nothing is simplified."""
    generator = np.random.default_rng(2)
    level, _ = prepare_mesh("small", *convex_hull(generator.normal(size=(100, 3))))
    assert len(level.triangles) < SMALLEST
    assert decimate(level) == (level,)


def test_the_builder_decimates_what_has_no_texture_coordinates(full):
    """A mesh without texture coordinates gets these levels, their errors in the library."""
    builder = MeshLibraryBuilder()
    builder.add_mesh("body", full.vertices, full.triangles)
    library = builder.build()
    assert library.mesh_level_count[0] >= 3
    assert library.level_error[0] == 0
    assert (np.diff(library.level_error) >= 0).all()
