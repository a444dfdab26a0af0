"""Suite `scans`: weather before a LiDAR, de-skewing, and the whole way from a moving sensor to its points."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import naive_scans
import numpy as np
from cases import ScanCase
from report import CaseResult
from suite_rays import BATCH, BULLET, BulletWorld
from yard import make_yard

from simloom.kernels import (
    BeamOptics,
    Weather,
    aim_rays,
    apply_lidar,
    deskew_points,
    draw_weather_echoes,
    load_profile,
    make_pattern,
    points_from_ranges,
    pose_from_position_quaternion,
)
from simloom.renderers import RayCaster, cast_scan
from simloom.sim.bench.timing import Contestant, measure

NOTES = (
    "ns per point (or firing) of one thread; float64 in and out on all sides.",
    "rain: the strongest drop before each of many surfaces, 25 mm/h, with the range gate and threshold of a VLP-16 and "
    "a beam of 3 mrad. 'LISA's way' draws every drop of a beam, beam after beam, on a few of the points; 'NumPy' draws "
    "those of all beams in arrays, as far as the largest can be seen. Ours draws from Philox by address.",
    "deskew: points of scans with poses every 10 ms; SciPy's Slerp and np.interp, scan after scan.",
    "scan: a VLP-16 that drives and turns through a yard of boxes: rays, cast by `cast_scan`, then the sensor in rain "
    "and its points, de-skewed. PyBullet casts some of the same rays and does nothing else.",
)


def run_case(case: ScanCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    return {"rain": _run_rain, "deskew": _run_deskew, "scan": _run_scan}[case.kind](case, repeats)


def _run_rain(case: ScanCase, repeats: int) -> CaseResult:
    rng = np.random.default_rng(3)
    target = rng.uniform(2.0, 90.0, (case.frames, case.firings))
    optics = BeamOptics(divergence=3e-3, near=0.4, far=100.0, floor=8e-5, overlap_start=0.0, overlap_end=0.0)
    weather, rows = Weather(rain_rate=25.0), np.arange(case.frames)
    flat = target.reshape(-1)
    few = flat[: min(case.few, len(flat))]
    contestants = [
        Contestant(
            name="draw_weather_echoes",
            items=float(flat.size),
            run=lambda: _drop(draw_weather_echoes(target, weather, optics, seed=1, index=rows, threads=1)),
        ),
        Contestant(
            name="NumPy",
            items=float(flat.size),
            run=lambda: _drop(naive_scans.rain_all_at_once(flat, 25.0, optics, rng)),
        ),
        Contestant(
            name="LISA's way in NumPy",
            items=float(few.size),
            run=lambda: _drop(naive_scans.rain_point_by_point(few, 25.0, optics, rng)),
        ),
    ]
    measured = measure(contestants, repeats=repeats, warmups=2)
    ours = draw_weather_echoes(target, weather, optics, seed=1, index=rows, threads=1)
    theirs = naive_scans.rain_all_at_once(flat, 25.0, optics, rng)
    return _result(case, measured, "firing", {
        "share_of_beams_with_an_echo": {"ours": float((ours.power > 0).mean()), "NumPy": float((theirs[1] > 0).mean())},
    })  # fmt: skip


def _run_deskew(case: ScanCase, repeats: int) -> CaseResult:
    rng = np.random.default_rng(4)
    stamps, poses = _drive()
    points = rng.normal(size=(case.frames, case.firings, 3)) * 20.0
    instants = np.sort(rng.integers(0, 100_000_000, case.firings))
    end = 100_000_000

    def theirs() -> None:
        for scan in points:
            naive_scans.deskew(scan, instants, poses, stamps, end)

    ours = deskew_points(points[:1], instants, poses, stamps, end, threads=1)[0]
    off = np.abs(ours - naive_scans.deskew(points[0], instants, poses, stamps, end)).max()
    items = float(case.frames * case.firings)
    contestants = [
        Contestant(
            name="deskew_points",
            items=items,
            run=lambda: _drop(deskew_points(points, instants, poses, stamps, end, threads=1)),
        ),
        Contestant(name="SciPy and NumPy", items=items, run=theirs),
    ]
    measured = measure(contestants, repeats=repeats, warmups=2)
    return _result(case, measured, "point", {"largest_difference_m": float(off)})


def _run_scan(case: ScanCase, repeats: int) -> CaseResult:
    profile: Any = load_profile(case.profile)
    pattern = make_pattern(profile)
    keep = slice(0, min(case.firings, len(pattern.time)))
    rows = np.arange(case.frames)
    origins, directions = (rays[:, keep] for rays in aim_rays(pattern, profile, seed=1, index=rows, threads=1))
    library, yard = make_yard()
    caster = RayCaster(library, threads=1)
    stamps, poses = _drive()
    spent: dict[str, list[float]] = {"aim": [], "cast": [], "sense": [], "points": []}

    def run() -> None:
        marks = [time.perf_counter()]
        aim_rays(pattern, profile, seed=1, index=rows, threads=1)
        marks.append(time.perf_counter())
        hits = cast_scan(
            caster, [yard] * case.frames, origins, directions, pattern.time[keep], pose=poses, pose_time=stamps,
            far=profile.range_max,
        )  # fmt: skip
        marks.append(time.perf_counter())
        reading = apply_lidar(
            hits.range, profile, seed=1, index=rows, cosine=hits.cosine, reflectance=hits.reflectance,
            surface=hits.row, weather=Weather(rain_rate=25.0), threads=1,
        )  # fmt: skip
        marks.append(time.perf_counter())
        points = points_from_ranges(reading.range, pattern.directions[keep], threads=1)
        deskew_points(points, hits.time, poses, stamps, 100_000_000, threads=1)
        marks.append(time.perf_counter())
        for name, seconds in zip(spent, np.diff(marks), strict=True):
            spent[name].append(float(seconds))

    firings, subrays = float(directions.shape[0] * directions.shape[1]), directions.shape[2]
    aim = directions.reshape(-1, 3)[: BATCH // subrays * subrays]
    begin = np.tile([0.0, 0.0, 1.8], (len(aim), 1))
    to = begin + profile.range_max * aim
    starts, ends, world = begin.tolist(), to.tolist(), BulletWorld(library, yard)
    contestants = [
        Contestant(name="the whole way", items=firings, run=run),
        Contestant(name=f"{BULLET}, rays alone", items=len(to) / subrays, run=lambda: _drop(world.cast(starts, ends))),
    ]
    try:
        measured = measure(contestants, repeats=repeats, warmups=2)
    finally:
        world.close()
    nanoseconds = {name: 1e9 * float(np.median(times)) / firings for name, times in spent.items()}
    return _result(case, measured, "firing", {
        "subrays": subrays,
        "ns_per_firing_by_part": nanoseconds,
        "cast_ns_per_ray": nanoseconds["cast"] / subrays,
    })  # fmt: skip


def _drive() -> tuple[Any, Any]:
    """Return stamps [ns] and poses of a sensor that drives at 5 m/s and turns at 1.5 rad/s."""
    stamps = np.arange(0, 111_000_000, 10_000_000)
    seconds = stamps * 1e-9
    zero, half = np.zeros_like(seconds), 0.75 * seconds
    at = np.stack([5.0 * seconds, zero, zero + 1.8], axis=1)
    return stamps, pose_from_position_quaternion(at, np.stack([zero, zero, np.sin(half), np.cos(half)], axis=1))


def _result(case: ScanCase, measured: Any, unit: str, facts: dict[str, Any]) -> CaseResult:
    return CaseResult(
        case=case.name,
        unit=unit,
        settings={**dataclasses.asdict(case), "cores": 1},
        measurements=measured,
        ratios=[(measured[0].name, other.name) for other in measured[1:]],
        facts={**facts, f"ns_per_{unit}": {m.name: 1e9 / m.rate for m in measured}},
    )


def _drop(_: Any) -> None:
    return None
