"""No cracks: triangles that share an edge or a corner cover each sample once, on a million random triangles.

The proof needs no second rasterizer. A star mesh is met once by every ray from its middle, so that a camera there must
see it in every pixel: a pixel of background is a crack. Its triangles are dealt into 48 instances within which none
touches another; the amodal count of an instance is the number of pixels it covers. Where these counts add up to the
pixels of the picture, and none shows the background, each pixel is covered by one triangle and by no second one.
"""

import numpy as np
import pytest

from naive.agreement import neighbourhood
from naive.star_mesh import GROUPS, star_mesh, star_scene
from naive.still_life import Light, Thing, camera, convex_hull, pose, still_life, turn
from simloom.renderers import MeshLibraryBuilder, Raster

OUTPUTS = ("instance", "depth", "in_frame_pixels", "visible_pixels")
slow = pytest.mark.slow


def random_rotation(generator):
    """A rotation about a random axis."""
    return turn(generator.normal(size=3), generator.uniform(0, np.pi))


def facing(direction, generator):
    """A rotation that turns +z, the camera's axis, to a direction, with a random roll."""
    z = direction / np.linalg.norm(direction)
    x = np.cross(generator.normal(size=3), z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=1)


def render(library, scene, views, **options):
    """All views of the scene at full detail, with the pixels that each group covers."""
    raster = Raster(library, lod="exact", shadow=False, **options)
    return raster.render([scene], views, view_snapshot=[0] * len(views), outputs=OUTPUTS, instance_count=GROUPS)


def assert_covered_once(frames):
    """No pixel shows the background, and none is covered twice."""
    pixels = frames.instance[0].size
    assert (frames.instance > 0).all(), f"{(frames.instance == 0).sum()} pixels show the background"
    assert (frames.visible_pixels.sum(axis=1) == pixels).all()
    assert (frames.in_frame_pixels.sum(axis=1) == pixels).all(), (
        f"{frames.in_frame_pixels.sum(axis=1) - pixels} covered twice"
    )


@pytest.mark.parametrize(
    "cells, side, seed",
    [
        *((1, 96, 0), (2, 96, 1), (3, 64, 2), (5, 64, 3), (8, 96, 4), (20, 96, 5), (64, 128, 6), (72, 96, 7)),
        *(pytest.param(200, 320, 8, marks=slow), pytest.param(288, 384, 9, marks=slow)),
    ],
)
def test_every_pixel_is_covered_once(cells, side, seed, record_property):
    """From inside, in all directions: triangles of a pixel and of the whole picture, near and far, at any scale."""
    generator = np.random.default_rng(seed)
    mesh = star_mesh(cells, generator, 0.05, 20.0)
    scale = float(np.exp(generator.uniform(-5, 5)))
    at = pose(*generator.uniform(-3, 3, 3), random_rotation(generator))
    library, scene = star_scene(*mesh, at=at, scale=scale)
    turned = random_rotation(generator)
    axes = [sign * turned[:, k] for k in range(3) for sign in (-1, 1)]
    # Ten degrees wider than a face of a cube, so that the six views see every triangle; then wide and narrow ones.
    focal = [0.5 * side / np.tan(np.deg2rad(50))] * 6 + list(side * np.exp(generator.uniform(-2.5, 3, 6)))
    views = [
        camera(side, side - 7 * (k > 5), f, at=pose(*at[:3, 3], facing(axis, generator)), near=1e-4 * scale, far=1e5)
        for k, (axis, f) in enumerate(zip(axes + list(generator.normal(size=(6, 3))), focal, strict=True))
    ]
    for size in {(view.width, view.height) for view in views}:
        assert_covered_once(render(library, scene, [v for v in views if (v.width, v.height) == size]))
    record_property("triangles", len(mesh[1]))


@pytest.mark.parametrize("pixels", [1, 2, 4, 8])
def test_ties_go_to_one_triangle(pixels):
    """Corners on pixel centres and half-way between: edges of all directions run through thousands of centres."""
    generator = np.random.default_rng(30 + pixels)
    cells = 96 // pixels
    library, scene = star_scene(*star_mesh(cells, generator, 0.5, 2.0, step=1 / 8 if pixels < 8 else 1 / 16))
    views = []
    for axis, centre in ((axis, centre) for axis in range(6) for centre in (47.0, 47.5, 46.75)):
        # A camera that looks straight at one side of the cube, which is 96 pixels wide.
        turned = np.roll(np.eye(3), axis // 2, axis=0) @ np.diag([1.0, 1.0, 1.0] if axis % 2 else [1.0, -1.0, -1.0])
        views.append(camera(93, 93, 48.0, cx=centre, cy=centre, at=pose(0, 0, 0, turned), near=1e-3))
    assert_covered_once(render(library, scene, views))


@pytest.mark.parametrize("cells, seed", [(1, 0), (2, 1), (6, 2)])
def test_corners_in_a_telescope_are_covered_once(cells, seed):
    """Where triangles reach millions of pixels outside the picture and are clipped there, their edges still meet."""
    generator = np.random.default_rng(20 + seed)
    points, triangles, groups = star_mesh(cells, generator, 0.5, 5.0)
    library, scene = star_scene(points, triangles, groups)
    # At corners and along edges, from a mild telescope to one in which a triangle is 10^7 pixels wide.
    corners = points[triangles[generator.integers(len(triangles), size=24)]].astype(float)
    share = generator.uniform(0, 1, (24, 1)) * (np.arange(24) % 2)[:, None]
    aims = corners[:, 0] * (1 - share) + corners[:, 1] * share
    views = [
        camera(48, 40, float(np.exp(generator.uniform(6, 17))), at=pose(0, 0, 0, facing(aim, generator)), near=1e-3)
        for aim in aims
    ]
    frames = render(library, scene, views)
    assert_covered_once(frames)
    assert np.mean([len(np.unique(instance)) > 1 for instance in frames.instance]) > 0.7


@pytest.mark.parametrize("cells, seed", [(1, 0), (2, 1), (4, 2), (12, 3)])
def test_the_near_plane_cuts_neighbours_alike(cells, seed):
    """What is nearer than `near` is gone, what is farther stays; along the cut no pixel is lost or covered twice.

    A cut's ends are snapped like corners, which moves it and the edges that it shortens by up to 1/256 px: pixels there
    may change sides, but none whose eight neighbours, of triangles larger than pixels, lie on its side of the cut.
    """
    generator = np.random.default_rng(40 + seed)
    library, scene = star_scene(*star_mesh(cells, generator, 0.05, 2.0))
    rotations = [random_rotation(generator) for _ in range(10)]
    focal = 96 * np.exp(generator.uniform(-2, 0, 10))

    def views(near):
        return [camera(96, 72, f, at=pose(0, 0, 0, r), near=near) for f, r in zip(focal, rotations, strict=True)]

    whole = render(library, scene, views(1e-4))
    assert_covered_once(whole)
    near = float(np.quantile(whole.depth, 0.3))
    cut = render(library, scene, views(near))
    around, ids = np.stack(list(neighbourhood(whole.depth))), np.stack(list(neighbourhood(whole.instance)))
    beyond, before = (around > near).all(axis=0), (around < near).all(axis=0)
    assert min(beyond.mean(), before.mean()) > 0.005
    assert (cut.instance[beyond] > 0).all()
    assert not cut.instance[before].any()
    kept = cut.instance > 0
    same = kept & (cut.instance == whole.instance)
    assert (ids == cut.instance).any(axis=0)[kept].all()
    assert same.sum() >= 0.999 * kept.sum()
    # A piece's depth is kept within that of its snapped corners, which counts where it is cut to less than a pixel.
    assert (np.abs(cut.depth[same] / whole.depth[same] - 1) < 1e-5).mean() > 0.999
    assert np.array_equal(cut.in_frame_pixels.sum(axis=1), kept.sum(axis=(1, 2)))


@pytest.mark.parametrize("samples", [1, 2, 4])
def test_no_colour_sample_shows_the_background(samples):
    """Black inside a white sky: one of 16 samples that misses would brighten its pixel by a sixteenth."""
    generator = np.random.default_rng(60)
    points, triangles, groups = star_mesh(40, generator)
    library, scene = star_scene(points, triangles, groups)
    views = [camera(80, 64, 40.0, at=pose(0, 0, 0, random_rotation(generator))) for _ in range(4)]
    raster = Raster(library, lod="exact", shadow=False, supersample=samples)
    colour = raster.render([scene], views, view_snapshot=[0] * 4, outputs=("colour",)).colour
    empty = still_life(Thing(mesh=0, at=pose(9, 9, 9)), lights=(Light(),))
    sky = raster.render([empty], views[:1], outputs=("colour",)).colour
    assert sky == pytest.approx(1.0)
    assert colour.max() < 0.5 / samples**2


@pytest.mark.parametrize("count, seed", [(2000, 0), (20000, 1), pytest.param(200000, 2, marks=slow)])
def test_closed_bodies_hide_what_is_behind_them(count, seed, record_property):
    """From outside, back faces dropped: every pixel whose ray meets the ball inside a convex body shows the body."""
    generator = np.random.default_rng(80 + seed)
    points = generator.normal(size=(count, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    points, triangles = convex_hull(points.astype(np.float32).astype(float))
    a, b, c = (points[triangles[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    inside = ((a * normal).sum(1) / np.linalg.norm(normal, axis=1)).min() * (1 - 1e-6)
    builder = MeshLibraryBuilder()
    body, wall = builder.add_mesh("body", points, triangles, levels=False), builder.add_plane()
    library = builder.build()
    assert library.mesh_is_closed[body] == 1
    seen = 0
    for _ in range(6):
        scale, away = np.exp(generator.uniform(-3, 1)), np.exp(generator.uniform(0.05, 2))
        centre = scale * away * facing(np.array([*generator.uniform(-0.3, 0.3, 2), 1.0]), generator)[:, 2]
        scene = still_life(
            Thing(mesh=body, at=pose(*centre, random_rotation(generator)), scale=(scale,) * 3),
            Thing(mesh=wall, at=pose(0, 0, 90 * scale), scale=(1e4 * scale, 1e4 * scale, 1.0)),
        )
        view = camera(240, 180, 130.0, near=1e-3 * scale, far=1e3 * scale)
        frames = Raster(library, lod="exact", shadow=False).render([scene], [view], outputs=("instance",))
        v, u = np.mgrid[:180, :240]
        ray = np.stack([(u - view.cx) / view.fx, (v - view.cy) / view.fy, np.ones(u.shape)], -1)
        ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
        # A snapped corner is up to 1/512 px off in x and y, so an edge is within 1/256 px.
        apart = np.linalg.norm(centre - (ray * (ray * centre).sum(-1, keepdims=True)), axis=-1)
        must = apart < scale * inside - np.linalg.norm(centre) / 130.0 / 256
        assert must.any()
        assert (frames.instance[0][must] == 1).all()
        seen += int(must.sum())
    record_property("triangles", len(triangles))
    record_property("pixels", seen)
