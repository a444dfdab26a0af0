"""Active stereo: against a brute-force oracle, the z² law, the set of steps, and the widths of bands."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from naive import stereo as naive
from naive.twin import run_simulated
from simloom.kernels import depth_reading, stereo
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


@pytest.mark.parametrize("given", [(), ("cosine",), ("cosine", "infrared"), ("intensity",), ("infrared", "intensity")])
@pytest.mark.parametrize("fattening", [0, 3])
def test_follows_the_oracle(given: tuple[str, ...], fattening: int) -> None:
    """Statuses and depths equal those of brute force, whatever is known of the scene, with every reason occurring."""
    depth = _scene(2, 9, 70)
    everything = {
        "cosine": _noise(2, 9, 70, stream="cosine").astype(np.float32),
        "infrared": (0.2 * _noise(2, 9, 70, stream="infrared") ** 2).astype(np.float32),
        "intensity": (1.0 + 0.3 * _noise(2, 9, 70, stream="intensity")).astype(np.float32),
    }
    everything["intensity"][:, :, 40:] = 1.0
    everything["intensity"][:, 7:, :9] = (0.0, np.nan, np.inf, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    everything["infrared"][:, 4, 40:44] = 9.0
    profile = dataclasses.replace(
        D435, edge_fattening=fattening, outlier_share=0.2, ambient_signal=0.1, projector_signal=0.01
    )
    fx, index = np.array([300.0, 420.0]), np.array([4, 2**34])
    known = {name: everything[name] for name in given}
    reading = apply_depth(depth, profile, fx=fx, seed=0, index=index, sensor=1, **known)
    expected, status = naive.measure(depth, profile, fx, 0, index, 1, **known)

    reasons = {0, 1, 2, 3, 4, 6} | ({5} if "cosine" in given else set())
    reasons |= ({5, 8} if "infrared" in given else set()) | ({7} if {"infrared", "intensity"} & set(given) else set())
    assert set(np.unique(status)) == reasons
    assert np.array_equal(reading.status, status)
    step = np.abs(1 / reading.depth[status == 0] - 1 / expected[status == 0]) * (fx.max() * D435.baseline)
    assert (step > 1e-3).mean() <= 0.004  # a table's error may move a disparity over a step's edge
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
    profile = dataclasses.replace(D435, match_none=0.0, match_full=1e-9)  # every pixel finds its match
    for name, values in (("cosine", (0.05, 0.15, 0.25)), ("infrared", (0.01, 0.03, 0.05))):
        for value, kept in zip(values, (0.0, 0.5, 1.0), strict=True):
            given = np.full(depth.shape, value, np.float32)
            status = apply_depth(depth, profile, fx=FX, seed=0, index=[0], **{name: given}).status[:, :, 20:]
            band = 5 * np.sqrt(kept * (1 - kept) / status.size) + 1e-6
            assert abs((status == depth_reading.VALID).mean() - kept) <= band
            assert set(np.unique(status)) <= {depth_reading.VALID, depth_reading.LOW_SIGNAL}


@pytest.mark.parametrize("z, infrared, cosine", [(2.0, 0.5, 1.0), (5.0, 0.5, 1.0), (3.0, 0.3, 0.6), (8.0, 0.9, 0.9)])
def test_match_depends_on_the_pattern(z: float, infrared: float, cosine: float) -> None:
    """The share that finds no match follows reflectance, incidence and distance by the closed form."""
    depth = np.full((1, 200, 400), z, np.float32)
    known = {"infrared": np.full_like(depth, infrared), "cosine": np.full_like(depth, cosine)}
    status = apply_depth(depth, fx=FX, seed=0, index=[0], **known).status[:, :, 20:]
    share, bright = naive.match_share(z, D435, cosine, infrared)

    assert not bright
    assert abs((status == depth_reading.NO_MATCH).mean() - (1 - share)) <= 5 * np.sqrt(
        share * (1 - share) / status.size
    )
    if z == 2.0:
        assert share == 1.0


def test_texture_makes_up_for_the_pattern() -> None:
    """Far away a plain wall finds no match and a chequered one does, at any brightness of the picture."""
    depth = np.full((1, 60, 120), 7.0, np.float32)
    y, x = np.mgrid[0:60, 0:120]
    plain = np.ones_like(depth)
    chequered = (0.5 + ((x // 3 + y // 3) % 2))[None].astype(np.float32)
    found = [
        (apply_depth(depth, fx=FX, seed=0, index=[0], intensity=image).status[0, :, 10:] == 0).mean()
        for image in (plain, chequered, 1000 * chequered)
    ]
    assert found[0] < 0.05
    assert found[1] > 0.95
    assert found[1] == found[2]
    # Without a picture or reflectance nothing is known, and every pixel matches.
    assert (apply_depth(depth, fx=FX, seed=0, index=[0]).status[0, :, 10:] == 0).all()


def test_weak_matches_are_sometimes_wrong() -> None:
    """Of the weak pixels that match, a share has a disparity from anywhere in the search range, and says valid."""
    profile = dataclasses.replace(D435, outlier_share=0.1, range_max=1e3, disparity_noise=0.0)
    depth = np.full((4, 200, 400), 5.0, np.float32)
    infrared = np.full_like(depth, 0.5)
    reading = apply_depth(depth, profile, fx=FX, seed=0, index=np.arange(4), infrared=infrared)
    seen = reading.depth[(reading.status == 0)].astype(np.float64)
    disparity = FX * D435.baseline / seen
    wrong = np.abs(disparity - FX * D435.baseline / 5.0) > D435.disparity_step
    exact = 0.1 * (1 - 2 / (D435.disparity_max / D435.disparity_step))

    assert 0 < naive.match_share(5.0, D435)[0] < 1
    assert abs(wrong.mean() - exact) < 5 * np.sqrt(0.09 / wrong.size) + 1e-3
    spread = D435.disparity_max / np.sqrt(12)
    assert abs(disparity[wrong].mean() - D435.disparity_max / 2) < 5 * spread / np.sqrt(wrong.sum())
    assert disparity[wrong].std() == pytest.approx(spread, rel=0.03)
    assert disparity.max() < D435.disparity_max + 1e-4


def test_bright_surfaces_saturate() -> None:
    """Nearer than where pattern and ambient light fill the scale, a surface is saturated."""
    limit = np.sqrt(D435.projector_signal / (1 - D435.ambient_signal))
    for z, expected in ((0.99 * limit, depth_reading.SATURATED), (1.01 * limit, depth_reading.VALID)):
        depth = np.full((1, 4, 200), z, np.float32)
        status = apply_depth(depth, fx=FX, seed=0, index=[0], infrared=np.ones_like(depth)).status
        assert (status[:, :, 120:] == expected).all()


def test_fattening_widens_the_near_surface() -> None:
    """On either side so many pixels take the near disparity, at the cost of the shadow on the left."""
    depth = np.full((1, 5, 400), 1.0, np.float32)
    depth[:, :, 200:260] = 0.5
    plain = apply_depth(depth, fx=FX, seed=0, index=[0])
    fat = apply_depth(depth, dataclasses.replace(D435, edge_fattening=4), fx=FX, seed=0, index=[0])
    near = np.flatnonzero(np.abs(fat.depth[0, 2] - 0.5) < 0.1)

    assert (near[0], near[-1]) == (196, 263)
    assert (plain.status == 4).sum() - (fat.status == 4).sum() == 4 * 5
    outside = np.r_[0:196, 264:400]
    assert np.array_equal(plain.depth[:, :, outside], fat.depth[:, :, outside])


@pytest.mark.parametrize("name, hfov, baseline", [("realsense_d415", 65, 0.055), ("realsense_d455", 87, 0.095)])
def test_the_family_follows_its_baselines(name: str, hfov: float, baseline: float) -> None:
    """sigma_z is z² s / (f B) with each model's field of view and baseline."""
    profile = load_depth_profile(name)
    focal = 0.5 * 1280 / np.tan(np.radians(hfov) / 2)
    depth = np.full((3, 300, 640), 2.0, np.float32)
    reading = apply_depth(depth, name, fx=focal, seed=0, index=np.arange(3))

    assert profile.baseline == baseline
    measured = reading.depth[reading.status == 0].astype(np.float64).std()
    assert measured == pytest.approx(4.0 * profile.disparity_noise / (focal * baseline), rel=0.03)


def test_incidence_follows_the_rays() -> None:
    """A wall that faces the camera is met at the ray's own angle; a sphere about the camera at none."""
    y, x = np.mgrid[0:7, 0:9]
    rays = np.stack([(x - 4) / 10.0, (y - 3) / 20.0, np.ones_like(x, float)], axis=-1)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    wall = np.zeros((1, 7, 9, 3))
    wall[..., 2] = -1

    assert np.allclose(cosine_of_incidence(wall, fx=10.0, fy=20.0), rays[None, ..., 2], atol=1e-6)
    assert np.allclose(cosine_of_incidence(-rays[None], fx=10.0, fy=20.0, center=(4, 3)), 1.0, atol=1e-6)


def test_a_row_does_not_depend_on_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the batch is cut, ordered or mixed, and on any number of threads, the bytes are the same."""
    depth, fx = _scene(5, 19, 70), np.array([300.0, 310.0, 320.0, 330.0, 340.0])
    cosine = _noise(5, 19, 70, stream="cosine").astype(np.float32)
    intensity = (1.0 + 0.1 * _noise(5, 19, 70, stream="intensity")).astype(np.float32)
    index = np.array([7, 8, 2**33, 0, 1])
    other = dataclasses.replace(D435, noise_cell=3, match_window=4, edge_fattening=2)
    profiles = [D435, other, D435, other, D435]
    whole = apply_depth(depth, profiles, fx=fx, seed=3, index=index, cosine=cosine, intensity=intensity, threads=2)
    for part in ([0], [1, 2], [4, 3], [2, 4, 0, 3, 1]):
        piece = apply_depth(
            depth[part], [profiles[k] for k in part], fx=fx[part], seed=3, index=index[part], cosine=cosine[part],
            intensity=intensity[part], threads=1,
        )  # fmt: skip
        assert np.array_equal(piece.depth, whole.depth[part])
        assert np.array_equal(piece.status, whole.status[part])
    monkeypatch.setattr(stereo, "_WORKING_PIXELS", 1)
    again = apply_depth(depth, profiles, fx=fx, seed=3, index=index, cosine=cosine, intensity=intensity)
    assert np.array_equal(again.depth, whole.depth)
    assert np.array_equal(again.status, whole.status)


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
known = {"cosine": cosine, "infrared": infrared, "intensity": intensity}
reading = apply_depth(depth, fx=300.0, seed=1, index=np.array([6]), **known, device="cuda")
out = {"depth": reading.depth, "status": reading.status}
"""
    infrared = (0.3 * _noise(1, 5, 40, stream="infrared")).astype(np.float32)
    known = {"cosine": cosine, "infrared": infrared, "intensity": 1.0 + infrared}
    twin = run_simulated(code, tmp_path, depth=depth, **known)
    reading = apply_depth(depth, fx=300.0, seed=1, index=np.array([6]), **known)

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
        ({"profile": "generic_rgb"}, "not of kind 'depth'"),
    ],
)
def test_bad_input_is_refused(change: dict[str, object], message: str) -> None:
    """Each mistake gets an error that names it."""
    given: dict[str, object] = {"depth": np.ones((1, 4, 4), np.float32), "fx": 5.0, "seed": 0, "index": [0], **change}
    depth = given.pop("depth")
    with pytest.raises(ValueError, match=message):
        apply_depth(depth, **given)
