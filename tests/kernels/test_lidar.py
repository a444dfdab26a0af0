"""LiDAR returns: against a brute-force oracle, closed forms of the light, published noise, and addresses."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from naive import lidar as naive
from naive.twin import run_simulated
from simloom.kernels.lidar import apply_lidar
from simloom.kernels.lidar_beam import subray_offsets
from simloom.kernels.lidar_profile import RETURN_MODES, LidarProfile
from simloom.kernels.lidar_reading import FALSE_ALARM, NO_RETURN, SURFACE
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.profiles import load_profile

VLP16, OS1 = load_profile("velodyne_vlp16"), load_profile("ouster_os1_64")
assert isinstance(VLP16, LidarProfile)
assert isinstance(OS1, LidarProfile)
# Nothing but the light and the threshold.
CLEAN = dataclasses.replace(
    VLP16, amplitude_noise=0.0, range_noise=(0.0,), range_noise_snr=(1.0,), range_resolution=0.0, range_min=0.0,
    range_max=1e4, dropout_probability=0.0, false_alarm_probability=0.0, intensity_bits=0, max_returns=4,
    return_mode="strongest", detection_snr=1.0, overlap_start=0.0, overlap_full=0.0,
)  # fmt: skip
FIELDS = ("range", "intensity", "snr", "return_type", "subray", "truth", "spread", "mixed")


def _uniform(*shape: int, stream: str = "scene") -> np.ndarray:
    count = int(np.prod(shape))
    return philox_uniforms(3, stream, np.stack([np.arange(count)] * 3, axis=1)).reshape(shape)


def _scene(count: int, firings: int, subrays: int = 7, *, lobes: bool = False) -> dict[str, np.ndarray]:
    """Walls, edges, several surfaces in a beam, holes, and drops; without specular lobes many firings go at once."""
    shape = (count, firings, subrays)
    layer = np.floor(4 * _uniform(*shape, stream="layer"))
    base = 3.0 + 30.0 * _uniform(count, firings, 1, stream="base")
    distance = (
        base + 0.02 * _uniform(*shape) + np.where(_uniform(count, firings, 1, stream="edge") < 0.5, 0.55, 0.0) * layer
    )
    distance[_uniform(*shape, stream="hole") < 0.1] = 0.0
    distance[:, :5] = np.array([0.0, np.nan, np.inf, -1.0, 2.0])[:, None]
    distance[:, 5] = 25.0
    drops = _uniform(count, firings, stream="drop")
    shiny = {
        "specular": (0.6 * _uniform(*shape, stream="specular")).astype(np.float32),
        "shininess": (1.0 + 30.0 * _uniform(*shape, stream="shininess")).astype(np.float32),
    }
    return (shiny if lobes else {}) | {
        "range": distance.astype(np.float32),
        "cosine": (1.1 * _uniform(*shape, stream="cosine") - 0.05).astype(np.float32),
        "reflectance": (0.02 + 0.9 * _uniform(*shape, stream="reflectance")).astype(np.float32),
        "surface": layer.astype(np.int32),
        "soft_range": np.where(drops < 0.4, 40.0 * drops, 0.0).astype(np.float32),
        "soft_power": (0.002 * _uniform(count, firings, stream="power")).astype(np.float32),
        "soft_type": (2 + np.floor(3 * _uniform(count, firings, stream="type"))).astype(np.uint8),
    }


def _read(distance: object, profile: LidarProfile = CLEAN, **options: object):
    """Reading of single sub-rays at these distances, one firing each."""
    r = np.asarray(distance, np.float32).reshape(1, -1, 1)
    return apply_lidar(r, profile, seed=0, index=[0], threads=1, **options)


@pytest.mark.parametrize("mode", RETURN_MODES)
@pytest.mark.parametrize("intensity, lobes", [("reflectivity", False), ("power", False), ("reflectivity", True)])
def test_follows_the_oracle(mode: str, intensity: str, lobes: bool) -> None:
    """Every value equals that of brute force, with all types of return and several of them."""
    profile = dataclasses.replace(
        VLP16, return_mode=mode, max_returns=2 if mode == "dual" else 3, intensity_mode=intensity, pulse_width=4e-9,
        overlap_start=1.0, overlap_full=6.0, dropout_probability=0.05, false_alarm_probability=0.1, range_bias=0.013,
        range_noise_snr=(6.0, 20.0, 90.0), range_noise=(0.05, 0.03, 0.01), intensity_bits=10, intensity_scale=40.0,
    )  # fmt: skip
    scene, index, extinction = _scene(2, 150, lobes=lobes), np.array([3, 2**35]), np.array([0.0, 0.02])
    reading = apply_lidar(
        **scene, profile=profile, seed=5, index=index, sensor=2, extinction=extinction, threads=1
    )  # fmt: skip
    distance = scene.pop("range")
    scene.setdefault("specular", np.zeros(distance.shape))
    scene.setdefault("shininess", np.ones(distance.shape))
    expected = naive.measure(distance, profile, subray_offsets(profile)[1], 5, index, 2, extinction, **scene)

    kinds = set(np.unique(expected["type"]))
    assert kinds == {0, 1, 2, 3, 4, 5}
    assert np.array_equal(reading.return_type, expected["type"])
    assert np.array_equal(reading.subray, expected["subray"])
    assert np.array_equal(reading.truth, expected["truth"].astype(np.float32))
    assert np.allclose(reading.snr, expected["snr"], rtol=2e-6, atol=2e-5)
    # A range near the edge of a step may fall to its other side.
    off = np.abs(reading.range - expected["range"])
    assert (off < 1e-5).mean() > 0.998
    assert off.max() < 1.01 * profile.range_resolution
    assert np.abs(reading.intensity - expected["intensity"]).max() <= 1 + 1e-3 * expected["intensity"].max()
    assert np.allclose(reading.spread, expected["spread"], atol=4e-6)
    assert np.allclose(reading.mixed, expected["mixed"], atol=2e-6)
    assert (reading.mixed > 0.1).any()


def test_without_noise_the_range_is_exact() -> None:
    """A profile without noise returns the true range to the last bit, for one surface in the beam."""
    distance = (0.5 + 400 * _uniform(500)).astype(np.float32)
    weights = np.tile(distance.reshape(1, -1, 1), (1, 1, 7))
    profile = dataclasses.replace(CLEAN, detection_range=1e5)

    assert np.array_equal(_read(distance, profile).range[0, :, 0], distance)
    reading = apply_lidar(weights, profile, seed=0, index=[0])
    assert np.array_equal(reading.range[0, :, 0], distance)
    assert np.array_equal(reading.truth[0, :, 0], distance)
    assert not reading.range[0, :, 1:].any()
    assert (reading.subray[0, :, 0] == 0).all()


def test_light_falls_as_it_must() -> None:
    """The slope over the logarithm of range is -2, over that of the cosine 1, and extinction adds -2 alpha R."""
    profile = dataclasses.replace(CLEAN, detection_range=1e5)
    r = np.array([1.0, 2.0, 7.0, 30.0, 100.0, 250.0])
    snr = _read(r, profile).snr[0, :, 0].astype(float)
    assert np.abs(np.diff(np.log(snr)) / np.diff(np.log(r)) + 2.0).max() < 1e-6
    fog = _read(r, profile, extinction=0.013).snr[0, :, 0].astype(float)
    assert np.abs(np.log(fog / snr) + 2 * 0.013 * r).max() < 1e-6

    cosine = np.cos(np.radians([0.0, 20.0, 45.0, 70.0, 85.0])).astype(np.float32).reshape(1, -1, 1)
    facing = _read(np.full(5, 10.0), profile, cosine=cosine).snr[0, :, 0].astype(float)
    assert np.abs(facing / facing[0] / cosine[0, :, 0] - 1.0).max() < 1e-6
    lobe = _read(np.full(5, 10.0), profile, cosine=cosine, specular=np.full((1, 5, 1), 0.3), shininess=8.0)
    c = cosine[0, :, 0].astype(float)
    assert np.abs(lobe.snr[0, :, 0] / facing[0] / (np.float32(0.7) * c + np.float32(0.3) * c**8) - 1.0).max() < 1e-6

    white = _read([1.0], profile, reflectance=np.ones((1, 1, 1), np.float32)).snr[0, 0, 0]
    assert white == pytest.approx(profile.snr_at_one_metre, rel=1e-6)


def test_reach_follows_the_data_sheet() -> None:
    """OS1 sees reflectance 0.8 to 120 m and 0.1 to 42.4 m, a ratio of sqrt(8) = 2.83; it states 40 m."""
    profile = dataclasses.replace(OS1, amplitude_noise=0.0, range_max=1e3, subray_rings=0)
    r = np.linspace(20.0, 140.0, 12001)

    def reach(reflectance: float) -> float:
        rho = np.full((1, len(r), 1), reflectance, np.float32)
        seen = _read(r, profile, reflectance=rho).return_type[0, :, 0] == SURFACE
        return float(r[seen].max())

    assert reach(0.8) == pytest.approx(120.0, abs=0.011)
    assert reach(0.8) / reach(0.1) == pytest.approx(math.sqrt(8.0), rel=3e-4)


def test_half_of_the_returns_are_seen_at_the_limit() -> None:
    """At the data sheet's point half of the firings return, farther away by the law of the normal distribution."""
    from scipy.special import ndtr

    profile = dataclasses.replace(
        OS1, false_alarm_probability=0.0, dropout_probability=0.0, subray_rings=0, range_max=1e3
    )
    count = 40000
    for r in (100.0, 120.0, 140.0):
        share = float(ndtr(profile.detection_snr * ((120.0 / r) ** 2 - 1.0)))
        reading = _read(np.full(count, r), profile, reflectance=np.full((1, count, 1), 0.8, np.float32))
        seen = (reading.return_type[0, :, 0] == SURFACE).mean()
        assert abs(seen - share) < 5 * math.sqrt(share * (1 - share) / count)


@pytest.mark.parametrize("snr, stated", [(12.0, 0.10), (100.0, 0.03), (260.0, 0.015), (2000.0, 0.015)])
def test_os1_range_noise_is_the_stated_one(snr: float, stated: float) -> None:
    """The deviation of OS1's ranges is 10, 3 and 1.5 cm at an SNR of 12, 100 and above 250."""
    count = 30000
    profile = dataclasses.replace(OS1, range_resolution=0.0, false_alarm_probability=0.0, subray_rings=0)
    distance = 20.0
    rho = np.full((1, count, 1), snr * distance**2 / OS1.snr_at_one_metre, np.float32)
    reading = _read(np.full(count, distance), profile, reflectance=rho)
    error = reading.range[reading.return_type == SURFACE].astype(float) - distance

    assert len(error) > 0.99 * count
    assert abs(error.std() - stated) < 5 * stated / math.sqrt(2 * count)
    assert abs(error.mean()) < 5 * stated / math.sqrt(count)


def test_steps_bias_and_gate() -> None:
    """Ranges are whole steps, the bias is added, and what is measured outside of the gate is not reported."""
    profile = dataclasses.replace(CLEAN, range_resolution=0.012, range_bias=0.5, range_min=2.0, range_max=10.0)
    r = np.linspace(1.0, 10.0, 400)
    measured = _read(r, profile).range[0, :, 0].astype(float)
    seen = measured > 0
    steps = measured[seen] / 0.012

    assert np.abs(steps - np.round(steps)).max() < 1e-4
    assert np.abs(measured[seen] - r[seen] - 0.5).max() < 0.00601
    assert seen[(r > 1.51) & (r < 9.49)].all()
    assert not seen[(r < 1.49) | (r > 9.51)].any()


def test_an_edge_mixes_two_surfaces() -> None:
    """Surfaces within an echo give one range between them, weighted by light; farther apart they give two."""
    weights = subray_offsets(CLEAN)[1]
    near, cell = 10.0, CLEAN.echo_length
    distance = np.empty((1, 200, 7), np.float32)
    gaps = np.linspace(0.0, 2.0, 200)
    distance[0, :, :4], distance[0, :, 4:] = near, (near + gaps)[:, None]
    ids = np.array([1, 1, 1, 1, 2, 2, 2], np.int32) * np.ones((1, 200, 1), np.int32)
    reading = apply_lidar(distance, CLEAN, seed=0, index=[0], surface=ids)
    far = distance[0, :, 6].astype(float)
    merged = far - near < cell
    front, back = weights[:4].sum() / near**2, weights[4:].sum() / far**2
    mean = (front * near + back * far) / (front + back)

    assert cell == pytest.approx(0.8994, abs=1e-4)
    assert np.array_equal(reading.return_type[0, :, 1] == NO_RETURN, merged)
    assert np.abs(reading.range[0, merged, 0] - mean[merged]).max() < 2e-6
    assert np.abs(reading.mixed[0, merged, 0] - (back / (front + back))[merged]).max() < 1e-6
    assert np.abs(reading.spread[0, merged, 0] - (far - near)[merged]).max() < 1e-6
    assert np.array_equal(reading.range[0, ~merged, 0], np.full((~merged).sum(), near, np.float32))
    assert np.array_equal(reading.range[0, ~merged, 1], distance[0, ~merged, 6])
    assert not reading.mixed[0, ~merged].any()
    assert (reading.subray[0, :, 0] == 0).all()
    assert (reading.subray[0, ~merged, 1] == 4).all()


def test_dual_is_strongest_and_last() -> None:
    """Where the strongest echo is the last one too, the second strongest stands beside it, as VLP-16 does."""
    profile = dataclasses.replace(CLEAN, return_mode="dual", max_returns=2)
    distance = np.full((1, 2, 7), 10.0, np.float32)
    distance[0, :, 1:3], distance[0, :, 3:5] = 14.0, 18.0
    reflectance = np.ones((1, 2, 7), np.float32)
    reflectance[0, 1, 0], reflectance[0, 1, 3:5] = 0.01, 40.0
    distance[0, 1, 5:] = 14.0
    reading = apply_lidar(distance, profile, seed=0, index=[0], reflectance=reflectance)

    assert reading.range[0].tolist() == [[10.0, 18.0], [18.0, 14.0]]


def test_rates_of_dropouts_and_false_alarms() -> None:
    """Their shares are those of the profile, and noise lies anywhere within the gate, just above the threshold."""
    count = 200_000
    profile = dataclasses.replace(VLP16, dropout_probability=0.01, false_alarm_probability=0.02)
    empty = _read(np.zeros(count), profile)
    share = 0.02 * 0.99
    alarms = empty.return_type[0, :, 0] == FALSE_ALARM
    assert abs(alarms.mean() - share) < 5 * math.sqrt(share / count)
    ranges, snr = empty.range[0, alarms, 0].astype(float), empty.snr[0, alarms, 0].astype(float)
    middle, width = (VLP16.range_min + VLP16.range_max) / 2, VLP16.range_max - VLP16.range_min
    assert abs(ranges.mean() - middle) < 5 * width / math.sqrt(12 * alarms.sum())
    excess = (snr - VLP16.detection_snr) * VLP16.detection_snr
    assert abs(excess.mean() - 1.0) < 5 / math.sqrt(alarms.sum())
    wall = _read(np.full(count, 5.0), dataclasses.replace(profile, false_alarm_probability=0.0))
    lost = (wall.return_type[0, :, 0] == NO_RETURN).mean()
    assert abs(lost - 0.01) < 5 * math.sqrt(0.01 / count)


def test_soft_echoes_hide_what_is_weaker() -> None:
    """Drops whose light is stronger than the surface's take its place, and their type is told."""
    profile = dataclasses.replace(CLEAN, max_returns=1)
    r = np.full((1, 3, 1), 20.0, np.float32)
    soft = {
        "soft_range": np.array([[5.0, 5.0, 0.0]], np.float32),
        "soft_power": np.array([[0.01, 0.0001, 1.0]], np.float32),
        "soft_type": np.array([[2, 3, 4]], np.uint8),
    }
    reading = apply_lidar(r, profile, seed=0, index=[0], **soft)

    assert reading.return_type[0, :, 0].tolist() == [2, 1, 1]
    assert reading.range[0, :, 0].tolist() == [5.0, 20.0, 20.0]
    assert reading.subray[0, :, 0].tolist() == [-1, 0, 0]
    assert reading.snr[0, 0, 0] == pytest.approx(0.01 * profile.snr_at_one_metre, rel=1e-6)


@pytest.mark.parametrize("lobes", [False, True])
def test_a_row_does_not_depend_on_its_batch(lobes: bool) -> None:
    """However the batch is cut or ordered, and on any number of threads, the bytes are the same."""
    scene, index = _scene(4, 4300, lobes=lobes), np.array([7, 2**33, 0, 1])
    other = dataclasses.replace(VLP16, return_mode="strongest", pulse_width=1e-9, max_returns=1)
    profiles, air = [VLP16, other, VLP16, other], np.array([0.0, 0.01, 0.02, 0.0])
    whole = apply_lidar(**scene, profile=profiles, seed=3, index=index, extinction=air, threads=2)
    for part in ([0], [2, 1], [3, 1, 0, 2]):
        piece = apply_lidar(
            **{name: value[part] for name, value in scene.items()}, profile=[profiles[k] for k in part], seed=3,
            index=index[part], extinction=air[part], threads=1,
        )  # fmt: skip
        for name in FIELDS:
            found = getattr(piece, name)
            assert np.array_equal(found, getattr(whole, name)[part, :, : found.shape[2]]), name
    assert not whole.range[1, :, 1].any()


def test_firings_at_once_are_those_one_by_one() -> None:
    """A lobe of share 0 sends every firing the long way round, and changes nothing but last bits."""
    scene = _scene(2, 3000)
    none = np.zeros(scene["range"].shape, np.float32)
    short = apply_lidar(**scene, profile=VLP16, seed=3, index=[0, 1], extinction=0.01)
    long = apply_lidar(**scene, profile=VLP16, seed=3, index=[0, 1], extinction=0.01, specular=none, shininess=1.0)

    assert np.array_equal(short.return_type, long.return_type)
    assert np.array_equal(short.subray, long.subray)
    assert np.abs(short.range - long.range).max() < 1.01 * VLP16.range_resolution
    assert (np.abs(short.range - long.range) < 1e-5).mean() > 0.9999
    assert np.allclose(short.mixed, long.mixed, atol=1e-6)
    assert np.allclose(short.snr, long.snr, rtol=1e-6, atol=1e-6)


def test_seed_row_and_sensor_change_the_noise() -> None:
    """Seed 0 differs from seed 1, row 0 from row 1 and sensor 0 from sensor 1."""
    r = np.full((1, 60, 1), 20.0, np.float32)
    options = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    found = [apply_lidar(r, VLP16, seed=a, index=[b], sensor=c).range.tobytes() for a, b, c in options]

    assert len(set(found)) == 4


def test_torch_gives_torch() -> None:
    """Tensors come back as tensors with the same numbers."""
    torch = pytest.importorskip("torch")
    scene = _scene(1, 40)
    expected = apply_lidar(**scene, profile=VLP16, seed=1, index=[5])
    tensors = {name: torch.from_numpy(value) for name, value in scene.items()}
    reading = apply_lidar(**tensors, profile=VLP16, seed=1, index=[5])

    for name in FIELDS:
        assert isinstance(getattr(reading, name), torch.Tensor)
        assert np.array_equal(getattr(reading, name).numpy(), getattr(expected, name))


def test_cuda_twin(tmp_path: Path) -> None:
    """In the CUDA simulator types and labels are equal, and numbers to float precision."""
    profile = dataclasses.replace(VLP16, dropout_probability=0.05, false_alarm_probability=0.1, pulse_width=3e-9)
    scene = _scene(2, 18)
    expected = apply_lidar(**scene, profile=profile, seed=9, index=[1, 4], sensor=1, extinction=0.01)
    code = f"""
import dataclasses
from simloom.kernels.lidar import apply_lidar
from simloom.kernels.profiles import load_profile
profile = dataclasses.replace(
    load_profile("velodyne_vlp16"), dropout_probability=0.05, false_alarm_probability=0.1, pulse_width=3e-9
)
scene = {{name: globals()[name] for name in {list(scene)!r} if name != "range"}}
reading = apply_lidar(
    distance, profile=profile, seed=9, index=[1, 4], sensor=1, extinction=0.01, device="cuda", **scene
)
out = {{name: getattr(reading, name) for name in {FIELDS!r}}}
"""
    given = {("distance" if name == "range" else name): value for name, value in scene.items()}
    found = run_simulated(code, tmp_path, **given)

    assert {0, 1, 2} <= set(np.unique(found["return_type"]))
    for name in FIELDS:
        assert np.allclose(found[name], getattr(expected, name), rtol=1e-5, atol=1e-5), name


@pytest.mark.parametrize(
    "change, message",
    [
        ({"range": np.ones((2, 3), np.float32)}, "range must have shape"),
        ({"range": np.ones((1, 3, 5), np.float32)}, "range must have 1 or 7 sub-rays"),
        ({"cosine": np.ones((1, 3, 2), np.float32)}, "cosine must have shape"),
        ({"soft_range": np.ones((1, 3), np.float32)}, "must be given together"),
        ({"specular": np.ones((1, 3, 1), np.float32)}, "specular and shininess"),
        ({"extinction": -0.1}, "extinction must be"),
        ({"profile": "realsense_d435"}, "not of kind 'lidar'"),
        ({"index": [0, 1]}, "index must be 1"),
        ({"sensor": 70000}, "sensor must be"),
    ],
)
def test_wrong_input_is_refused(change: dict[str, object], message: str) -> None:
    """What cannot be is refused with what was given and what is allowed."""
    given: dict[str, object] = {"range": np.ones((1, 3, 1), np.float32), "profile": VLP16, "seed": 0, "index": [0]}
    with pytest.raises(ValueError, match=message):
        apply_lidar(**{**given, **change})
