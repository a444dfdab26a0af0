"""Rays against a caster that tries every triangle, Raster, themselves, and the CUDA simulator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from naive.rays import NAMES, poison_hits, random_rays
from naive.rays import cast as try_all
from naive.robots import add_robot, bounds
from naive.still_life import (
    BOX,
    IDENTITY,
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
from simloom.renderers.snapshot import Deformation

EXACT = ("instance", "class_id", "part", "material", "row", "triangle")
ROUGH = {"range": 1e-6, "incidence": 1e-6, "normal": 1e-6, "barycentric": 1e-6}
"""Of numbers of size up to 4: float32 keeps 2.4e-7, the oracle's own error is below 1e-9."""


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
        assert max(share) > 0.3


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


def test_empty_worlds_and_no_rays_are_answered(primitives):
    """Nothing to meet gives the values of nothing; no rays give arrays of no rows; only shown meshes are prepared."""
    full = still_life(*[Thing(mesh=BOX, at=pose(k, 0, 0)) for k in range(3)])
    empty = replace(
        full,
        **{
            name: getattr(full, name)[:0]
            for name in (
                "mesh", "pose_world_instance", "previous_pose", "next_pose", "scale",
                "material", "instance", "class_id", "part",
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


def test_deformed_meshes_are_met_where_they_are():
    """A moved sheet gives what the same sheet built in that shape gives; the next call sees it at rest again."""
    generator = np.random.default_rng(19)
    v, u = np.mgrid[:9, :9].reshape(2, -1)
    rest = np.stack([u / 4 - 1, v / 4 - 1, 0 * u], axis=1).astype(np.float32)
    moved = (rest + generator.normal(size=rest.shape) * 0.05 + [0, 0, 0.8]).astype(np.float32)
    first = (v * 9 + u).reshape(9, 9)[:8, :8].ravel()
    sheet = np.concatenate([first[:, None] + [0, 1, 10], first[:, None] + [0, 10, 9]])
    builder = MeshLibraryBuilder()
    rows = builder.add_deformable("rest", rest, sheet), builder.add_deformable("moved", moved, sheet)
    caster = RayCaster(builder.build())
    thing = Thing(mesh=BOX, at=pose(0.1, 0.2, 0.3, turn((1, 2, 0), 0.3)), scale=(1.0, 1.2, 0.8))
    worlds = [still_life(replace(thing, mesh=row)) for row in rows]
    bent = replace(worlds[0], deformations=(Deformation(row=0, vertices=moved),))
    origins = generator.uniform((-1, -1, 2), (1, 1, 4), (500, 3))
    rays = origins, generator.normal(size=(500, 3)) * 0.2 - [0, 0, 1]
    before, expected = caster.cast([worlds[0]], *rays), caster.cast([worlds[1]], *rays)
    assert (expected.row == 0).mean() > 0.5
    assert_same_bytes(caster.cast([bent], *rays), expected)
    assert_same_bytes(caster.cast([worlds[0]], *rays), before)
    with pytest.raises(ValueError, match="deformation of row 0 needs"):
        caster.cast([replace(bent, deformations=(Deformation(row=0, vertices=moved[:5]),))], *rays)


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
