"""Scans of moving sensors against closed forms, the plain ray caster, meshes, and registration."""

from __future__ import annotations

import numpy as np
import pytest

from naive.rays import poison_hits
from naive.room import pose_error, register, room, spinning_beams
from naive.still_life import BOX, IDENTITY, Thing, pose, primitive_library, still_life, turn
from naive.twin import run_simulated
from simloom.kernels.deskew import deskew_points
from simloom.kernels.lidar_pattern import make_pattern
from simloom.kernels.points import points_from_ranges
from simloom.kernels.profiles import load_profile
from simloom.kernels.trajectory import interpolate_trajectory
from simloom.kernels.transforms import invert_pose, transform_points
from simloom.renderers import MeshLibraryBuilder, RayCaster
from simloom.renderers import scan as scan_module
from simloom.renderers.reflectance import material_reflectance
from simloom.renderers.scan import cast_scan

START = 1_700_000_000_000_000_123
"""Instant of the first firing [ns]."""


@pytest.fixture(autouse=True)
def poisoned(monkeypatch):
    """Results start as NaN and nonsense."""
    poison_hits(monkeypatch)


@pytest.fixture(scope="module")
def caster():
    """Primitives, one thread."""
    return RayCaster(primitive_library(), threads=1)


def drive(*, duration=0.25, knots=26, speed=(2.0, 0.5, 0.1), rates=(0.1, -0.15, 1.5), at=(-1.0, -0.5, 1.2)):
    """Instants [ns] and poses of a sensor at constant speed and turning rate about a fixed axis."""
    time = np.linspace(0.0, duration, knots)
    rate = np.linalg.norm(rates)
    poses = np.stack([pose(*(np.array(at) + np.array(speed) * t), turn(rates, rate * t)) for t in time])
    return START + np.rint(time * 1e9).astype(np.int64), poses


def swerve():
    """Instants [ns] and poses of a robot that drives at 2 m/s and swings its nose to and fro, five times in 2 s."""
    time = np.linspace(0.0, 0.25, 126)
    poses = np.stack([
        pose(-1.0 + 2.0 * t, -0.5 + 0.5 * t, 1.2, turn((0.1, -0.15, 1.0), 0.1 * np.sin(5.0 * np.pi * t + 0.3)))
        for t in time
    ])  # fmt: skip
    return START + np.rint(time * 1e9).astype(np.int64), poses


def test_a_scan_at_rest_is_what_the_caster_casts(caster):
    """Every array has the caster's bytes, for sub-rays of two scans with worlds of their own."""
    generator = np.random.default_rng(3)
    worlds = [room(), room(Thing(mesh=BOX, at=pose(1, 0, 1)))]
    origins, directions = generator.normal(size=(2, 40, 3, 3)) * 0.05, generator.normal(size=(2, 40, 3, 3))
    poses = np.stack([pose(0.3, 0.2, 1.0, turn((1, 2, 3), 0.4)), pose(-2.0, 0.2, 1.0)])
    hits = cast_scan(caster, worlds, origins, directions, np.zeros(40), pose=poses)
    assert hits.range.shape == (2, 40, 3)
    assert hits.pose.shape == (2, 40, 4, 4)
    for n in range(2):
        begin = transform_points(poses[n], origins[n].reshape(-1, 3))
        turned = pose(rotation=poses[n, :3, :3])
        expected = caster.cast([worlds[n]], begin, transform_points(turned, directions[n].reshape(-1, 3)), far=200.0)
        assert (expected.row >= 0).all()
        for name in ("instance", "class_id", "part", "material", "row", "triangle"):
            assert np.array_equal(getattr(hits, name)[n].ravel(), getattr(expected, name)), name
        assert np.allclose(hits.range[n].ravel(), expected.range, rtol=2e-7, atol=0)
        assert np.allclose(hits.cosine[n].ravel(), expected.incidence, atol=1e-6)
        assert (hits.pose[n] == poses[n]).all()
    # In the world's frame nothing is rounded on the way.
    exact = cast_scan(caster, worlds[:1], origins[0], directions[0], np.zeros(40), pose=IDENTITY)
    expected = caster.cast(worlds[:1], origins[0].reshape(-1, 3), directions[0].reshape(-1, 3), far=200.0)
    assert exact.range.tobytes() == expected.range.tobytes()
    assert exact.cosine.tobytes() == expected.incidence.tobytes()


def wall(distance=6.0):
    """A world of nothing but a wall across x."""
    return still_life(Thing(mesh=BOX, at=pose(distance + 0.5, 0, 0), scale=(1, 400, 400)))


@pytest.mark.parametrize("speed", [(0.0, 0.0, 0.0), (3.0, -1.0, 0.0)])
def test_a_turning_sensor_measures_the_analytic_curve(caster, speed):
    """A body that spins at 2 rad/s (and drives) before a wall: r = (6 - v t) / cos e cos(a + w t) to 1e-6 of it."""
    rate = 2.0
    directions, time, azimuth = spinning_beams(columns=360, elevations=(-15, -5, 1, 7))
    stamps, poses = drive(duration=0.11, knots=12, speed=speed, rates=(0.0, 0.0, rate), at=(0.0, 0.0, 0.0))
    hits = cast_scan(
        caster, [wall()], np.zeros_like(directions), directions, time, pose=poses, pose_time=stamps, start=START
    )
    level = np.sqrt(1.0 - directions[:, 2] ** 2)
    facing = level * np.cos(azimuth + rate * time)
    seen = hits.range[0, :, 0] > 0
    assert np.array_equal(seen, (6.0 - speed[0] * time) / np.where(facing > 0, facing, 1e-9) < 200.0)
    curve = (6.0 - speed[0] * time) / np.where(seen, facing, 1.0)
    assert seen.mean() > 0.4
    assert np.abs(hits.range[0, seen, 0] / curve[seen] - 1.0).max() < 1e-6
    # As measured the wall is bent; de-skewed to the start it is a plane again.
    points = points_from_ranges(hits.range[..., 0].astype(float), directions, threads=1)
    bent = np.abs(points[0, seen, 0] - 6.0)
    flat = deskew_points(points, hits.time, poses, stamps, START, threads=1)
    near = seen & (hits.range[0, :, 0] < 20.0)
    assert np.abs(flat[0, near, 0] - 6.0).max() < 2e-6
    assert bent[near[seen]].max() > 0.5


def test_each_firing_has_its_own_pose(caster):
    """The poses that come with a scan are the trajectory's at the firings' instants."""
    directions, time, _ = spinning_beams(columns=60)
    stamps, poses = drive()
    hits = cast_scan(caster, [room()], directions * 0, directions, time, pose=poses, pose_time=stamps, start=START)
    assert np.array_equal(hits.time[0], START + np.rint(time * 1e9).astype(np.int64))
    assert np.array_equal(hits.pose, interpolate_trajectory(poses, stamps, hits.time, threads=1))


def test_firings_see_the_snapshot_nearest_in_time(caster):
    """A box that jumps between three states is met where it is; in the middle of two the earlier one counts."""
    worlds = [still_life(Thing(mesh=BOX, at=pose(3.0 + k, 0, 0))) for k in range(3)]
    stamps = START + np.array([0, 1000, 3000])
    instants = np.array([0, 500, 501, 1999, 2000, 2001, 3500])
    beams = np.tile([1.0, 0.0, 0.0], (7, 1))
    hits = cast_scan(
        caster, [worlds, worlds[::-1]], beams * 0, beams, instants * 1e-9, pose=IDENTITY, start=START,
        snapshot_time=stamps,
    )  # fmt: skip
    assert hits.snapshot.tolist() == [[0, 0, 1, 1, 1, 2, 2]] * 2
    assert hits.range[0, :, 0].tolist() == [2.5, 2.5, 3.5, 3.5, 3.5, 4.5, 4.5]
    assert hits.range[1, :, 0].tolist() == [4.5, 4.5, 3.5, 3.5, 3.5, 2.5, 2.5]


def test_labels_belong_to_the_surfaces_that_were_met(caster):
    """Every point lies on the mesh of its instance, at the instance's pose, to 1e-4 m."""
    world = room()
    generator = np.random.default_rng(5)
    directions, time, _ = spinning_beams(columns=200)
    stamps, poses = drive()
    hits = cast_scan(caster, [world], directions * 0, directions, time, pose=poses, pose_time=stamps, start=START)
    points = points_from_ranges(hits.range[..., 0].astype(float), directions, threads=1)[0]
    in_world = transform_points(hits.pose[0], points[:, None])[:, 0]
    chosen = generator.choice(len(points), 2000, replace=False)
    assert (hits.instance[0, chosen, 0] == hits.row[0, chosen, 0] + 1).all()
    assert {10, 11, 12, 13, 14, 16, 17, 18, 19} <= set(hits.class_id[0, :, 0].tolist())
    for k in chosen:
        row = hits.row[0, k, 0]
        local = transform_points(invert_pose(world.pose_world_instance[row]), in_world[k]) / world.scale[row]
        outside = np.abs(np.abs(local).max() - 0.5) * world.scale[row][np.argmax(np.abs(local))]
        assert outside < 1e-4


def face_normals(world, hits):
    """The normal of each firing's first sub-ray in the sensor's frame of its instant; boxes alone."""
    from naive.rays import gather_triangles

    corners, owner, local = gather_triangles(primitive_library(), world)
    place = np.full((owner.max() + 1, local.max() + 1), -1)
    place[owner, local] = np.arange(len(owner))
    a, b, c = (corners[place[hits.row[0, :, 0], hits.triangle[0, :, 0]], k] for k in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    turned = invert_pose(hits.pose[0])
    turned[:, :3, 3] = 0.0
    return transform_points(turned, normal)


def test_two_scans_register_once_they_are_deskewed(caster):
    """ICP finds the motion of a swerving robot to 0.01 mm and 0.01 mrad, and misses by 20 mm without de-skewing."""
    world = room()
    pattern = make_pattern(load_profile("velodyne_vlp16"))
    directions, time = pattern.directions, pattern.time
    stamps, poses = swerve()
    scans = [
        cast_scan(
            caster, [world], directions * 0, directions, time, pose=poses, pose_time=stamps, start=START + begin
        )
        for begin in (0, 100_000_000)
    ]  # fmt: skip
    ends = np.array([[START + 50_000_000, START + 150_000_000]])
    frames = interpolate_trajectory(poses, stamps, ends, threads=1)[0]
    truth = invert_pose(frames[0]) @ frames[1]
    raw = [points_from_ranges(hits.range[..., 0].astype(float), directions, threads=1) for hits in scans]
    flat = [
        deskew_points(points, hits.time, poses, stamps, int(ends[0, k]), threads=1)[0]
        for k, (points, hits) in enumerate(zip(raw, scans, strict=True))
    ]
    at_own = face_normals(world, scans[0])
    turned = invert_pose(frames[0])[:3, :3] @ scans[0].pose[0, :, :3, :3]
    moved = (turned * at_own[:, None]).sum(-1)
    start = pose(0.15, 0.0, 0.0, turn((0, 0, 1), 0.1))
    found = register(flat[1][::7], flat[0], moved, start)
    off, angle = pose_error(found, truth)
    assert off < 1e-5
    assert angle < 1e-5
    skewed = register(raw[1][0, ::7], raw[0][0], at_own, start)
    off, angle = pose_error(skewed, truth)
    assert off > 0.02
    assert angle > 2e-3


def test_scans_do_not_depend_on_how_they_are_cut(caster, monkeypatch):
    """Chunks of a few rays, scans cut out, and two threads give the same bytes."""
    worlds = [[room()], [room(Thing(mesh=BOX, at=pose(1, 1, 1)))], [room()]]
    directions, time, _ = spinning_beams(columns=20)
    stamps, poses = drive()
    begin = START + np.array([0, 30_000_000, 100_000_000])
    options = {"pose": np.stack([poses, poses[:, :], poses]), "pose_time": stamps}
    whole = cast_scan(caster, worlds, directions * 0, directions, time, start=begin, **options)
    monkeypatch.setattr(scan_module, "CHUNK_RAYS", 37)
    two = RayCaster(primitive_library(), threads=2)
    cut = cast_scan(two, worlds, directions * 0, directions, time, start=begin, **options)
    alone = cast_scan(
        caster, worlds[1:2], directions * 0, directions, time, start=begin[1:2], pose=poses, pose_time=stamps
    )
    for name in whole.__dataclass_fields__:
        expected = getattr(whole, name)
        assert getattr(cut, name).tobytes() == expected.tobytes(), name
        assert getattr(alone, name)[0].tobytes() == expected[1].tobytes(), name


def test_reflectance_is_the_mean_albedo():
    """Plain, patterned and textured materials, and nothing where nothing is met."""
    builder = MeshLibraryBuilder()
    builder.add_plane()
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, 4:] = 255
    texture = builder.add_texture("half", image)
    library = builder.build()
    things = [
        Thing(mesh=0, at=pose(0, 0, 0), color=(0.2, 0.4, 0.9)),
        Thing(mesh=0, at=pose(2, 0, 0), color=(0.2, 0.2, 0.2), pattern=1, pattern_color=(0.6, 0.6, 0.6)),
        Thing(mesh=0, at=pose(4, 0, 0), color=(0.8, 0.8, 0.8), texture=texture),
    ]
    world = still_life(*things)
    assert np.allclose(material_reflectance(library, world), [0.5, 0.4, 0.4], atol=0.005)
    origins = np.array([[2.0 * k, 0.1, 1.0] for k in range(4)])
    down = np.tile([0.0, 0.0, -1.0], (4, 1))
    hits = cast_scan(RayCaster(library, threads=1), [world], origins, down, np.zeros(4), pose=IDENTITY)
    assert np.allclose(hits.reflectance[0, :, 0], [0.5, 0.4, 0.4, 0.0], atol=0.005)
    with pytest.raises(ValueError, match="look must be in"):
        material_reflectance(library, world, look=1)


def test_wrong_scans_get_one_clear_error(caster):
    """Shapes, kinds of numbers, and firings beyond the knots."""
    beams, still = np.ones((4, 3)), np.stack([IDENTITY, IDENTITY])
    world = wall()

    def wrong(match, worlds=(world,), begin=beams, to=beams, time=(0.0,) * 4, **options):
        with pytest.raises(ValueError, match=match):
            cast_scan(caster, list(worlds), begin, to, time, **{"pose": IDENTITY, **options})

    wrong("one world for each scan", worlds=())
    wrong("one world for each scan", worlds=([world], [world, world]))
    wrong("origins and directions", begin=beams[:2])
    wrong("origins and directions", begin=np.ones((2, 4, 1, 3)), to=np.ones((2, 4, 1, 3)))
    wrong("4 finite numbers of seconds", time=np.zeros(3))
    wrong("start must be whole nanoseconds", start=0.5)
    wrong("pass snapshot_time", worlds=([world, world],))
    wrong("snapshot_time must ascend", worlds=([world, world],), snapshot_time=[5, 5])
    wrong("snapshot_time must be whole", worlds=([world, world],), snapshot_time=[1, 2, 3])
    wrong("firings of row 0 run from 0 to 0 ns", pose=still, pose_time=[1, 2])
    wrong("pass pose_time", pose=still)


TWIN = """
import sys
sys.path.insert(0, str(tests))
from naive.still_life import BOX, Thing, pose, primitive_library, still_life, turn
from simloom.renderers import RayCaster
from simloom.renderers.scan import cast_scan
import numpy as np

world = still_life(
    Thing(mesh=BOX, at=pose(3, 0, 0, turn((1, 2, 3), 0.4))), Thing(mesh=BOX, at=pose(6, 0, 0), scale=(1, 9, 9))
)
generator = np.random.default_rng(2)
aim = generator.normal(size=(20, 2, 3)) * 0.3 + [1, 0, 0]
poses = np.stack([pose(0, 0, 0), pose(0.5, 0.2, 0, turn((0, 0, 1), 0.3)), pose(0.8, 0, 0.1, turn((0, 1, 1), 0.4))])
hits = cast_scan(
    RayCaster(primitive_library(), device=str(device), threads=1), [world], 0.01 * aim, aim, np.linspace(0, 1e-6, 20),
    pose=poses, pose_time=[0, 400, 1000],
)
out = {name: getattr(hits, name) for name in hits.__dataclass_fields__}
"""


def test_the_cuda_source_gives_what_the_cpu_gives(tmp_path, repository):
    """The same kernels in Numba's CUDA simulator: integers equal, floats to rounding."""
    values = {"tests": str(repository / "tests")}
    simulated = run_simulated(TWIN, tmp_path, device="cuda", **values)
    found = {"tests": values["tests"], "device": "cpu"}
    exec(compile(TWIN, "twin", "exec"), found)
    assert 0.2 < (found["out"]["row"] >= 0).mean()
    for name, expected in found["out"].items():
        if expected.dtype.kind in "iu":
            assert np.array_equal(simulated[name], expected), name
        else:
            assert np.abs(simulated[name] - expected).max() <= 1e-6, name
