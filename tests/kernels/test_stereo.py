"""Active stereo: against a brute-force oracle, the z² law, the set of steps, and the widths of bands."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from naive import stereo as naive
from naive.twin import run_simulated
from simloom.kernels import depth_reading
from simloom.kernels.depth import apply_depth
from simloom.kernels.incidence import cosine_of_incidence
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.profiles import load_depth_profile

D435 = load_depth_profile("realsense_d435")
FX = 446.8


def _noise(*shape: int, stream: str = "scene") -> np.ndarray:
    count = int(np.prod(shape))
    return philox_uniforms(2, stream, np.stack([np.arange(count)] * 3, axis=1)).reshape(shape)


def _scene(count: int, height: int, width: int) -> np.ndarray:
    """A slanted wall with a near box, a thin post, a hole, and something too near and too far."""
    x = np.arange(width) / width
    z = np.tile(1.2 + 0.5 * x, (count, height, 1)) + 0.002 * _noise(count, height, width)
    z[:, :, width // 2 : width // 2 + width // 6] = 0.6
    z[:, :, 3 * width // 4] = 0.45
    z[:, 1, 5:9] = (0.0, np.nan, np.inf, -1.0)
    z[:, 2, width - 6 :] = 0.1
    z[:, 3, width - 6 :] = 30.0
    return z.astype(np.float32)


def test_follows_the_oracle() -> None:
    """Statuses and depths equal those of brute force, with every reason occurring."""
    depth = _scene(2, 9, 70)
    cosine = _noise(2, 9, 70, stream="cosine").astype(np.float32)
    infrared = (0.1 * _noise(2, 9, 70, stream="infrared")).astype(np.float32)
    fx, index = np.array([300.0, 420.0]), np.array([4, 2**34])
    reading = apply_depth(depth, fx=fx, seed=0, index=index, sensor=1, cosine=cosine, infrared=infrared)
    expected, status = naive.measure(depth, D435, fx, 0, index, 1, cosine, infrared)

    assert set(np.unique(status)) == set(range(7))
    assert np.array_equal(reading.status, status)
    step = np.abs(1 / reading.depth[status == 0] - 1 / expected[status == 0]) * (fx.max() * D435.baseline)
    assert (step > 1e-3).mean() <= 0.002  # a table's error may move a disparity over a step's edge
    assert step.max() < 1.01 * D435.disparity_step
    assert (reading.depth[status != 0] == 0).all()


@pytest.mark.parametrize("z, published", [(0.5, 0.90e-3), (1.0, 3.58e-3), (2.0, 14.3e-3), (4.0, 57.3e-3)])
def test_deviation_follows_the_square_law(z: float, published: float) -> None:
    """sigma_z is z² s / (f B) within 2 %, which are the D435's figures."""
    reading = apply_depth(np.full((20, 240, 424), z, np.float32), fx=FX, seed=0, index=np.arange(20))
    measured = reading.depth[reading.status == 0].astype(np.float64).std()

    assert measured == pytest.approx(published, rel=0.02)
    assert measured == pytest.approx(z * z * D435.disparity_noise / (FX * D435.baseline), rel=0.02)


def test_every_pixel_has_the_same_deviation() -> None:
    """On and between the coarse nodes the disparity's deviation is s, and neighbours are correlated."""
    fine = dataclasses.replace(D435, disparity_step=1e-5)
    rows = 4000
    reading = apply_depth(np.full((rows, 14, 46), 1.0, np.float32), fine, fx=400.0, seed=0, index=np.arange(rows))
    disparity = 400.0 * D435.baseline / reading.depth[:, :, 25:].astype(np.float64) - 20.0
    deviation = disparity.std(axis=0)

    assert np.abs(deviation / D435.disparity_noise - 1).max() < 5 / np.sqrt(2 * rows)
    near = np.corrcoef(disparity[:, 7, 3], disparity[:, 7, 4])[0, 1]
    far = np.corrcoef(disparity[:, 7, 0], disparity[:, 7, 18])[0, 1]
    assert near > 0.7
    assert abs(far) < 5 / np.sqrt(rows)


def test_depths_come_from_whole_steps() -> None:
    """Each depth is f B over a multiple of 1/32 px, and no other."""
    depth = (0.5 + 3.0 * _noise(1, 60, 200)).astype(np.float32)
    depth.sort(axis=2)
    reading = apply_depth(depth, fx=FX, seed=0, index=[0])
    found = np.unique(reading.depth[reading.status == 0])
    steps = np.round(FX * D435.baseline / found.astype(np.float64) * 32)

    assert len(found) > 100
    assert np.array_equal(found, (FX * D435.baseline / (steps / 32)).astype(np.float32))


@pytest.mark.parametrize("near, far", [(0.5, 1.0), (0.8, 3.0)])
def test_shadow_and_blind_band_have_their_widths(near: float, far: float) -> None:
    """Left of a near edge f B (1/z1 - 1/z2) pixels are occluded; the left f B / z are out of overlap."""
    depth = np.full((1, 5, 400), far, np.float32)
    depth[:, :, 200:] = near
    status = apply_depth(depth, fx=FX, seed=0, index=[0]).status[0, 2]
    occluded = np.flatnonzero(status == depth_reading.OCCLUDED)

    assert abs(len(occluded) - FX * D435.baseline * (1 / near - 1 / far)) <= 1
    assert occluded.max() == 199
    assert (np.diff(occluded) == 1).all()
    outside = np.flatnonzero(status == depth_reading.OUT_OF_OVERLAP)
    assert len(outside) == int(np.ceil(FX * D435.baseline / far))
    assert outside.max() == len(outside) - 1


def test_a_thin_post_hides_only_its_own_width() -> None:
    """Behind a post narrower than its shift, the shadow is a band apart from it, as wide as the post."""
    depth = np.full((1, 3, 200), 2.0, np.float32)
    depth[:, :, 150:154] = 0.5
    status = apply_depth(depth, fx=FX, seed=0, index=[0]).status[0, 1]
    shift = FX * D435.baseline * (1 / 0.5 - 1 / 2.0)
    occluded = np.flatnonzero(status == depth_reading.OCCLUDED)

    assert len(occluded) in (4, 5)
    assert abs(occluded.mean() - (151.5 - shift)) <= 1


def test_a_slanted_surface_does_not_hide_itself() -> None:
    """A floor seen at an angle has no shadows."""
    depth = np.tile((1.0 / np.linspace(0.3, 2.0, 300)).astype(np.float32), (1, 4, 1))
    status = apply_depth(depth, fx=FX, seed=0, index=[0]).status

    assert not (status == depth_reading.OCCLUDED).any()
    assert not (apply_depth(depth[:, :, ::-1], fx=FX, seed=0, index=[0]).status == depth_reading.OCCLUDED).any()


def test_range_has_its_ends() -> None:
    """Nearer than f B / d_max is too near, beyond the range too far, and nothing is no surface."""
    limit = FX * D435.baseline / D435.disparity_max
    depth = np.tile(np.float32([limit * 0.99, 10.5, 0.0, np.inf, 1.0]), (1, 2, 60))
    status = apply_depth(depth, fx=FX, seed=0, index=[0]).status[0, 0, -50:].reshape(10, 5)

    assert limit == pytest.approx(0.177, abs=5e-4)
    assert (status[:, :4] == [depth_reading.TOO_NEAR, depth_reading.TOO_FAR, 1, 1]).all()


def test_loss_grows_towards_grazing_and_dark() -> None:
    """The share of lost pixels falls linearly between the profile's limits."""
    depth = np.full((1, 200, 400), 2.0, np.float32)
    for name, values in (("cosine", (0.05, 0.15, 0.25)), ("infrared", (0.01, 0.03, 0.05))):
        for value, kept in zip(values, (0.0, 0.5, 1.0), strict=True):
            given = np.full(depth.shape, value, np.float32)
            status = apply_depth(depth, fx=FX, seed=0, index=[0], **{name: given}).status[:, :, 20:]
            band = 5 * np.sqrt(kept * (1 - kept) / status.size) + 1e-6
            assert abs((status == depth_reading.VALID).mean() - kept) <= band
            assert set(np.unique(status)) <= {depth_reading.VALID, depth_reading.LOW_SIGNAL}


def test_incidence_follows_the_rays() -> None:
    """A wall that faces the camera is met at the ray's own angle; a sphere about the camera at none."""
    y, x = np.mgrid[0:7, 0:9]
    rays = np.stack([(x - 4) / 10.0, (y - 3) / 20.0, np.ones_like(x, float)], axis=-1)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    wall = np.zeros((1, 7, 9, 3))
    wall[..., 2] = -1

    assert np.allclose(cosine_of_incidence(wall, fx=10.0, fy=20.0), rays[None, ..., 2], atol=1e-6)
    assert np.allclose(cosine_of_incidence(-rays[None], fx=10.0, fy=20.0, center=(4, 3)), 1.0, atol=1e-6)


def test_a_row_does_not_depend_on_its_batch() -> None:
    """However the batch is cut or ordered, and on any number of threads, the bytes are the same."""
    depth, fx = _scene(5, 9, 70), np.array([300.0, 310.0, 320.0, 330.0, 340.0])
    cosine = _noise(5, 9, 70, stream="cosine").astype(np.float32)
    index = np.array([7, 8, 2**33, 0, 1])
    whole = apply_depth(depth, fx=fx, seed=3, index=index, cosine=cosine, threads=2)
    for part in ([0], [1, 2], [4, 3], [2, 4, 0, 3, 1]):
        piece = apply_depth(depth[part], fx=fx[part], seed=3, index=index[part], cosine=cosine[part], threads=1)
        assert np.array_equal(piece.depth, whole.depth[part])
        assert np.array_equal(piece.status, whole.status[part])


def test_seed_row_and_sensor_change_the_noise() -> None:
    """Seed 0 differs from seed 1, row 0 from row 1 and sensor 0 from sensor 1."""
    depth = np.full((1, 20, 60), 1.5, np.float32)
    options = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    found = [apply_depth(depth, fx=FX, seed=a, index=[b], sensor=c).depth.tobytes() for a, b, c in options]

    assert len(set(found)) == 4


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's statuses, and its depths to the last bit but one."""
    depth = _scene(1, 5, 40)
    cosine = _noise(1, 5, 40, stream="cosine").astype(np.float32)
    code = """
from simloom.kernels.depth import apply_depth
reading = apply_depth(depth, fx=300.0, seed=1, index=np.array([6]), cosine=cosine, device="cuda")
out = {"depth": reading.depth, "status": reading.status}
"""
    twin = run_simulated(code, tmp_path, depth=depth, cosine=cosine)
    reading = apply_depth(depth, fx=300.0, seed=1, index=np.array([6]), cosine=cosine)

    assert np.array_equal(twin["status"], reading.status)
    assert np.allclose(twin["depth"], reading.depth, rtol=2e-7, atol=0)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"depth": np.zeros((4, 4), np.float32)}, "depth must have shape"),
        ({"fx": 0.0}, "fx must be"),
        ({"fx": [1.0, 2.0]}, "fx must be"),
        ({"index": [0, 1]}, "index must be"),
        ({"cosine": np.zeros((1, 4, 5), np.float32)}, "cosine must have"),
        ({"infrared": np.zeros((1, 4, 5), np.float32)}, "infrared must have"),
        ({"sensor": -1}, "sensor must be"),
        ({"profile": "generic_rgb"}, "not a depth sensor"),
    ],
)
def test_bad_input_is_refused(change: dict[str, object], message: str) -> None:
    """Each mistake gets an error that names it."""
    given: dict[str, object] = {"depth": np.ones((1, 4, 4), np.float32), "fx": 5.0, "seed": 0, "index": [0], **change}
    depth = given.pop("depth")
    with pytest.raises(ValueError, match=message):
        apply_depth(depth, **given)
