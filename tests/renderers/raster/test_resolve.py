"""Labels agree with each other, with the truth's poses and with closed forms."""

import numpy as np
import pytest

from naive.still_life import (
    BOX,
    CYLINDER,
    EVERYTHING,
    PLANE,
    SPHERE,
    Thing,
    camera,
    look,
    pose,
    primitive_library,
    random_things,
    still_life,
    turn,
)
from simloom.renderers import Raster


@pytest.fixture(scope="module")
def library():
    """Box, sphere, cylinder, plane."""
    return primitive_library()


@pytest.fixture(scope="module", params=range(3))
def busy(request, library):
    """Twelve overlapping things of two to three instances each id, and two views of them."""
    generator = np.random.default_rng(request.param)
    things = random_things(generator, 12, spread=0.6, away=0.0)
    ids = np.sort(generator.integers(0, 8, 12))
    made = [
        Thing(mesh=t.mesh, at=t.at, scale=t.scale, instance=int(k), class_id=20 + int(k), part=i)
        for i, (t, k) in enumerate(zip(things, ids, strict=True))
    ]
    scene = still_life(*made)
    views = [camera(90, 70, f, at=look(eye, (0, 0, 0))) for f, eye in ((80.0, (1.6, 0.7, 0.9)), (50.0, (0, -1.5, 1.5)))]
    raster = Raster(library, shadow=False)
    frames = raster.render([scene], views, view_snapshot=[0, 0], outputs=EVERYTHING, instance_count=9)
    return made, scene, views, raster, frames


def rays(view):
    """Directions of the pixel centres with z = 1, camera frame."""
    v, u = np.mgrid[: view.height, : view.width]
    return np.stack([(u - view.cx) / view.fx, (v - view.cy) / view.fy, np.ones(u.shape)], -1)


def test_boxes_and_counts_are_those_of_the_mask(busy):
    """visible_pixels is the histogram of the instance map and box_visible the tight box of each mask."""
    *_, frames = busy
    for k in range(2):
        for slot in range(9):
            mask = frames.instance[k] == slot + 1
            assert frames.visible_pixels[k, slot] == mask.sum()
            rows, columns = np.nonzero(mask)
            box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) else [0, 0, 0, 0]
            assert frames.box_visible[k, slot].tolist() == box


def test_pixels_in_the_frame_are_those_of_each_instance_alone(busy):
    """in_frame_pixels are what each id fills when everything else is taken away, and no more than its total_pixels."""
    things, _, views, raster, frames = busy
    assert (frames.in_frame_pixels >= frames.visible_pixels).all()
    assert (frames.in_frame_pixels > frames.visible_pixels).any()
    assert (frames.total_pixels >= frames.in_frame_pixels).all()
    for slot in range(9):
        alone = [thing for thing in things if thing.instance == slot + 1]
        if not alone:
            assert not frames.total_pixels[:, slot].any()
            assert not frames.box_amodal[:, slot].any()
            continue
        single = raster.render(
            [still_life(*alone)], views, view_snapshot=[0, 0], outputs=("visible_pixels", "total_pixels"),
            instance_count=9,
        )  # fmt: skip
        assert np.array_equal(frames.in_frame_pixels[:, slot], single.visible_pixels[:, slot])
        assert np.array_equal(frames.total_pixels[:, slot], single.total_pixels[:, slot])
        assert np.array_equal(frames.box_amodal[:, slot], single.box_amodal[:, slot])


def test_labels_of_a_pixel_belong_together(busy):
    """Class and part are those of the instance that was hit; depth, range and normal are there exactly where it is."""
    things, _, views, _, frames = busy
    part_of = {thing.part: thing for thing in things}
    for k, view in enumerate(views):
        hit = frames.depth[k] > 0
        assert 0.1 < hit.mean() < 0.95
        for part in np.unique(frames.part[k][hit]).tolist():
            mine = hit & (frames.part[k] == part)
            assert (frames.instance[k][mine] == part_of[part].instance).all()
            assert (frames.class_id[k][mine] == part_of[part].class_id).all()
        for name in ("range", "class_id", "instance"):
            assert not getattr(frames, name)[k][~hit].any()
        assert np.linalg.norm(frames.normal[k][hit], axis=-1) == pytest.approx(1, abs=1e-5)
        assert ((frames.normal[k] * rays(view)).sum(-1)[hit] <= 1e-5).all()
        length = np.linalg.norm(rays(view), axis=-1)
        assert frames.range[k][hit] == pytest.approx((frames.depth[k] * length)[hit], rel=1e-6)


def test_unprojected_depth_is_where_the_pose_says(busy):
    """K⁻¹ (u, v, 1) depth, brought to the object's frame by the truth's pose, is object_coordinates, on its surface."""
    things, _, views, _, frames = busy
    for k, view in enumerate(views):
        v, u = np.mgrid[: view.height, : view.width]
        pixel = np.stack([u, v, np.ones(u.shape)], -1).astype(float)
        point = (pixel @ np.linalg.inv(view.intrinsics).T) * frames.depth[k][..., None]
        world = point @ view.pose_world_camera[:3, :3].T + view.pose_world_camera[:3, 3]
        for thing in things:
            mine = (frames.part[k] == thing.part) & (frames.depth[k] > 0)
            local = (world[mine] - thing.at[:3, 3]) @ thing.at[:3, :3]
            assert local == pytest.approx(frames.object_coordinates[k][mine].astype(float), abs=3e-6)
            unit = local / np.array(thing.scale)
            if thing.mesh == BOX:
                off = np.abs(np.abs(unit).max(axis=1) - 0.5)
            elif thing.mesh == SPHERE:
                off = np.abs(np.linalg.norm(unit, axis=1) - 0.5)
            elif thing.mesh == CYLINDER:
                across, up = np.hypot(unit[:, 0], unit[:, 1]), np.abs(unit[:, 2])
                off = np.minimum(np.abs(across - 0.5) + np.maximum(up - 0.5, 0), np.abs(up - 0.5))
            else:
                off = np.abs(unit[:, 2])
            # Half a pixel of level of detail, or the snapping of an edge, in units of the smallest scale.
            slack = (0.5 if thing.mesh in (SPHERE, CYLINDER) else 1 / 256) * frames.depth[k].max() / view.fx
            assert off.max(initial=0) < 1e-6 + slack / min(thing.scale)


def test_intrinsics_project_object_coordinates_to_pixel_centres(busy):
    """K [R t] of object_coordinates gives back integer pixel coordinates."""
    things, _, views, _, frames = busy
    for k, view in enumerate(views):
        v, u = np.mgrid[: view.height, : view.width]
        for thing in things:
            mine = (frames.part[k] == thing.part) & (frames.depth[k] > 0)
            camera_object = np.linalg.inv(view.pose_world_camera) @ thing.at
            point = frames.object_coordinates[k][mine] @ camera_object[:3, :3].T + camera_object[:3, 3]
            image = point @ view.intrinsics.T
            image = image[:, :2] / image[:, 2:]
            assert np.abs(image - np.stack([u[mine], v[mine]], -1)).max(initial=0) < 2e-3


def test_normals_are_the_gradient_of_depth(library):
    """On a plane and on a sphere the normal is that of the surface which the depth map describes."""
    rotation = turn((0.7, -0.7, 0.1), 0.8)
    scene = still_life(Thing(mesh=PLANE, at=pose(0, 0, 2, rotation), scale=(50.0, 50.0, 1.0)))
    ball = still_life(Thing(mesh=SPHERE, at=pose(0.1, 0, 2), scale=(1.6, 1.6, 1.6)))
    view = camera(120, 90, 110.0)
    frames = Raster(library, lod="exact").render([scene, ball], [view, view], outputs=("depth", "normal"))
    point = rays(view) * frames.depth[..., None].astype(float)
    across, down = point[:, 1:-1, 2:] - point[:, 1:-1, :-2], point[:, 2:, 1:-1] - point[:, :-2, 1:-1]
    gradient = np.cross(down, across)
    gradient /= np.maximum(np.linalg.norm(gradient, axis=-1, keepdims=True), 1e-12)
    normal = frames.normal[:, 1:-1, 1:-1]
    cosine = (gradient * normal).sum(-1)
    sense = np.where((gradient * rays(view)[1:-1, 1:-1]).sum(-1) < 0, 1, -1)
    cosine *= sense
    inner = np.ones(cosine.shape, bool)
    for k in (-1, 0, 1):
        for axis in (1, 2):
            inner &= np.roll(frames.depth > 0, k, axis=axis)[:, 1:-1, 1:-1]
    facing = np.abs((normal * rays(view)[1:-1, 1:-1]).sum(-1)) > 0.35
    plane, sphere = inner[0] & facing[0], inner[1] & facing[1]
    assert plane.sum() > 3000
    assert sphere.sum() > 2000
    assert cosine[0][plane].min() > 1 - 1e-4
    assert normal[0][plane] == pytest.approx(np.broadcast_to(-rotation[:, 2], (plane.sum(), 3)), abs=1e-5)
    # Facets are 5.6 degrees: a difference over two pixels is between the normals of neighbouring facets.
    assert np.degrees(np.arccos(cosine[1][sphere].clip(-1, 1))).max() < 6.0
    assert np.degrees(np.arccos(cosine[1][sphere].clip(-1, 1))).mean() < 2.5


def test_a_half_hidden_square_is_half_visible(library):
    """A square whose half lies behind another one has a visible fraction of one half; the other keeps all."""
    square = Thing(mesh=PLANE, at=pose(0, 0, 2), scale=(1.0, 1.0, 1.0), instance=2)
    cover = Thing(mesh=PLANE, at=pose(-1.0, 0, 1.0), scale=(2.0, 2.0, 1.0), instance=1)
    view = camera(200, 200, 200.0, cx=99.5, cy=99.5)
    counts = ("visible_pixels", "in_frame_pixels", "total_pixels")
    frames = Raster(library).render([still_life(cover, square)], [view], outputs=counts)
    assert frames.in_frame_pixels.tolist() == [[200 * 100, 100 * 100]]
    assert frames.total_pixels.tolist() == [[400 * 300, 100 * 100]]
    assert frames.visible_pixels.tolist() == [[200 * 100, 50 * 100]]
    assert frames.box_visible[0, 1].tolist() == [100, 50, 150, 150]
    assert frames.box_amodal[0, 1].tolist() == [50, 50, 150, 150]


def test_ids_beyond_the_count_are_drawn_but_not_counted(library):
    """instance_count bounds the counts, never the picture; id 0 hides others and is counted nowhere."""
    floor = Thing(mesh=PLANE, at=pose(0, 0, 3), scale=(9.0, 9.0, 1.0), instance=0, class_id=1)
    near, far = (
        Thing(mesh=BOX, at=pose(x, 0, 2.5), scale=(0.3, 0.3, 0.3), instance=i) for x, i in ((-0.3, 2), (0.3, 5))
    )
    frames = Raster(library).render(
        [still_life(floor, near, far)], [camera()], outputs=("instance", "visible_pixels", "total_pixels", "class_id"),
        instance_count=3,
    )  # fmt: skip
    assert set(np.unique(frames.instance)) == {0, 2, 5}
    assert frames.visible_pixels.shape == frames.total_pixels.shape == (1, 3)
    assert (frames.visible_pixels[0] > 0).tolist() == [False, True, False]
    assert (frames.class_id > 0).all()


def test_an_empty_view_is_nothing_and_sky(library):
    """Where a camera sees no surface every label is 0 and the colour is the sky's."""
    scene = still_life(Thing(mesh=BOX, at=pose(0, 0, -5)))
    frames = Raster(library).render([scene], [camera(at=look((0, 0, 0), (1, 0, 0.5)))], outputs=EVERYTHING)
    for name in EVERYTHING[1:]:
        assert not getattr(frames, name).any(), name
    assert not frames.box_visible.any()
    assert not frames.box_amodal.any()
    assert frames.colour == pytest.approx(1.0, abs=1e-6)
