"""Shadows: where the closed form has them, touching what casts them, and nowhere else."""

import numpy as np
import pytest

from naive.still_life import (
    BOX,
    CYLINDER,
    PLANE,
    SPHERE,
    Light,
    Thing,
    camera,
    look,
    pose,
    primitive_library,
    still_life,
    turn,
)
from simloom.renderers import Raster

DARK = {"zenith": 0.0, "horizon": 0.0, "ground": 0.0}
FLOOR = Thing(mesh=PLANE, at=pose(), scale=(8.0, 8.0, 1.0), instance=0, roughness=1.0, casts=0)


@pytest.fixture(scope="module")
def library():
    """Box, sphere, cylinder, plane."""
    return primitive_library()


def lit_share(library, scene, view, **options):
    """Share of the sun that each pixel sees: the sun's light with shadows over that without; and the frames."""
    outputs = ("colour", "instance", "normal", "depth", "object_coordinates")
    with_shadow = Raster(library, **options).render([scene], [view], outputs=outputs)
    without = Raster(library, shadow=False, **options).render([scene], [view], outputs=outputs)
    full = without.colour[0, 0, ..., 0].astype(float)
    return np.where(full > 1e-6, with_shadow.colour[0, 0, ..., 0] / np.maximum(full, 1e-6), np.nan), with_shadow


def world_points(view, depth):
    """World position of each pixel's surface."""
    v, u = np.mgrid[: view.height, : view.width]
    ray = np.stack([(u - view.cx) / view.fx, (v - view.cy) / view.fy, np.ones(u.shape)], -1)
    return (ray * depth[..., None]) @ view.pose_world_camera[:3, :3].T + view.pose_world_camera[:3, 3]


@pytest.mark.parametrize("towards", [(0.6, 0.3, 1.0), (-1.0, 0.2, 0.5), (0.05, 0.02, 1.0)])
def test_the_shadow_of_a_box_is_its_projection(library, towards):
    """A floor point is dark exactly where the ray towards the sun meets the box, but for two texels at the border."""
    box = Thing(mesh=BOX, at=pose(0, 0, 0.25, turn((0, 0, 1), 0.5)), scale=(0.6, 0.4, 0.5))
    scene = still_life(FLOOR, box, lights=(Light(towards=towards, sun=1.0, **DARK),))
    view = camera(200, 150, 150.0, at=look((0.6, -1.8, 2.2), (-0.2, 0, 0)))
    lit, frames = lit_share(library, scene, view, shadow_resolution=512)
    floor = frames.instance[0] == 0
    point = world_points(view, frames.depth[0].astype(float))
    sun = np.array(towards) / np.linalg.norm(towards)
    origin = (point - box.at[:3, 3]) @ box.at[:3, :3] / np.array(box.scale)
    direction = sun @ box.at[:3, :3] / np.array(box.scale)

    def hits(margin):
        with np.errstate(divide="ignore"):
            low, high = (-0.5 - margin - origin) / direction, (0.5 + margin - origin) / direction
        near, far = np.minimum(low, high).max(-1), np.maximum(low, high).min(-1)
        return (near < far) & (far > 1e-9)

    # The map fits the box's diagonal over 506 texels: two texels are some 4 mm, as a share of the shortest side 0.4 m.
    texel = 1.0 / 506
    width = 2.5 * texel / min(box.scale)
    dark, bright = hits(-width) & floor & (frames.depth[0] > 0), ~hits(width) & floor & (frames.depth[0] > 0)
    assert dark.sum() > 200 or towards[0] < 0.1
    assert np.nanmax(lit[dark], initial=0) < 1e-6
    assert np.nanmin(lit[bright]) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("supersample", [1, 2])
@pytest.mark.parametrize("mesh", [SPHERE, BOX, CYLINDER, PLANE])
def test_lit_surfaces_alone_have_no_acne(library, mesh, supersample, record_property):
    """A single convex body casts no shadow on what faces the sun."""
    worst = 0.0
    for k, towards in enumerate([(0.5, 0.2, 1.0), (1.0, 0.3, 0.15), (-0.3, -0.9, 0.4), (0.0, 0.0, 1.0)]):
        rotation = turn((1, 0.4, 0.2), 0.6 * k)
        body = Thing(mesh=mesh, at=pose(0, 0, 0.6, rotation), scale=(0.8, 1.0, 0.7), roughness=1.0)
        scene = still_life(body, lights=(Light(towards=towards, sun=1.0, **DARK),))
        view = camera(120, 90, 100.0, at=look((1.4 * towards[0], 1.2 * towards[1] - 0.9, 2.0), (0, 0, 0.6)))
        lit, frames = lit_share(library, scene, view, supersample=supersample)
        sun = np.array(towards) / np.linalg.norm(towards)
        cosine = frames.normal[0].astype(float) @ (view.pose_world_camera[:3, :3].T @ sun)
        judged = (frames.instance[0] == 1) & (cosine > 0.1) & np.isfinite(lit)
        if judged.sum() > 100:
            worst = max(worst, (lit[judged] < 0.99).mean())
    record_property("shadowed_share", float(worst))
    assert worst < 0.005


def test_a_scene_full_of_receivers_has_no_acne(library):
    """Far-apart casters make large texels; a tilted plane beside them is still fully lit."""
    far = [Thing(mesh=BOX, at=pose(x, y, 0.1), scale=(0.2, 0.2, 0.2)) for x, y in ((-3, -3), (3, 3))]
    for angle in (0.0, 0.4, 0.9):
        ramp = Thing(mesh=PLANE, at=pose(0, 0, 0.8, turn((1, 0.3, 0), angle)), roughness=1.0)
        scene = still_life(*far, ramp, lights=(Light(towards=(0.2, -0.6, 1.0), sun=1.0, **DARK),))
        view = camera(120, 90, 90.0, at=look((0.1, -0.9, 2.2), (0, 0, 0.8)))
        lit, frames = lit_share(library, scene, view, shadow_resolution=256)
        mine = frames.instance[0] == 3
        assert mine.sum() > 1000
        assert (lit[mine] < 0.99).mean() < 0.005


@pytest.mark.parametrize("towards", [(0.7, 0.1, 0.7), (0.3, 0.1, 1.0), (1.0, 0.05, 0.35)])
def test_shadows_touch_what_casts_them(library, towards):
    """Along the base of a standing box the shadow begins within two texels of the box."""
    box = Thing(mesh=BOX, at=pose(0, 0, 0.25), scale=(0.5, 0.5, 0.5))
    scene = still_life(FLOOR, box, lights=(Light(towards=towards, sun=1.0, **DARK),))
    resolution = 512
    view = camera(400, 300, 1500.0, at=look((-1.2, 0.0, 1.5), (-0.25, 0, 0)))
    lit, frames = lit_share(library, scene, view, shadow_resolution=resolution)
    point = world_points(view, frames.depth[0].astype(float))
    base = (frames.instance[0] == 0) & (np.abs(point[..., 1]) < 0.05) & (point[..., 0] < -0.25)
    texel = 0.5 * np.sqrt(3) / (resolution - 6)
    near = base & (point[..., 0] > -0.25 - 0.1)
    gap = -0.25 - point[..., 0][near & (lit > 0.5)]
    assert near.sum() > 1000
    # Light may leak in at the contact only: nothing beyond two texels, measured along the floor, is lit.
    along = 2 * texel / min(1.0, towards[2] / np.linalg.norm(towards))
    deep = 0.5 * abs(towards[0]) / towards[2]
    assert gap[gap < deep - 3 * along].max(initial=0) < along


def test_who_casts_no_shadow_darkens_nothing(library):
    """casts_shadow = 0 takes a thing out of the shadow map, and it still receives shadows."""
    above = Thing(mesh=BOX, at=pose(0, 0, 1.0), scale=(0.5, 0.5, 0.1))
    view = camera(100, 80, 80.0, at=look((0.0, -2.0, 2.5), (0, 0, 0)))
    sun = (Light(towards=(0.1, 0.1, 1.0), sun=1.0, **DARK),)
    ghost = Thing(mesh=BOX, at=pose(0, 0, 1.0), scale=(0.5, 0.5, 0.1), casts=0)
    shown = {}
    for name, thing in (("solid", above), ("ghost", ghost)):
        lit, frames = lit_share(library, still_life(FLOOR, thing, lights=sun), view)
        shown[name] = (lit[(frames.instance[0] == 0) & (frames.depth[0] > 0)] < 0.5).sum()
    assert shown["solid"] > 100
    assert shown["ghost"] == 0


def test_no_sun_below_the_horizon_of_a_face(library):
    """A face turned away from the sun gets none of it, with shadows and without."""
    scene = still_life(Thing(mesh=BOX, at=pose()), lights=(Light(towards=(0, 0, 1), sun=5.0, **DARK),))
    view = camera(80, 60, 60.0, at=look((1.5, -2.0, -0.8), (0, 0, 0)))
    for shadow in (True, False):
        colour = Raster(library, shadow=shadow).render([scene], [view], outputs=("colour",)).colour
        assert not colour.any()
