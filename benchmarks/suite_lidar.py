"""Suite `lidar`: what a LiDAR reports of ranges that are known, against the same steps in NumPy."""

from __future__ import annotations

import dataclasses
from typing import Any

import naive_lidar
import numpy as np
from cases import LidarCase
from report import CaseResult

from simloom.kernels.lidar import apply_lidar
from simloom.kernels.lidar_profile import LidarProfile
from simloom.kernels.profiles import load_profile
from simloom.sim.bench.timing import Contestant, measure

NOTES = (
    "ns per firing of one thread. Inputs are float32 in memory, outputs are allocated in the timed region on both "
    "sides. A tenth of the beams with several sub-rays lie on an edge, a tenth of the firings meet nothing.",
    "Ours and NumPy: light of each sub-ray, echoes of sub-rays that follow one another, amplitude and range noise by "
    "SNR, threshold, gate, steps, drop-outs, false alarms, intensity, the strongest returns, and the sub-ray of each. "
    "Ours gives truth, type and spread too, and draws from Philox by address; NumPy draws in order.",
    "LISA's steps in clear air, for single rays: power, a threshold and range noise; no echoes, labels or steps.",
)


def make_scene(case: LidarCase) -> tuple[Any, Any, Any]:
    """Return ranges, cosines and reflectances, shape (N, P, S)."""
    rng = np.random.default_rng(5)
    shape = (case.frames, case.firings, 1)
    near = np.abs(np.linspace(-1, 1, case.firings, dtype=np.float32))[None, :, None] * 30 + 4  # walls that slant
    offset = rng.uniform(0.0, 0.03, (*shape[:2], case.subrays)).astype(np.float32)
    distance = np.broadcast_to(near, shape) + offset
    edge = rng.random(shape) < 0.1
    behind = np.arange(case.subrays) >= (case.subrays + 1) // 2
    distance = np.where(edge & behind, distance + 5.0, distance)
    distance = np.where(rng.random(shape) < 0.1, 0.0, distance).astype(np.float32)
    cosine = np.broadcast_to(rng.uniform(0.3, 1.0, shape), distance.shape).astype(np.float32)
    reflectance = np.broadcast_to(rng.uniform(0.1, 0.8, shape), distance.shape).astype(np.float32)
    return distance, cosine, reflectance


def run_case(case: LidarCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    found = load_profile(case.profile)
    assert isinstance(found, LidarProfile)
    profile = dataclasses.replace(found, return_mode="strongest")
    distance, cosine, reflectance = make_scene(case)
    rows = np.arange(case.frames)
    rng = np.random.default_rng(6)
    items = float(case.frames * case.firings)
    ours = Contestant(
        name="apply_lidar",
        items=items,
        run=lambda: _drop(
            apply_lidar(
                distance, profile, seed=1, index=rows, cosine=cosine, reflectance=reflectance, threads=case.threads
            )
        ),
    )
    others = [
        Contestant(
            name="NumPy",
            items=items,
            run=lambda: _drop(naive_lidar.measure(distance, cosine, reflectance, profile, rng)),
        )
    ]
    if case.subrays == 1:
        single, rho = distance[..., 0], cosine[..., 0] * reflectance[..., 0]
        others.append(
            Contestant(
                name="LISA's steps in NumPy",
                items=items,
                run=lambda: _drop(naive_lidar.measure_like_lisa(single, rho, profile, rng)),
            )
        )
    measured = measure([ours, *others], repeats=repeats, warmups=2)
    return CaseResult(
        case=case.name,
        unit="firing",
        settings={
            "frames": case.frames, "firings": case.firings, "subrays": case.subrays, "profile": case.profile,
            "threads": case.threads,
        },
        measurements=measured,
        ratios=[(ours.name, other.name) for other in others],
        facts={"ns_per_firing": {m.name: 1e9 / m.rate for m in measured}},
    )  # fmt: skip


def _drop(_: Any) -> None:
    return None
