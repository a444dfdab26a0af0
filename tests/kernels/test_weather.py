"""Weather against quadrature, published laws, the statistics of drops in a cone, and the CUDA simulator."""

from __future__ import annotations

import math

import numpy as np
import pytest

from naive.twin import run_simulated
from naive.weather import beam_drops, fog_response
from simloom.kernels.beam_optics import BeamOptics
from simloom.kernels.lidar_reading import FOG, NO_RETURN, RAIN, SNOW
from simloom.kernels.philox import stream_key
from simloom.kernels.precipitation import DROP_NUMBERS, HEADER, NODES, fresnel_reflectance, pack_drops, strongest_drop
from simloom.kernels.weather import (
    Weather,
    fog_extinction,
    rain_distribution,
    rain_extinction,
    rain_range_noise,
    snow_distribution,
    snow_extinction,
)
from simloom.kernels.weather_echo import draw_weather_echoes

RATES = (0.5, 5.0, 25.0, 100.0)


@pytest.mark.parametrize("rate", RATES)
def test_extinctions_are_the_published_laws(rate):
    """LISA's integral by quadrature, for rain and snow, and Goodin's power law, to 1e-6."""
    from scipy.integrate import quad

    def lisa(count, slope):
        value, _ = quad(lambda d: d * d * 2.0 * count * math.exp(-slope * d), 0.0, 60.0 / slope, epsabs=0, epsrel=1e-10)
        return 1e-6 * math.pi / 4.0 * value

    rain = lisa(8000.0, 4.1 * rate**-0.21)
    snow = lisa(7600.0 * rate**-0.87, 2.55 * rate**-0.48)
    assert rain_extinction(rate) == pytest.approx(rain, rel=1e-6)
    assert snow_extinction(rate) == pytest.approx(snow, rel=1e-6)
    assert rain_extinction(rate, "goodin") == pytest.approx(0.01 * rate**0.6, rel=1e-12)
    assert rain_range_noise(rate) == pytest.approx(0.02 * (1.0 - math.exp(-rate)) ** 2, rel=1e-12)


def test_visibility_leaves_five_percent():
    """At the meteorological optical range 5 % of the light is left, and what is in the air adds up."""
    assert math.exp(-fog_extinction(60.0) * 60.0) == pytest.approx(0.05, rel=1e-12)
    assert fog_extinction(math.inf) == rain_extinction(0.0) == rain_extinction(0.0, "goodin") == snow_extinction(0) == 0
    all_of_it = Weather(rain_rate=10.0, snow_rate=2.0, visibility=200.0)
    parts = (Weather(rain_rate=10.0), Weather(snow_rate=2.0), Weather(visibility=200.0))
    assert all_of_it.extinction == pytest.approx(sum(part.extinction for part in parts), rel=1e-14)
    assert Weather().is_clear
    assert Weather().extinction == 0.0
    assert not any(part.is_clear for part in parts)


def test_wrong_weather_gets_one_clear_error():
    """Each error says what was given, what is allowed and what to set."""
    for name, value in (("rain_rate", -1.0), ("snow_rate", 101.0), ("visibility", 0.5), ("rain_law", "hail")):
        with pytest.raises(ValueError, match=f"{name}.*set Weather.{name}"):
            Weather(**{name: value})
    with pytest.raises(ValueError, match=r"far.*set BeamOptics.far"):
        BeamOptics(divergence=1e-3, near=1.0, far=1.0, floor=0.0)
    with pytest.raises(ValueError, match="one for each of the 2 rows"):
        draw_weather_echoes(np.ones((2, 3)), [Weather()], OPTICS)
    with pytest.raises(ValueError, match="law must be one of"):
        rain_extinction(1.0, "hail")


OPTICS = BeamOptics(divergence=3e-3, near=1.0, far=120.0, floor=1e-7)


def pack(floor, far=12.0, near=0.5, rate=25.0, divergence=3e-3, aperture=0.0, overlap=(0.0, 0.0)):
    """The numbers of rain before a sensor."""
    return pack_drops(
        rain_distribution(rate), divergence=divergence, aperture=aperture, overlap_start=overlap[0],
        overlap_end=overlap[1], diameter_min=0.05, reflectance=fresnel_reflectance(1.328),
        extinction=rain_extinction(rate), floor=floor, near=near, far=far,
    )[None]  # fmt: skip


def draw(packed, target, beams, seed=3):
    """Range, power and number of drops of many beams, in plain Python."""
    key = stream_key(seed, "weather")
    return np.array([strongest_drop(target, 0, 0, packed, *key, beam, 7, 0, 0) for beam in range(beams)])


def test_drops_in_a_beam_are_counted_as_poisson():
    """With no floor the mean number is the cone's volume times the drops per volume, and so is the variance."""
    packed, beams, target = pack(0.0), 4000, 8.0
    count, slope = rain_distribution(25.0)
    volume = math.pi / 3.0 * (0.5 * math.tan(3e-3)) ** 2 * (target**3 - 0.5**3)
    mean = volume * count * math.exp(-slope * 0.05) / slope
    counts = draw(packed, target, beams)[:, 2]
    assert mean == pytest.approx(4.2, rel=0.1)
    assert abs(counts.mean() - mean) < 5.0 * math.sqrt(mean / beams)
    # The variance of a Poisson sample's variance: (mean + 2 mean^2) / n.
    assert abs(counts.var() - mean) < 5.0 * math.sqrt((mean + 2.0 * mean * mean) / beams)


def test_single_drops_lie_as_evenly_as_the_cone_is_wide():
    """Without a floor the drops' ranges are R u^(1/3): the ranges of the only drops of beams follow r^3."""
    from scipy.stats import kstest

    packed, target = pack(0.0, near=0.01), 8.0
    drawn = draw(packed, target, 20000, seed=5)
    alone = drawn[drawn[:, 2] == 1, 0]
    assert len(alone) > 1000
    assert kstest(alone, lambda r: (r / target) ** 3).pvalue > 1e-4


@pytest.mark.parametrize(
    "floor, target, aperture, overlap",
    [(2e-5, 30.0, 0.0, (0.0, 0.0)), (3e-6, 9.0, 0.0, (0.0, 0.0)), (3e-6, 20.0, 0.01, (1.0, 6.0))],
)
def test_strongest_echoes_are_those_of_all_drops(floor, target, aperture, overlap):
    """Leaving out drops that are too weak beforehand gives what drawing every drop gives: number, range, power."""
    from scipy.stats import ks_2samp

    beams = 3000
    drawn = draw(pack(floor, far=40.0, aperture=aperture, overlap=overlap), target, beams, seed=11)
    every = np.array(beam_drops(np.random.default_rng(2), beams, target, 0.5, 25.0, 3e-3, floor, aperture, overlap))
    mean = every[:, 2].mean()
    assert abs(drawn[:, 2].mean() - mean) < 5.0 * math.sqrt(2.0 * mean / beams)
    there, theirs = drawn[drawn[:, 2] > 0], every[every[:, 2] > 0]
    for column in (0, 1):
        assert ks_2samp(there[:, column], theirs[:, column]).pvalue > 1e-4
    assert there[:, 1].min() >= floor * (1.0 - 1e-2)


def test_floor_is_raised_where_drops_are_too_many():
    """The table's mean is half of what a beam may draw at most, and it ascends."""
    packed = pack(0.0, far=200.0)[0]
    assert packed.shape == (DROP_NUMBERS,)
    assert DROP_NUMBERS == HEADER + NODES
    assert packed[2] == pytest.approx(32.0, rel=1e-3)
    assert packed[5] > 0.0
    assert (np.diff(packed[HEADER:]) >= 0.0).all()
    assert packed[-1] == packed[2]


@pytest.mark.parametrize("overlap", [(0.9, 1.0), (2.0, 6.0)])
@pytest.mark.parametrize("target", [2.5, 5.0, 60.0])
def test_fog_echoes_as_its_integral_says(overlap, target):
    """Power and range of the strongest echo against adaptive quadrature and a search, to 2 %, without spread."""
    weather = Weather(visibility=60.0, fog_spread=0.0)
    optics = BeamOptics(
        divergence=3e-3, near=0.3, far=100.0, floor=0.0, overlap_start=overlap[0], overlap_end=overlap[1]
    )
    found = draw_weather_echoes(np.full((1, 3), target), weather, optics, threads=1)
    distance, power = fog_response(60.0, target, 20e-9, *overlap)
    assert np.allclose(found.power, power, rtol=0.02)
    assert np.allclose(found.range, distance, atol=0.06)
    assert (found.return_type == FOG).all()


def test_spread_moves_fog_outward_by_a_gamma_distribution():
    """What is added to the range has shape 2 and the scale that was asked for, and no echo lies behind the surface."""
    from scipy.stats import gamma, kstest

    optics = BeamOptics(divergence=3e-3, near=0.3, far=100.0, floor=0.0)
    target = np.full((1, 20000), 90.0)
    still = draw_weather_echoes(target, Weather(visibility=60.0, fog_spread=0.0), optics, threads=1)
    moved = draw_weather_echoes(target, Weather(visibility=60.0, fog_spread=0.5), optics, threads=1)
    assert kstest((moved.range - still.range)[0], gamma(2, scale=0.5).cdf).pvalue > 1e-4
    near = draw_weather_echoes(np.full((1, 500), 2.0), Weather(visibility=60.0, fog_spread=2.0), optics, threads=1)
    assert near.range.max() == 2.0


def test_clear_air_echoes_nothing():
    """Neither does a beam whose surface is nearer than the sensor sees."""
    found = draw_weather_echoes(np.full((2, 5), 50.0), Weather(), OPTICS, threads=1)
    assert not found.range.any()
    assert not found.power.any()
    assert (found.return_type == NO_RETURN).all()
    close = draw_weather_echoes(np.full((1, 50), 0.5), Weather(rain_rate=200.0, snow_rate=50.0), OPTICS, threads=1)
    assert (close.return_type == NO_RETURN).all()


def test_echoes_follow_their_address():
    """Rows shuffled, cut out, or drawn by two threads give the same bytes; another seed or sensor does not."""
    generator = np.random.default_rng(8)
    weather = [
        Weather(rain_rate=100.0), Weather(snow_rate=20.0), Weather(visibility=40.0), Weather(),
        Weather(rain_rate=50.0, snow_rate=5.0, visibility=300.0), Weather(rain_rate=100.0),
    ]  # fmt: skip
    target = generator.uniform(0.0, 60.0, (6, 400)).astype(np.float32)
    target[:, ::7] = 0.0
    whole = draw_weather_echoes(target, weather, OPTICS, seed=4, threads=1)
    assert {NO_RETURN, RAIN} == set(whole.return_type[0])
    assert {NO_RETURN, SNOW} == set(whole.return_type[1])
    assert (whole.range <= np.where(target > 0.0, target, OPTICS.far)).all()
    order = np.array([4, 2, 0])
    part = draw_weather_echoes(target[order], [weather[i] for i in order], OPTICS, seed=4, index=order, threads=2)
    for name in ("range", "power", "return_type"):
        assert getattr(part, name).tobytes() == getattr(whole, name)[order].tobytes(), name
    other = draw_weather_echoes(target, weather, OPTICS, seed=4, sensor=1, threads=1)
    assert (other.range[0] != whole.range[0]).any()
    assert (whole.range[0] != whole.range[5]).any()


def test_torch_gives_what_numpy_gives():
    """Tensors in, tensors out, the same numbers."""
    import torch

    target = np.full((1, 200), 30.0)
    weather = Weather(rain_rate=100.0, visibility=100.0)
    ours = draw_weather_echoes(torch.from_numpy(target), weather, OPTICS, threads=1)
    assert isinstance(ours.range, torch.Tensor)
    assert ours.return_type.dtype == torch.uint8
    assert ours.range.numpy().tobytes() == draw_weather_echoes(target, weather, OPTICS, threads=1).range.tobytes()


TWIN = """
from simloom.kernels.weather import Weather
from simloom.kernels.beam_optics import BeamOptics
from simloom.kernels.weather_echo import draw_weather_echoes

optics = BeamOptics(divergence=3e-3, near=1.0, far=120.0, floor=1e-7)
weather = [Weather(rain_rate=100.0), Weather(snow_rate=20.0), Weather(visibility=40.0)]
found = draw_weather_echoes(target, weather, optics, seed=9, device=str(device), threads=1)
out = {"range": found.range, "power": found.power, "kind": found.return_type}
"""


def test_the_cuda_source_gives_what_the_cpu_gives(tmp_path):
    """The same kernel in Numba's CUDA simulator: kinds equal, numbers to rounding."""
    target = np.random.default_rng(1).uniform(0.5, 50.0, (3, 12))
    simulated = run_simulated(TWIN, tmp_path, target=target, device="cuda")
    found = {"target": target, "device": "cpu"}
    exec(compile(TWIN, "twin", "exec"), found)
    assert np.array_equal(simulated["kind"], found["out"]["kind"])
    assert len(set(simulated["kind"].ravel())) > 2
    for name in ("range", "power"):
        assert np.allclose(simulated[name], found["out"][name], rtol=1e-6, atol=0.0), name


def test_snow_is_coarser_than_rain():
    """At one rate of water flakes are larger and weaken light more."""
    assert snow_distribution(10.0)[1] < rain_distribution(10.0)[1]
    assert snow_extinction(10.0) > rain_extinction(10.0)
