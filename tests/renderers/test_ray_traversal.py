"""Rays against closed forms: planes, boxes, spheres, ties, limits, and surfaces that must not leak."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from naive.rays import poison_hits, random_rays
from naive.still_life import (
    BOX,
    IDENTITY,
    PLANE,
    SPHERE,
    Thing,
    coarse_library,
    pose,
    primitive_library,
    still_life,
    turn,
)
from simloom.renderers import MeshLibraryBuilder, RayCaster


@pytest.fixture(autouse=True)
def poisoned(monkeypatch):
    """Outputs start as NaN and nonsense, so that nothing unwritten passes."""
    poison_hits(monkeypatch)


@pytest.fixture(scope="module")
def primitives():
    """Box, sphere, cylinder, plane."""
    return primitive_library()


@pytest.fixture(scope="module")
def coarse():
    """Few triangles: box, rock, tetrahedron, plane."""
    return coarse_library(np.random.default_rng(4))


def test_a_plane_is_met_at_height_over_cosine(primitives):
    """Closed form: range h / cos, incidence cos, normal up, from above and from below."""
    world = still_life(Thing(mesh=PLANE, at=IDENTITY, scale=(50.0, 50.0, 1.0)))
    tilt = np.linspace(0.0, 1.3, 200)
    turned = np.linspace(0.0, 20.0, 200)
    for side in (1.0, -1.0):
        directions = np.stack(
            [np.sin(tilt) * np.cos(turned), np.sin(tilt) * np.sin(turned), -side * np.cos(tilt)], axis=1
        )
        origins = np.broadcast_to([0.3, -0.2, side * 1.7], directions.shape)
        hits = RayCaster(primitives).cast([world], origins, directions)
        assert (hits.instance == 1).all()
        assert np.abs(hits.range / (1.7 / np.cos(tilt)) - 1).max() < 2e-7
        assert np.abs(hits.incidence - np.cos(tilt)).max() < 1e-7
        assert np.array_equal(hits.normal, np.broadcast_to(np.float32([0, 0, side]), hits.normal.shape))


def test_a_sphere_is_met_within_its_facets(primitives):
    """Closed form: every facet lies between the sphere and the sphere that its farthest point touches."""
    radius, at = 0.8, np.array([1.0, -2.0, 0.5])
    level = primitives.level(SPHERE)
    corners = level.vertices[level.triangles].astype(float)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inner = ((normal * corners[:, 0]).sum(1) / np.linalg.norm(normal, axis=1)).min() / 0.5
    assert 0.98 < inner < 1.0
    world = still_life(Thing(mesh=SPHERE, at=pose(*at), scale=(2 * radius,) * 3))
    generator = np.random.default_rng(13)
    directions = generator.normal(size=(2000, 3))
    origins = at - 5.0 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    hits = RayCaster(primitives).cast([world], origins, directions)
    assert (hits.range >= 5.0 - radius - 1e-6).all()
    assert (hits.range <= 5.0 - radius * inner + 1e-6).all()
    assert hits.incidence.min() > inner - 0.02


def test_a_box_is_met_where_its_slabs_say(primitives):
    """Closed form: a turned, stretched box is entered at the last of three slabs, and left at the first from inside."""
    generator = np.random.default_rng(14)
    rotation, half = turn((1, 2, 3), 0.7), np.array([0.4, 0.15, 1.1])
    world = still_life(Thing(mesh=BOX, at=pose(0.2, 0.1, -0.3, rotation), scale=tuple(2 * half)))
    origins, directions = random_rays(generator, 4000)
    origins[:200] = [0.2, 0.1, -0.3]
    hits = RayCaster(primitives).cast([world], origins, directions)
    o = (origins - [0.2, 0.1, -0.3]) @ rotation
    d = directions / np.linalg.norm(directions, axis=1, keepdims=True) @ rotation
    first, second = (-half - o) / d, (half - o) / d
    enter, leave = np.minimum(first, second).max(1), np.maximum(first, second).min(1)
    expected = np.where((enter <= leave) & (leave > 0), np.where(enter > 0, enter, leave), 0.0)
    sure = np.abs(leave - enter) > 1e-6
    assert 0.1 < (hits.range > 0).mean() < 0.9
    assert (hits.range[:200] > 0).all()
    assert np.abs(hits.range - expected)[sure].max() < 2e-6


def closed_meshes(library):
    """Points on edges and corners of closed meshes, in the mesh's frame, and how far the mesh reaches."""
    for mesh in (0, 1, 2):
        level = library.level(mesh)
        corners = level.vertices[level.triangles].astype(float)
        edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
        yield mesh, edges, np.abs(level.vertices).max()


@pytest.mark.parametrize("kind", ["primitives", "coarse"])
def test_no_ray_slips_through_a_shared_edge_or_corner(kind, request):
    """100 000 rays at edges and corners of closed meshes, from inside them: none gets out."""
    library = request.getfixturevalue(kind)
    generator = np.random.default_rng(15)
    caster, total = RayCaster(library), 0
    for mesh, edges, reach in closed_meshes(library):
        count = 17000
        share = generator.uniform(0, 1, (count, 1))
        share[: count // 3] = generator.integers(0, 2, (count // 3, 1))  # corners
        share[count // 3 : count // 2] = 0.5
        pair = edges[generator.integers(0, len(edges), count)]
        targets = pair[:, 0] * (1 - share) + pair[:, 1] * share
        # Turned by quarters, so that rays also run along axes and in planes of triangles.
        for rotation in (np.eye(3), turn((0, 0, 1), np.pi / 2), turn((1, 1, 0.3), 1.1)):
            at, scale = pose(3.0, -7.0, 11.0, rotation), (0.7, 1.0, 1.9)
            world = still_life(Thing(mesh=mesh, at=at, scale=scale))
            inside = np.array([0.0, 0.0, 0.0]) if generator.uniform() < 0.5 else 0.05 * reach * generator.normal(size=3)
            start = rotation @ (inside * scale) + at[:3, 3]
            end = (targets * scale) @ rotation.T + at[:3, 3]
            hits = caster.cast([world], np.broadcast_to(start, end.shape), end - start)
            assert (hits.row == 0).all()
            assert (hits.range <= np.linalg.norm(end - start, axis=1) * (1 + 1e-6)).all()
            total += count
    assert total >= 100_000


@pytest.mark.parametrize("kind", ["primitives", "coarse"])
def test_no_ray_from_afar_slips_between_two_faces(kind, request):
    """Rays from 500 m away at the edge between two faces that both look at them never reach the far side."""
    library = request.getfixturevalue(kind)
    generator = np.random.default_rng(18)
    caster = RayCaster(library)
    for mesh in (0, 1, 2):
        level = library.level(mesh)
        corners = level.vertices[level.triangles].astype(float)
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        both: dict[frozenset, np.ndarray] = {}
        for k, corner in enumerate(corners):
            for j in range(3):
                edge = frozenset((tuple(corner[j]), tuple(corner[j - 2])))
                both[edge] = both.get(edge, 0.0) + normal[k]
        ends = np.array([sorted(edge) for edge in both])
        towards = np.array(list(both.values()))
        pick = generator.integers(0, len(ends), 8000)
        share = generator.uniform(0, 1, (8000, 1))
        target = ends[pick, 0] * (1 - share) + ends[pick, 1] * share
        origins = target + 500.0 * towards[pick] / np.linalg.norm(towards[pick], axis=1, keepdims=True)
        hits = caster.cast([still_life(Thing(mesh=mesh, at=IDENTITY))], origins, target - origins, far=1000.0)
        assert (np.abs(hits.range - 500.0) < 1e-3).all()


def test_ties_go_to_the_lowest_row_and_triangle(primitives):
    """Of surfaces at one place the first in the snapshot is met, and of twin triangles the first of the mesh."""
    planes = [Thing(mesh=PLANE, at=IDENTITY, scale=(40.0, 40.0, 1.0)) for _ in range(9)]
    generator = np.random.default_rng(17)
    origins = generator.uniform((-1, -1, 1), (1, 1, 3), (500, 3))
    directions = generator.normal(size=(500, 3)) * 0.2 - [0, 0, 1]
    for count in (2, 9):
        hits = RayCaster(primitives).cast([still_life(*planes[:count])], origins, directions)
        assert (hits.row == 0).all()
        assert set(hits.triangle) == {0, 1}
    # Ten copies of one triangle: in any tree they share leaves or stand in several.
    corners = np.array([[-9.0, -9.0, 0.0], [9.0, -9.0, 0.0], [0.0, 9.0, 0.0]])
    library = copies_of(corners, 10)
    hits = RayCaster(library).cast([still_life(Thing(mesh=0, at=IDENTITY))], origins, directions)
    assert (hits.triangle == 0).all()


def copies_of(corners, count):
    """A library of one mesh: the same triangle several times."""
    builder = MeshLibraryBuilder()
    builder.add_mesh("sheet", corners, np.array([[0, 1, 2]]), levels=False)
    library = builder.build()
    return replace(
        library,
        triangles=np.repeat(library.triangles, count, axis=0),
        level_triangle_count=library.level_triangle_count * np.int32(count),
    )


def test_near_and_far_bound_the_range(primitives):
    """A surface before `near` is passed through, one at `far` is met, one beyond it is not."""
    walls = [Thing(mesh=PLANE, at=pose(0, 0, z), scale=(4.0, 4.0, 1.0)) for z in (0.0, 1.0, 2.0)]
    world, down = still_life(*walls), [[0.0, 0.0, -1.0]]
    caster = RayCaster(primitives)

    def met(height, **limits):
        hits = caster.cast([world], [[0.1, 0.2, height]], down, **limits)
        return int(hits.row[0]), float(hits.range[0])

    assert met(3.0) == (2, 1.0)
    assert met(3.0, near=1.0) == (2, 1.0)
    assert met(3.0, near=1.001) == (1, 2.0)
    assert met(3.0, near=1.5, far=2.0) == (1, 2.0)
    assert met(3.0, near=1.5, far=1.999) == (-1, 0.0)
    assert met(2.0) == (1, 1.0)  # it starts on a wall, which is left out
    assert met(-0.5) == (-1, 0.0)


@pytest.mark.parametrize("length", [1e-300, 1e-30, 1e30, 1e300])
def test_only_the_direction_of_a_ray_matters(primitives, length):
    """Directions of extreme length give the hit of their unit vector."""
    world = still_life(Thing(mesh=BOX, at=pose(0, 0, 0, turn((1, 1, 1), 0.4))))
    origins, directions = np.full((1, 3), 2.0), np.array([[-1.0, -1.1, -0.9]])
    expected = RayCaster(primitives).cast([world], origins, directions)
    hits = RayCaster(primitives).cast([world], origins, directions * length)
    assert hits.range[0] == pytest.approx(expected.range[0], rel=1e-6)
    assert hits.triangle[0] == expected.triangle[0] >= 0
