"""Structured light: against an oracle, Nguyen's table, the set of steps, the shadow's width and side."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from naive import structured_light as naive
from naive.twin import run_simulated
from simloom.kernels import depth_reading
from simloom.kernels.depth import apply_depth
from simloom.kernels.dot_pattern import dot_pattern
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.profiles import load_profile
from simloom.kernels.structured_light_profile import StructuredLightProfile

KINECT = load_profile("kinect_v1")
assert isinstance(KINECT, StructuredLightProfile)
PLAIN = dataclasses.replace(KINECT, vote_share=0.0, fill_radius=0)
NGUYEN = dataclasses.replace(PLAIN, noise_law="nguyen", incidence_max=89.0)
FX = 580.0


def _noise(*shape: int, stream: str = "scene") -> np.ndarray:
    count = int(np.prod(shape))
    return philox_uniforms(2, stream, np.stack([np.arange(count)] * 3, axis=1)).reshape(shape)


def _scene(count: int, height: int, width: int) -> np.ndarray:
    """A slanted wall with a near box, a thin post, holes, and something too near and too far."""
    x = np.arange(width) / width
    z = np.tile(1.4 + 0.5 * x, (count, height, 1)) + 0.002 * _noise(count, height, width)
    z[:, 4:, width // 2 : width // 2 + width // 6] = 0.9
    z[:, :, 3 * width // 4] = 0.8
    z[:, 1, 5:9] = (0.0, np.nan, np.inf, -1.0)
    z[:, :7, 20:30] = 0.0
    z[:, 2, width - 6 :] = 0.1
    z[:, 3, width - 6 :] = 30.0
    return z.astype(np.float32)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("law", ["disparity", "nguyen"])
def test_follows_the_oracle(law: str, side: str) -> None:
    """Statuses and depths equal those of brute force, with every reason occurring."""
    depth = _scene(2, 14, 64)
    cosine = (0.2 + 0.8 * _noise(2, 14, 64, stream="cosine")).astype(np.float32)
    cosine[0, 3, 10:13] = (0.01, -1.0, 0.08)
    infrared = (0.5 + 0.4 * _noise(2, 14, 64, stream="infrared")).astype(np.float32)
    infrared[:, 8:, 22:34], infrared[1, 4:9, 45:58] = 60.0, 0.001
    profile = dataclasses.replace(
        KINECT, noise_law=law, projector_side=side, projector_field=11.4, range_min=0.55, vote_share=0.6
    )
    fx, index = np.array([300.0, 420.0]), np.array([4, 2**34])
    reading = apply_depth(
        depth, profile, fx=fx, seed=2, index=index, sensor=1, cosine=cosine, infrared=infrared, threads=1
    )
    expected, status = naive.measure(depth, profile, fx, 2, index, 1, cosine, infrared)

    assert set(np.unique(status)) == set(range(9))
    assert (reading.status != status).mean() <= 0.002  # float32 may move a vote, or a depth over the range's end
    both = (reading.status == 0) & (status == 0)
    steps = np.abs(1 / reading.depth[both] - 1 / expected[both]) * (fx.max() * profile.baseline)
    assert (steps > 1e-3).mean() <= 0.004
    assert steps.max() < 1.01 * profile.disparity_step * 1.4
    assert (reading.depth[reading.status != 0] == 0).all()


def test_follows_the_oracle_by_its_defaults() -> None:
    """The built-in profile, with nothing but depth."""
    depth = _scene(1, 14, 64)
    reading = apply_depth(depth, "kinect_v1", fx=200.0, seed=5, index=[3], threads=1)
    expected, status = naive.measure(depth, KINECT, [200.0], 5, [3], 0)

    assert (reading.status != status).mean() <= 0.002
    assert np.isclose(reading.depth, expected, rtol=1e-6, atol=0).mean() >= 0.996


@pytest.mark.parametrize(
    "z, table",
    [
        (0.5, {0: 1.22, 60: 1.22, 75: 4.75, 80: 10.27}),
        (1.0, {0: 1.88, 60: 1.88, 75: 4.38, 80: 8.28}),
        (2.0, {0: 6.06, 60: 6.06, 75: 7.83, 80: 10.59}),
        (3.0, {0: 14.04, 60: 14.04, 75: 15.49, 80: 17.74}),
        (4.0, {0: 25.82, 60: 25.82, 75: 27.07, 80: 29.02}),
    ],
)
def test_deviation_follows_nguyens_table(z: float, table: dict[int, float]) -> None:
    """The deviation of depth in each bin of depth and incidence is the law's within 2 %, by the figures in mm."""
    profile = dataclasses.replace(NGUYEN, disparity_step=0.0, range_min=0.3, signal_none=0.0, signal_full=1e-6)
    depth = np.full((1, 160, 200), z, np.float32)
    for angle, millimetres in table.items():
        cosine = np.full(depth.shape, np.cos(np.radians(angle)), np.float32)
        reading = apply_depth(depth, profile, fx=FX, seed=angle, index=[0], cosine=cosine)
        errors = reading.depth[reading.status == 0].astype(float) - z
        assert errors.std() == pytest.approx(1e-3 * millimetres, rel=0.02 + 0.005 / millimetres)
        assert len(errors) > 20000


def test_steps_have_their_share_of_nguyens_law() -> None:
    """With steps, the deviation over many depths is still the law's: their variance is taken from the noise."""
    depth = np.linspace(1.9, 2.1, 200, dtype=np.float32) * np.ones((1, 200, 1), np.float32)
    reading = apply_depth(depth, dataclasses.replace(NGUYEN, lateral_floor=0.0), fx=FX, seed=0, index=[0])
    law = np.sqrt(np.mean((0.0012 + 0.0019 * (depth.astype(float) - 0.4) ** 2) ** 2))
    errors = (reading.depth.astype(float) - depth)[reading.status == 0]

    assert errors.std() == pytest.approx(law, rel=0.02)


def test_the_place_that_is_sampled_has_its_deviation() -> None:
    """On a slope without other noise, errors are the slope times the lateral deviation, .8 px and the angle's share."""
    slope = 0.02
    disparity = 40.0 + slope * np.arange(200)
    depth = np.tile((FX * KINECT.baseline / disparity).astype(np.float32), (1, 200, 1))
    quiet = dataclasses.replace(NGUYEN, axial_floor=0.0, axial_growth=0.0, axial_angle=0.0, disparity_step=0.0)
    for angle, pixels in ((0, 0.8), (70, 0.9225), (80, 1.08)):
        cosine = np.full(depth.shape, np.cos(np.radians(angle)), np.float32)
        reading = apply_depth(depth, quiet, fx=FX, seed=3, index=[0], cosine=cosine)
        found = (FX * KINECT.baseline / reading.depth[0, :, 30:-30].astype(float) - disparity[30:-30]) / slope
        assert found[reading.status[0, :, 30:-30] == 0].std() == pytest.approx(pixels, rel=0.02)


def test_depths_come_from_whole_steps() -> None:
    """Each depth is f B over a multiple of 1/8 px, and no other; the quantum is z² / (8 f B)."""
    depth = np.tile(np.linspace(0.7, 4.0, 600, dtype=np.float32), (1, 40, 1))
    reading = apply_depth(depth, PLAIN, fx=FX, seed=0, index=[0])
    found = np.unique(reading.depth[reading.status == 0])
    steps = np.round(FX * KINECT.baseline / found.astype(np.float64) * 8)

    assert np.array_equal(found, (FX * KINECT.baseline / (steps / 8)).astype(np.float32))
    assert np.array_equal(np.sort(steps), np.arange(steps.min(), steps.max() + 1))
    middle, gaps = (found[1:] + found[:-1]) / 2, np.diff(found)
    assert np.allclose(gaps, middle**2 / (8 * FX * KINECT.baseline), rtol=1e-3)


def test_mean_depth_has_no_bias() -> None:
    """Over walls at many depths the mean error is that of 1/d alone, within the mean's own deviation."""
    fine = dataclasses.replace(PLAIN, projector_field=170.0)
    walls = np.linspace(0.9, 1.1, 400, dtype=np.float32)
    depth = walls[:, None, None] * np.ones((1, 20, 40), np.float32)
    reading = apply_depth(depth, fine, fx=FX, seed=0, index=np.arange(400))
    errors = (reading.depth.astype(float) - depth).ravel()
    per_wall = (reading.depth.astype(float) - depth).mean(axis=(1, 2))
    variance = KINECT.disparity_noise**2 + KINECT.disparity_step**2 / 12
    expected = variance / (FX * KINECT.baseline) ** 2

    assert (reading.status == 0).all()
    assert abs(errors.mean() - expected) < 5 * per_wall.std() / np.sqrt(400)
    assert abs(errors.mean()) < 1e-4  # half a step would be 1.4 mm


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("near, far", [(0.8, 1.5), (1.0, 4.0)])
def test_shadow_has_its_width_and_side(near: float, far: float, side: str) -> None:
    """On the side of a near edge that is away from the projector, f B (1/z1 - 1/z2) pixels are occluded."""
    depth = np.full((1, 24, 400), far, np.float32)
    depth[:, :, 200:300] = near
    profile = dataclasses.replace(KINECT, projector_side=side)
    status = apply_depth(depth, profile, fx=FX, seed=0, index=[0]).status[0]
    width = FX * KINECT.baseline * (1 / near - 1 / far)
    for line in status[4:-4]:
        occluded = np.flatnonzero(line == depth_reading.OCCLUDED)
        assert abs(len(occluded) - width) <= 1
        assert (occluded.max() == 199) if side == "right" else (occluded.min() == 300)
        assert (np.diff(occluded) == 1).all()


@pytest.mark.parametrize("side", ["right", "left"])
def test_projector_has_its_field(side: str) -> None:
    """What the projector does not reach is out of overlap: a band of the image away from it, wider when near."""
    profile = dataclasses.replace(KINECT, projector_side=side, projector_field=2 * np.degrees(np.arctan(200 / FX)))
    for z in (0.9, 3.0):
        status = apply_depth(np.full((1, 4, 401), z, np.float32), profile, fx=FX, seed=0, index=[0]).status[0, 1]
        outside = np.flatnonzero(status == depth_reading.OUT_OF_OVERLAP)
        assert abs(len(outside) - FX * KINECT.baseline / z) <= 1
        assert outside[0 if side == "right" else -1] == (0 if side == "right" else 400)
    assert not (apply_depth(np.full((1, 4, 401), 1.2, np.float32), KINECT, fx=FX, seed=0, index=[0]).status == 6).any()


def test_signal_falls_with_distance_and_incidence() -> None:
    """The share of lost pixels follows reflectance × cosine / z²; bright and near saturates; steep is lost."""
    profile = dataclasses.replace(PLAIN, signal_none=0.01, signal_full=0.03)
    shape = (1, 100, 200)
    for z, infrared, cosine, kept in ((1.0, 0.02, 1.0, 0.5), (2.0, 0.08, 1.0, 0.5), (2.0, 0.16, 0.5, 0.5)):
        given = {"infrared": np.full(shape, infrared, np.float32), "cosine": np.full(shape, cosine, np.float32)}
        status = apply_depth(np.full(shape, z, np.float32), profile, fx=FX, seed=1, index=[0], **given).status
        assert abs((status == 0).mean() - kept) <= 5 * np.sqrt(0.25 / status.size)
        assert set(np.unique(status)) == {depth_reading.VALID, depth_reading.LOW_SIGNAL}
    near = np.full(shape, 0.6, np.float32)
    bright = apply_depth(near, PLAIN, fx=FX, seed=1, index=[0], infrared=np.full(shape, 1.2, np.float32))
    assert (bright.status == depth_reading.SATURATED).all()
    steep = np.full(shape, np.cos(np.radians(86)), np.float32)
    assert (apply_depth(near, PLAIN, fx=FX, seed=1, index=[0], cosine=steep).status == depth_reading.LOW_SIGNAL).all()


def test_small_holes_are_filled_and_clutter_is_not() -> None:
    """A dark spot smaller than the window is filled; depths that change from pixel to pixel find no match."""
    depth = np.full((1, 60, 80), 1.5, np.float32)
    infrared = np.ones_like(depth)
    infrared[0, 30:32, 40:42] = 0.0
    reading = apply_depth(depth, KINECT, fx=FX, seed=0, index=[0], infrared=infrared)
    assert (reading.status == 0).all()
    assert np.abs(reading.depth - 1.5).max() < 0.03

    clutter = (1.0 + _noise(1, 60, 80)).astype(np.float32)
    status = apply_depth(clutter, KINECT, fx=FX, seed=0, index=[0]).status
    assert (status == depth_reading.VALID).mean() < 0.02
    assert (status == depth_reading.NO_MATCH).mean() > 0.2


def test_pattern_has_one_dot_a_cell_and_no_frame() -> None:
    """Each cell holds one dot; a wider margin or image shows more of the same pattern; places are even."""
    pattern = dot_pattern(3, 120, 66, 240)
    cells = pattern[:, :306].reshape(40, 3, 102, 3).sum(axis=(1, 3))
    assert (cells == 1).all()
    assert np.array_equal(dot_pattern(3, 90, 128, 300)[:, 62 : 62 + 306], pattern[:90])
    places = pattern[:, :306].reshape(40, 3, 102, 3).sum(axis=(0, 2)) / cells.size
    assert np.abs(places - 1 / 9).max() < 5 * np.sqrt(8 / 81 / cells.size)


def test_a_row_does_not_depend_on_its_batch() -> None:
    """However the batch is cut or ordered, and on any number of threads, the bytes are the same."""
    depth, fx = _scene(5, 14, 64), np.array([300.0, 310.0, 320.0, 330.0, 900.0])
    cosine = _noise(5, 14, 64, stream="cosine").astype(np.float32)
    index = np.array([7, 8, 2**33, 0, 1])
    profiles = [KINECT, "kinect_v1", dataclasses.replace(KINECT, dot_pitch=4), NGUYEN, KINECT]
    whole = apply_depth(depth, profiles, fx=fx, seed=3, index=index, cosine=cosine)
    for part in ([0], [1, 2], [4, 3], [2, 4, 0, 3, 1]):
        chosen = [profiles[k] for k in part]
        piece = apply_depth(depth[part], chosen, fx=fx[part], seed=3, index=index[part], cosine=cosine[part], threads=1)
        assert np.array_equal(piece.depth, whole.depth[part])
        assert np.array_equal(piece.status, whole.status[part])


def test_seed_row_and_sensor_change_the_noise() -> None:
    """Seed 0 differs from seed 1, row 0 from row 1 and sensor 0 from sensor 1."""
    depth = np.full((1, 20, 60), 1.5, np.float32)
    options = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    found = [apply_depth(depth, KINECT, fx=FX, seed=a, index=[b], sensor=c).depth.tobytes() for a, b, c in options]

    assert len(set(found)) == 4


@pytest.mark.parametrize("shape", [(0, 6, 8), (1, 1, 1), (2, 1, 30), (1, 30, 1)])
def test_small_and_empty_batches(shape: tuple[int, int, int]) -> None:
    """No image, no line beside it and no column beside it are no trouble."""
    reading = apply_depth(np.ones(shape, np.float32), KINECT, fx=50.0, seed=0, index=np.arange(shape[0]))

    assert reading.depth.shape == shape
    assert np.isfinite(reading.depth).all()


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's statuses and depths."""
    depth = _scene(1, 8, 24)
    cosine = _noise(1, 8, 24, stream="cosine").astype(np.float32)
    code = """
import dataclasses
from simloom.kernels.depth import apply_depth
from simloom.kernels.profiles import load_profile
profile = dataclasses.replace(load_profile("kinect_v1"), noise_law=str(law), vote_share=0.5)
reading = apply_depth(depth, profile, fx=200.0, seed=1, index=np.array([6]), cosine=cosine, device="cuda")
out = {"depth": reading.depth, "status": reading.status}
"""
    for law in ("disparity", "nguyen"):
        twin = run_simulated(code, tmp_path, depth=depth, cosine=cosine, law=law)
        profile = dataclasses.replace(KINECT, noise_law=law, vote_share=0.5)
        reading = apply_depth(depth, profile, fx=200.0, seed=1, index=np.array([6]), cosine=cosine)

        assert np.array_equal(twin["status"], reading.status)
        assert np.allclose(twin["depth"], reading.depth, rtol=2e-7, atol=0)


@pytest.mark.parametrize(
    "field, value",
    [("projector_side", "up"), ("noise_law", "none"), ("window_radius", 5), ("vote_share", 1.1), ("range_max", 0.1)],
)
def test_impossible_values_are_refused(field: str, value: object) -> None:
    """A value outside its range gets an error that names the field to mend."""
    with pytest.raises(ValueError, match=f"{field} must be .*; set .*{field}"):
        dataclasses.replace(KINECT, **{field: value})
