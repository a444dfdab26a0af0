"""Raster beside closed forms: spheres and boxes at random places; areas and coverage to the bound of sampling."""

import numpy as np
import pytest

from naive.agreement import neighbourhood
from naive.shapes import (
    box_hit,
    convex_outline,
    lattice_deviation,
    pixel_coverage,
    pixel_rays,
    sphere_area,
    sphere_depth,
)
from naive.star_mesh import star_mesh
from naive.still_life import BOX, PLANE, Light, Thing, camera, pose, primitive_library, still_life, turn
from simloom.renderers import MeshLibraryBuilder, Raster

CELLS = 64
"""Of the sphere: its facets span at most pi / 2 / 64 * (1 + 2 * 0.24), times the square root of 2 along a diagonal."""
FACET = 0.5 * np.pi / CELLS * 1.48 * np.sqrt(2)
SAGITTA = FACET**2 / 6
"""How far a facet may lie within the unit sphere; the circumscribed circle of an equilateral facet is the worst."""


@pytest.fixture(scope="module")
def library():
    """Box, sphere, cylinder, plane."""
    return primitive_library()


@pytest.fixture(scope="module")
def sphere():
    """A unit sphere of 49152 triangles."""
    builder = MeshLibraryBuilder()
    points, triangles, _ = star_mesh(CELLS, np.random.default_rng(0))
    builder.add_mesh("sphere", points, triangles, levels=False)
    library = builder.build()
    assert library.mesh_is_closed[0] == 1
    return library


def render(library, scenes, views, *outputs, **options):
    """Every scene in its view, at full detail, without shadows."""
    return Raster(library, lod="exact", shadow=False, **options).render(scenes, views, outputs=outputs)


def spheres(generator, count, pixels):
    """Centres, radii and cameras of spheres of some pixels radius, anywhere in a wide picture."""
    for _ in range(count):
        view = camera(80, 72, 60.0, fy=66.0, cx=39.5 + generator.uniform(-9, 9), cy=35.5 + generator.uniform(-9, 9))
        away = generator.uniform(1.0, 5.0)
        centre = away * np.array([*generator.uniform(-0.12, 0.12, 2), 1.0])  # the whole outline within the picture
        yield centre, away * generator.uniform(*pixels) / 60.0, view


def test_spheres_have_the_area_of_their_outline(sphere, record_property):
    """Over random places the pixel count errs by nothing in the mean, and in variance as a lattice must."""
    errors = []
    cases = list(spheres(np.random.default_rng(1), 400, (6.0, 15.0)))
    scenes = [still_life(Thing(mesh=0, at=pose(*centre), scale=(radius,) * 3)) for centre, radius, _ in cases]
    counts = render(sphere, scenes, [view for *_, view in cases], "total_pixels", "visible_pixels").total_pixels[:, 0]
    for (centre, radius, view), count in zip(cases, counts.tolist(), strict=True):
        area = sphere_area(centre, radius, view)
        errors.append((count - area) / lattice_deviation(2 * np.sqrt(np.pi * area)))
    record_property("mean", float(np.mean(errors)))
    record_property("variance", float(np.var(errors)))
    # Four deviations; the facets take at most 2 * SAGITTA of the area, here some 0.2 deviations of a single count.
    assert -4 / 20 - 0.2 < np.mean(errors) < 4 / 20
    assert 0.7 < np.var(errors) < 1.4  # 1 +- 4 sqrt(2 / 400), and a little more: outlines are ellipses, not circles


def test_spheres_have_their_depth_and_normals(sphere):
    """Depth is behind the sphere by at most a facet's sagitta at its slant, normals are within a facet's angle."""
    cases = list(spheres(np.random.default_rng(2), 30, (12.0, 20.0)))
    scenes = [still_life(Thing(mesh=0, at=pose(*centre), scale=(radius,) * 3)) for centre, radius, _ in cases]
    frames = render(sphere, scenes, [view for *_, view in cases], "depth", "normal")
    for k, (centre, radius, view) in enumerate(cases):
        rays = pixel_rays(view)
        depth = sphere_depth(centre, radius, rays)
        normal = (rays * depth[..., None] - centre) / radius
        slant = -(normal * rays).sum(-1) / np.linalg.norm(rays, axis=-1)
        seen = slant > 0.3
        assert seen.sum() > 200
        deeper = (frames.depth[k] - depth)[seen] * np.linalg.norm(rays, axis=-1)[seen] * slant[seen] / radius
        assert deeper.min() > -1e-5 * depth[seen].max() / radius
        assert deeper.max() < 1.2 * SAGITTA
        assert (frames.normal[k] * normal).sum(-1)[seen].min() > np.cos(FACET)


def random_box(generator):
    """A box within the picture: its pose and half sides."""
    at = pose(*generator.uniform(-0.2, 0.2, 2), generator.uniform(3.0, 5.0))
    at[:3, :3] = turn(generator.normal(size=3), generator.uniform(0, np.pi))
    return at, generator.uniform(0.2, 0.6, 3)


def test_boxes_have_the_area_depth_and_normals_of_their_faces(library, record_property):
    """Off edges depth and normals are exact; over random poses the pixel count has the outline's area as its mean."""
    generator = np.random.default_rng(3)
    boxes = [random_box(generator) for _ in range(300)]
    scenes = [still_life(Thing(mesh=BOX, at=at, scale=tuple((2 * half).tolist()))) for at, half in boxes]
    views = [camera(80, 72, 60.0, fy=66.0, cx=39.7, cy=35.2)] * len(boxes)
    frames = render(library, scenes, views, "depth", "normal", "total_pixels", "visible_pixels")
    rays, signs = pixel_rays(views[0]), np.array(np.meshgrid(*[(-1.0, 1.0)] * 3)).reshape(3, -1).T
    errors, compared = [], 0
    for k, (at, half) in enumerate(boxes):
        half = np.float32(2 * half).astype(float) / 2
        depth, normal = box_hit(at, half, rays)
        face = np.nan_to_num(normal @ at[:3, :3]).round() @ [1, 2, 3]
        inner = (np.stack(list(neighbourhood(face[None]))) == face).all(axis=(0, 1))
        seen = inner & (face != 0)
        compared += int(seen.sum())
        assert not frames.depth[k][inner & (face == 0)].any()
        assert np.abs(frames.depth[k] / depth - 1)[seen].max() < 1e-5
        assert np.abs(frames.normal[k] - normal)[seen].max() < 1e-5
        corners = (signs * half) @ at[:3, :3].T + at[:3, 3]
        area, perimeter = convex_outline(corners[:, :2] / corners[:, 2:] * [60.0, 66.0])
        errors.append((frames.total_pixels[k, 0] - area) / lattice_deviation(perimeter))
    record_property("mean", float(np.mean(errors)))
    record_property("variance", float(np.var(errors)))
    assert compared > 30000
    assert abs(np.mean(errors)) < 4 / np.sqrt(len(errors))
    assert 0.5 < np.var(errors) < 2.0  # an edge along the grid errs by far more than others: a wider band than circles'


@pytest.fixture(scope="module")
def lit_planes():
    """A camera, lit planes in a black world each followed by one that fills the picture, and the outlines [px]."""
    generator = np.random.default_rng(4)
    black = Light(zenith=0.0, horizon=0.0, ground=0.0, sun=1.0, towards=(0.2, 0.1, -1.0))
    view = camera(40, 36, 60.0, fy=66.0)
    scenes, outlines = [], []
    for _ in range(60):
        at = pose(*generator.uniform(-0.1, 0.1, 2), 3.0, turn(generator.normal(size=3) * [1, 1, 0], 0.6))
        at[:3, :3] = at[:3, :3] @ turn((0, 0, 1), generator.uniform(0, np.pi))
        sides = np.float32(generator.uniform(0.5, 1.0, 2)).astype(float)
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * sides / 2 @ at[:3, :2].T + at[:3, 3]
        outlines.append(corners[:, :2] / corners[:, 2:] * [60.0, 66.0] + [view.cx, view.cy])
        for size in (sides, (9.0, 9.0)):
            thing = Thing(mesh=PLANE, at=at, scale=(*np.asarray(size, float).tolist(), 1.0), roughness=1.0)
            scenes.append(still_life(thing, lights=(black,)))
    exact = np.stack([pixel_coverage(outline, view.width, view.height) for outline in outlines])
    for outline, share in zip(outlines, exact, strict=True):
        assert share.sum() == pytest.approx(convex_outline(outline)[0])
    return view, scenes, outlines, exact


@pytest.mark.parametrize("samples", [1, 2, 4])
def test_colour_covers_what_the_outline_covers(library, lit_planes, samples, record_property):
    """The share of every pixel that a lit plane colours is its exact area there, to the bound of so many samples."""
    view, scenes, outlines, exact = lit_planes
    allowed = [lattice_deviation(convex_outline(outline)[1], samples) for outline in outlines]
    colour = render(library, scenes, [view] * len(scenes), "colour", supersample=samples).colour[:, 0, ..., 1]
    share = colour[::2] / colour[1::2]
    edge = (exact > 1e-9) & (exact < 1 - 1e-9)
    assert share[exact <= 1e-9].max() < 1e-3
    assert share[exact >= 1 - 1e-9] == pytest.approx(1, abs=1e-3)
    off = (share - exact)[edge]
    total = (share - exact).sum(axis=(1, 2))
    record_property("rms of an edge pixel", float(np.sqrt((off**2).mean())))
    record_property("variance of the area", float(np.var(total / allowed)))
    # A line cuts a grid of n x n samples with an error of at most 1 / 2n, uniform where it runs along the grid;
    # a pixel with a corner has two lines.
    assert np.abs(off).max() < 1.0 / samples + 0.01
    assert np.sqrt((off**2).mean()) < 1.1 / samples / np.sqrt(12)
    assert np.abs(off.mean()) < 4 * off.std() / np.sqrt(len(off))
    assert 0.5 < np.var(total / allowed) < 2.0
