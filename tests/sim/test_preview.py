"""Previews: every output of a view becomes a picture that means what its caption says."""

import dataclasses

import numpy as np
import pytest

from naive.still_life import BOX, SPHERE, Thing, camera, pose, primitive_library, still_life
from simloom.kernels.lens import Lens
from simloom.renderers import Frames, Raster
from simloom.sim.output_tiles import (
    box_picture,
    flow_picture,
    frame_tiles,
    keypoint_picture,
    occlusion_picture,
    palette_picture,
    sensor_tiles,
)
from simloom.sim.preview import draw_grid, view_tiles


@pytest.fixture(scope="module")
def view():
    """A raster, a snapshot of two things with a keypoint, and a camera."""
    things = (Thing(mesh=BOX, at=pose(0.2, 0.0, 3.0)), Thing(mesh=SPHERE, at=pose(-0.6, 0.2, 2.5)))
    snapshot = dataclasses.replace(
        still_life(*things), keypoint_row=np.array([0], np.int32), keypoint_position=np.zeros((1, 3))
    )
    return Raster(primitive_library()), snapshot, camera(width=40, height=30, focal=40.0)


def test_every_output_of_a_view_is_drawn(view) -> None:
    """Each output has its tile; the camera of a still scene moves, and captions say so."""
    raster, snapshot, seen = view

    tiles = view_tiles(raster, snapshot, seen)

    words = ["colour", "srgb", "albedo", "depth", "range", "transparent", "instance", "class", "part", "normal"]
    words += [
        "object",
        "flow",
        "forward",
        "flow",
        "backward",
        "transparent",
        "coverage",
        "boxes",
        "pixels",
        "keypoints",
    ]
    assert sorted(name.split()[0].rstrip(",:") for name, _ in tiles) == sorted(words)
    assert all(picture.shape == (30, 40, 3) and picture.dtype == np.uint8 for _, picture in tiles)
    assert sum("moved 19 mm" in name for name, _ in tiles) == 2


def test_a_lens_leaves_flow_out_and_a_moving_camera_is_left_alone(view) -> None:
    """Outputs that a lens refuses are not asked for; poses that were given are kept."""
    raster, snapshot, seen = view
    lens = dataclasses.replace(seen, lens=Lens(coefficients=(-0.1, 0.0, 0.0, 0.0)))
    moving = dataclasses.replace(seen, next_pose_world_camera=pose(0.1, 0.0, 0.0))

    assert not any(name.startswith(("flow", "keypoint")) for name, _ in view_tiles(raster, snapshot, lens))
    assert not any("moved 19 mm" in name for name, _ in view_tiles(raster, snapshot, moving))


def test_flow_is_shown_by_the_wheel() -> None:
    """No motion is white, opposite motions have opposite hues, twice the motion is the stronger colour."""
    flow = np.zeros((40, 40, 2))
    flow[:20, :10, 0], flow[:20, 10:20, 0], flow[:20, 20:30, 0] = 4.0, -4.0, 2.0

    picture = flow_picture(flow, 4.0).astype(int)

    assert np.ptp(picture[30, 5]) == 0
    assert np.abs(picture[5, 5] + picture[5, 15] - 245).max() <= 1
    assert np.ptp(picture[5, 5]) > np.ptp(picture[5, 25]) > 0


def test_states_and_labels_have_colours() -> None:
    """Seen, hidden, outside and nothing differ; label 0 is dark; boxes and keypoints mark their places."""
    base = np.zeros((20, 30, 3), np.uint8)
    boxes = np.array([[[3.0, 4.0, 10.0, 12.0], [0.0, 0.0, 0.0, 0.0]]])
    boxed = box_picture(base, boxes, None)
    marked = keypoint_picture(base, np.array([[15.0, 8.0, 1.0], [5.0, 5.0, 1.0]]), np.array([3, 0]))

    assert len(np.unique(occlusion_picture(np.arange(4)[None]).reshape(-1, 3), axis=0)) == 4
    assert len(np.unique(palette_picture(np.arange(3)[None]).reshape(-1, 3), axis=0)) == 3
    assert np.flatnonzero(boxed.any(axis=(1, 2))).tolist() == list(range(4, 12))
    assert marked[8, 15].any()
    assert not marked[5, 5].any()


def test_grids_wrap_and_captions_tell_of_sensors() -> None:
    """A block takes as many lines as it needs; no picture at all is refused."""
    tiles = sensor_tiles(np.zeros((9, 12, 3), np.uint8), np.ones((9, 12)), np.zeros((9, 12), np.uint8))
    grid = draw_grid([("one", tiles), ("two", tiles[:1])], title="t", columns=2, tile_width=24)

    assert [name.split(",")[0] for name, _ in tiles][::2] == ["sensor rgb", "depth status"]
    assert grid.shape == (34 + 2 * 34 + 3 * (20 + 18 + 6) + 16, 2 * 16 + 2 * 24 + 6, 3)
    assert frame_tiles(Frames(depth=np.ones((1, 9, 12)))) != []
    with pytest.raises(ValueError, match="a grid needs a picture"):
        draw_grid([("none", [])], title="t")
