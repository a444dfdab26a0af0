"""Raster as a whole: independent of batch, order and threads; looks, supersampling, errors, the CUDA twin."""

import gc
from dataclasses import replace

import numpy as np
import pytest

from naive.still_life import (
    BOX,
    FLOWS,
    LABELS,
    PLANE,
    SPHERE,
    Light,
    Thing,
    camera,
    look,
    pose,
    primitive_library,
    random_things,
    still_life,
)
from naive.still_life import (
    EVERYTHING as SHOWN,
)
from naive.twin import run_simulated
from simloom.renderers import Camera, Raster
from simloom.renderers.raster.chunk import Chunk

BOXES = ("box_visible", "box_amodal")
EVERYTHING = (*SHOWN, *FLOWS, "albedo", "srgb", "keypoints")
LIGHTS = (Light(towards=(0.5, 0.2, 1.0), sun=3.0), Light(towards=(-1.0, 0.4, 0.6), sun=1.0, zenith=0.5, ground=0.2))


@pytest.fixture(scope="module")
def library():
    """Box, sphere, cylinder, plane."""
    return primitive_library()


@pytest.fixture(scope="module")
def worlds():
    """Three worlds of different size in two looks, and five views of them."""
    scenes = []
    for seed, count in ((1, 7), (2, 3), (3, 12)):
        floor = Thing(mesh=PLANE, at=pose(0, 0, -1), scale=(9.0, 9.0, 1.0), instance=0, casts=0, pattern=1)
        things = random_things(np.random.default_rng(seed), count, away=0.0)
        scenes.append(still_life(floor, *things, lights=LIGHTS))
        later, earlier = scenes[-1].pose_world_instance.copy(), scenes[-1].pose_world_instance.copy()
        later[1:, 0, 3] += 0.07
        earlier[2:, 2, 3] -= 0.05
        scenes[-1] = replace(
            scenes[-1], instance=np.arange(count + 1, dtype=np.int32), next_pose=later, previous_pose=earlier,
            keypoint_row=np.array([0, 1, 2], np.int32), keypoint_position=np.full((3, 3), 0.1),
        )  # fmt: skip
    eyes = [(2, 0, 1), (-1.5, 1, 2), (0.3, 2.2, 0.4), (1.7, -1.1, 1.3), (0, -3, 2)]
    views = [
        camera(
            61, 47, 50.0, at=look(eye, (0, 0, 0)), next_pose_world_camera=look(eye, (0.1, 0, 0)),
            previous_pose_world_camera=look(np.add(eye, 0.05), (0, 0, 0)),
        )
        for eye in eyes
    ]  # fmt: skip
    return scenes, views, [0, 2, 1, 2, 0]


def poisoned(raster, *arguments, **options):
    """Render after the workspace was filled with another picture, so that nothing stale may pass as an answer."""
    noise = random_things(np.random.default_rng(9), 14, away=0.0)
    raster.render(
        [still_life(*noise, lights=LIGHTS)], [camera(80, 70, 30.0, at=look((1, 1, 1), (0, 0, 0)))] * 6,
        view_snapshot=[0] * 6, outputs=EVERYTHING,
    )  # fmt: skip
    for buffer in raster._workspace._buffers.values():
        buffer.fill(0xFF)
    return raster.render(*arguments, **options)


@pytest.fixture(scope="module", params=[1, 2])
def reference(request, library, worlds):
    """All five views in one call."""
    scenes, views, rows = worlds
    raster = Raster(library, supersample=request.param)
    return raster, raster.render(scenes, views, view_snapshot=rows, outputs=EVERYTHING, instance_count=12)


def assert_same(one, two, names=(*EVERYTHING, *BOXES)):
    """Every output has the same bytes."""
    for name in names:
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes(), name


def rows_of(frames, rows):
    """Some views of a batch."""
    return replace(frames, **{name: getattr(frames, name)[rows] for name in (*EVERYTHING, *BOXES)})


def test_views_do_not_depend_on_the_batch(reference, worlds):
    """Rendered one by one, permuted and repeated, each view has the bytes that it has among the others."""
    raster, frames = reference
    scenes, views, rows = worlds
    options = {"outputs": EVERYTHING, "instance_count": 12}
    for k, row in enumerate(rows):
        single = poisoned(raster, [scenes[row]], [views[k]], **options)
        assert_same(single, rows_of(frames, [k]))
    order = [3, 0, 4, 0, 2, 1, 1]
    permuted = poisoned(
        raster, scenes[::-1], [views[k] for k in order], view_snapshot=[2 - rows[k] for k in order], **options
    )
    assert_same(permuted, rows_of(frames, order))


def test_views_do_not_depend_on_threads_or_chunks(reference, worlds, monkeypatch):
    """One thread and two, one chunk and many, give the same bytes."""
    raster, frames = reference
    scenes, views, rows = worlds
    for threads in (1, 2):
        other = replace(raster, threads=threads)
        assert_same(frames, other.render(scenes, views, view_snapshot=rows, outputs=EVERYTHING, instance_count=12))
    import sys

    monkeypatch.setattr(sys.modules[Raster.__module__], "CHUNK_BYTES", 1000)
    assert_same(frames, raster.render(scenes, views, view_snapshot=rows, outputs=EVERYTHING, instance_count=12))


def test_views_written_into_frames_of_before_are_the_same(reference, worlds):
    """With `out` the caller's arrays are filled, whatever they held; arrays that do not fit are refused."""
    raster, frames = reference
    scenes, views, rows = worlds
    again = raster.render(scenes, views, view_snapshot=rows, outputs=EVERYTHING, instance_count=12)
    for name in (*EVERYTHING, *BOXES):
        getattr(again, name).view(np.uint8)[...] = 255
    given = raster.render(scenes, views, view_snapshot=rows, outputs=EVERYTHING, instance_count=12, out=again)
    assert_same(frames, given)
    assert all(getattr(given, name) is getattr(again, name) for name in (*EVERYTHING, *BOXES))
    wrong = (again.depth[1:], again.depth.astype(np.float64), np.asfortranarray(again.depth), None)
    for depth in wrong:
        with pytest.raises(ValueError, match=r"out\.depth must be a writeable C-contiguous float32 array of shape"):
            raster.render(scenes, views, view_snapshot=rows, outputs=("depth",), out=replace(again, depth=depth))


def test_an_output_does_not_depend_on_the_others(reference, worlds):
    """Asked for alone, an output has the bytes it has among all; what was not asked for is None."""
    raster, frames = reference
    scenes, views, rows = worlds
    for name in EVERYTHING:
        alone = raster.render(scenes, views, view_snapshot=rows, outputs=(name,), instance_count=12)
        assert_same(frames, alone, (name,))
        pairs = (("visible_pixels", "box_visible"), ("total_pixels", "box_amodal"), ("keypoints", "keypoint_state"))
        companion = {second for first, second in pairs if first == name}
        present = {field for field in (*EVERYTHING, *BOXES, "keypoint_state") if getattr(alone, field) is not None}
        assert present == {name} | companion


def one_look(scene, k):
    """The snapshot with only its k-th look."""
    tables = {}
    for name in ("materials", "lighting"):
        table = getattr(scene, name)
        tables[name] = replace(table, **{field: getattr(table, field)[k : k + 1] for field in vars(table)})
    return replace(scene, **tables)


def test_looks_are_single_looks(reference, worlds):
    """Each of two looks has the bytes of a render in that look alone; labels are shared."""
    raster, frames = reference
    scenes, views, rows = worlds
    for k in range(2):
        alone = poisoned(
            raster, [one_look(scene, k) for scene in scenes], views, view_snapshot=rows, outputs=EVERYTHING,
            instance_count=12,
        )  # fmt: skip
        assert_same(frames, alone, (*LABELS, "in_frame_pixels", "total_pixels", *BOXES))
        assert frames.colour[:, k].tobytes() == alone.colour[:, 0].tobytes()
    assert (frames.colour[:, 0] != frames.colour[:, 1]).mean() > 0.5


def test_labels_do_not_depend_on_colour_options(library, worlds):
    """Supersampling and shadows change the colour only."""
    scenes, views, rows = worlds
    made = [
        Raster(library, supersample=samples, shadow=shadow).render(
            scenes, views, view_snapshot=rows, outputs=EVERYTHING, instance_count=12
        )
        for samples, shadow in ((1, True), (2, True), (4, True), (1, False))
    ]
    for other in made[1:]:
        assert_same(made[0], other, (*LABELS, "in_frame_pixels", "total_pixels", *BOXES))
        assert (made[0].colour != other.colour).any()


@pytest.mark.parametrize("samples", [2, 4])
def test_supersampled_edges_are_covered_shares(library, samples):
    """Flat regions keep their colour; an edge pixel is the mean by covered share; the sum is the area."""
    black = Light(zenith=0.0, horizon=0.0, ground=0.0, sun=1.0, towards=(0.0, 0.0, -1.0))
    angle = 0.21
    rotation = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    scene = still_life(
        Thing(mesh=PLANE, at=pose(0, 0, 4, rotation), scale=(1.7, 1.1, 1.0), roughness=1.0), lights=(black,)
    )
    view = camera(64, 48, 80.0)
    one, many = (
        Raster(library, supersample=count, shadow=False)
        .render([scene], [view], outputs=("colour",))
        .colour[0, 0, ..., 0]
        for count in (1, samples)
    )
    seen = one > 0
    inner, outer = seen.copy(), ~seen
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            inner &= np.roll(seen, (dy, dx), axis=(0, 1))
            outer &= np.roll(~seen, (dy, dx), axis=(0, 1))
    assert many[inner] == pytest.approx(one[inner], rel=2e-3)
    assert not many[outer].any()
    level = one[seen].mean()
    edge = many[~inner & ~outer] / level
    share = np.unique(np.round(edge * samples**2))
    assert len(share) > samples
    assert np.abs(edge * samples**2 - np.round(edge * samples**2)).max() < 0.03 * samples**2
    # The rectangle has 80 px/m / 4 m = 20 px per metre: 34 x 22 px.
    assert many.sum() / level == pytest.approx(34 * 22, abs=60 / samples)


def test_the_shadow_map_is_the_worlds(library, worlds):
    """Where a shadow falls does not depend on which cameras look on."""
    scenes, views, _ = worlds
    raster = Raster(library)
    together = raster.render(scenes[:1], views, view_snapshot=[0] * 5, outputs=("colour",)).colour
    for k in range(5):
        assert together[k].tobytes() == raster.render(scenes[:1], [views[k]], outputs=("colour",)).colour.tobytes()


SCENE = still_life(Thing(mesh=BOX, at=pose(0, 0, 3)), Thing(mesh=SPHERE, at=pose(1, 0, 3)))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"supersample": 3}, "supersample must be 1, 2 or 4, got 3"),
        ({"lod": "coarse"}, "lod must be .*'coarse'"),
        ({"shadow_resolution": 32}, r"shadow_resolution must be in \[64, 8192\], got 32"),
        ({"shadow_resolution": 9000}, r"shadow_resolution must be in \[64, 8192\], got 9000"),
        ({"device": "tpu"}, "device must be 'cpu' or 'cuda', got 'tpu'"),
    ],
)
def test_bad_options_are_refused(library, options, message):
    """An option out of range is named with what is allowed."""
    with pytest.raises(ValueError, match=message):
        Raster(library, **options)


@pytest.mark.parametrize(
    "snapshots, cameras, options, message",
    [
        ([], [camera()], {}, "at least one snapshot and one camera, got 0, 1"),
        ([SCENE], [], {}, "at least one snapshot and one camera, got 1, 0"),
        ([SCENE], [camera()], {"outputs": ("depht",)}, "unknown outputs .*depht.*choose from colour"),
        ([SCENE, SCENE], [camera(), camera(32)], {}, r"one size, got \[\(32, 48\), \(64, 48\)\]; use render_mixed"),
        ([SCENE], [camera(), camera()], {}, "1 snapshots and 2 cameras; pass view_snapshot"),
        ([SCENE], [camera()], {"view_snapshot": [1]}, r"view_snapshot must be 1 rows in \[0, 1\)"),
        ([SCENE], [camera()], {"view_snapshot": [-1]}, r"view_snapshot must be 1 rows in \[0, 1\)"),
        ([SCENE], [camera()], {"view_snapshot": [0, 0]}, "view_snapshot must be 1 rows"),
        ([replace(SCENE, mesh=np.array([0, 4], np.int32))], [camera()], {}, r"mesh must be rows in \[0, 4\), got .*4"),
        ([replace(SCENE, mesh=np.array([-1, 0], np.int32))], [camera()], {}, r"mesh must be rows in \[0, 4\)"),
        ([still_life(Thing(mesh=0, at=pose(), texture=0))], [camera()], {}, "texture must be < 0, got 0"),
        ([SCENE, still_life(Thing(mesh=0, at=pose()), lights=LIGHTS)], [camera()] * 2, {}, "same number of looks"),
    ],
)  # fmt: skip
def test_bad_requests_are_refused(library, snapshots, cameras, options, message):
    """A call that cannot be answered says what is wrong and what is allowed."""
    with pytest.raises(ValueError, match=message):
        Raster(library).render(snapshots, cameras, **options)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"width": 0}, r"width must be in \[1, 4096\], got 0"),
        ({"height": 4097}, r"height must be in \[1, 4096\], got 4097"),
        ({"fx": 0.0}, "fx must be a positive number of pixels, got 0.0"),
        ({"fy": float("nan")}, "fy must be a positive number of pixels, got nan"),
        ({"near": 0.0}, "0 < near < far, got 0.0 and 100.0"),
        ({"far": 0.01}, "0 < near < far, got 0.02 and 0.01"),
        ({"cx": float("nan")}, "cx must be a finite number of pixels, got nan"),
        ({"cy": float("inf")}, "cy must be a finite number of pixels, got inf"),
        ({"near": float("nan")}, "0 < near < far, got nan"),
        ({"pose_world_camera": np.eye(3)}, r"finite \(4, 4\) matrix"),
        ({"pose_world_camera": np.full((4, 4), np.nan)}, r"finite \(4, 4\) matrix"),
    ],
)
def test_bad_cameras_are_refused(change, message):
    """A camera that cannot be is refused when it is made."""
    with pytest.raises(ValueError, match=message):
        replace(camera(), **change)


def test_field_of_view_is_the_angle_between_outer_edges():
    """A camera of 90 degrees has the outer pixel edges at 45 degrees; degrees for radians are refused."""
    made = Camera.from_field_of_view(width=40, height=30, field_of_view=np.pi / 2, pose_world_camera=np.eye(4))
    assert (made.fx, made.fy, made.cx, made.cy) == pytest.approx((20, 20, 19.5, 14.5))
    assert made.intrinsics.tolist() == [[made.fx, 0, 19.5], [0, made.fy, 14.5], [0, 0, 1]]
    with pytest.raises(ValueError, match="degrees were meant"):
        Camera.from_field_of_view(width=40, height=30, field_of_view=90.0, pose_world_camera=np.eye(4))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"scale": np.ones(2, np.float32)}, r"scale must have shape \(2, 3\)"),
        ({"pose_world_instance": np.zeros((2, 3, 4))}, r"pose_world_instance must have shape \(2, 4, 4\)"),
        ({"previous_pose": np.zeros((1, 4, 4))}, "previous_pose must have shape"),
        ({"pose_instance_part": np.zeros((1, 4, 4))}, "pose_instance_part must have shape"),
        ({"instance": np.array([2, 1], np.int32)}, "ascending; sort the instances"),
        ({"class_id": np.zeros(3, np.int32)}, r"class_id must have shape \(2,\)"),
        ({"material": np.array([0, 2], np.int32)}, "material row 2 does not exist; there are 2"),
        ({"mesh": np.zeros(4096, np.int32)}, "at most 4095 instances, got 4096"),
    ],
)
def test_bad_snapshots_are_refused(change, message):
    """A snapshot whose arrays disagree is refused when it is made."""
    with pytest.raises(ValueError, match=message):
        replace(SCENE, **change)


def test_snapshots_with_looks_that_disagree_are_refused():
    """Materials and lighting have one row per look."""
    two = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match="sky_zenith must have 1 looks first"):
        replace(SCENE, lighting=replace(SCENE.lighting, sky_zenith=two))


TWIN = """
import sys
sys.path.insert(0, str(tests))
from dataclasses import replace
from naive.still_life import *
from simloom.renderers import Raster
scene = still_life(
    Thing(mesh=PLANE, at=pose(0, 0, -0.5), scale=(4.0, 4.0, 1.0), instance=0, casts=0, pattern=1, pattern_scale=0.5),
    Thing(mesh=BOX, at=pose(0, 0, 0, turn((0, 0, 1), 0.4)), instance=1, pattern=3, pattern_scale=0.4),
    lights=(Light(towards=(0.4, 0.2, 1.0), sun=3.0), Light(towards=(-0.8, 0.3, 0.5), sun=1.0, zenith=0.3)),
)
later = scene.pose_world_instance.copy()
later[1, 0, 3] += 0.2
scene = replace(
    scene, next_pose=later, keypoint_row=np.ones(3, np.int32), keypoint_position=np.linspace(-0.5, 0.5, 9).reshape(3, 3)
)
view = camera(
    12, 9, 9.0, at=look((2.0, 0.7, 1.2), (0, 0, 0)), previous_pose_world_camera=look((2.1, 0.6, 1.1), (0, 0, 0.1))
)
everything = (*EVERYTHING, *FLOWS, "albedo", "srgb", "keypoints")
out = {}
for name, options in (("plain", {"shadow": False}), ("shadow", {"shadow_resolution": 64})):
    raster = Raster(primitive_library(), device=str(device), **options)
    frames = raster.render([scene], [view], outputs=everything).to_host()
    for field in everything + ("box_visible", "box_amodal", "keypoint_state"):
        out[name + "_" + field] = getattr(frames, field)
"""


def test_nothing_of_a_call_waits_for_the_garbage_collector(library):
    """What a call works with is freed when it returns, so that memory does not grow over many calls."""
    gc.collect()
    gc.disable()
    try:
        Raster(library).render([SCENE], [camera()], outputs=("colour", "depth"))
        left = [thing for thing in gc.get_objects() if type(thing) is Chunk]
    finally:
        gc.enable()
    assert not left


def test_the_cuda_source_gives_what_the_cpu_gives(tmp_path, repository):
    """The same kernels in Numba's CUDA simulator: integers equal, floats to rounding."""
    values = {"tests": str(repository / "tests")}
    simulated = run_simulated(TWIN, tmp_path, device="cuda", **values)
    found = {"tests": values["tests"], "device": "cpu"}
    exec(compile(TWIN, "twin", "exec"), found)
    for name, expected in found["out"].items():
        if expected.dtype.kind in "iu" or "box" in name:
            assert np.array_equal(simulated[name], expected), name
        else:
            off = np.abs(simulated[name] - expected)
            assert off.max() <= 1e-5 * max(1.0, np.abs(expected).max()), (name, off.max())
    assert (found["out"]["shadow_colour"] != found["out"]["plain_colour"]).any()
