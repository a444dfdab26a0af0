"""Albedo without light, and colour as sRGB bytes."""

from dataclasses import replace

import numpy as np
import pytest

from naive.still_life import (
    BOX,
    PLANE,
    SPHERE,
    Light,
    Thing,
    camera,
    pose,
    primitive_library,
    random_things,
    still_life,
)
from simloom.renderers import Raster
from simloom.renderers.raster.display import FLOORS, STEPS, encode_srgb
from simloom.renderers.textures import linear_to_srgb


@pytest.fixture(scope="module")
def library():
    """Box, sphere, cylinder, plane."""
    return primitive_library()


def test_albedo_is_the_material_whatever_the_light(library):
    """Plain materials show their base colour exactly, in every look; the sky is 0; no pixel is a blend."""
    things = [replace(thing, pattern=0) for thing in random_things(np.random.default_rng(5), 8)]
    looks = (Light(towards=(0.3, 0.2, -1.0), sun=3.0), Light(zenith=0.0, horizon=0.0, ground=0.0))
    frames = Raster(library, supersample=2).render(
        [still_life(*things, lights=looks)], [camera()], outputs=("albedo", "instance", "colour")
    )
    assert frames.albedo.shape == (1, 2, 48, 64, 3)
    table = np.array([(0, 0, 0), *(thing.color for thing in things)], np.float32)
    for look in range(2):
        assert np.array_equal(frames.albedo[0, look], table[frames.instance[0]])


def test_albedo_shows_patterns(library):
    """A checker's albedo is its two colours, the same in shadow and light."""
    floor = Thing(
        mesh=PLANE, at=pose(0, 0, 2), scale=(4, 4, 1), pattern=1, pattern_scale=0.8, color=(0.8, 0.2, 0.1),
        pattern_color=(0.1, 0.3, 0.9), casts=0,
    )  # fmt: skip
    ball = Thing(mesh=SPHERE, at=pose(0, 0, 1.4), scale=(0.4, 0.4, 0.4))
    frames = Raster(library).render(
        [still_life(floor, ball, lights=(Light(towards=(0.5, 0.2, -1.0), sun=3.0),))],
        [camera(120, 90, 80.0)],
        outputs=("albedo", "instance"),
    )
    seen = frames.albedo[0, 0][frames.instance[0] == 1]
    colors = np.array([floor.color, floor.pattern_color], np.float32)
    near = np.abs(seen[:, None] - colors).max(axis=-1) < 0.02
    assert near.any(axis=1).mean() > 0.8
    assert near.sum(axis=0).min() > 500


def test_bytes_are_the_rounded_srgb_curve():
    """encode_srgb is rint(255 f(x)) of IEC 61966-2-1 wherever that is no tie, and every byte decodes to itself."""
    values = np.concatenate(
        [np.linspace(-0.1, 1.1, 4001), np.geomspace(1e-6, 1.0, 4001), STEPS[1:256], [np.inf, np.nan]]
    ).astype(np.float32)
    given = np.array([encode_srgb(value, STEPS, FLOORS) for value in values])
    exact = 255.0 * linear_to_srgb(np.nan_to_num(values.astype(float), nan=0.0, posinf=1.0))
    assert np.abs(given - exact).max() <= 0.5 + 1e-4
    assert np.array_equal(np.sort(given[4001:8002]), given[4001:8002])
    assert set(given.tolist()) == set(range(256))


def test_srgb_is_the_colour_over_white(library):
    """The output srgb is the encoding of colour / white, alone or beside colour."""
    scene = still_life(*random_things(np.random.default_rng(3), 7), lights=(Light(towards=(0.3, 0.2, -1.0), sun=2.0),))
    for white in (1.0, 2.5):
        raster = Raster(library, white=white, supersample=2)
        both = raster.render([scene], [camera()], outputs=("srgb", "colour"))
        assert both.srgb.shape == both.colour.shape
        exact = 255.0 * linear_to_srgb(both.colour / np.float32(white))
        assert np.abs(both.srgb - exact).max() <= 0.5 + 1e-4
        assert len(np.unique(both.srgb)) > 60
        alone = raster.render([scene], [camera()], outputs=("srgb",))
        assert alone.colour is None
        assert np.array_equal(alone.srgb, both.srgb)


@pytest.mark.parametrize("white", [0.0, -1.0, float("nan"), float("inf")])
def test_bad_whites_are_refused(library, white):
    """White is a radiance above 0."""
    with pytest.raises(ValueError, match="white must be a finite radiance > 0"):
        Raster(library, white=white)


def test_mixed_sizes_are_single_calls(library):
    """render_mixed gives each view the bytes that a call of its own gives, in the cameras' order."""
    names = ("colour", "depth", "instance", "visible_pixels", "total_pixels", "keypoints")
    scenes = [still_life(*random_things(np.random.default_rng(seed), 3 + seed)) for seed in (1, 2)]
    points = {"keypoint_row": np.zeros(2, np.int32), "keypoint_position": np.zeros((2, 3))}
    scenes[0] = replace(scenes[0], **points)
    views = [camera(64, 48), camera(31, 40, 30.0), camera(64, 48, 50.0), camera(20, 20, 15.0), camera(31, 40, 25.0)]
    rows = [0, 1, 1, 0, 0]
    raster = Raster(library)
    mixed = raster.render_mixed(scenes, views, view_snapshot=rows, outputs=names)
    assert [frames.depth.shape for frames in mixed] == [(1, view.height, view.width) for view in views]
    for frames, view, row in zip(mixed, views, rows, strict=True):
        single = raster.render(scenes, [view], view_snapshot=[row], outputs=names)
        for name in (*names, "box_visible", "box_amodal", "keypoint_state"):
            assert getattr(frames, name).tobytes() == getattr(single, name).tobytes(), name
    with pytest.raises(ValueError, match="use render_mixed"):
        raster.render(scenes, views, view_snapshot=rows)
    with pytest.raises(ValueError, match="unknown outputs"):
        raster.render_mixed(scenes, views, view_snapshot=rows, outputs=("depht",))
    with pytest.raises(ValueError, match="pass view_snapshot"):
        raster.render_mixed(scenes, views)


def test_a_box_in_the_frame_has_an_albedo_at_its_silhouette(library):
    """Beside the sky, supersampled colour blends and albedo does not."""
    scene = still_life(Thing(mesh=BOX, at=pose(0.013, 0.007, 3), color=(0.2, 0.4, 0.6)))
    frames = Raster(library, supersample=4).render([scene], [camera()], outputs=("albedo", "instance"))
    values = np.unique(frames.albedo[0, 0].reshape(-1, 3), axis=0)
    assert np.array_equal(values, np.array([(0, 0, 0), (0.2, 0.4, 0.6)], np.float32))
