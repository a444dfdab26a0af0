"""Suite `inertial`: an inertial unit's readings against loops and filters in Python."""

from __future__ import annotations

from importlib import util
from typing import Any

import numpy as np
from cases import InertialCase
from naive_inertial import drift_loop, read_filtered
from report import CaseResult

from simloom.kernels.inertial import apply_imu
from simloom.kernels.inertial_profile import InertialProfile
from simloom.kernels.profiles import load_profile
from simloom.sim.bench.timing import Contestant, measure

NOTES = (
    "A sample is one reading of three gyroscopes and three accelerometers, on one thread. Ours and `SciPy filters` do "
    "the same: g-sensitivity, scale and misalignment, a second-order low-pass, turn-on bias, seven processes of "
    "flicker, random walk, Gauss-Markov bias, white noise, counts and range; ours tells the bias of each sample and "
    "draws by address, SciPy's chain draws in order from NumPy's generator.",
    "`loop`: white noise and one Gauss-Markov bias per axis by Euler steps in a Python loop, the algorithm of "
    "gnss-ins-sim; that package itself is measured where it is installed (it is not on PyPI: pip install "
    "git+https://github.com/Aceinna/gnss-ins-sim). Both treat one robot after the other; they are given fewer samples.",
)


def run_case(case: InertialCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    rng = np.random.default_rng(3)
    shape = (case.robots, case.samples, 3)
    force, turn = rng.normal(0.0, 2.0, shape) + np.array([0.0, 0.0, 9.81]), rng.normal(0.0, 0.5, shape)
    profile = load_profile("bosch_bmi088")
    assert isinstance(profile, InertialProfile)
    items = float(case.robots * case.samples)
    some = case.few // case.robots
    few = float(case.robots * some)

    def loop() -> None:
        for k in range(case.robots):
            drift_loop(force[k, :some], 2e-3, 4e-4, 300.0, profile.rate, rng)
            drift_loop(turn[k, :some], 2e-4, 1e-5, 300.0, profile.rate, rng)

    ours = Contestant(
        name="apply_imu", items=items, run=lambda: _drop(apply_imu(force, turn, profile, seed=1, threads=case.threads))
    )
    others = [
        Contestant(name="loop", items=few, run=loop),
        Contestant(
            name="SciPy filters", items=items, run=lambda: _drop(read_filtered(force, turn, profile, profile.rate, rng))
        ),
    ]
    if util.find_spec("gnss_ins_sim") is not None:
        others.insert(1, Contestant(name="gnss-ins-sim", items=few, run=lambda: _run_peer(force, turn, some)))
    measured = measure([ours, *others], repeats=repeats, warmups=1)
    return CaseResult(
        case=case.name,
        unit="sample",
        settings={"robots": case.robots, "samples": case.samples, "threads": case.threads, "profile": profile.name},
        measurements=measured,
        ratios=[(ours.name, other.name) for other in others],
        facts={"ns_per_sample": {m.name: 1e9 / m.rate for m in measured}},
    )


def _run_peer(force: Any, turn: Any, some: int) -> None:
    from gnss_ins_sim.pathgen import pathgen

    ones = np.ones(3)
    gyro = {"b": 0 * ones, "b_drift": 1e-5 * ones, "b_corr": 300.0 * ones, "arw": 2e-4 * ones}
    accel = {"b": 0 * ones, "b_drift": 4e-4 * ones, "b_corr": 300.0 * ones, "vrw": 2e-3 * ones}
    for k in range(len(force)):
        pathgen.acc_gen(400.0, force[k, :some], accel)
        pathgen.gyro_gen(400.0, turn[k, :some], gyro)


def _drop(_: Any) -> None:
    return None
