"""Suite `navigation`: timing, satellite positioning, wheel odometry and rangers against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import naive_navigation
import numpy as np
from cases import NavigationCase
from report import CaseResult

from simloom.kernels.gnss import apply_gnss
from simloom.kernels.observation_timing import ObservationTiming
from simloom.kernels.odometry import apply_odometry
from simloom.kernels.profiles import load_sensor_profile
from simloom.kernels.ranger import apply_ranger
from simloom.kernels.schedule import observe, sample_times
from simloom.sim.bench.timing import Contestant, measure

NOTES = (
    "Samples per second of one thread. Ours is compiled and draws by address, so that any sample of any robot can be "
    "made again alone; NumPy draws in order, all robots at once and one step after the other.",
    "gnss, odometry: the same processes on both sides; ours writes the errors, the covariance and the true pose too.",
    "ultrasonic: NumPy's sums echoes over a box, without the rise of the pulse. optical: the same moments.",
    "timing: latency and loss are drawn, and the newest measurement is found at each control step.",
)


def run_case(case: NavigationCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    ours, theirs = _contest(case)
    items = float(case.rows * case.samples)
    contestants = [
        Contestant(name="simloom", items=items, run=lambda: _drop(ours())),
        Contestant(name="NumPy", items=items, run=lambda: _drop(theirs())),
    ]
    measured = measure(contestants, repeats=repeats, warmups=2)
    return CaseResult(
        case=case.name,
        unit="sample",
        settings={"rows": case.rows, "samples": case.samples, "threads": case.threads},
        measurements=measured,
        ratios=[("simloom", "NumPy")],
        facts={"ns_per_sample": {one.name: 1e9 / one.rate for one in measured}},
    )


def _contest(case: NavigationCase) -> tuple[Callable[[], Any], Callable[[], Any]]:
    rng = np.random.default_rng(5)
    index = np.arange(case.rows)
    keys: dict[str, Any] = {"seed": 1, "index": index, "threads": case.threads}
    if case.kernel == "gnss":
        receiver = load_sensor_profile("gnss", "ublox_f9p_rtk")
        place = rng.uniform(-50.0, 50.0, (case.rows, case.samples, 3))
        return (
            lambda: apply_gnss(place, place, receiver, **keys),
            lambda: naive_navigation.receive(place, place, receiver, rng),
        )
    if case.kernel == "odometry":
        drive = load_sensor_profile("odometry", "turtlebot3_burger")
        twist = rng.uniform(-0.2, 0.5, (case.rows, case.samples, 2))
        return lambda: apply_odometry(twist, drive, **keys), lambda: naive_navigation.count(twist, drive, rng)
    if case.kernel == "timing":
        timing = ObservationTiming(sampling_rate=100.0, delay=0.02, jitter=0.008, dropout=0.05)
        query = np.arange(case.samples // 2) * 20_000_000
        values = rng.uniform(size=(case.rows, case.samples))

        def watch() -> Any:
            schedule = sample_times(timing, 0, case.samples * 10_000_000, **keys)
            return observe(schedule, values, query, threads=case.threads)

        return watch, lambda: naive_navigation.observe(timing, values, query, rng)
    name, naive = (
        ("hc_sr04", naive_navigation.hear) if case.kernel == "ultrasonic" else ("vl53l0x", naive_navigation.see)
    )
    profile = load_sensor_profile("ranger", name)
    count = case.rows * case.samples
    distance = rng.uniform(0.3, 2.0, (count, 1)) * rng.uniform(1.0, 1.1, (count, profile.ray_count))
    there = distance.astype(np.float32)
    cosine = rng.uniform(0.8, 1.0, there.shape).astype(np.float32)
    row, number = np.divmod(np.arange(count), case.samples)
    keys["index"] = row
    return (
        lambda: apply_ranger(there, profile, cosine=cosine, number=number, **keys),
        lambda: naive(there, cosine, profile, rng),
    )


def _drop(_: Any) -> None:
    return None
