"""TinyRenderer behind our interface: sub-pixel agreement with closed forms."""

import numpy as np
import pytest

from simloom.renderers import Camera, Lighting, Materials, MeshLibraryBuilder, Snapshot, TinyRenderer

pytest.importorskip("pybullet")
BOX, SPHERE, PLANE = range(3)


@pytest.fixture(scope="module")
def library():
    """Box, sphere, plane."""
    builder = MeshLibraryBuilder()
    builder.add_box()
    builder.add_sphere()
    builder.add_plane()
    return builder.build()


@pytest.fixture
def tiny(library):
    """A renderer without shadows."""
    with TinyRenderer(library, shadow=False) as renderer:
        yield renderer


def pose(x, y, z, rotation=None):
    """Make a pose."""
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    if rotation is not None:
        matrix[:3, :3] = rotation
    return matrix


def snapshot(*items, looks=1):
    """Place (mesh, pose, scale) items with ids 0, 1, ... and classes 10, 11, ..."""
    count, real = len(items), np.float32
    poses = np.stack([item[1] for item in items])
    flat = np.zeros((looks, count), real)
    return Snapshot(
        mesh=np.array([item[0] for item in items], np.int32),
        pose_world_instance=poses,
        previous_pose=poses,
        scale=np.array([item[2] for item in items], real),
        material=np.arange(count, dtype=np.int32),
        instance=np.arange(count, dtype=np.int32),
        class_id=np.arange(10, 10 + count, dtype=np.int32),
        part=np.arange(count, dtype=np.int32),
        pose_instance_part=np.tile(np.eye(4), (count, 1, 1)),
        casts_shadow=np.ones(count, np.uint8),
        materials=Materials(
            base_color=np.tile(np.linspace(0.1, 0.9, looks, dtype=real)[:, None, None], (1, count, 3)),
            roughness=flat + real(0.5),
            metallic=flat,
            texture=flat.astype(np.int32) - 1,
            texture_scale=flat + 1,
            pattern=flat.astype(np.int32),
            pattern_color=np.zeros((looks, count, 3), real),
            pattern_scale=flat + 1,
        ),
        lighting=Lighting(
            sun_direction=np.tile(np.array([0.0, 0.0, -1.0], real), (looks, 1)),
            **{
                name: np.ones((looks, 3), real)
                for name in ("sun_irradiance", "sky_zenith", "sky_horizon", "sky_ground")
            },
        ),
    )


CAMERA = Camera(width=64, height=48, fx=60.0, fy=55.0, cx=31.3, cy=22.9, pose_world_camera=np.eye(4))
SPECK = (PLANE, pose(0, 0, 90), (1e-4, 1e-4, 1))


@pytest.mark.parametrize("edges", [(10.3, 40.6, 8.2, 30.7), (10.7, 40.2, 8.9, 30.1), (10.05, 40.95, 8.95, 30.05)])
def test_pixel_centres_are_integers(tiny, edges):
    """A rectangle fills just the pixels whose integer coordinates lie within its edges, at its depth."""
    x0, x1, y0, y1 = edges
    left, right = ((x - CAMERA.cx) / CAMERA.fx * 2.0 for x in (x0, x1))
    top, bottom = ((y - CAMERA.cy) / CAMERA.fy * 2.0 for y in (y0, y1))
    plate = (PLANE, pose((left + right) / 2, (top + bottom) / 2, 2.0), (right - left, bottom - top, 1))
    frames = tiny.render([snapshot(SPECK, plate)], [CAMERA], ("instance", "depth", "class_id", "part"))
    v, u = np.mgrid[:48, :64]
    inside = (u > x0) & (u < x1) & (v > y0) & (v < y1)
    assert np.array_equal(frames.instance[0] == 1, inside)
    assert np.array_equal(frames.class_id[0], np.where(inside, 11, 0))
    assert np.array_equal(frames.part[0], inside)
    assert np.abs(frames.depth[0][inside] - 2.0).max() < 2e-5
    assert (frames.depth[0][~inside] == 0).all()
    assert frames.colour is None


@pytest.mark.parametrize("axis", [0, 1])
def test_depth_of_a_slanted_plane(tiny, axis):
    """Depth follows the plane's equation at pixel centres within 0.1 mm."""
    angle = 0.9
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) if axis == 0 else np.array([[1, 0, 0], [0, c, s], [0, -s, c]])
    frames = tiny.render([snapshot((PLANE, pose(0, 0, 2, turn), (30, 30, 1)))], [CAMERA], ("depth",))
    v, u = np.mgrid[:48, :64]
    ray = np.stack([(u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones(u.shape)], axis=-1)
    exact = 2 * turn[2, 2] / (ray * turn[:, 2]).sum(axis=-1)
    near = (exact > 0) & (exact < 4)
    assert near.mean() > 0.6
    assert np.abs(frames.depth[0] - exact)[near].max() < 1e-4


def test_a_sphere_seen_from_a_turned_camera(tiny):
    """A moved, turned camera sees the sphere where the pinhole formula puts it."""
    forward = np.array([0.6, 0.0, -0.8])
    right = np.array([0.0, -1.0, 0.0])
    world_camera = np.eye(4)
    world_camera[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    world_camera[:3, 3] = (-0.5, 0.3, 1.4)
    camera = Camera(width=160, height=120, fx=140.0, fy=140.0, cx=79.5, cy=59.5, pose_world_camera=world_camera)
    center, radius = np.array([0.5, 0.2, 0.1]), 0.3
    frames = tiny.render([snapshot(SPECK, (SPHERE, pose(*center), (0.6,) * 3))], [camera], ("instance", "depth"))
    v, u = np.mgrid[:120, :160]
    ray = np.stack([(u - 79.5) / 140, (v - 59.5) / 140, np.ones(u.shape)], axis=-1)
    local = world_camera[:3, :3].T @ (center - world_camera[:3, 3])
    a, b = (ray**2).sum(-1), (ray * local).sum(-1)
    root = b**2 - a * (local @ local - radius**2)
    hit = root > 0
    assert (hit != (frames.instance[0] == 1)).sum() < 12
    exact = (b - np.sqrt(np.where(hit, root, 0))) / a
    inner = root > 0.02
    assert np.abs(frames.depth[0] - exact)[inner].max() < 3e-3  # facets lie up to 0.7 mm inside, seen at a slant


def test_looks_views_and_repeated_calls(tiny):
    """Colours follow the look, views may share a snapshot, and bodies are used again without a trace."""
    first = snapshot((BOX, pose(0, 0, 3), (1, 1, 1)), (SPHERE, pose(1, 0, 3), (0.5, 0.5, 0.5)), looks=2)
    second = snapshot((SPHERE, pose(-1, 0, 3), (0.5, 0.5, 0.5)), looks=2)
    frames = tiny.render([first, second], [CAMERA] * 3, view_snapshot=[1, 0, 1])
    assert frames.colour.shape == (3, 2, 48, 64, 3)
    assert np.array_equal(frames.instance[0], frames.instance[2])
    assert (frames.colour[1, 1][24, 31] > frames.colour[1, 0][24, 31]).all()
    again = tiny.render([first], [CAMERA])
    assert np.array_equal(again.colour[0], frames.colour[1])
    assert np.array_equal(again.depth[0], frames.depth[1])


def test_large_meshes_go_through_a_file(library):
    """A mesh above the upload limit looks as one below it."""
    axis = np.linspace(-0.5, 0.5, 261)
    u, v = np.meshgrid(axis, axis)
    points = np.stack([u, v, 0 * u], axis=-1).reshape(-1, 3)
    i, j = (x.reshape(-1) for x in np.mgrid[:260, :260])
    a = i * 261 + j
    triangles = np.concatenate((np.stack([a, a + 1, a + 262], 1), np.stack([a, a + 262, a + 261], 1)))
    builder = MeshLibraryBuilder()
    builder.add_mesh("grid", points, triangles, levels=False)
    camera = Camera(width=240, height=180, fx=400.0, fy=400.0, cx=120.3, cy=90.2, pose_world_camera=np.eye(4))
    with TinyRenderer(builder.build(), shadow=False) as fine, TinyRenderer(library, shadow=False) as coarse:
        one = fine.render([snapshot((0, pose(0, 0, 2), (1, 1, 1)))], [camera], ("depth",))
        two = coarse.render([snapshot((PLANE, pose(0, 0, 2), (1, 1, 1)))], [camera], ("depth",))
    assert one.depth == pytest.approx(two.depth, abs=2e-5)
    assert (one.depth > 0).any()


def test_bad_requests_are_refused(tiny):
    """Unknown outputs, sizes that differ, and rows that do not exist are one error each."""
    scene = snapshot((BOX, pose(0, 0, 3), (1, 1, 1)))
    other = Camera(width=32, height=48, fx=60.0, fy=55.0, cx=31.3, cy=22.9, pose_world_camera=np.eye(4))
    with pytest.raises(ValueError, match="not normal"):
        tiny.render([scene], [CAMERA], ("normal",))
    with pytest.raises(ValueError, match="one image size"):
        tiny.render([scene], [CAMERA, other])
    with pytest.raises(ValueError, match="view_snapshot"):
        tiny.render([scene], [CAMERA], view_snapshot=[1])
    with pytest.raises(ValueError, match="at least one"):
        tiny.render([], [])
    tiny.close()
    with pytest.raises(RuntimeError, match="closed"):
        tiny.render([scene], [CAMERA])
