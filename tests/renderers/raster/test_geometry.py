"""What is drawn: levels of detail within half a pixel, culling that never takes what is seen."""

import numpy as np
import pytest

from naive.robots import add_robot, bounds
from naive.still_life import BOX, LABELS, SPHERE, Thing, camera, look, pose, primitive_library, still_life
from simloom.renderers import MeshLibraryBuilder, Raster


@pytest.fixture(scope="module")
def panda():
    """A library with the Panda's levels of detail, and its things."""
    pytest.importorskip("pybullet")
    builder = MeshLibraryBuilder()
    things = add_robot(builder, "panda", levels=True)
    return builder.build(), sorted(things, key=lambda thing: thing.instance)


@pytest.mark.parametrize("size", [(128, 128, 110.0), (320, 240, 280.0)])
def test_levels_of_detail_keep_the_ids(panda, size, record_property):
    """With lod="auto" 99.5 % of the Panda's pixels keep the id that full detail gives, and depth stays close."""
    library, things = panda
    low, high = bounds(things, library)
    centre, span = (low + high) / 2, np.linalg.norm(high - low)
    views = [
        camera(*size, at=look(centre + away * span * np.array([np.cos(a), np.sin(a), 0.5]), centre))
        for a, away in ((0.3, 0.9), (2.0, 1.2), (4.2, 1.8))
    ]
    auto, exact = (
        Raster(library, lod=lod).render([still_life(*things)], views, view_snapshot=[0] * 3, outputs=LABELS)
        for lod in ("auto", "exact")
    )
    seen = (auto.instance > 0) | (exact.instance > 0)
    same = (auto.instance == exact.instance)[seen].mean()
    everywhere = (auto.instance == exact.instance).mean()
    both = (auto.instance == exact.instance) & (exact.instance > 0)
    off = np.abs(auto.depth / np.where(both, exact.depth, 1) - 1)[both]
    record_property("ids_equal", float(same))
    record_property("ids_equal_everywhere", float(everywhere))
    record_property("depth_p99", float(np.quantile(off, 0.99)))
    assert same >= 0.995
    assert everywhere >= 0.999
    assert np.quantile(off, 0.95) < 0.003


def test_levels_follow_the_distance():
    """A sphere far away has fewer edges than near by, and its outline moves by less than a pixel."""
    library = primitive_library()
    for away in (1.0, 4.0, 16.0, 64.0):
        scene = still_life(Thing(mesh=SPHERE, at=pose(0, 0, away)))
        view = camera(120, 90, 60.0 * away)
        auto, exact = (
            Raster(library, lod=lod).render([scene], [view], outputs=("instance", "total_pixels"))
            for lod in ("auto", "exact")
        )
        outline = 2 * np.sqrt(np.pi * exact.total_pixels[0, 0])
        assert abs(int(auto.total_pixels[0, 0]) - int(exact.total_pixels[0, 0])) < 0.5 * outline


def test_the_level_of_one_instance_does_not_depend_on_others():
    """A sphere has the same pixels alone and in a crowd, near the image's middle and at its border."""
    library = primitive_library()
    ball = Thing(mesh=SPHERE, at=pose(0.2, 0.1, 5), instance=1)
    crowd = [Thing(mesh=SPHERE, at=pose(3 * k, 9, 30), scale=(4.0,) * 3, instance=2 + k) for k in range(-1, 2)]
    crowd = [Thing(mesh=t.mesh, at=t.at, scale=t.scale, instance=2 + k) for k, t in enumerate(crowd)]
    raster, view = Raster(library), camera()
    one = raster.render([still_life(ball)], [view], outputs=("depth",)).depth[0]
    many = raster.render([still_life(ball, *crowd)], [view], outputs=("depth", "instance"))
    mine = many.instance[0] == 1
    assert np.array_equal(one[mine], many.depth[0][mine])


def test_culling_takes_nothing_that_is_seen():
    """Things that only just reach into the image from outside are drawn, at every border and corner."""
    library = primitive_library()
    view = camera(64, 48, 60.0, cx=20.3, cy=31.8)
    raster = Raster(library)
    for x, y in ((-0.5, 20), (63.5, 20), (30, -0.5), (30, 47.5), (-0.5, -0.5), (63.5, 47.5)):
        for depth in (0.5, 3.0, 40.0):
            outside = 1.0 / 60.0 * depth
            for mesh in (BOX, SPHERE):
                size = 6 * outside
                at = pose((x - view.cx) / 60 * depth, (y - view.cy) / 60 * depth, depth)
                scene = still_life(Thing(mesh=mesh, at=at, scale=(size,) * 3))
                count = raster.render([scene], [view], outputs=("total_pixels",)).total_pixels[0, 0]
                assert count > 3, (x, y, depth, mesh)


def test_whatever_is_wholly_outside_counts_nothing():
    """Things beside, behind, nearer than near and beyond far leave no pixel and no count."""
    library = primitive_library()
    raster = Raster(library)
    view = camera(near=0.5, far=10.0)
    places = [(50, 0, 5), (-50, 0, 5), (0, 50, 5), (0, -50, 5), (0, 0, -5), (0, 0, 0), (0, 0, 12)]
    things = [Thing(mesh=BOX, at=pose(*place), scale=(0.4,) * 3) for place in places]
    frames = raster.render([still_life(*things)], [view], outputs=("total_pixels", "visible_pixels", "depth"))
    assert not frames.total_pixels.any()
    assert not frames.depth.any()
