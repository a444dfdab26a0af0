"""Time of flight: against a brute-force oracle, phasor algebra, the law of the deviation, wraps and wiggling."""

from __future__ import annotations

import cmath
import dataclasses
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from naive import time_of_flight as naive
from naive.twin import run_simulated
from simloom.kernels import depth_reading, taps, time_of_flight
from simloom.kernels.depth import apply_depth
from simloom.kernels.modulated_light import INFRARED
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.profiles import load_profile
from simloom.kernels.time_of_flight_profile import LIGHT_SPEED, TimeOfFlightProfile

AZURE = load_profile("azure_kinect")
assert isinstance(AZURE, TimeOfFlightProfile)
# Hardly any noise, one frequency, and nothing but the surface in front.
CLEAN = dataclasses.replace(
    AZURE, modulation_frequencies=(50e6,), modulation_contrast=(0.5,), signal_electrons=4e7, ambient_electrons=0.0,
    dark_electrons=1e6, read_noise=0.0, full_well=1e9, electrons_per_count=1.0, amplitude_min=0.0, range_min=0.0,
    range_max=1e3, third_harmonic=0.0, spread_share=0.0, scatter_share=0.0,
)  # fmt: skip
TURN = LIGHT_SPEED / (2 * 50e6)


def _noise(*shape: int, stream: str = "scene") -> np.ndarray:
    count = int(np.prod(shape))
    return philox_uniforms(2, stream, np.stack([np.arange(count)] * 3, axis=1)).reshape(shape)


def _scene(count: int, height: int, width: int) -> np.ndarray:
    """A slanted wall with a near box, a bright corner, a hole, and something far."""
    z = np.tile(1.2 + 2.5 * np.arange(width) / width, (count, height, 1)) + 0.01 * _noise(count, height, width)
    z[:, :, width // 2 : width // 2 + width // 5] = 0.6
    z[:, :4, 3:9] = (0.0, np.nan, np.inf, -1.0, 0.0, 1e30)
    z[:, -2:, :3] = 0.12
    z[:, 0, width - 4 :] = 5.6
    return z.astype(np.float32)


def _wall(distance: object, profile: TimeOfFlightProfile, **options: object) -> np.ndarray:
    """Reading of single pixels on the axis at these distances."""
    z = np.asarray(distance, np.float32).reshape(-1, 1, 1)
    return apply_depth(z, profile, fx=500.0, seed=0, index=np.arange(len(z)), **options).depth[:, 0, 0].astype(float)


def test_follows_the_oracle() -> None:
    """Statuses and depths equal those of brute force, with every reason occurring."""
    profile = dataclasses.replace(
        AZURE, spread_share=0.12, scatter_share=0.002, fifth_harmonic=0.02, multipath_share=0.1, multipath_length=0.4,
        range_min=0.3, disagreement_max=0.03,
    )  # fmt: skip
    depth = _scene(2, 9, 25)
    cosine = (0.3 + 0.7 * _noise(2, 9, 25, stream="cosine")).astype(np.float32)
    infrared = (0.1 + 0.9 * _noise(2, 9, 25, stream="infrared")).astype(np.float32)
    infrared[:, 4, :] = 0.01
    infrared[:, 0, -4:] = 5.0
    depth[:, 6, 20:] = 0.2
    infrared[:, 6, 20:] = 0.03
    fx, fy, center = np.array([40.0, 60.0]), np.array([42.0, 50.0]), np.array([(11.0, 4.2), (12.0, 3.0)])
    index = np.array([4, 2**34])
    reading = apply_depth(
        depth, profile, fx=fx, fy=fy, center=center, seed=0, index=index, sensor=1, cosine=cosine, infrared=infrared
    )
    expected, status, clear = naive.measure(depth, profile, fx, fy, center, 0, index, 1, cosine, infrared)

    assert set(np.unique(status)) == {0, 1, 2, 3, 5, 8, 9}
    assert np.array_equal(reading.status, status)
    # Where two sets of wrap numbers agree equally well, the last bit decides.
    sure = (status == 0) & (clear > 1e-6)
    assert sure.sum() > 0.98 * (status == 0).sum()
    error = np.abs(reading.depth[sure] - expected[sure])
    # A count more or less, where a charge stands on the edge of a step, moves a distance by less than this.
    assert np.quantile(error, 0.95) < 2e-6
    assert error.max() < 5e-3
    assert (reading.depth[status != 0] == 0).all()


@pytest.mark.parametrize("amplitude, frequency", [(5000.0, 20e6), (5000.0, 100e6), (2500.0, 50e6)])
def test_deviation_follows_the_formula(amplitude: float, frequency: float) -> None:
    """sigma_R is c / (4 pi f) sqrt(B) / (sqrt(2) A) within 2 %, 23.86 mm at B = 20000, A = 5000 and 20 MHz."""
    profile = dataclasses.replace(
        CLEAN, modulation_frequencies=(frequency,), signal_electrons=10000.0, dark_electrons=10000.0,
        modulation_contrast=(amplitude / 10000.0,), electrons_per_count=0.25,
    )  # fmt: skip
    rows = 40
    distance = 0.3 * LIGHT_SPEED / (2 * frequency)
    depth = np.full((rows, 20, 40), distance, np.float32)
    light = np.full(depth.shape, distance * distance, np.float32)
    reading = apply_depth(depth, profile, fx=1e9, seed=0, index=np.arange(rows), infrared=light)
    expected = LIGHT_SPEED / (4 * math.pi * frequency) * math.sqrt(20000.0) / (math.sqrt(2) * amplitude)

    if (amplitude, frequency) == (5000.0, 20e6):
        assert expected == pytest.approx(23.86e-3, abs=5e-6)
    assert (reading.status == 0).all()
    assert reading.depth.astype(float).std() == pytest.approx(expected, rel=0.02)
    assert abs(reading.depth.astype(float).mean() - distance) < 5 * expected / math.sqrt(depth.size)


def test_read_noise_and_steps_add_their_variance() -> None:
    """B grows by the square of the read noise and a twelfth of the step's square."""
    profile = dataclasses.replace(
        CLEAN, signal_electrons=10000.0, dark_electrons=2000.0, read_noise=80.0, electrons_per_count=250.0
    )
    depth = np.tile(np.linspace(1.0, 1.2, 400, dtype=np.float32), (40, 20, 1))
    error = apply_depth(
        depth, profile, fx=1e9, seed=0, index=np.arange(40), infrared=depth * depth
    ).depth.astype(float) - depth  # fmt: skip
    expected = LIGHT_SPEED / (4 * math.pi * 50e6) * math.sqrt((12000 + 80**2 + 250**2 / 12) / 2) / 5000

    assert error.std() == pytest.approx(expected, rel=0.02)


def test_a_tap_has_the_moments_of_shot_and_read_noise() -> None:
    """Over all words, mean, variance and third moment are those of a Poisson count and a normal number."""
    words = [np.uint64(int((k + 0.5) * 2**32 / 20000)) for k in range(20000)]
    for mean, read in ((20.0, 0.0), (40.0, 10.0), (400.0, 10.0), (1e4, 30.0)):
        given = (np.float32(mean), np.float32(read * read), np.float32(1e9), np.float32(100.0))
        charges = np.array([float(taps.measure_tap(given[0], word, *given[1:])[1]) for word in words])
        variance = mean + read * read
        assert charges.mean() == pytest.approx(mean, abs=2e-3 * math.sqrt(variance))
        assert charges.var() == pytest.approx(variance, rel=5e-3)
        # The third central moment of the sum is that of the counts, which is their mean.
        third = ((charges - charges.mean()) ** 3).mean() / variance**1.5
        assert third == pytest.approx(mean / variance**1.5, abs=0.01)


def test_one_frequency_wraps_at_half_its_length() -> None:
    """A distance is read modulo c / 2f."""
    distance = np.linspace(0.3, 19.7, 300)
    measured = _wall(distance, CLEAN, infrared=(distance**2).astype(np.float32).reshape(-1, 1, 1))
    off = (measured - distance + TURN / 2) % TURN - TURN / 2

    assert CLEAN.unambiguous_range == TURN
    assert CLEAN.wrap_count == 1
    assert np.abs(off).max() < 5e-4
    assert measured.max() <= TURN


def test_three_frequencies_reach_far() -> None:
    """20, 60 and 100 MHz tell 7.5 m apart, with the fine deviation of the highest, and repeat after it."""
    profile = dataclasses.replace(
        CLEAN, modulation_frequencies=(20e6, 60e6, 100e6), modulation_contrast=(0.5, 0.5, 0.5), signal_electrons=2e4,
        dark_electrons=100.0,
    )  # fmt: skip
    distance = np.linspace(0.05, 7.44, 2000)
    light = (distance**2).astype(np.float32).reshape(-1, 1, 1)
    measured = _wall(distance, profile, infrared=light)

    assert profile.unambiguous_range == pytest.approx(7.4948, abs=1e-4)
    assert profile.wrap_count == 5
    sigma = LIGHT_SPEED / (4 * math.pi * 100e6) * math.sqrt(20100.0 / 2) / 1e4 / math.sqrt(1 + 0.36 + 0.04)
    assert np.abs(measured - distance).max() < 6 * sigma
    assert (measured - distance).std() == pytest.approx(sigma, rel=5 / math.sqrt(2 * 2000))
    again = _wall(distance + profile.unambiguous_range, profile, infrared=(light**0.5 + np.float32(7.4948)) ** 2)
    assert np.abs(again - distance).max() < 7 * sigma


def test_order_of_the_frequencies_does_not_matter() -> None:
    """Frequencies may be given in any order."""
    distance = np.linspace(0.5, 5.0, 50)
    turned = dataclasses.replace(
        AZURE,
        modulation_frequencies=AZURE.modulation_frequencies[::-1],
        modulation_contrast=AZURE.modulation_contrast[::-1],
    )
    assert np.array_equal(_wall(distance, AZURE), _wall(distance, turned))


def _sum_surfaces(surfaces: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Distance and deviation that CLEAN measures of (share of light, distance) pairs in one pixel."""
    total, mean = 0j, CLEAN.dark_electrons
    for share, distance in surfaces:
        signal = share * CLEAN.signal_electrons * INFRARED / distance**2
        total += CLEAN.modulation_contrast[0] * signal * cmath.exp(2j * math.pi * distance / TURN)
        mean += signal
    sigma = TURN / (2 * math.pi) * math.sqrt(mean / 2) / abs(total)
    return cmath.phase(total) / (2 * math.pi) % 1.0 * TURN, sigma


@pytest.mark.parametrize("far", [1.3, 1.9, 2.4, 2.9])
@pytest.mark.parametrize("share", [0.03, 0.1, 0.25])
def test_mixed_pixels_follow_the_phasor_sum(far: float, share: float) -> None:
    """Beside an edge the distance is the angle of both surfaces' phasors: between them, or outside of them."""
    near = 1.0
    profile = dataclasses.replace(CLEAN, spread_share=share)
    depth = np.full((1, 5, 8), near, np.float32)
    depth[:, :, 4:] = far
    measured = apply_depth(depth, profile, fx=1e9, seed=0, index=[0]).depth[0, 2].astype(float)

    for column, weight in ((2, 1.0), (3, 1 - share), (4, share), (5, 0.0)):
        expected, sigma = _sum_surfaces(((weight, near), (1 - weight, far)))
        assert abs(measured[column] - expected) < 6 * sigma
    if far - near < TURN / 2:
        assert near < measured[4] < far
    else:
        # More than half a turn apart: the sum turns the other way round.
        assert measured[3] < near


def test_several_frequencies_refuse_mixed_pixels() -> None:
    """On the edge the frequencies contradict one another, and beside it they do not."""
    depth = np.full((1, 9, 40), 1.0, np.float32)
    depth[:, :, 20:] = 2.2
    profile = dataclasses.replace(AZURE, spread_share=0.25)
    status = apply_depth(depth, profile, fx=500.0, seed=0, index=[0]).status[0]

    assert (status[:, 20] == depth_reading.AMBIGUOUS).all()
    assert (status[:, :19] == 0).all()
    assert (status[:, 22:] == 0).all()


def test_harmonics_wiggle_four_times_a_turn() -> None:
    """The error is (h5 - h3) sin(4 phi) turns / 2 pi at first order, and the phasor's angle exactly."""
    profile = dataclasses.replace(CLEAN, third_harmonic=-0.02, fifth_harmonic=0.01)
    phi = 2 * np.pi * (np.arange(400) + 0.5) / 400
    distance = phi / (2 * np.pi) * TURN
    light = (distance**2).astype(np.float32).reshape(-1, 1, 1)
    error = (_wall(distance, profile, infrared=light) - distance + TURN / 2) % TURN - TURN / 2
    sine, cosine = 2 * (error * np.sin(4 * phi)).mean(), 2 * (error * np.cos(4 * phi)).mean()

    assert sine == pytest.approx(0.03 * TURN / (2 * np.pi), rel=0.01)
    assert abs(cosine) < 1e-4
    for k in (1, 2, 3, 5, 6, 7):
        assert abs(2 * (error * np.exp(1j * k * phi)).mean()) < 1e-4
    exact = np.angle(1 - 0.02 * np.exp(-4j * phi) + 0.01 * np.exp(4j * phi)) * TURN / (2 * np.pi)
    assert np.abs(error - exact).max() < 3e-4


def test_a_second_path_shifts_the_distance() -> None:
    """A share m that comes by a path longer by e adds the angle of 1 + m e^{j 2 pi f e / c}."""
    profile = dataclasses.replace(CLEAN, multipath_share=0.3, multipath_length=1.1)
    distance = np.array([0.7, 1.0, 1.6])
    shift = np.angle(1 + 0.3 * np.exp(2j * np.pi * 50e6 * 1.1 / LIGHT_SPEED)) * TURN / (2 * np.pi)

    assert np.abs(_wall(distance, profile) - distance - shift).max() < 1e-3


def test_scattered_light_pulls_the_far_wall() -> None:
    """What is scattered over the image adds the mean phasor to every pixel."""
    profile = dataclasses.replace(CLEAN, scatter_share=0.05)
    depth = np.full((1, 16, 16), 2.2, np.float32)
    depth[:, :, :8] = 0.4
    measured = apply_depth(depth, profile, fx=1e9, seed=0, index=[0]).depth[0].astype(float)
    expected, sigma = _sum_surfaces(((0.025, 0.4), (0.975, 2.2)))

    assert np.abs(measured[:, 8:] - expected).max() < 6 * sigma
    assert abs(expected - 2.2) > 0.05
    wall = apply_depth(depth[:, :, 8:], profile, fx=1e9, seed=0, index=[0]).depth
    assert np.abs(wall - 2.2).max() < 6 * _sum_surfaces(((1.0, 2.2),))[1]


def test_depth_is_the_part_along_the_axis() -> None:
    """A flat wall reads flat, whatever the angle of the ray."""
    depth = np.full((1, 60, 80), 1.5, np.float32)
    profile = dataclasses.replace(AZURE, signal_electrons=1e6, full_well=1e8, third_harmonic=0.0)
    measured = apply_depth(depth, profile, fx=40.0, fy=45.0, center=(30.0, 20.0), seed=0, index=[0]).depth

    assert np.abs(measured - 1.5).max() < 6e-3


def test_azure_kinect_is_as_good_as_stated() -> None:
    """At 3.86 m a surface of 15 % reflectance deviates by less than 17 mm, and is seen."""
    depth = np.full((1, 100, 200), 3.86, np.float32)
    dark = np.full(depth.shape, 0.15, np.float32)
    reading = apply_depth(depth, "azure_kinect", fx=1e5, seed=0, index=[0], infrared=dark)

    assert (reading.status == 0).mean() > 0.95
    assert 0.010 < reading.depth[reading.status == 0].std() < 0.017
    assert abs(reading.depth[reading.status == 0].mean() - 3.86) < 0.011 + 0.001 * 3.86


def test_reasons() -> None:
    """Too bright is saturated, too dark is low signal, and the range has its ends."""
    cases = [
        (0.30, 1.0, depth_reading.SATURATED),
        (2.0, 0.002, depth_reading.LOW_SIGNAL),
        (0.20, 0.02, depth_reading.TOO_NEAR),
        (6.5, 1.0, depth_reading.TOO_FAR),
        (2.0, 0.5, depth_reading.VALID),
        (0.0, 0.5, depth_reading.NO_SURFACE),
        (math.inf, 0.5, depth_reading.NO_SURFACE),
        (1e30, 0.5, depth_reading.NO_SURFACE),
    ]
    depth = np.array([z for z, _, _ in cases], np.float32).reshape(-1, 1, 1)
    light = np.array([rho for _, rho, _ in cases], np.float32).reshape(-1, 1, 1)
    reading = apply_depth(depth, AZURE, fx=500.0, seed=0, index=np.arange(len(cases)), infrared=light)

    assert reading.status[:, 0, 0].tolist() == [status for _, _, status in cases]


def test_a_row_does_not_depend_on_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the batch is cut or ordered, and on any number of threads, the bytes are the same."""
    depth, fx = _scene(5, 19, 70), np.array([300.0, 310.0, 320.0, 330.0, 340.0])
    cosine = (0.3 + 0.7 * _noise(5, 19, 70, stream="cosine")).astype(np.float32)
    index = np.array([7, 8, 2**33, 0, 1])
    other = dataclasses.replace(
        AZURE, spread_share=0.2, modulation_frequencies=(80e6, 16e6), modulation_contrast=(1, 1)
    )
    profiles = [AZURE, other, AZURE, AZURE, other]
    whole = apply_depth(depth, profiles, fx=fx, seed=3, index=index, cosine=cosine)
    for part in ([0], [1, 2], [4, 3], [2, 4, 0, 3, 1]):
        given = [profiles[k] for k in part]
        piece = apply_depth(depth[part], given, fx=fx[part], seed=3, index=index[part], cosine=cosine[part], threads=1)
        assert np.array_equal(piece.depth, whole.depth[part])
        assert np.array_equal(piece.status, whole.status[part])
    monkeypatch.setattr(time_of_flight, "_WORKING_NUMBERS", 1)
    again = apply_depth(depth, profiles, fx=fx, seed=3, index=index, cosine=cosine)
    assert np.array_equal(again.depth, whole.depth)


def test_seed_row_and_sensor_change_the_noise() -> None:
    """Seed 0 differs from seed 1, row 0 from row 1 and sensor 0 from sensor 1."""
    depth = np.full((1, 20, 60), 1.5, np.float32)
    options = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    found = [apply_depth(depth, AZURE, fx=500.0, seed=a, index=[b], sensor=c).depth.tobytes() for a, b, c in options]

    assert len(set(found)) == 4


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 5), (1, 5, 1), (1, 2, 2)])
def test_small_images_are_measured(shape: tuple[int, int, int]) -> None:
    """An image of one line, one column or one pixel has borders on both sides at once."""
    reading = apply_depth(np.full(shape, 2.0, np.float32), AZURE, fx=500.0, seed=0, index=np.arange(shape[0]))

    assert np.abs(reading.depth - 2.0).max() < 0.03


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's statuses, and its depths to a micrometre where no count differs."""
    depth = _scene(1, 4, 14)
    code = """
from simloom.kernels.depth import apply_depth
reading = apply_depth(depth, "azure_kinect", fx=60.0, seed=1, index=np.array([6]), device="cuda")
out = {"depth": reading.depth, "status": reading.status}
"""
    twin = run_simulated(code, tmp_path, depth=depth)
    reading = apply_depth(depth, "azure_kinect", fx=60.0, seed=1, index=np.array([6]))

    assert np.array_equal(twin["status"], reading.status)
    error = np.abs(twin["depth"] - reading.depth)
    assert np.quantile(error, 0.9) < 2e-6
    assert error.max() < 5e-3


@pytest.mark.parametrize(
    "field, value",
    [
        ("modulation_frequencies", ()),
        ("modulation_frequencies", (1e8, 1e8, 2e7)),
        ("modulation_frequencies", (1e8, 6e7, 2e7 + 0.5)),
        ("modulation_frequencies", (1e8, 6e7, 2e3)),
        ("modulation_frequencies", (999999999.0, 6e7, 2e7)),
        ("modulation_contrast", (0.5,)),
        ("full_well", 0.0),
        ("range_max", 0.1),
        ("spread_share", 0.3),
        ("scatter_share", 0.9),
        ("third_harmonic", 2.0),
    ],
)
def test_impossible_values_are_refused(field: str, value: object) -> None:
    """A value outside its range gets an error that names the field to mend."""
    changes = {field: value, "range_max": 1e4} if value == (999999999.0, 6e7, 2e7) else {field: value}
    with pytest.raises(ValueError, match=f"{field} must .*; set .*{field}"):
        dataclasses.replace(AZURE, **changes)
