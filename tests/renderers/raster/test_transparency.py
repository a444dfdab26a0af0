"""Transparency: labels look through, channels of their own, light that passes and light that mirrors."""

import numpy as np
import pytest

from naive.still_life import (
    BOX,
    PLANE,
    SPHERE,
    Light,
    Thing,
    camera,
    look,
    pose,
    primitive_library,
    repaint,
    still_life,
)
from simloom.renderers import Raster

NIGHT = Light(sun=0.0, zenith=0.0, horizon=0.0, ground=0.0)
OWN = ("transparent_instance", "transparent_depth", "coverage")
LABELS = ("depth", "instance", "normal", "visible_pixels")


@pytest.fixture(scope="module")
def library():
    """Box, sphere, cylinder, plane."""
    return primitive_library()


def room(opacity):
    """A glowing floor, a glass box before a ball, and a ball before the glass."""
    floor = Thing(mesh=PLANE, at=pose(), scale=(5.0, 5.0, 1.0), color=(0, 0, 0))
    behind = Thing(mesh=SPHERE, at=pose(0, 0, 0.2), scale=(0.4, 0.4, 0.4), color=(0, 0, 0))
    glass = Thing(mesh=BOX, at=pose(0, 0, 0.8), scale=(0.6, 0.6, 0.2), color=(0, 0, 0))
    front = Thing(mesh=SPHERE, at=pose(0.2, 0, 1.2), scale=(0.2, 0.2, 0.2), color=(0, 0, 0))
    scene = still_life(floor, behind, glass, front, lights=(NIGHT,))
    emission = [[1, 2, 3], [0.5, 0.5, 0.5], [0, 0, 0], [0.1, 0.2, 0.3]]
    return repaint(scene, opacity=[1.0, 1.0, opacity, 1.0], emission=emission)


VIEW = camera(120, 90, 120.0, at=look((0.05, -0.02, 3.0), (0, 0, 0), (0, 1, 0)))


def without_glass():
    """The same room, the glass gone."""
    floor = Thing(mesh=PLANE, at=pose(), scale=(5.0, 5.0, 1.0), color=(0, 0, 0))
    behind = Thing(mesh=SPHERE, at=pose(0, 0, 0.2), scale=(0.4, 0.4, 0.4), color=(0, 0, 0))
    front = Thing(mesh=SPHERE, at=pose(0.2, 0, 1.2), scale=(0.2, 0.2, 0.2), color=(0, 0, 0), instance=4)
    scene = still_life(floor, behind, front, lights=(NIGHT,))
    return repaint(scene, emission=[[1, 2, 3], [0.5, 0.5, 0.5], [0.1, 0.2, 0.3]])


def test_labels_look_through_it_and_it_has_its_own(library):
    """Depth, ids and normals are those without the glass; its own channels show it where nothing opaque hides it."""
    raster = Raster(library)
    frames = raster.render([room(0.3)], [VIEW], outputs=(*LABELS, *OWN))
    bare = raster.render([without_glass()], [VIEW], outputs=LABELS)
    opaque = raster.render([room(1.0)], [VIEW], outputs=(*LABELS, *OWN))
    for name in ("depth", "instance", "normal"):
        assert np.array_equal(getattr(frames, name), getattr(bare, name)), name
    seen = opaque.instance == 3
    assert seen.sum() > 500
    assert np.array_equal(frames.transparent_instance == 3, seen)
    assert np.array_equal(frames.transparent_depth, np.where(seen, opaque.depth, 0))
    assert frames.coverage[0] == pytest.approx(np.where(seen, 0.3, 0.0), abs=1e-7)
    assert frames.visible_pixels[0, 2] == seen.sum()
    assert not any(getattr(opaque, name).any() for name in OWN)


@pytest.mark.parametrize("opacity", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("samples", [1, 2])
def test_what_passes_is_what_neither_stops_nor_mirrors(library, opacity, samples):
    """Behind black glass in the dark: the light from behind, times 1 - opacity, less Schlick's reflection."""
    raster = Raster(library, supersample=samples)
    outputs = ("colour", *OWN)
    found = raster.render([room(opacity)], [VIEW], outputs=outputs)
    bare = raster.render([without_glass()], [VIEW], outputs=("colour",)).colour[0, 0]
    v, u = np.mgrid[:90, :120]
    cosine = 1 / np.sqrt(((u - VIEW.cx) / VIEW.fx) ** 2 + ((v - VIEW.cy) / VIEW.fy) ** 2 + 1)
    passed = (1 - opacity) * (0.96 - 0.96 * (1 - cosine) ** 5)
    seen = found.transparent_instance[0] == 3
    inner = seen & np.roll(seen, 1, 0) & np.roll(seen, -1, 0) & np.roll(seen, 1, 1) & np.roll(seen, -1, 1)
    # The box's sides are seen at a grazing angle near its rim: its top alone has the camera's cosine.
    top = inner & (np.abs(found.transparent_depth[0] - found.transparent_depth[0][inner].min()) < 0.02)
    assert top.sum() > 300
    assert found.colour[0, 0][top] == pytest.approx(bare[top] * passed[top][:, None], rel=0.01, abs=1e-6)
    beside = [np.roll(seen, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    outside = ~np.logical_or.reduce(beside)
    assert np.array_equal(found.colour[0, 0][outside], bare[outside])


def test_glass_casts_no_shadow_and_mirrors_the_sky(library):
    """Clear glass leaves the floor lit, and adds a few percent of the sky."""
    floor = Thing(mesh=PLANE, at=pose(), scale=(5.0, 5.0, 1.0), instance=0, casts=0)
    pane = Thing(mesh=BOX, at=pose(0, 0, 0.5), scale=(0.6, 0.6, 0.02), color=(0, 0, 0), roughness=0.03)
    light = Light(towards=(1, 0, 1), sun=1.0, zenith=0.5, horizon=0.5, ground=0.5)
    scene = still_life(floor, pane, lights=(light,))
    raster = Raster(library, ambient_occlusion=False)
    bare = raster.render([still_life(floor, lights=(light,))], [VIEW], outputs=("colour",)).colour[0, 0]
    frames = raster.render([repaint(scene, opacity=[1.0, 0.0])], [VIEW], outputs=("colour", "transparent_instance"))
    seen = frames.transparent_instance[0] == 2
    colour = frames.colour[0, 0]
    assert np.array_equal(colour[~seen], bare[~seen])
    extra = colour[seen] - 0.96 * bare[seen]
    assert extra.min() > 0.02 * 0.5
    assert np.median(extra) < 0.08 * 0.5


def test_a_look_may_be_opaque_where_another_is_not(library):
    """Labels look through what any look sees through; coverage is each look's own."""
    from dataclasses import replace

    scene = still_life(
        *(Thing(mesh=BOX, at=pose(0, 0, 0.3 * k), scale=(0.5, 0.5, 0.1)) for k in (0, 1)), lights=(NIGHT,) * 2
    )
    materials = replace(scene.materials, opacity=np.array([[1.0, 0.4], [1.0, 1.0]], np.float32))
    frames = Raster(library).render([replace(scene, materials=materials)], [VIEW], outputs=("instance", *OWN))
    assert set(np.unique(frames.instance)) == {0, 1}
    seen = frames.transparent_instance[0] == 2
    assert frames.coverage[0, 0][seen] == pytest.approx(0.4)
    assert frames.coverage[0, 1][seen] == pytest.approx(1.0)
