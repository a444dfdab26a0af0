"""Shutters: blur is the mean over instants, a rolling shutter shows each row at its own time."""

from dataclasses import replace

import numpy as np
import pytest

from naive.still_life import BOX, PLANE, Light, Thing, camera, look, pose, primitive_library, still_life, turn
from simloom.kernels.transforms import interpolate_pose
from simloom.renderers import Raster
from simloom.renderers.shutter import Shutter, interpolate_snapshot

SPEED = 0.4
FLAT = Light(sun=0.0, zenith=1.0, horizon=1.0, ground=1.0)


@pytest.fixture(scope="module")
def library():
    """Box, sphere, cylinder, plane."""
    return primitive_library()


def moving(speed=SPEED):
    """A box that slides along x before a plane, `speed` metres a step, 3 m away from the camera."""
    back = pose(0, 0, 4.0, turn((1, 0, 0), np.pi))
    wall = Thing(mesh=PLANE, at=back, scale=(20.0, 20.0, 1.0), instance=0, color=(0.2,) * 3)
    box = Thing(mesh=BOX, at=pose(0, 0, 3.05), scale=(0.6, 1.6, 0.1), color=(0.9,) * 3, instance=1)
    scene = still_life(wall, box, lights=(FLAT,))
    before, after = scene.pose_world_instance.copy(), scene.pose_world_instance.copy()
    before[1, 0, 3] -= speed
    after[1, 0, 3] += speed
    return replace(scene, previous_pose=before, next_pose=after)


VIEW = camera(120, 96, 100.0)


def test_poses_are_interpolated_along_a_line_and_an_arc():
    """Half way of a turn by 1 rad is a turn by half of it; the ends come back; a still pose stays."""
    start, end = pose(1, 2, 3), pose(3, 2, 1, turn((0, 1, 0), 1.0))
    assert interpolate_pose(start, end, 0.5) == pytest.approx(pose(2, 2, 2, turn((0, 1, 0), 0.5)), abs=1e-12)
    assert interpolate_pose(start, end, 0.0) == pytest.approx(start, abs=1e-12)
    assert interpolate_pose(start, end, 1.0) == pytest.approx(end, abs=1e-12)
    assert interpolate_pose(end, end, 0.3) == pytest.approx(end, abs=1e-12)


def test_a_still_scene_has_neither_blur_nor_skew(library):
    """Without motion a shutter changes no byte of any output."""
    scene = moving(0.0)
    raster = Raster(library, supersample=2)
    outputs = ("colour", "depth", "instance", "normal", "visible_pixels")
    plain = raster.render([scene], [VIEW], outputs=outputs)
    for shutter in (
        Shutter(exposure=0.5, instants=4),
        Shutter(readout=0.5, bands=8),
        Shutter(exposure=0.2, readout=0.3),
    ):
        found = raster.render([scene], [replace(VIEW, shutter=shutter)], outputs=outputs)
        for name in ("depth", "instance", "normal", "visible_pixels", "box_visible"):
            assert np.array_equal(getattr(found, name), getattr(plain, name)), (shutter, name)
        assert found.colour == pytest.approx(plain.colour, rel=3e-3), shutter


def test_blur_is_as_wide_as_the_motion_during_the_exposure(library):
    """The edge of a box that moves v steps fades over v f / z pixels, linearly; labels stay at the middle."""
    exposure = 0.5
    shutter = Shutter(exposure=exposure, instants=32)
    raster = Raster(library, supersample=4, shadow=False, ambient_occlusion=False)
    frames = raster.render([moving()], [replace(VIEW, shutter=shutter)], outputs=("colour", "instance"))
    sharp = raster.render([moving()], [VIEW], outputs=("colour", "instance"))
    assert np.array_equal(frames.instance, sharp.instance)
    row = frames.colour[0, 0, 48, :, 0].astype(float)
    share = (row - row.min()) / (row.max() - row.min())
    edge = VIEW.cx + VIEW.fx * 0.3 / 3.0
    width = exposure * SPEED * VIEW.fx / 3.0
    u = np.arange(120)
    expected = np.clip((edge + 0.5 * width - u) / width, 0, 1)
    near = np.abs(u - edge) < width
    # Pixels average over their own width; instants are 1/32 of the blur.
    assert np.abs(share - expected)[near].max() < 0.5 / width + 1 / 32 + 0.02
    assert row.sum() == pytest.approx(sharp.colour[0, 0, 48, :, 0].sum(dtype=float), rel=2e-3)


@pytest.mark.parametrize("bands", [8, 96])
def test_a_rolling_shutter_shears_what_moves(library, bands):
    """Row v shows the box where it is at (v / (H - 1) - 1/2) readout: its edge leans by speed times readout."""
    readout = 0.8
    shutter = Shutter(readout=readout, bands=bands)
    raster = Raster(library)
    outputs = ("instance", "depth", "visible_pixels", "in_frame_pixels")
    frames = raster.render([moving()], [replace(VIEW, shutter=shutter)], outputs=outputs)
    seen = frames.instance[0] == 1
    rows = np.flatnonzero(seen.any(1))
    centre = np.array([np.flatnonzero(seen[row]).mean() for row in rows])
    rows_per_band = -(-VIEW.height // bands)
    count = -(-VIEW.height // rows_per_band)
    time = readout * ((rows // rows_per_band + 0.5) / count - 0.5)
    assert np.abs(centre - (VIEW.cx + VIEW.fx * SPEED * time / 3.0)).max() < 1.0
    assert frames.visible_pixels[0, 0] == seen.sum() == frames.in_frame_pixels[0, 0]
    columns = np.flatnonzero(seen.any(0))
    assert frames.box_visible[0, 0].tolist() == [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


def test_a_moving_camera_shears_the_world(library):
    """A camera that pans to the right during the readout sees a still edge lean to the left."""
    readout, angle = 1.0, 0.1
    view = replace(
        VIEW,
        previous_pose_world_camera=pose(0, 0, 0, turn((0, 1, 0), -angle)),
        next_pose_world_camera=pose(0, 0, 0, turn((0, 1, 0), angle)),
        shutter=Shutter(readout=readout, bands=96),
    )
    seen = Raster(library).render([moving(0.0)], [view], outputs=("instance",)).instance[0] == 1
    rows = np.flatnonzero(seen.any(1))
    left = np.array([np.flatnonzero(seen[row])[0] for row in rows])
    time = readout * ((rows + 0.5) / 96 - 0.5)
    expected = VIEW.cx + VIEW.fx * np.tan(np.arctan2(-0.3, 3.0) - angle * time)
    assert np.abs(left - expected).max() < 1.5


def test_rolling_and_blur_go_together_with_occlusion_and_shadows(library):
    """Bands join without seams: a still scene's colour is that of a global shutter, occlusion included."""
    box = Thing(mesh=BOX, at=pose(0, 0, 0.3), scale=(0.6, 0.6, 0.6))
    floor = Thing(mesh=PLANE, at=pose(), scale=(6.0, 6.0, 1.0), casts=0)
    scene = still_life(floor, box, lights=(Light(sun=2.0, towards=(1, 0.5, 1), zenith=0.8),))
    view = camera(160, 120, 120.0, at=look((0.5, -2.5, 1.5), (0, 0, 0)))
    raster = Raster(library)
    plain = raster.render([scene], [view], outputs=("colour",)).colour
    found = raster.render([scene], [replace(view, shutter=Shutter(readout=0.5, bands=10))], outputs=("colour",)).colour
    assert np.abs(found / plain - 1).max() < 0.02


def test_interpolated_snapshots_share_what_does_not_move():
    """A still snapshot, and any at time 0, is itself."""
    assert interpolate_snapshot(moving(0.0), 0.7) is not None
    still = still_life(Thing(mesh=BOX, at=pose()))
    assert interpolate_snapshot(still, 0.7) is still
    scene = moving()
    assert interpolate_snapshot(scene, 0.0) is scene
    assert interpolate_snapshot(scene, 0.5).pose_world_instance[1, 0, 3] == pytest.approx(0.5 * SPEED)
    assert interpolate_snapshot(scene, -0.5).pose_world_instance[1, 0, 3] == pytest.approx(-0.5 * SPEED)


@pytest.mark.parametrize(
    "values, message",
    [
        ({"exposure": -0.1}, "exposure of a shutter must be >= 0"),
        ({"readout": float("nan")}, "readout of a shutter must be >= 0"),
        ({"exposure": 1.5, "readout": 0.6}, "at most 2 steps"),
        ({"instants": 0}, r"instants must be in \[1, 64\]"),
        ({"bands": 0}, r"bands in \[1, 4096\]"),
    ],
)
def test_impossible_shutters_are_refused(values, message):
    """The error says what is allowed."""
    with pytest.raises(ValueError, match=message):
        Shutter(**values)


def test_what_a_rolling_shutter_has_not_is_refused(library):
    """Flow and whole silhouettes belong to one instant."""
    view = replace(VIEW, shutter=Shutter(readout=0.1))
    with pytest.raises(ValueError, match="has no total_pixels"):
        Raster(library).render([moving()], [view], outputs=("total_pixels",))
    other = replace(VIEW, shutter=Shutter(readout=0.2))
    with pytest.raises(ValueError, match="one shutter"):
        Raster(library).render([moving()] * 2, [view, other], outputs=("depth",))
