"""The matched reference: known depth, statuses, and what the fast stereo model says of the same scenes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from naive.dots import draw_pair
from naive.still_life import BOX, Thing, pose, primitive_library, still_life
from simloom.kernels import apply_depth, depth_reading
from simloom.kernels.profiles import load_depth_profile
from simloom.kernels.stereo_matching import SemiGlobalMatcher, match_stereo
from simloom.renderers import Camera, Raster
from simloom.renderers.dot_projector import DotProjector
from simloom.renderers.infrared import InfraredFrames, render_infrared

FX, BASELINE = 446.8, 0.05
D435 = load_depth_profile("realsense_d435")
CAMERA = Camera(width=320, height=160, fx=FX, fy=FX, cx=159.5, cy=79.5, pose_world_camera=np.eye(4))
SMALL = SemiGlobalMatcher(disparity_max=64)
LOST = (depth_reading.NO_MATCH, depth_reading.FILTERED)


@pytest.fixture(scope="module")
def raster() -> Raster:
    """A renderer of boxes."""
    return Raster(primitive_library(), threads=1)


def _wall(z: float, *more: Thing):
    """A wall without texture whose face stands at a depth, and what is before it."""
    return still_life(Thing(mesh=BOX, at=pose(z=z + 0.5), scale=(40, 40, 1), color=(0.6, 0.6, 0.6)), *more)


def _see(raster: Raster, snapshot, projector: DotProjector | None = DotProjector()) -> InfraredFrames:  # noqa: B008
    ambient = 0.0 if projector else 0.05
    return render_infrared(raster, [snapshot], [CAMERA], baseline=BASELINE, projector=projector, ambient=ambient)


def _match(frames: InfraredFrames, matcher: SemiGlobalMatcher = SMALL):
    return match_stereo(
        frames.left, frames.right, matcher, fx=FX, baseline=BASELINE, seed=1, index=[0], truth=frames.depth, threads=1
    )


@pytest.mark.parametrize("disparity", [5.0, 10.4, 23.75])
def test_plane_at_known_depth_is_measured(disparity: float) -> None:
    """Depth is f B / d to a few hundredths of a pixel; the left d columns have no partner."""
    left, right = draw_pair(80, 200, disparity)
    reading = match_stereo(left[None], right[None], SMALL, fx=FX, baseline=BASELINE, threads=1)
    inner = np.s_[0, 8:-8, int(disparity) + 8 : -8]
    valid = reading.status[inner] == depth_reading.VALID
    found = FX * BASELINE / reading.depth[inner][valid].astype(np.float64)
    blind = reading.status[0, :, : int(disparity) - 1]

    assert valid.mean() > 0.95
    assert np.median(found) == pytest.approx(disparity, abs=0.04)
    assert np.sqrt(((found - disparity) ** 2).mean()) < 0.08
    assert not (blind == depth_reading.VALID).any()
    assert (reading.depth[reading.status != 0] == 0).all()
    assert reading.truth is None


def test_least_squares_beat_the_parabola() -> None:
    """The matcher's own sixteenths are pulled towards whole pixels; the refinement errs by less than half as much."""
    errors = {}
    for disparity in (10.25, 10.4, 10.75):
        left, right = draw_pair(80, 200, disparity)
        for name in ("parabola", "least_squares"):
            matcher = dataclasses.replace(SMALL, subpixel=name)
            reading = match_stereo(left[None], right[None], matcher, fx=FX, baseline=BASELINE, threads=1)
            valid = reading.status[0, 8:-8, 24:-8] == 0
            found = FX * BASELINE / reading.depth[0, 8:-8, 24:-8][valid].astype(np.float64)
            errors.setdefault(name, []).append(np.sqrt(((found - disparity) ** 2).mean()))

    assert max(errors["least_squares"]) < 0.5 * np.mean(errors["parabola"])


@pytest.mark.parametrize("z", [0.6, 1.0, 2.0, 4.0])
def test_noise_with_dots_is_within_what_the_fast_model_draws(raster: Raster, z: float) -> None:
    """On a smooth wall the disparity errs by 0.015 to 0.08 px at any distance; the fast model draws 0.08."""
    frames = _see(raster, _wall(z))
    reading = _match(frames)
    inner = np.s_[0, 8:-8, 60:-8]
    valid = reading.status[inner] == 0
    error = FX * BASELINE / reading.depth[inner][valid].astype(np.float64) - FX * BASELINE / z

    assert valid.mean() > 0.93
    assert abs(error.mean()) < 0.04
    assert 0.015 < np.sqrt((error**2).mean()) < D435.disparity_noise == 0.08


def test_depth_deviation_grows_with_the_square(raster: Raster) -> None:
    """Of reference and fast model, log deviation over log distance has slope 2."""
    distances = np.array([0.61, 0.93, 1.57, 2.43, 3.71])
    deviations = np.empty((2, len(distances)))
    for k, z in enumerate(distances):
        frames = _see(raster, _wall(z))
        fast = apply_depth(frames.depth, fx=FX, seed=1, index=[0], threads=1)
        for model, reading in enumerate((_match(frames), fast)):
            inner = reading.depth[0, 8:-8, 60:-8]
            # The slope of a plane's own deviation: rms about the truth, which holds the pull of sub-pixel errors too.
            deviations[model, k] = np.sqrt(((inner[inner > 0].astype(np.float64) - z) ** 2).mean())
    slopes = np.polyfit(np.log(distances), np.log(deviations).T, 1)[0]

    assert slopes[0] == pytest.approx(2.0, abs=0.25)
    assert slopes[1] == pytest.approx(2.0, abs=0.1)


def test_a_smooth_wall_needs_the_projector(raster: Raster) -> None:
    """Without dots nearly nothing matches and nearly all is NO_MATCH; with them nearly all matches."""
    passive = _match(_see(raster, _wall(1.3), None)).status[0, :, 40:]
    active = _match(_see(raster, _wall(1.3))).status[0, :, 40:]

    assert (passive == depth_reading.VALID).mean() < 0.02
    assert np.isin(passive, LOST).mean() > 0.9
    assert (passive == depth_reading.NO_MATCH).mean() > 0.75
    assert (active == depth_reading.VALID).mean() > 0.93


@pytest.mark.parametrize("near, far", [(0.5, 1.0), (0.8, 2.0), (1.0, 4.0)])
def test_shadow_of_a_step_is_the_fast_models(raster: Raster, near: float, far: float) -> None:
    """Left of an edge f B (1/z1 - 1/z2) px, give or take half a block, are lost or wrong, as the fast model says."""
    board = Thing(mesh=BOX, at=pose(x=0.25, z=near + 0.01), scale=(0.5, 0.5, 0.02), color=(0.6, 0.6, 0.6))
    frames = _see(raster, _wall(far, board))
    reading, fast = _match(frames), apply_depth(frames.depth, fx=FX, seed=1, index=[0], threads=1)
    truth = frames.depth[0].astype(np.float64)
    rows = np.s_[40:120]
    edge = int(np.flatnonzero(truth[80] < near + 0.05)[0])
    error = np.abs(1 / np.maximum(reading.depth[0], 1e-3) - 1 / truth) * FX * BASELINE
    bad = ((reading.status[0] != 0) | (error > 1.0))[rows, edge - 40 : edge + 10]
    occluded = (fast.status[0] == depth_reading.OCCLUDED)[rows, edge - 40 : edge + 10]
    width = FX * BASELINE * (1 / near - 1 / far)

    assert bad[:, :40].sum(axis=1).mean() == pytest.approx(width, abs=SMALL.block_size // 2 + 1)
    assert occluded.sum(axis=1).mean() == pytest.approx(width, abs=1)
    assert (bad & occluded).sum() > 0.97 * occluded.sum()
    assert (bad & occluded).sum() > 0.75 * (bad | occluded).sum()


def test_dark_things_are_not_filled_in(raster: Raster) -> None:
    """A black board in front of the wall is no match, though the matcher's smoothness would give it a depth."""
    board = Thing(mesh=BOX, at=pose(x=0.0, z=0.81), scale=(0.25, 0.2, 0.02), color=(0.0, 0.0, 0.0))
    frames = _see(raster, _wall(1.6, board))
    inner = frames.depth[0] < 1.0
    lost = np.isin(_match(frames).status[0], LOST)
    filled = _match(frames, dataclasses.replace(SMALL, correlation_min=-1.0)).status[0] == 0

    # Dots of the wall lie in the blocks of the outermost pixels.
    shrunk = inner & np.roll(inner, 6, 0) & np.roll(inner, -6, 0) & np.roll(inner, 6, 1) & np.roll(inner, -6, 1)
    assert shrunk.sum() > 2000
    assert lost[shrunk].mean() > 0.95
    assert filled[shrunk].mean() > 0.2


def test_beyond_the_range_is_too_far() -> None:
    """A disparity that means more than the range, or none at all, is TOO_FAR."""
    for disparity in (0.0, 3.0):
        left, right = draw_pair(60, 120, disparity)
        matcher = dataclasses.replace(SMALL, range_max=5.0)
        status = match_stereo(left[None], right[None], matcher, fx=FX, baseline=BASELINE, threads=1).status
        assert (status[0, 8:-8, 8:-8] == depth_reading.TOO_FAR).mean() > 0.9


def test_an_image_does_not_depend_on_its_batch() -> None:
    """Alone, in another order, on more threads, and matched again: the same bytes."""
    pairs = [draw_pair(50, 120, d) for d in (4.0, 7.3, 11.5)]
    left, right = (np.stack([pair[k] for pair in pairs]).astype(np.float32) / 255 for k in (0, 1))
    option = {"baseline": BASELINE, "seed": 2}
    fx, index = np.array([300.0, 400.0, 500.0]), np.array([9, 2**33, 0])
    whole = match_stereo(left, right, SMALL, fx=fx, index=index, threads=2, **option)
    for part in ([1], [2, 0], [2, 1, 0]):
        piece = match_stereo(left[part], right[part], SMALL, fx=fx[part], index=index[part], threads=1, **option)
        assert np.array_equal(piece.depth, whole.depth[part])
        assert np.array_equal(piece.status, whole.status[part])


@pytest.mark.parametrize(
    "change, message",
    [
        ({"right": np.zeros((1, 40, 99), np.uint8)}, "one shape"),
        ({"fx": -1.0}, "fx must"),
        ({"baseline": 0.0}, "baseline must"),
        ({"left": np.ones((1, 40, 100), np.float32)}, "needs index"),
    ],
)
def test_bad_input_is_refused(change: dict[str, object], message: str) -> None:
    """Each mistake gets an error that names it."""
    image = np.zeros((1, 40, 100), np.uint8)
    given: dict[str, object] = {"left": image, "right": image, "fx": FX, "baseline": BASELINE, **change}
    with pytest.raises(ValueError, match=message):
        match_stereo(**given)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"block_size": 8}, "block_size must be odd"),
        ({"disparity_max": 100}, "multiple of 16"),
        ({"jump_penalty": 50}, "jump_penalty must"),
        ({"paths": "3"}, "paths must"),
        ({"subpixel": "none"}, "subpixel must"),
        ({"uniqueness": 101}, "uniqueness must"),
    ],
)
def test_bad_matchers_are_refused(change: dict[str, object], message: str) -> None:
    """Each mistake gets an error that names it."""
    with pytest.raises(ValueError, match=message):
        SemiGlobalMatcher(**change)
