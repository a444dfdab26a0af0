"""Suite `body`: joint encoders, force/torque sensors and tactile pads against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import naive_body
import numpy as np
from cases import BodyCase
from report import CaseResult

from simloom.kernels.encoder import apply_encoder
from simloom.kernels.force_torque import apply_force_torque
from simloom.kernels.profiles import load_profile
from simloom.kernels.tactile import apply_tactile
from simloom.sim.bench.timing import Contestant, measure

NOTES = (
    "ns per sample of a channel (a joint, an axis, a taxel), one thread; outputs are allocated in the timed region on "
    "both sides. All in float64.",
    "NumPy steps what depends on the sample before, vectorised over robots; all else runs over whole arrays. Its noise "
    "is drawn in order, ours by address; ours gives counts, offsets, overloads and the state to go on from too.",
    "encoders: 7 joints, backlash where the profile has it, eccentricity, noise, counts, velocity by difference and "
    "filter. force/torque: hysteresis of four plays, crosstalk, noise, filter, drift, steps, overload. tactile: 4 x 4 "
    "taxels, two contacts of four given, spread, gain, saturation, creep, noise, threshold, steps.",
)
_JOINTS = 7
_TAXELS = 16

CHAINS: dict[str, tuple[Callable[..., Any], Callable[..., Any], int]] = {
    "encoder": (apply_encoder, naive_body.read_encoders, _JOINTS),
    "force_torque": (apply_force_torque, naive_body.read_wrenches, 6),
    "tactile": (apply_tactile, naive_body.read_pads, _TAXELS),
}
"""Ours, NumPy's and the channels, by kind of sensor."""
KINDS = {
    "ams_as5048": "encoder",
    "incremental_encoder": "encoder",
    "robotiq_ft300s": "force_torque",
    "tactile_pad_4x4": "tactile",
}


def run_case(case: BodyCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    rng = np.random.default_rng(5)
    kind = KINDS[case.profile]
    ours_run, naive_run, channels = CHAINS[kind]
    shape = (case.robots, case.samples)
    if kind == "tactile":
        truth = np.zeros((*shape, 4, 4))
        truth[:, :, :2] = (0.0, 0.0, 2.0, 1.0)
        truth[:, :, :2, :2] = rng.uniform(-0.007, 0.007, (*shape, 2, 2))
    else:
        pace = 1e-3 if kind == "encoder" else 1.0
        truth = pace * np.cumsum(rng.standard_normal((*shape, channels)), axis=1)
    profile: Any = load_profile(case.profile)
    items = float(case.robots * case.samples * channels)
    ours = Contestant(name=ours_run.__name__, items=items, run=lambda: _drop(ours_run(truth, profile, threads=1)))
    theirs = Contestant(name="NumPy", items=items, run=lambda: _drop(naive_run(truth, profile, profile.rate, rng)))
    measured = measure([ours, theirs], repeats=repeats, warmups=2)
    return CaseResult(
        case=case.name,
        unit="sample",
        settings={"robots": case.robots, "samples": case.samples, "channels": channels, "threads": 1},
        measurements=measured,
        ratios=[(ours.name, theirs.name)],
        facts={"ns_per_sample": {m.name: 1e9 / m.rate for m in measured}},
    )


def _drop(_: Any) -> None:
    return None
