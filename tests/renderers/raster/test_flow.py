"""Flow against reprojection, a ray caster and itself one step later."""

from dataclasses import replace

import numpy as np
import pytest

from naive.rasterize import _nearest, gather_triangles
from naive.still_life import (
    BOX,
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
from simloom.renderers import Raster

FORWARD, BACKWARD = "flow_forward", "flow_backward"
BOTH = (FORWARD, f"{FORWARD}_occlusion", BACKWARD, f"{BACKWARD}_occlusion")


@pytest.fixture(scope="module")
def library():
    """Box, sphere, cylinder, plane."""
    return primitive_library()


def jolt(generator, poses, angle=0.15, shift=0.12):
    """Turn and shift every pose a little, about its own place."""
    moved = poses.copy()
    for matrix in moved:
        matrix[:3, :3] = turn(generator.normal(size=3), generator.uniform(0, angle)) @ matrix[:3, :3]
        matrix[:3, 3] += generator.uniform(-shift, shift, 3)
    return moved


def moving(seed, things, still=0):
    """A scene whose things move, but for the first few, and a moving camera."""
    generator = np.random.default_rng(seed)
    scene = still_life(*things)
    later, earlier = jolt(generator, scene.pose_world_instance), jolt(generator, scene.pose_world_instance)
    later[:still], earlier[:still] = scene.pose_world_instance[:still], scene.pose_world_instance[:still]
    scene = replace(scene, next_pose=later, previous_pose=earlier)
    eyes = [np.array([1.9, 0.8, 0.9]) + generator.uniform(-0.1, 0.1, 3) for _ in range(3)]
    now, after, before = (look(eye, generator.uniform(-0.05, 0.05, 3)) for eye in eyes)
    view = camera(90, 70, 75.0, at=now, next_pose_world_camera=after, previous_pose_world_camera=before)
    return scene, view


def rays(view):
    """Directions of the pixel centres with z = 1, camera frame."""
    v, u = np.mgrid[: view.height, : view.width]
    return np.stack([(u - view.cx) / view.fx, (v - view.cy) / view.fy, np.ones(u.shape)], -1)


def carry(scene, view, frames, instant):
    """Every pixel's surface point in the other camera's frame (infinity's direction for the sky), in float64."""
    there = getattr(scene, f"{instant}_pose")
    at = getattr(view, f"{instant}_pose_world_camera")
    at = view.pose_world_camera if at is None else at
    depth = frames.depth[0].astype(float)
    point = rays(view) * np.where(depth > 0, depth, 1.0)[..., None]
    result = point @ (np.linalg.inv(at) @ view.pose_world_camera)[:3, :3].T
    for row in range(scene.instance_count):
        mine = (frames.instance[0] == scene.instance[row]) & (depth > 0)
        matrix = np.linalg.inv(at) @ there[row] @ np.linalg.inv(scene.pose_world_instance[row]) @ view.pose_world_camera
        result[mine] = point[mine] @ matrix[:3, :3].T + matrix[:3, 3]
    return result


def project(view, point):
    """Pixels of points in the camera's frame."""
    return np.stack(
        [view.fx * point[..., 0] / point[..., 2] + view.cx, view.fy * point[..., 1] / point[..., 2] + view.cy], -1
    )


def pixels(view):
    """Coordinates of the pixel centres."""
    v, u = np.mgrid[: view.height, : view.width].astype(float)
    return np.stack([u, v], -1)


def step_on(scene, view):
    """The scene and the view one step later, which know where they came from."""
    later = replace(scene, pose_world_instance=scene.next_pose, previous_pose=scene.pose_world_instance)
    return later, replace(
        view, pose_world_camera=view.next_pose_world_camera, previous_pose_world_camera=view.pose_world_camera
    )


def test_what_stands_still_has_no_flow(library):
    """A still world before a still camera has flow 0 in every bit; so has what moves along with the camera."""
    scene = still_life(*random_things(np.random.default_rng(3), 12, away=0.0))
    view = camera(90, 70, 75.0, at=look((1.9, 0.8, 0.9), (0, 0, 0)))
    frames = Raster(library).render([scene], [view], outputs=("depth", *BOTH))
    for name in (FORWARD, BACKWARD):
        assert not getattr(frames, name).any()
        occlusion = getattr(frames, f"{name}_occlusion")
        assert np.array_equal(occlusion, np.where(frames.depth > 0, 0, 3))
    # A camera that only moves leaves the sky where it is.
    shifted = replace(view, next_pose_world_camera=pose(0.1, 0, 0) @ view.pose_world_camera)
    frames = Raster(library).render([scene], [shifted], outputs=("depth", FORWARD))
    assert not frames.flow_forward[frames.depth == 0].any()
    assert (np.abs(frames.flow_forward[frames.depth > 0]).max(axis=-1) > 0).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("lod", ["auto", "exact"])
def test_flow_is_the_reprojection_of_depth(library, seed, lod):
    """K [R t] of the point that depth and poses give differs from the flow by less than 0.01 px; so for the sky."""
    scene, view = moving(seed, random_things(np.random.default_rng(seed), 12, away=0.0), still=3)
    frames = Raster(library, lod=lod).render([scene], [view], outputs=("depth", "instance", FORWARD, BACKWARD))
    for name, instant in ((FORWARD, "next"), (BACKWARD, "previous")):
        expected = project(view, carry(scene, view, frames, instant)) - pixels(view)
        off = np.abs(expected - getattr(frames, name)[0])
        assert off.max() < 0.01
        assert np.abs(expected).max() > 5


@pytest.mark.parametrize("seed", range(4))
def test_occlusion_is_what_a_ray_caster_says(seed):
    """A ray cast at the point's place in the other instant meets something nearer, or not, wherever that is certain."""
    library = coarse_library(np.random.default_rng(7))
    generator = np.random.default_rng(seed)
    things = [replace(t, mesh=int(generator.integers(4))) for t in random_things(generator, 9, spread=0.6, away=0.0)]
    scene, view = moving(seed + 20, things)
    frames = Raster(library).render([scene], [view], outputs=("depth", "instance", *BOTH))
    hidden_seen = 0
    for name, instant in ((FORWARD, "next"), (BACKWARD, "previous")):
        occlusion = getattr(frames, f"{name}_occlusion")[0]
        at = getattr(view, f"{instant}_pose_world_camera")
        there = replace(view, pose_world_camera=at)
        corners, owner = gather_triangles(
            library, replace(scene, pose_world_instance=getattr(scene, f"{instant}_pose")), there
        )
        point = carry(scene, view, frames, instant)
        place = project(view, point)
        hit = frames.depth[0] > 0
        assert np.array_equal(occlusion == 3, ~hit)
        margin = 1e-3
        lower, upper = -0.5, np.array([view.width - 0.5, view.height - 0.5])
        inside = ((place > lower + margin) & (place < upper - margin)).all(axis=-1)
        beyond = ((place < lower - margin) | (place > upper + margin)).any(axis=-1)
        assert (occlusion[hit & beyond] == 2).all()
        assert (occlusion[hit & inside] <= 1).all()
        asked = hit & inside
        z = point[asked][:, 2]
        verdict, certain = [], np.ones(asked.sum(), bool)
        for dx, dy in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (0.7, 0.7), (-0.7, 0.7), (0.7, -0.7), (-0.7, -0.7)):
            u, v = place[asked][:, 0] + dx, place[asked][:, 1] + dy
            ray = np.stack([(u - view.cx) / view.fx, (v - view.cy) / view.fy, np.ones_like(u)], -1)
            parts = [_nearest(corners, owner, ray[k : k + 512], view.near, view.far) for k in range(0, len(ray), 512)]
            depth, triangle = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
            row = np.where(triangle >= 0, owner[triangle], -1)
            if not verdict:
                verdict = [depth < z * (1 - 1e-5), row]
                away = np.abs(depth - z)
                certain &= (away < 1e-5 * z) | (away > 5 * z / view.fx)
            certain &= row == verdict[1]
        mine = occlusion[asked]
        assert certain.mean() > 0.6
        # A plane seen edge-on may be crossed by another within the pixel.
        assert ((mine[certain] == 1) != verdict[0][certain]).sum() <= 2
        hidden_seen += int(verdict[0][certain].sum())
        # Where a ray caster cannot be sure, at edges, they still agree mostly.
        assert ((mine == 1) == verdict[0]).mean() > 0.97
    assert hidden_seen > 30


def test_flow_leads_to_the_same_surface_and_back(library):
    """One step later the flow's end shows the same instance and albedo, and the flow from there leads back."""
    floor = Thing(mesh=PLANE, at=pose(0, 0, -0.8), scale=(6.0, 6.0, 1.0), pattern=3, pattern_scale=0.8)
    scene, view = moving(5, [floor, *random_things(np.random.default_rng(11), 9, away=0.0)], still=1)
    later, after = step_on(scene, view)
    raster = Raster(library, lod="exact")
    now = raster.render([scene], [view], outputs=("instance", "depth", *BOTH))
    then = raster.render([later], [after], outputs=("instance", "depth", *BOTH))
    seen = now.flow_forward_occlusion[0] == 0
    place = pixels(view) + now.flow_forward[0]
    nearest = np.floor(place + 0.5).astype(int)
    column, row = nearest[..., 0].clip(0, view.width - 1), nearest[..., 1].clip(0, view.height - 1)
    padded = np.pad(then.instance[0], 1, mode="edge")
    flat = np.ones(padded.shape, bool)[1:-1, 1:-1]
    for dy in range(3):
        for dx in range(3):
            flat &= padded[dy : dy + view.height, dx : dx + view.width] == then.instance[0]
    inner = seen & flat[row, column]
    assert inner.mean() > 0.3
    # Where things run into each other, what is nearer by less than two footprints hides nothing.
    assert (now.instance[0] == then.instance[0][row, column])[inner].mean() > 0.995
    # Hidden points end on something nearer.
    hidden = now.flow_forward_occlusion[0] == 1
    ends = carry(scene, view, now, "next")[..., 2]
    assert hidden.sum() > 20
    assert (then.depth[0][row, column][hidden] < ends[hidden]).all()
    # Back along the backward flow, interpolated between four pixels of the same instance.
    x, y = np.floor(place[..., 0]).astype(int), np.floor(place[..., 1]).astype(int)
    inner = seen & (x >= 0) & (y >= 0) & (x < view.width - 1) & (y < view.height - 1)
    x, y = x.clip(0, view.width - 2), y.clip(0, view.height - 2)
    tx, ty = place[..., 0] - x, place[..., 1] - y
    back = np.zeros_like(place)
    for dx, dy, weight in ((0, 0, (1 - tx) * (1 - ty)), (1, 0, tx * (1 - ty)), (0, 1, (1 - tx) * ty), (1, 1, tx * ty)):
        inner &= then.instance[0][y + dy, x + dx] == now.instance[0]
        inner &= then.flow_backward_occlusion[0][y + dy, x + dx] <= 1
        back += weight[..., None] * then.flow_backward[0][y + dy, x + dx]
    loop = np.abs(now.flow_forward[0] + back).max(axis=-1)[inner]
    assert inner.mean() > 0.3
    assert np.percentile(loop, 99) < 0.1
    assert loop.max() < 0.7


def test_points_behind_the_other_camera_are_outside(library):
    """What the camera flies past is outside the next frame; points nearer than near have no flow, none is infinite."""
    floor = Thing(mesh=PLANE, at=pose(0, 0.3, 3), scale=(9.0, 9.0, 1.0))
    beside = Thing(mesh=BOX, at=pose(0.25, 0, 1.0), scale=(0.3, 0.3, 0.3))
    ball = Thing(mesh=SPHERE, at=pose(-0.5, 0, 2.5), scale=(0.4, 0.4, 0.4))
    scene = still_life(beside, ball, floor)
    view = camera(80, 60, 50.0, next_pose_world_camera=pose(0, 0, 1.5))
    frames = Raster(library).render([scene], [view], outputs=("depth", "instance", *BOTH))
    box = frames.instance[0] == 1
    assert box.sum() > 100
    assert (frames.flow_forward_occlusion[0][box] == 2).all()
    assert not frames.flow_forward[0][box].any()
    assert np.isfinite(frames.flow_forward).all()
    assert (frames.flow_forward_occlusion[0][frames.instance[0] == 2] != 3).all()
    # Backwards nothing moves.
    assert not frames.flow_backward.any()
    # A camera that turns right round sees none of the sky, which gets no flow.
    empty = Raster(library).render(
        [still_life(Thing(mesh=BOX, at=pose(0, 0, -9)))],
        [camera(8, 6, 5.0, next_pose_world_camera=pose(rotation=turn((0, 1, 0), np.pi)))],
        outputs=BOTH,
    )
    assert not empty.flow_forward.any()
    assert (empty.flow_forward_occlusion == 3).all()


def test_what_hides_need_not_be_seen_now(library):
    """A wall that comes into view hides what is behind it in the next frame."""
    back = Thing(mesh=PLANE, at=pose(0, 0, 4), scale=(9.0, 9.0, 1.0))
    wall = Thing(mesh=PLANE, at=pose(9, 0, 2), scale=(1.0, 4.0, 1.0))
    scene = still_life(back, wall)
    later = scene.pose_world_instance.copy()
    later[1, 0, 3] = 0.0
    view = camera(80, 60, 50.0, cx=39.5, cy=29.5)
    frames = Raster(library).render([replace(scene, next_pose=later)], [view], outputs=("instance", *BOTH))
    assert (frames.instance == 1).all()
    # The wall is 50 / 2 = 25 px wide.
    columns = frames.flow_forward_occlusion[0].astype(int)
    assert (columns[:, 28:52] == 1).all()
    assert (columns.sum(axis=1) == 25).all() or (columns.sum(axis=1) == 26).all()


@pytest.mark.parametrize("name", ["next_pose_world_camera", "previous_pose_world_camera"])
def test_bad_poses_are_refused(name):
    """The camera's other poses are checked as its pose is."""
    with pytest.raises(ValueError, match=rf"{name} must be a finite \(4, 4\) matrix"):
        replace(camera(), **{name: np.eye(3)})
