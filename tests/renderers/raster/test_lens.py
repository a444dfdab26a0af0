"""Lens views: against OpenCV, a ray caster, the pinhole picture, closed forms of spheres, and themselves."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from naive import rasterize
from naive.still_life import (
    BOX,
    EVERYTHING,
    LABELS,
    PLANE,
    SPHERE,
    Light,
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
from simloom.kernels import Lens, project_directions
from simloom.renderers import Raster, load_replay, save_replay
from simloom.renderers.raster.lens_faces import AXES, MAX_FACE_SIDE, LensCache
from simloom.renderers.raster.lens_warp import find_face

BOXES = ("box_visible", "box_amodal")
WEBCAM = Lens(coefficients=(-0.28, 0.09, 0.0011, -0.0007, -0.012))
RATIONAL = Lens(
    coefficients=(0.9, 0.3, -0.006, 0.009, 0.02, 1.1, 0.4, 0.1, 0.002, -0.001, -0.0015, 0.0008, 0.03, -0.05)
)
FISHEYE = Lens(model="kannala_brandt", coefficients=(0.035, -0.012, 0.004, -0.0011))
EQUIDISTANT = Lens(model="kannala_brandt")
SUN = Light(towards=(0.5, 0.2, 1.0), sun=3.0)


@pytest.fixture(scope="module")
def library():
    """Box, sphere, cylinder, plane."""
    return primitive_library()


def lens_camera(lens, width=64, height=48, focal=30.0, **other):
    """A camera with a lens."""
    return camera(width, height, focal, lens=lens, **other)


def board(columns=9, rows=7, size=0.2):
    """Tiles with an instance id each, on a plane that is tilted before the camera; the 3D points where four meet."""
    tilted = pose(0.03, -0.02, 1.1, turn((1, 0.4, 0.2), 0.35))
    things, corners = [], []
    for j in range(rows):
        for i in range(columns):
            at = pose((i - columns / 2 + 0.5) * size, (j - rows / 2 + 0.5) * size)
            color = (0.8, 0.8, 0.8) if (i + j) % 2 else (0.1, 0.1, 0.1)
            things.append(Thing(mesh=PLANE, at=tilted @ at, scale=(size, size, 1.0), color=color))
            if i and j:
                corners.append(tilted @ [(i - columns / 2) * size, (j - rows / 2) * size, 0, 1])
    return still_life(*things), np.array(corners)[:, :3].copy()


@pytest.mark.parametrize("lens", [WEBCAM, RATIONAL, FISHEYE])
def test_corners_land_where_opencv_projects_them(library, lens):
    """OpenCV projects the tiles' corners to where they are drawn.

    In labels that is within half a pixel, and the quarter by which a face's sample may lie beside; in colour closer.
    """
    scene, corners = board()
    view = lens_camera(lens, 200, 150, 120.0)
    frames = Raster(library, shadow=False, supersample=4).render([scene], [view], outputs=("instance", "colour"))
    seen, grey = frames.instance[0], frames.colour[0, 0, :, :, 0].copy()
    fit, zero = np.array(lens.coefficients), np.zeros(3)
    if lens is FISHEYE:
        expected = cv2.fisheye.projectPoints(corners[:, None], zero, zero, view.intrinsics, fit)[0][:, 0]
    else:
        expected = cv2.projectPoints(corners, zero, zero, view.intrinsics, fit)[0][:, 0]
    inside = ((expected > 3) & (expected < [196, 146])).all(axis=1)
    assert inside.sum() >= 20
    for u, v in expected[inside]:
        first, top = int(u) - 2, int(v) - 2
        four = [
            (first + i + 0.5, top + j + 0.5)
            for j in range(5)
            for i in range(5)
            if len(set(seen[top + j : top + j + 2, first + i : first + i + 2].ravel().tolist()) - {0}) >= 3
        ]
        assert four, (u, v)
        assert np.abs(np.mean(four, axis=0) - (u, v)).max() < 0.75
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, 50, 1e-4)
    found = cv2.cornerSubPix(grey, expected[inside].astype(np.float32)[:, None] + 0.3, (3, 3), (-1, -1), criteria)
    off = found[:, 0] - expected[inside]
    assert np.abs(off).max() < 0.35
    assert np.abs(off.mean(axis=0)).max() < 0.04


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    "lens, focal",
    [
        (WEBCAM, 60.0),
        (replace(RATIONAL, coefficients=RATIONAL.coefficients[:12]), 50.0),
        (FISHEYE, 40.0),
        (EQUIDISTANT, 16.0),
    ],
)
def test_views_follow_the_ray_caster(seed, lens, focal):
    """Away from outlines, ids are equal and depth, range, normals and coordinates are the ray caster's."""
    generator = np.random.default_rng(seed)
    library = coarse_library(generator)
    things = random_things(generator, 9) if focal > 20 else random_things(generator, 30, spread=2.0, away=0.0)
    scene = still_life(*(thing for thing in things if np.linalg.norm(thing.at[:3, 3]) > 1.0))
    view = lens_camera(lens, 64, 48, focal)
    frames = Raster(library, lod="exact", shadow=False).render([scene], [view], outputs=LABELS)
    exact = rasterize.cast(library, scene, view, spread=0.4)
    sure, flat = exact["sure"], exact["sure_triangle"] & (exact["instance"] > 0)
    for name in ("instance", "class_id", "part"):
        assert np.array_equal(getattr(frames, name)[0][sure], exact[name][sure]), name
    assert sure.mean() > 0.5
    assert flat.sum() > 50
    assert frames.range[0][flat] == pytest.approx(exact["range"][flat], rel=1e-5)
    assert frames.depth[0][flat] == pytest.approx(exact["depth"][flat], rel=1e-5, abs=1e-5)
    assert np.abs(frames.normal[0][flat] - exact["normal"][flat]).max() < 1e-4
    assert np.abs(frames.object_coordinates[0][flat] - exact["object_coordinates"][flat]).max() < 1e-4


def test_a_lens_without_distortion_is_a_pinhole(library):
    """With zero coefficients the picture is the pinhole's: ids, depth, normals and colour, off outlines."""
    things = random_things(np.random.default_rng(5), 12, away=3.0)
    floor = Thing(mesh=PLANE, at=pose(0, 0, 6), scale=(30.0, 30.0, 1.0), instance=0, pattern=1, pattern_scale=2.0)
    scene = still_life(floor, *things, lights=(SUN,))
    view = camera(96, 72, 70.0)
    raster = Raster(library, lod="exact", supersample=2)
    plain = raster.render([scene], [view], outputs=EVERYTHING)
    bent = raster.render([scene], [replace(view, lens=Lens())], outputs=EVERYTHING)
    inner = np.ones((72, 96), bool)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            inner &= np.roll(plain.instance[0], (dy, dx), axis=(0, 1)) == plain.instance[0]
    assert inner.mean() > 0.6
    assert np.array_equal(plain.instance[0][inner], bent.instance[0][inner])
    assert (plain.instance != bent.instance).mean() < 0.01
    same = inner & (np.abs(plain.normal[0] - bent.normal[0]).max(axis=-1) < 1e-5)
    assert same.sum() > 0.95 * inner.sum()
    for name in ("depth", "range"):
        assert getattr(bent, name)[0][same] == pytest.approx(getattr(plain, name)[0][same], rel=1e-5)
    off = np.abs(bent.colour[0, 0] - plain.colour[0, 0]).max(axis=-1)
    assert np.median(off[inner]) < 1e-4
    assert (off[inner] < 0.02).mean() > 0.97


def test_spheres_all_around_are_discs_of_their_angle(library):
    """A 250-degree view sees spheres before, beside and behind it, each within its own cone and at its distance."""
    directions, things = [], []
    for k, (polar, around) in enumerate(
        [(0, 0), (45, 10), (45, 130), (54.7, 45), (90, 200), (85, 300), (110, 70), (115, 250)]
    ):
        t, a = np.radians(polar), np.radians(around)
        directions.append((np.sin(t) * np.cos(a), np.sin(t) * np.sin(a), np.cos(t)))
        things.append(Thing(mesh=SPHERE, at=pose(*(np.array(directions[-1]) * (2 + 0.2 * k)))))
    view = lens_camera(EQUIDISTANT, 201, 201, 100 / np.radians(125))
    frames = Raster(library, lod="exact").render([still_life(*things)], [view], outputs=LABELS)
    v, u = np.mgrid[:201, :201].astype(float)
    x, y = (u - view.cx) / view.fx, (v - view.cy) / view.fy
    theta = np.hypot(x, y)
    ray = np.stack([np.sinc(theta / np.pi) * x, np.sinc(theta / np.pi) * y, np.cos(theta)], -1)
    pixel = 1 / view.fx
    for k, direction in enumerate(directions):
        distance, radius = 2 + 0.2 * k, 0.5
        angle = np.arccos(np.clip(ray @ direction, -1, 1))
        cone = np.arcsin(radius / distance)
        mine = frames.instance[0] == k + 1
        assert mine[angle < cone - 1.2 * pixel].all()
        assert not mine[angle > cone + pixel].any()
        middle = angle < 0.7 * cone
        expected = distance * np.cos(angle) - np.sqrt(radius**2 - (distance * np.sin(np.minimum(angle, cone))) ** 2)
        assert frames.range[0][middle] == pytest.approx(expected[middle], rel=2e-3)
        assert frames.depth[0][middle] == pytest.approx((frames.range[0] * ray[..., 2])[middle], rel=1e-4, abs=1e-5)
    assert (frames.depth[0][frames.instance[0] == 7] < 0).all()  # 110 degrees off the axis


def test_faces_leave_no_seam(library):
    """From within a room of planes, a wide view sees no gap, and its range is the room's at every pixel."""
    walls = []
    for z in (*np.eye(3), *-np.eye(3)):
        x = np.roll(z, 1)
        walls.append(
            Thing(mesh=PLANE, at=pose(*(2 * z), np.stack([x, np.cross(z, x), z], axis=1)), scale=(4.0, 4.0, 1.0))
        )
    view = lens_camera(EQUIDISTANT, 160, 160, 79 / np.radians(140), at=look((0.3, -0.2, 0.1), (1.0, 0.7, -0.4)))
    frames = Raster(library, shadow=False).render([still_life(*walls)], [view], outputs=("instance", "range", "depth"))
    rays = rasterize.pixel_rays(view, *np.mgrid[:160, :160][::-1].astype(float))
    world = rays @ view.pose_world_camera[:3, :3].T
    eye = view.pose_world_camera[:3, 3]
    with np.errstate(divide="ignore"):
        expected = np.where(world > 0, (2 - eye) / world, (-2 - eye) / world).min(axis=-1)
    seen = np.hypot(*(np.mgrid[:160, :160] - [[[view.cy]], [[view.cx]]])) < view.fx * np.pi - 1
    assert (frames.instance[0] > 0)[seen].all()
    assert frames.range[0][seen] == pytest.approx(expected[seen], rel=0.02)
    assert np.median(np.abs(frames.range[0] / expected - 1)[seen]) < 1e-6


@pytest.fixture(scope="module")
def worlds():
    """Two worlds in two looks, and six views: pinholes and lenses, narrow and wide."""
    scenes = []
    for seed, count in ((1, 7), (2, 4)):
        floor = Thing(mesh=PLANE, at=pose(0, 0, -1), scale=(9.0, 9.0, 1.0), instance=0, casts=0, pattern=1)
        things = random_things(np.random.default_rng(seed), count, away=0.0)
        scenes.append(still_life(floor, *things, lights=(SUN, Light(towards=(-1.0, 0.4, 0.6), sun=1.0))))
    eyes = [(2, 0, 1), (-1.5, 1, 2), (0.3, 2.2, 0.4), (1.7, -1.1, 1.3), (0, -3, 2), (0.2, 0.1, 2.0)]
    lenses = [None, WEBCAM, EQUIDISTANT, FISHEYE, EQUIDISTANT, RATIONAL]
    views = [
        camera(45, 33, 14.0 if lens is EQUIDISTANT else 40.0, at=look(eye, (0, 0, 0)), lens=lens)
        for eye, lens in zip(eyes, lenses, strict=True)
    ]
    return scenes, views, [0, 1, 1, 0, 0, 1]


def assert_rows_equal(frames, row, alone):
    """One view of a batch has the bytes of a render of its own."""
    for name in (*EVERYTHING, *BOXES):
        assert getattr(frames, name)[row].tobytes() == getattr(alone, name)[0].tobytes(), (row, name)


def test_views_do_not_depend_on_batch_threads_or_history(library, worlds, monkeypatch):
    """Alone or among others, on one thread or two, in one run of faces or many, a view has the same bytes."""
    scenes, views, rows = worlds
    options = {"outputs": EVERYTHING, "instance_count": 8}
    raster = Raster(library, supersample=2, threads=2)
    frames = raster.render(scenes, views, view_snapshot=rows, **options)
    for buffer in raster._workspace._buffers.values():
        buffer.fill(0xFF)
    for row, view in enumerate(views):
        assert_rows_equal(frames, row, raster.render([scenes[rows[row]]], [view], **options))
    monkeypatch.setattr("simloom.renderers.raster.lens_faces.GROUP_BYTES", 1000)
    other = replace(raster, threads=1).render(scenes, views[::-1], view_snapshot=rows[::-1], **options)
    turned = replace(other, **{name: getattr(other, name)[::-1] for name in (*EVERYTHING, *BOXES)})
    for name in (*EVERYTHING, *BOXES):
        assert getattr(frames, name).tobytes() == np.ascontiguousarray(getattr(turned, name)).tobytes(), name


def test_labels_are_never_blended(library, worlds):
    """Supersampling changes no label; ids are those of the scene."""
    scenes, views, rows = worlds
    one, four = (
        Raster(library, supersample=count).render(scenes, views, view_snapshot=rows, outputs=EVERYTHING)
        for count in (1, 4)
    )
    for name in (*LABELS, "total_pixels", *BOXES):
        assert getattr(one, name).tobytes() == getattr(four, name).tobytes(), name
    assert set(np.unique(one.instance)) <= set(range(9))
    assert (one.colour != four.colour).any()


def test_amodal_pixels_are_those_of_the_instance_alone(library, worlds):
    """Through a lens as through a pinhole, an instance has in total what is visible of it with nothing else there."""
    scenes, views, rows = worlds
    frames = Raster(library).render(scenes, views, view_snapshot=rows, outputs=EVERYTHING, instance_count=8)
    assert (frames.total_pixels >= frames.visible_pixels).all()
    assert (frames.total_pixels > frames.visible_pixels).any()
    for row, view in enumerate(views):
        scene = scenes[rows[row]]
        k = 2
        lone = replace(
            scene,
            **{
                name: getattr(scene, name)[k : k + 1]
                for name in (
                    "mesh", "pose_world_instance", "previous_pose", "next_pose", "scale", "material", "instance",
                    "class_id", "part", "pose_instance_part", "casts_shadow",
                )
            },
        )  # fmt: skip
        number = int(lone.instance[0])
        alone = Raster(library).render([lone], [view], outputs=("visible_pixels",), instance_count=8)
        assert frames.total_pixels[row, number - 1] == alone.visible_pixels[0, number - 1]
        assert np.array_equal(frames.box_amodal[row, number - 1], alone.box_visible[0, number - 1])


@pytest.mark.parametrize("samples", [1, 2])
def test_nothing_is_seen_outside_the_lens(library, samples):
    """Beyond the image circle labels are 0 and colour is black; the sky fills the rest."""
    fold = Lens(model="kannala_brandt", coefficients=(-0.05, 0.0, 0.0, 0.0))  # ends at 148 degrees
    view = lens_camera(fold, 80, 80, 20.0)
    scene = still_life(Thing(mesh=SPHERE, at=pose(0, 0, 3)), Thing(mesh=SPHERE, at=pose(0, 0, -3)))
    frames = Raster(library, supersample=samples).render([scene], [view], outputs=EVERYTHING)
    edge = fold.max_angle - 0.05 * fold.max_angle**3
    radius = np.hypot(*(np.mgrid[:80, :80] - [[[view.cy]], [[view.cx]]])) / view.fx
    outside = radius > edge + 0.06
    assert outside.mean() > 0.2
    assert not frames.colour[0, 0][outside].any()
    for name in ("instance", "depth", "range", "normal", "object_coordinates"):
        assert not getattr(frames, name)[0][outside].any(), name
    assert (frames.colour[0, 0][radius < edge - 0.06] > 0).all()


def test_faces_form_a_cube_and_fit_the_view():
    """Axes are right-handed; a ray belongs to one face, before it; a narrow lens has one face; sizes are bounded."""
    axes = AXES.reshape(6, 3, 3)
    assert np.array_equal(np.cross(axes[:, 0], axes[:, 1]), axes[:, 2])
    rays = np.random.default_rng(3).normal(size=(500, 3))
    for ray in rays:
        assert axes[find_face(*ray, 0), 2] @ ray == np.abs(ray).max()
    assert find_face(0.0, 0.0, 0.0, 0) == find_face(0.0, 0.0, 0.0, 1) == -1

    def launch(kernel, count, *arrays):
        kernel.launch(count, *arrays)

    views = [lens_camera(WEBCAM, focal=60.0), lens_camera(EQUIDISTANT, focal=10.0), lens_camera(EQUIDISTANT, 9, 9, 1e5)]
    views.append(camera())
    grid = LensCache().trace(views, (1,), launch)[1]
    narrow, wide, needle = (rays for rays, _ in grid.groups)
    assert (narrow.single, wide.single) == (True, False)
    assert (len(narrow.faces), len(wide.faces)) == (1, 6)
    assert needle.single
    assert grid.ray_start.tolist() == [0, 3072, 6144, -1]
    assert 10.0 * (1 - 1e-3) < wide.density < 10.0 * 1.5
    for rays in (narrow, wide, needle):
        assert all(1 < side <= MAX_FACE_SIDE for face in rays.faces for side in (face.width, face.height))


def test_replay_files_carry_lenses(library, tmp_path):
    """A replay file gives the lenses back, also beside a pinhole."""
    scene = still_life(Thing(mesh=BOX, at=pose(0, 0, 3)))
    views = [camera(), *(lens_camera(lens) for lens in (WEBCAM, RATIONAL, FISHEYE))]
    save_replay(tmp_path / "lens.npz", library, [scene], views, [0, 0, 0, 0])
    replay = load_replay(tmp_path / "lens.npz")
    assert [view.lens for view in replay.cameras] == [view.lens for view in views]


TWIN = """
import sys
sys.path.insert(0, str(tests))
from naive.still_life import *
from simloom.kernels import Lens
from simloom.renderers import Raster
scene = still_life(
    Thing(mesh=PLANE, at=pose(0, 0, -0.5), scale=(4.0, 4.0, 1.0), instance=0, casts=0, pattern=1, pattern_scale=0.5),
    Thing(mesh=BOX, at=pose(0, 0, 0, turn((0, 0, 1), 0.4)), instance=1),
    lights=(Light(towards=(0.4, 0.2, 1.0), sun=3.0),),
)
at = look((1.0, 0.7, 0.8), (0, 0, 0))
views = [
    camera(9, 7, 3.0, at=at, lens=Lens(model="kannala_brandt")),
    camera(9, 7, 7.0, at=at, lens=Lens(coefficients=(-0.1, 0.0, 0.001, 0.0))),
    camera(9, 7, 7.0, at=at),
]
raster = Raster(primitive_library(), device=str(device), shadow_resolution=64)
frames = raster.render([scene], views, view_snapshot=[0, 0, 0], outputs=EVERYTHING).to_host()
out = {field: getattr(frames, field) for field in EVERYTHING + ("box_visible", "box_amodal")}
finer = Raster(primitive_library(), device=str(device), shadow=False, ambient_occlusion=False, supersample=2)
frames = finer.render([scene], views, view_snapshot=[0, 0, 0], outputs=("colour", "depth", "instance", "total_pixels"))
frames = frames.to_host()
out |= {f"finer_{name}": array for name, array in vars(frames).items() if array is not None}
"""


def test_the_cuda_source_gives_what_the_cpu_gives(tmp_path, repository):
    """The same kernels in Numba's CUDA simulator: integers equal, floats to rounding."""
    values = {"tests": str(repository / "tests")}
    simulated = run_simulated(TWIN, tmp_path, device="cuda", **values)
    found = {"tests": values["tests"], "device": "cpu"}
    exec(compile(TWIN, "twin", "exec"), found)
    for name, expected in found["out"].items():
        if expected.dtype.kind in "iu" or "box" in name:
            assert np.array_equal(simulated[name], expected), name
        else:
            off = np.abs(simulated[name] - expected)
            assert off.max() <= 1e-5 * max(1.0, np.abs(expected).max()), (name, off.max())


def test_project_directions_says_where_a_point_is_drawn(library):
    """The public lens map and the renderer agree: a small distant sphere's pixels lie around its projection."""
    direction = np.array([0.8, -0.5, 0.3])
    view = lens_camera(FISHEYE, 120, 120, 36.0)
    scene = still_life(Thing(mesh=SPHERE, at=pose(*(10 * direction)), scale=(1.0, 1.0, 1.0)))
    seen = Raster(library).render([scene], [view], outputs=("instance",)).instance[0] == 1
    x, y = project_directions(direction, FISHEYE)
    v, u = np.nonzero(seen)
    assert (u.mean(), v.mean()) == pytest.approx((view.fx * x + view.cx, view.fy * y + view.cy), abs=0.5)
