"""Schedules of samples and what an observer holds: addresses, statistics, order of arrival."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from naive.mailbox import draw_latency, draw_timing, hold_newest
from naive.twin import run_simulated
from simloom.kernels.observation_timing import ObservationTiming
from simloom.kernels.schedule import Schedule, observe, sample_times

SECOND = 10**9
LATE = ObservationTiming(sampling_rate=1808.45, delay=0.001, jitter=0.0006, dropout=0.2, sampling_jitter=2e-5)


def test_windows_agree() -> None:
    """A sample has the same stamp, arrival and fate in the whole and in parts, wherever its row stands."""
    whole = sample_times(LATE, 0, SECOND, seed=3, index=[5, 2**40, 9], sensor=2, threads=1)
    number = []
    for start in range(0, SECOND, SECOND // 4):
        part = sample_times(LATE, start, start + SECOND // 4, seed=3, index=[9, 5], sensor=2, threads=2)
        for row, at in ((0, 2), (1, 0)):
            count = int(part.count[row])
            places = part.number[row, :count]
            number += places.tolist() if row == 0 else []
            assert np.array_equal(part.measured[row, :count], whole.measured[at, places])
            assert np.array_equal(part.arrival[row, :count], whole.arrival[at, places])
            assert np.array_equal(part.delivered[row, :count], whole.delivered[at, places])
            assert (part.measured[row, count:] == -1).all()
            assert not part.delivered[row, count:].any()
    assert number == whole.number[2, : int(whole.count[2])].tolist()


def test_places_depend_on_the_length_of_the_window_alone() -> None:
    """Rows whose windows start elsewhere have places enough, and their own counts."""
    timing = ObservationTiming(sampling_rate=3.0)
    starts = np.array([0, 1, 100_000_000, 333_333_333, 333_333_334])

    schedule = sample_times(timing, starts, starts + SECOND // 2, seed=0, index=np.arange(5), threads=1)

    assert schedule.measured.tolist()[0] == [0, 333333333]
    assert schedule.count.tolist() == [2, 1, 1, 2, 1]
    assert schedule.number.shape == (5, 2)


@pytest.mark.parametrize("rate", [1808.45, 1e9 / 3.0, 123.45678901234567])
def test_late_windows_are_exact(rate: float) -> None:
    """A window far from the start has the stamps that each number alone has."""
    timing = ObservationTiming(sampling_rate=rate, phase=0.123456789)
    start = timing.stamp(10**9)

    schedule = sample_times(timing, start, start + round(50e9 / rate), seed=0, index=[0], threads=1)

    count = int(schedule.count[0])
    assert count >= 49
    assert schedule.number[0, 0] == 10**9
    assert schedule.measured[0, :count].tolist() == [timing.stamp(10**9 + k) for k in range(count)]


def test_draws_are_those_of_the_oracle() -> None:
    """Instant, latency and loss of each sample follow from its own address."""
    schedule = sample_times(LATE, 0, SECOND // 50, seed=7, index=[4, 2**33 + 1], sensor=3, threads=1)

    for row, index in enumerate((4, 2**33 + 1)):
        for k in range(int(schedule.count[row])):
            _, loss, instant = draw_timing(7, k, index, 3)
            latency = draw_latency(7, k, index, 3, LATE.delay, LATE.jitter)
            due = LATE.stamp(k)
            assert abs(schedule.measured[row, k] - max(0.0, due + 2e4 * instant)) <= 0.52
            assert schedule.arrival[row, k] - schedule.measured[row, k] == pytest.approx(latency * 1e9, abs=5.0)
            assert schedule.delivered[row, k] == (loss >= 0.2)


def test_latency_and_loss_have_their_statistics() -> None:
    """Mean, deviation and quantiles of the latency and the share of lost samples are the law's."""
    timing = ObservationTiming(sampling_rate=1000.0, delay=0.02, jitter=0.01, dropout=0.1)
    schedule = sample_times(timing, 0, 100 * SECOND, seed=1, index=[0, 1], threads=1)
    count = schedule.number.size
    latency = (schedule.arrival - schedule.measured).ravel() * 1e-9
    mu, sigma = timing.latency_law

    lost = 1.0 - schedule.delivered.mean()
    assert abs(lost - 0.1) < 5 * math.sqrt(0.09 / count)
    assert latency.min() > 0.0
    assert abs(latency.mean() - 0.02) < 5 * 0.01 / math.sqrt(count)
    # The variance's own deviation, by the law's fourth moment: kurtosis e^4s + 2 e^3s + 3 e^2s - 3, s = sigma^2.
    kurtosis = math.exp(4 * sigma**2) + 2 * math.exp(3 * sigma**2) + 3 * math.exp(2 * sigma**2) - 3
    assert abs(latency.var() / 1e-4 - 1.0) < 5 * math.sqrt((kurtosis - 1.0) / count)
    for z in (-2.0, -1.0, 0.0, 1.0, 2.0):
        below = 0.5 * (1.0 + math.erf(z / math.sqrt(2.0)))
        share = (latency <= math.exp(mu + sigma * z)).mean()
        assert abs(share - below) < 5 * math.sqrt(below * (1.0 - below) / count)
    correlation = np.corrcoef(latency[:-1], latency[1:])[0, 1]
    assert abs(correlation) < 5 / math.sqrt(count)


def test_instants_vary_by_the_sampling_jitter_and_stay_in_order() -> None:
    """The instants of measurement deviate from the due ones as stated."""
    timing = ObservationTiming(sampling_rate=1000.0, sampling_jitter=7e-5)
    schedule = sample_times(timing, SECOND, 51 * SECOND, seed=1, index=[0], threads=1)
    departure = schedule.measured[0] - np.arange(1000, 51000) * 10**6

    assert (np.diff(schedule.measured[0]) > 0).all()
    assert abs(departure.std() / 7e4 - 1.0) < 5 / math.sqrt(2 * 50000)


@pytest.mark.parametrize("holds", [True, False])
def test_the_newest_measurement_wins(holds: bool) -> None:
    """Where samples overtake one another an observer never goes back, as a mailbox that compares stamps does."""
    schedule = sample_times(LATE, 0, SECOND // 20, seed=5, index=[0, 1], threads=1)
    values = schedule.number.astype(np.float64)
    query = np.arange(-SECOND // 100, SECOND // 15, 97_531)

    seen = observe(schedule, values, query, missing="hold" if holds else "nan", threads=1)

    assert (np.diff(schedule.arrival, axis=1) < 0).any()
    for row in range(2):
        count = int(schedule.count[row])
        parts = (schedule.measured, schedule.arrival, schedule.delivered)
        held = np.array(hold_newest(*(part[row, :count].tolist() for part in parts), query.tolist(), holds))
        assert np.array_equal(seen.number[row], held)
        assert np.array_equal(np.isnan(seen.value[row]), held < 0)
        assert np.array_equal(seen.value[row][held >= 0], held[held >= 0])
        age = query - schedule.measured[row, np.maximum(held, 0)]
        assert np.array_equal(seen.age[row], np.where(held >= 0, age, -1))
        if holds:
            assert (np.diff(held) >= 0).all()


def _lossy() -> tuple[Schedule, np.ndarray]:
    timing = ObservationTiming(sampling_rate=1.0, delay=0.25, dropout=0.4)
    schedule = sample_times(timing, 0, 5 * SECOND, seed=0, index=[0], threads=1)
    return schedule, schedule.delivered[0]


def test_hold_shows_the_sample_before_and_nan_shows_nan() -> None:
    """A lost sample is passed over with "hold"; with "nan" it shows from when it was due to arrive."""
    schedule, delivered = _lossy()
    values = np.array([[10.0, 11.0, 12.0, 13.0, 14.0]], np.float32)
    query = np.array([k * SECOND + SECOND // 4 + shift for k in range(5) for shift in (-1, 0)])

    held = observe(schedule, values, query, missing="hold", threads=1)
    gaps = observe(schedule, values, query, missing="nan", threads=1)

    assert delivered.any()
    assert not delivered.all()
    last, wanted_held, wanted_gaps = -1, [], []
    newest = math.nan
    for k in range(5):
        wanted_held.append(math.nan if last < 0 else 10.0 + last)
        wanted_gaps.append(newest)
        last = k if delivered[k] else last
        newest = 10.0 + k if delivered[k] else math.nan
        wanted_held.append(math.nan if last < 0 else 10.0 + last)
        wanted_gaps.append(newest)
    np.testing.assert_array_equal(held.value[0], wanted_held)
    np.testing.assert_array_equal(gaps.value[0], wanted_gaps)
    assert held.value.dtype == np.float32


def test_whole_numbers_are_held_and_cannot_be_nan() -> None:
    """Integer values show 0 before the first; "nan" is refused for them."""
    schedule, _ = _lossy()
    values = np.arange(20, 25)[None]

    assert observe(schedule, values, [0], threads=1).value.tolist() == [[0]]
    with pytest.raises(ValueError, match="missing 'nan' needs floating point values, got int64"):
        observe(schedule, values, [0], missing="nan")


def test_buffers_hold_the_newest_samples_oldest_first() -> None:
    """A buffer of three shows the three newest arrivals, and nothing where there were fewer."""
    timing = ObservationTiming(sampling_rate=10.0, delay=0.05, buffer_size=3)
    schedule = sample_times(timing, 0, SECOND, seed=0, index=[0], threads=1)

    seen = observe(schedule, schedule.number.astype(np.float64), [160_000_000, SECOND], threads=1)

    assert seen.number.tolist() == [[[-1, 0, 1], [7, 8, 9]]]
    assert seen.age[0, 1].tolist() == [300_000_000, 200_000_000, 100_000_000]
    np.testing.assert_array_equal(seen.value, [[[np.nan, 0.0, 1.0], [7.0, 8.0, 9.0]]])


def test_images_and_tensors_are_observed_alike() -> None:
    """Values of any shape are gathered, and torch's stay torch's."""
    schedule, _ = _lossy()
    images = np.arange(5 * 2 * 3, dtype=np.float32).reshape(1, 5, 2, 3)
    query = np.array([0, SECOND, 3 * SECOND])

    ours = observe(schedule, images, query, missing="nan", threads=1)
    theirs = observe(schedule, torch.from_numpy(images), query, missing="nan", threads=1)
    bytes_seen = observe(schedule, torch.from_numpy(images).to(torch.uint8), query, threads=1)

    assert ours.value.shape == (1, 3, 2, 3)
    np.testing.assert_array_equal(theirs.value.numpy(), ours.value)
    assert bytes_seen.value.dtype == torch.uint8


def test_impossible_windows_and_values_are_refused() -> None:
    """Empty windows, unequal ones, sample numbers beyond 32 bits and wrong shapes have errors of their own."""
    timing = ObservationTiming(sampling_rate=1000.0)
    for start, end, message in (
        (5, 5, "end_ns must be later"),
        ([0, 0], [5, 6], "equally so for every row"),
        (0.5, 1.5, "start_ns must be whole nanoseconds"),
        (0, 1 << 63, "end_ns must be within"),
        (4_294_967 * SECOND, 4_294_968 * SECOND, r"end at number 2\^32"),
    ):
        with pytest.raises(ValueError, match=message):
            sample_times(timing, start, end, seed=0, index=[0, 1])
    schedule = sample_times(timing, 0, SECOND // 100, seed=0, index=[0, 1], threads=1)
    with pytest.raises(ValueError, match=r"values must have shape \(2, 10, ...\)"):
        observe(schedule, np.zeros((2, 9)), [0])
    with pytest.raises(ValueError, match="query_ns must be whole nanoseconds"):
        observe(schedule, np.zeros((2, 10)), [0.5])


def test_the_simulated_device_draws_the_same(tmp_path: Path) -> None:
    """The element in plain Python, as CUDA's simulator runs it, gives the same schedule and the same places."""
    schedule = sample_times(LATE, 0, SECOND // 100, seed=7, index=[4, 5], threads=1)
    query = np.broadcast_to(np.arange(0, SECOND // 80, 500_000), (2, 25)).copy()
    found = observe(schedule, schedule.number, query, threads=1)

    twin = run_simulated(
        """
from simloom.kernels import schedule as s
from simloom.kernels.philox import stream_key
measured, arrival = np.empty_like(number), np.empty_like(number)
delivered = np.empty(number.shape, np.uint8)
s._DRAW.launch(2, due, count, number[:, 0], rows, law, *stream_key(7, "timing"), np.uint64(0), measured, arrival,
               delivered, device="cuda")
places = np.empty((*query.shape, 1), np.int64)
s._FIND.launch(2, measured, arrival, delivered, count, query, 1, places, device="cuda")
out = {"measured": measured, "arrival": arrival, "delivered": delivered, "places": places}
""",
        tmp_path,
        number=schedule.number,
        due=np.array([[LATE.stamp(k) if k >= 0 else -1 for k in row] for row in schedule.number.tolist()]),
        rows=np.array([4, 5]),
        law=np.array([math.exp(LATE.latency_law[0]) * 1e9, LATE.latency_law[1], 2e4, LATE.dropout]),
        count=schedule.count,
        query=query,
    )

    assert np.array_equal(twin["measured"], schedule.measured)
    assert np.abs(twin["arrival"] - schedule.arrival).max() <= 1
    assert np.array_equal(twin["delivered"].astype(bool), schedule.delivered)
    assert np.array_equal(twin["places"][..., 0], found.number)
