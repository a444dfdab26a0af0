"""Replay files: what goes in comes out, and a damaged file is refused before anything reads it."""

import dataclasses
import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from simloom.renderers import Camera, Lighting, Materials, MeshLibraryBuilder, Snapshot, load_replay, save_replay
from simloom.renderers.replay import REPLAY_VERSION
from simloom.renderers.snapshot import Deformation

THREES = (
    "sun_direction", "sun_irradiance", "sky_zenith", "sky_horizon", "sky_ground", "sky_scale", "fog_radiance",
)  # fmt: skip


def make_library():
    """Five meshes and three textures, of which the snapshots use some."""
    builder = MeshLibraryBuilder()
    for add in (builder.add_box, builder.add_sphere, builder.add_cylinder, builder.add_plane):
        add()
    builder.add_capsule(0.1, 0.2)
    for k in range(3):
        builder.add_texture(f"t{k}", np.full((4, 4, 3), 50 * k, np.uint8))
    return builder.build()


def make_snapshot(seed, count, looks, materials):
    """A snapshot of random values, meshes 1 and 3, textures -1 and 2."""
    rng = np.random.default_rng(seed)
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, 3] = rng.normal(size=(count, 3))
    real = np.float32
    return Snapshot(
        mesh=rng.choice([1, 3], count).astype(np.int32),
        pose_world_instance=poses,
        previous_pose=poses + 0,
        scale=rng.uniform(0.1, 2, (count, 3)).astype(real),
        material=rng.integers(0, materials, count).astype(np.int32),
        instance=np.arange(count, dtype=np.int32),
        class_id=rng.integers(0, 9, count).astype(np.int32),
        part=np.zeros(count, np.int32),
        pose_instance_part=np.tile(np.eye(4), (count, 1, 1)),
        casts_shadow=np.ones(count, np.uint8),
        materials=Materials(
            base_color=rng.random((looks, materials, 3)).astype(real),
            roughness=rng.uniform(0.1, 1, (looks, materials)).astype(real),
            metallic=rng.random((looks, materials)).astype(real),
            texture=rng.choice([-1, 2], (looks, materials)).astype(np.int32),
            texture_scale=np.ones((looks, materials), real),
            pattern=np.ones((looks, materials), np.int32),
            pattern_color=rng.random((looks, materials, 3)).astype(real),
            pattern_scale=np.ones((looks, materials), real),
            opacity=rng.random((looks, materials)).astype(real),
            emission=rng.random((looks, materials, 3)).astype(real),
            metallic_roughness_texture=rng.choice([-1, 2], (looks, materials)).astype(np.int32),
            normal_texture=rng.choice([-1, 2], (looks, materials)).astype(np.int32),
        ),
        lighting=Lighting(
            **{name: rng.random((looks, 3)).astype(real) for name in THREES},
            **{name: rng.random(looks).astype(real) for name in ("sun_radius", "sky_yaw", "fog_extinction")},
            lamp_kind=rng.integers(0, 2, (looks, count)).astype(np.int32),
            lamp_position=rng.random((looks, count, 3)).astype(real),
            lamp_intensity=rng.random((looks, count, 3)).astype(real),
            lamp_radius=rng.random((looks, count)).astype(real),
        ),
        next_pose=poses[::-1].copy(),
        keypoint_row=rng.integers(0, count, materials).astype(np.int32),
        keypoint_position=rng.random((materials, 3)),
    )


def make_camera(x):
    """A camera that looks along z."""
    pose = np.eye(4)
    pose[0, 3] = x
    return Camera(width=64, height=48, fx=60.5, fy=61.5, cx=31.0, cy=23.0, pose_world_camera=pose, near=0.1, far=9.0)


@pytest.fixture
def saved(tmp_path):
    """A file of two snapshots and three views, and what was put in."""
    library = make_library()
    snapshots = [make_snapshot(0, 5, 2, 4), make_snapshot(1, 3, 1, 2)]
    cameras = [make_camera(x) for x in (0.0, 1.0, 2.0)]
    save_replay(tmp_path / "r.npz", library, snapshots, cameras, [0, 1, 0])
    return tmp_path / "r.npz", library, snapshots, cameras


def test_round_trip(saved):
    """Every array comes back, mesh and texture rows renumbered for the part of the library that is used."""
    path, library, snapshots, cameras = saved
    replay = load_replay(path)
    assert replay.library.names == ("primitive/sphere", "primitive/plane")
    assert replay.library.texture_names == ("t2",)
    assert np.array_equal(replay.library.level(0).vertices, library.level(1).vertices)
    assert np.array_equal(replay.library.texture(0), library.texture(2))
    assert replay.view_snapshot.tolist() == [0, 1, 0]
    for one, two in zip(snapshots, replay.snapshots, strict=True):
        for field in dataclasses.fields(Snapshot):
            a, b = getattr(one, field.name), getattr(two, field.name)
            if field.name == "mesh":
                assert [library.names[m] for m in a] == [replay.library.names[m] for m in b]
            elif field.name in ("materials", "lighting"):
                for inner in dataclasses.fields(a):
                    c, d = getattr(a, inner.name), getattr(b, inner.name)
                    if inner.name.endswith("texture"):
                        c = np.where(c == 2, 0, c)
                    assert np.array_equal(c, d)
                    assert c.dtype == d.dtype
            elif field.name == "deformations":
                assert a == b == ()
            else:
                assert np.array_equal(a, b)
                assert a.dtype == b.dtype
    for one, two in zip(cameras, replay.cameras, strict=True):
        for field in dataclasses.fields(Camera):
            assert np.array_equal(getattr(one, field.name), getattr(two, field.name))


def test_saving_again_gives_the_same_bytes(saved, tmp_path):
    """A file is a function of what it holds; no temporary file is left."""
    path, library, snapshots, cameras = saved
    save_replay(tmp_path / "again.npz", library, snapshots, cameras, [0, 1, 0])
    assert path.read_bytes() == (tmp_path / "again.npz").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.npz", "r.npz"]


def rewrite(path, change):
    """Change the arrays of a file."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    change(arrays)
    np.savez(path, **arrays)


def put(name, index, value):
    """Return a change that sets one entry."""

    def change(arrays):
        arrays[name] = arrays[name].copy()
        arrays[name][index] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        put("instance/mesh", 0, 2),
        put("instance/mesh", 0, -1),
        put("instance/material", 0, 99),
        put("instance/material", 0, -1),
        put("instance/instance", 4, 70000),
        put("instance/instance", 0, 3),
        put("instance/class_id", 0, 256),
        put("instance/scale", 0, 0),
        put("instance/scale", 0, np.nan),
        put("instance/casts_shadow", 0, 2),
        put("instance/pose_world_instance", (0, 0, 0), 3.0),
        put("instance/pose_world_instance", (0, 3, 0), 1.0),
        put("material/texture", 0, 1),
        put("material/base_color", 0, 1.5),
        put("lighting/sun_irradiance", 0, np.inf),
        put("camera/size", 0, 5000),
        put("camera/size", 0, 0),
        put("camera/numbers", (0, 0), -1.0),
        put("camera/pose", (0, 0, 0), np.nan),
        put("camera/lens", (0, 0), 3.0),
        put("camera/lens", (0, 0), 1.0),
        put("view_snapshot", 0, 2),
        put("instance_count", 0, 6),
        put("instance_count", 0, -5),
        put("look_count", 0, 2**30),
        put("library/triangles", 0, 10**6),
        put("library/texture_width", 0, 2**30),
        put("library/level_triangle_count", 0, 2**31 - 1),
        put("version", 0, REPLAY_VERSION + 1),
        put("names", 0, 0),
        lambda arrays: arrays.pop("lighting/sun_direction"),
        lambda arrays: arrays.update(extra=np.zeros(1)),
        lambda arrays: arrays.update({"instance/mesh": arrays["instance/mesh"].astype(np.int64)}),
        lambda arrays: arrays.update({"names": np.frombuffer(b'{"meshes": [1, 2], "textures": ["a"]}', np.uint8)}),
        lambda arrays: arrays.update({"names": np.frombuffer(b'["a"]', np.uint8)}),
    ],
)
def test_damaged_files_are_refused(saved, change):
    """Anything missing, misshapen or out of range is one ValueError."""
    rewrite(saved[0], change)
    with pytest.raises(ValueError, match=r"."):
        load_replay(saved[0])


def test_pickles_are_not_opened(saved):
    """An object array is refused, not unpickled."""
    path = saved[0]
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("extra.npy", stream.getvalue())
    with pytest.raises(ValueError, match="pickle"):
        load_replay(path)


def test_other_files_are_refused(tmp_path, saved):
    """A missing file, a text, an empty file and too large a file are told apart."""
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_replay(tmp_path / "none.npz")
    for data in (b"", b"text", saved[0].read_bytes()[:5000]):
        (tmp_path / "x.npz").write_bytes(data)
        with pytest.raises(ValueError, match="is not a replay file"):
            load_replay(tmp_path / "x.npz")
    with pytest.raises(ValueError, match="max_bytes"):
        load_replay(saved[0], max_bytes=1000)


def test_bad_arguments_are_refused(tmp_path):
    """Views must name snapshots, snapshots must fit the library."""
    library, snapshot, camera = make_library(), make_snapshot(0, 2, 1, 1), make_camera(0)
    for snapshots, views in (([], []), ([snapshot], [1]), ([snapshot], [0, 0])):
        with pytest.raises(ValueError, match=r"view_snapshot|at least one"):
            save_replay(tmp_path / "x.npz", library, snapshots, [camera][: len(views) or 1], views)
    with pytest.raises(ValueError, match="mesh rows"):
        save_replay(tmp_path / "x.npz", MeshLibraryBuilder().build(), [snapshot], [camera], [0])
    assert list(tmp_path.iterdir()) == []


def test_motion_and_deformations_come_back(tmp_path):
    """Other poses of cameras and new vertices are read as written; files of still, rigid worlds hold none."""
    generator, library = np.random.default_rng(8), make_library()
    snapshots = [make_snapshot(3, 4, 1, 2), make_snapshot(4, 3, 1, 2)]
    shapes = [generator.normal(size=(n, 3)).astype(np.float32) for n in (5, 7)]
    bent = tuple(Deformation(row=row, vertices=shape) for row, shape in zip((2, 0), shapes, strict=True))
    moved = np.eye(4)
    moved[:3, 3] = 0.1, 0.2, 0.3
    view = Camera.from_field_of_view(width=8, height=6, field_of_view=1.0, pose_world_camera=np.eye(4))
    views = [replace(view, next_pose_world_camera=moved), view]
    save_replay(tmp_path / "a.npz", library, [snapshots[0], replace(snapshots[1], deformations=bent)], views, [0, 1])
    found = load_replay(tmp_path / "a.npz")
    assert found.snapshots[0].deformations == ()
    assert [d.row for d in found.snapshots[1].deformations] == [2, 0]
    for d, shape in zip(found.snapshots[1].deformations, shapes, strict=True):
        assert d.vertices.tobytes() == shape.tobytes()
    assert np.array_equal(found.cameras[0].next_pose_world_camera, moved)
    assert np.array_equal(found.cameras[1].next_pose_world_camera, np.eye(4))
    assert found.cameras[0].previous_pose_world_camera is None
    save_replay(tmp_path / "b.npz", library, snapshots, [view], [0])
    with np.load(tmp_path / "b.npz") as stored:
        assert not [name for name in stored.files if name.startswith("deformation") or name == "camera/next_pose"]
    with np.load(tmp_path / "a.npz") as stored:
        arrays = dict(stored)
    for name, value in (("row", [9, 0]), ("snapshot", [0, 5]), ("count", [5, 8])):
        np.savez(tmp_path / "c.npz", **{**arrays, f"deformation/{name}": np.array(value, np.int32)})
        with pytest.raises(ValueError, match="deformation"):
            load_replay(tmp_path / "c.npz")
