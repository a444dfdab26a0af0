"""Rays against a caster that tries every triangle, closed forms, Raster, themselves, and the CUDA simulator."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from naive.rays import cast as try_all
from naive.robots import add_robot, bounds
from naive.still_life import (
    BOX,
    IDENTITY,
    PLANE,
    SPHERE,
    Thing,
    camera,
    coarse_library,
    look,
    pose,
    primitive_library,
    random_things,
    still_life,
    turn,
)
from naive.twin import run_simulated
from simloom.renderers import MeshLibraryBuilder, Raster, RayCaster, RayHits
from simloom.renderers import rays as rays_module

NAMES = tuple(field.name for field in fields(RayHits))
EXACT = ("instance", "class_id", "part", "material", "row", "triangle")
ROUGH = {"range": 1e-6, "incidence": 1e-6, "normal": 1e-6, "barycentric": 1e-6}
"""Of numbers of size up to 4: float32 keeps 2.4e-7, the oracle's own error is below 1e-9."""


@pytest.fixture(autouse=True)
def poisoned(monkeypatch):
    """Outputs start as NaN and nonsense, so that nothing unwritten passes."""
    allocate = rays_module._allocate

    def poison(rays):
        hits = allocate(rays)
        for name in NAMES:
            array = getattr(hits, name)
            array.fill(np.nan if array.dtype.kind == "f" else np.iinfo(array.dtype).max)
        return hits

    monkeypatch.setattr(rays_module, "_allocate", poison)


@pytest.fixture(scope="module")
def primitives():
    """Box, sphere, cylinder, plane."""
    return primitive_library()


@pytest.fixture(scope="module")
def coarse():
    """Few triangles: box, rock, tetrahedron, plane."""
    return coarse_library(np.random.default_rng(4))


def scenes(generator, counts=(6, 1, 14)):
    """Worlds of random things around the origin, with ids, classes, parts and materials that differ from the rows."""
    made = []
    for count in counts:
        snapshot = still_life(*random_things(generator, count, away=0.0))
        made.append(
            replace(
                snapshot,
                instance=np.sort(generator.integers(0, 3000, count)).astype(np.int32),
                class_id=generator.integers(0, 256, count).astype(np.int32),
                part=generator.integers(0, 256, count).astype(np.int32),
                material=generator.integers(0, count, count).astype(np.int32),
            )
        )
    return made


def random_rays(generator, count, reach=1.5):
    """Rays from about the origin and beyond towards it, of any length."""
    origins = generator.normal(size=(count, 3)) * reach
    directions = generator.normal(size=(count, 3)) * 0.4 - origins
    return origins, directions * generator.uniform(1e-3, 1e3, (count, 1))


def assert_same_bytes(left, right, rows=slice(None)):
    """Every array of two results is equal to the last bit, `rows` of the left one being the right one."""
    for name in NAMES:
        assert getattr(left, name)[rows].tobytes() == getattr(right, name).tobytes(), name


def assert_matches(hits, expected, keep):
    """Integers equal and floats within rounding of the oracle, on the rays to keep."""
    for name in EXACT:
        assert np.array_equal(getattr(hits, name)[keep], expected[name][keep]), name
    for name, bound in ROUGH.items():
        off = np.abs(getattr(hits, name)[keep] - expected[name][keep])
        assert off.max() <= bound * 4, (name, off.max())


def test_rays_meet_what_trying_every_triangle_meets(coarse):
    """1500 rays into three worlds in one call, from outside and from within things, with near and far planes."""
    generator = np.random.default_rng(11)
    worlds = scenes(generator)
    origins, directions = random_rays(generator, 1500)
    which = generator.integers(0, 3, 1500)
    for near, far in ((0.0, 100.0), (0.7, 2.0)):
        hits = RayCaster(coarse).cast(worlds, origins, directions, ray_snapshot=which, near=near, far=far)
        share = []
        for k, world in enumerate(worlds):
            mine = which == k
            expected = try_all(coarse, world, origins[mine], directions[mine], near, far)
            found = RayHits(**{name: getattr(hits, name)[mine] for name in NAMES})
            assert expected["sure"].mean() > 0.99
            assert_matches(found, expected, expected["sure"])
            assert (found.range[found.row >= 0] >= near).all()
            assert (found.range <= far).all()
            share.append((found.row >= 0).mean())
        assert 0.01 < min(share) < 0.3 < max(share) < 0.95


def test_hits_lie_where_their_weights_say(primitives):
    """The point at the range is the triangle's point of the weights, and the normal turns towards the origin."""
    generator = np.random.default_rng(12)
    (world,) = scenes(generator, (30,))
    origins, directions = random_rays(generator, 3000)
    hits = RayCaster(primitives).cast([world], origins, directions)
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    met = np.flatnonzero(hits.row >= 0)
    assert 500 < len(met) < 3000
    for ray in met[:600]:
        row = hits.row[ray]
        level = primitives.level(int(world.mesh[row]))
        v, w = hits.barycentric[ray].astype(float)
        corners = level.vertices[level.triangles[hits.triangle[ray]]].astype(float) * world.scale[row]
        point = np.array([1 - v - w, v, w]) @ corners
        matrix = world.pose_world_instance[row]
        assert min(v, w, 1 - v - w) >= -1e-7
        assert (
            np.abs(matrix[:3, :3] @ point + matrix[:3, 3] - (origins[ray] + hits.range[ray] * unit[ray])).max() < 2e-6
        )
    assert np.abs(np.linalg.norm(hits.normal[met], axis=1) - 1).max() < 1e-6
    assert np.abs(-(hits.normal[met] * unit[met]).sum(1) - hits.incidence[met]).max() < 1e-6


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


def test_robots_are_where_raster_draws_them():
    """PyBullet's robots in full detail: at pixel centres off silhouettes ids are Raster's, and ranges within 0.1 mm."""
    pytest.importorskip("pybullet")
    builder = MeshLibraryBuilder()
    groups = {name: add_robot(builder, name, levels=False) for name in ("panda", "kuka", "r2d2", "husky")}
    library = builder.build()
    caster = RayCaster(library)
    raster = Raster(library, lod="exact")
    for name, things in groups.items():
        things = sorted(things, key=lambda thing: thing.instance)
        world = still_life(*things)
        lower, upper = bounds(things, library)
        middle, size = 0.5 * (lower + upper), np.linalg.norm(upper - lower)
        views = [
            camera(120, 90, 110.0, at=look(middle + size * np.array(eye), middle), near=0.01)
            for eye in ((0.8, 0.3, 0.4), (-0.5, 0.7, 0.1))
        ]
        frames = raster.render([world], views, view_snapshot=[0, 0], outputs=("range", "instance", "part", "class_id"))
        v, u = np.mgrid[:90, :120]
        rays = [
            np.stack([(u - c.cx) / c.fx, (v - c.cy) / c.fy, np.ones(u.shape)], -1).reshape(-1, 3)
            @ c.pose_world_camera[:3, :3].T
            for c in views
        ]
        origins = [np.broadcast_to(c.pose_world_camera[:3, 3], r.shape) for c, r in zip(views, rays, strict=True)]
        hits = caster.cast([world], np.concatenate(origins), np.concatenate(rays))
        shape = frames.instance.shape
        found = {n: getattr(hits, n).reshape(shape) for n in ("range", "instance", "part", "class_id")}
        # Off silhouettes: the neighbours show the same part, at a range that differs by what a slope explains.
        inner = np.zeros(shape, bool)
        inner[:, 1:-1, 1:-1] = True
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            inner &= np.roll(frames.instance, (dy, dx), (1, 2)) == frames.instance
            inner &= np.abs(np.roll(frames.range, (dy, dx), (1, 2)) - frames.range) < 0.02 * size
        assert inner[frames.instance > 0].mean() > 0.5, name
        for label in ("instance", "part", "class_id"):
            same = found[label] == getattr(frames, label)
            assert same[inner].all(), (name, label)
            assert same.mean() > 0.99, (name, label)
        both = inner & (frames.instance > 0)
        off = np.abs(found["range"] - frames.range)[both]
        # Raster snaps vertices to 1/256 pixel, so at steep faces the pixel's centre sees a point beside the ray's.
        steep = off * hits.incidence.reshape(shape)[both] / found["range"][both]
        assert np.quantile(off, 0.99) < 1e-4, (name, np.quantile(off, 0.99))
        assert steep.max() < 1e-4, (name, steep.max(), off.max())


def test_nothing_depends_on_batch_order_or_threads(primitives):
    """Rays in one call, in another order, one by one, on one thread or two, among other worlds: the same bytes."""
    generator = np.random.default_rng(16)
    worlds = scenes(generator, (5, 70, 2))
    origins, directions = random_rays(generator, 900)
    which = generator.integers(0, 3, 900)
    reference = RayCaster(primitives, threads=2).cast(worlds, origins, directions, ray_snapshot=which)
    order = generator.permutation(900)
    caster = RayCaster(primitives, threads=1)
    mixed = caster.cast(worlds, origins[order], directions[order], ray_snapshot=which[order])
    assert_same_bytes(reference, mixed, order)
    swapped = caster.cast(worlds[::-1], origins, directions, ray_snapshot=2 - which)
    assert_same_bytes(reference, swapped)
    for ray in range(7):
        alone = RayCaster(primitives).cast([worlds[which[ray]]], origins[ray : ray + 1], directions[ray : ray + 1])
        assert_same_bytes(reference, alone, slice(ray, ray + 1))


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


def test_empty_worlds_and_no_rays_are_answered(primitives):
    """Nothing to meet gives the values of nothing; no rays give arrays of no rows; only shown meshes are prepared."""
    full = still_life(*[Thing(mesh=BOX, at=pose(k, 0, 0)) for k in range(3)])
    empty = replace(
        full,
        **{
            name: getattr(full, name)[:0]
            for name in (
                "mesh", "pose_world_instance", "previous_pose", "scale", "material", "instance", "class_id", "part",
                "pose_instance_part", "casts_shadow",
            )
        },
    )  # fmt: skip
    caster = RayCaster(primitives)
    hits = caster.cast([empty, full], [[0, 0, 3.0]] * 2, [[0, 0, -1.0]] * 2, ray_snapshot=[0, 1])
    assert hits.row.tolist() == [-1, 0]
    assert hits.range.tolist() == [0.0, 2.5]
    assert [getattr(hits, name)[0] for name in EXACT] == [0, 0, 0, -1, -1, -1]
    assert not hits.normal[0].any()
    assert not hits.barycentric[0].any()
    assert hits.incidence[0] == 0
    assert (caster._trees.tree_of_mesh >= 0).tolist() == [mesh == BOX for mesh in range(4)]
    nothing = caster.cast([full], np.empty((0, 3)), np.empty((0, 3)))
    assert nothing.normal.shape == (0, 3)


def test_wrong_rays_get_one_clear_error(primitives):
    """Shapes, values that are not finite, directions without length, rows and limits."""
    world = still_life(Thing(mesh=BOX, at=IDENTITY))
    caster, good = RayCaster(primitives), np.ones((4, 3))

    def wrong(match, *arguments, **options):
        with pytest.raises(ValueError, match=match):
            caster.cast(*arguments, **options)

    wrong("at least one snapshot", [], good, good)
    wrong("shape \\(rays, 3\\)", [world], good[:, :2], good[:, :2])
    wrong("shape \\(rays, 3\\)", [world], good[0], good)
    for bad in (np.nan, np.inf, -np.inf):
        for place in range(3):
            spoilt = good.copy()
            spoilt[2, place] = bad
            wrong("ray 2 holds NaN or infinity", [world], spoilt, good)
            wrong("ray 2 holds NaN or infinity", [world], good, spoilt)
    spoilt = good.copy()
    spoilt[[1, 3]] = 0.0
    wrong("ray 1 has a direction of length 0 \\(2 such rays\\)", [world], good, spoilt)
    wrong("pass ray_snapshot", [world, world], good, good)
    wrong("4 whole numbers", [world], good, good, ray_snapshot=[0])
    wrong("4 whole numbers", [world], good, good, ray_snapshot=np.zeros(4))
    wrong("rows in \\[0, 1\\)", [world], good, good, ray_snapshot=[0, 0, 1, 0])
    for near, far in ((-1.0, 3.0), (3.0, 3.0), (0.0, np.inf), (np.nan, 3.0)):
        wrong("near and far", [world], good, good, near=near, far=far)
    wrong("snapshot.mesh", [replace(world, mesh=np.array([4], np.int32))], good, good)
    with pytest.raises(ValueError, match="threads"):
        RayCaster(primitives, threads=0)
    with pytest.raises(ValueError, match="device"):
        RayCaster(primitives, device="gpu")


@pytest.mark.parametrize("length", [1e-300, 1e-30, 1e30, 1e300])
def test_only_the_direction_of_a_ray_matters(primitives, length):
    """Directions of extreme length give the hit of their unit vector."""
    world = still_life(Thing(mesh=BOX, at=pose(0, 0, 0, turn((1, 1, 1), 0.4))))
    origins, directions = np.full((1, 3), 2.0), np.array([[-1.0, -1.1, -0.9]])
    expected = RayCaster(primitives).cast([world], origins, directions)
    hits = RayCaster(primitives).cast([world], origins, directions * length)
    assert hits.range[0] == pytest.approx(expected.range[0], rel=1e-6)
    assert hits.triangle[0] == expected.triangle[0] >= 0


TWIN = """
import sys
sys.path.insert(0, str(tests))
from naive.still_life import *
from simloom.renderers import RayCaster
import numpy as np

generator = np.random.default_rng(21)
worlds = [still_life(*random_things(generator, count, away=0.0)) for count in (5, 9)]
origins = generator.normal(size=(60, 3)) * 1.5
directions = generator.normal(size=(60, 3)) * 0.3 - origins
caster = RayCaster(coarse_library(generator), device=str(device))
hits = caster.cast(worlds, origins, directions, ray_snapshot=np.arange(60) % 2, far=50.0)
out = {name: getattr(hits, name) for name in hits.__dataclass_fields__}
"""


def test_the_cuda_source_gives_what_the_cpu_gives(tmp_path, repository):
    """The same kernel in Numba's CUDA simulator, lanes striding as there: integers equal, floats to rounding."""
    values = {"tests": str(repository / "tests")}
    simulated = run_simulated(TWIN, tmp_path, device="cuda", **values)
    found = {"tests": values["tests"], "device": "cpu"}
    exec(compile(TWIN, "twin", "exec"), found)
    assert 0.3 < (found["out"]["row"] >= 0).mean() < 1.0
    for name, expected in found["out"].items():
        if expected.dtype.kind in "iu":
            assert np.array_equal(simulated[name], expected), name
        else:
            assert np.abs(simulated[name] - expected).max() <= 1e-6, name
