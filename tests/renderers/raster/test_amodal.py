"""Amodal counts: whole silhouettes, also outside the frame, on a canvas of 3x3 frames."""

from dataclasses import replace

import numpy as np
import pytest

from naive.still_life import BOX, PLANE, SPHERE, Thing, camera, look, pose, primitive_library, random_things, still_life
from simloom.renderers import Raster
from simloom.renderers.raster.bit_words import count_bits

COUNTS = ("visible_pixels", "in_frame_pixels", "total_pixels")


@pytest.fixture(scope="module")
def library():
    """Box, sphere, cylinder, plane."""
    return primitive_library()


def widen(view):
    """The camera that takes the whole canvas as its image."""
    width, height = view.width, view.height
    return replace(view, width=3 * width, height=3 * height, cx=view.cx + width, cy=view.cy + height)


@pytest.mark.parametrize("lod", ["auto", "exact"])
def test_totals_are_those_of_each_instance_alone_on_the_canvas(library, lod):
    """total_pixels and box_amodal are what an id fills alone in an image of 3x3 frames; near planes and culling too."""
    generator = np.random.default_rng(4)
    things = [replace(t, instance=1 + i // 2) for i, t in enumerate(random_things(generator, 24, spread=2.0, away=0.0))]
    things.append(Thing(mesh=BOX, at=pose(0.4, 0.3, 0.1), scale=(6.0, 0.4, 0.4), instance=13))
    eyes = [(2.6, 0.7, 0.9), (0.0, -1.5, 0.4), (0.3, 0.2, 3.0)]
    views = [camera(40, 30, f, at=look(eye, (0, 0, 0))) for f, eye in zip((45.0, 20.0, 60.0), eyes, strict=True)]
    raster = Raster(library, shadow=False, lod=lod)
    rows = [0] * len(views)
    frames = raster.render([still_life(*things)], views, view_snapshot=rows, outputs=COUNTS, instance_count=14)
    outside = 0
    for slot in range(14):
        alone = [thing for thing in things if thing.instance == slot + 1]
        if not alone:
            assert not frames.total_pixels[:, slot].any()
            assert not frames.box_amodal[:, slot].any()
            continue
        single = [
            raster.render([still_life(*alone)], some, view_snapshot=rows, outputs=COUNTS, instance_count=14)
            for some in (views, [widen(view) for view in views])
        ]
        assert np.array_equal(frames.in_frame_pixels[:, slot], single[0].visible_pixels[:, slot])
        assert np.array_equal(frames.total_pixels[:, slot], single[1].visible_pixels[:, slot])
        assert np.array_equal(single[0].total_pixels[:, slot], frames.total_pixels[:, slot])
        seen = single[1].visible_pixels[:, slot] > 0
        shift = np.array([40, 30, 40, 30], np.float32)
        assert np.array_equal(frames.box_amodal[seen, slot], single[1].box_visible[seen, slot] - shift)
        assert not frames.box_amodal[~seen, slot].any()
        outside += int((frames.total_pixels[:, slot] > frames.in_frame_pixels[:, slot]).sum())
    assert outside > 15
    assert ((frames.in_frame_pixels == 0) & (frames.total_pixels > 0)).any()
    assert ((frames.in_frame_pixels == frames.total_pixels) & (frames.total_pixels > 0)).any()


def test_a_square_over_the_edge_is_whole(library):
    """A square of 100 px that hangs 30 px out at the left has all its pixels, though a cover hides what is in front."""
    square = Thing(mesh=PLANE, at=pose(-0.8, 0, 1.0), scale=(0.5, 0.5, 1.0), instance=2)
    cover = Thing(mesh=PLANE, at=pose(-0.2, 0, 0.5), scale=(1.0, 1.0, 1.0), instance=1)
    view = camera(200, 200, 200.0, cx=179.5, cy=99.5)
    frames = Raster(library).render([still_life(cover, square)], [view], outputs=COUNTS)
    assert frames.visible_pixels[0, 1] == 0
    assert frames.in_frame_pixels[0, 1] == 70 * 100
    assert frames.total_pixels[0, 1] == 100 * 100
    assert frames.box_amodal[0, 1].tolist() == [-30, 50, 70, 150]


def test_what_lies_beyond_the_canvas_is_cut(library):
    """A wall that fills everything has nine frames of pixels; what lies two frames away has none."""
    wall = Thing(mesh=PLANE, at=pose(0, 0, 2), scale=(90.0, 90.0, 1.0), instance=1)
    far = Thing(mesh=SPHERE, at=pose(9.0, 0, 2), instance=2)
    frames = Raster(library).render([still_life(wall, far)], [camera(31, 17, 20.0)], outputs=COUNTS)
    assert frames.total_pixels.tolist() == [[9 * 31 * 17, 0]]
    assert frames.in_frame_pixels.tolist() == [[31 * 17, 0]]
    assert frames.box_amodal.tolist() == [[[-31, -17, 62, 34], [0, 0, 0, 0]]]


def test_bits_are_counted():
    """count_bits agrees with Python's."""
    words = np.random.default_rng(1).integers(0, 2**64, 100, dtype=np.uint64)
    for word in (*words, np.uint64(0), np.uint64(2**64 - 1)):
        with np.errstate(over="ignore"):
            assert count_bits(word) == int(word).bit_count()
