"""Tactile pads: conservation, symmetry, closed forms, the naive oracle, continuation, addresses and the CUDA twin."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from naive import tactile as naive
from naive.twin import run_simulated
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.profiles import load_profile
from simloom.kernels.tactile import TactileHistory, apply_tactile

PAD = load_profile("tactile_pad_4x4")
CLEAN = dataclasses.replace(PAD, gain_error=0.0, saturation=1e6, creep_share=0.0, noise=0.0, threshold=0.0, step=1e-9)
WIDE = dataclasses.replace(PAD, row_count=3, column_count=6)


def _touches(rows: int, samples: int, contacts: int = 3) -> np.ndarray:
    """Points on and beside the pad, some padding, some that pull."""
    count = rows * samples * contacts * 4
    u = philox_uniforms(3, "touch", np.stack([np.arange(count)] * 3, axis=1)).reshape(rows, samples, contacts, 4)
    out = (u - 0.5) * 0.018
    out[..., 2] = 6.0 * u[..., 2] - 0.5
    out[..., 3] = u[..., 3] > 0.3
    return out


def _point(x: float, y: float, force: float = 1.0) -> np.ndarray:
    return np.array([[[[x, y, force, 1.0]]]])


@pytest.mark.parametrize("profile", [PAD, WIDE])
def test_readings_match_the_definitions(profile) -> None:
    """True forces and readings are those of the formulas, taxel by taxel."""
    touches = _touches(2, 20)
    reading = apply_tactile(
        touches, profile, rate=50.0, seed=5, index=[2, 6000000000], sensor=3, unit=[0, 40], first=7, threads=1
    )

    for k, (row, unit) in enumerate([(2, 0), (6000000000, 40)]):
        shown, expected, truth = naive.read(
            touches[k], profile, rate=50.0, seed=5, row=row, sensor=3, unit=unit, first=7
        )
        assert np.allclose(reading.truth[k], truth, rtol=0, atol=1e-7)
        on_edge = np.abs(shown / profile.step % 1.0 - 0.5) < 1e-4
        on_edge |= np.abs(shown - profile.threshold) < 1e-6
        assert np.allclose(reading.force[k][~on_edge], expected[~on_edge], rtol=0, atol=1e-12)
        assert on_edge.mean() < 0.01


def test_no_force_is_lost() -> None:
    """The taxels' true forces add up to the forces of all contacts on the pad, wherever they press."""
    touches = _touches(2, 100)
    truth = apply_tactile(touches, CLEAN).truth
    x, y, force, valid = np.moveaxis(touches, -1, 0)
    on_pad = (valid > 0) & (force > 0) & (np.abs(x) <= 0.008) & (np.abs(y) <= 0.008)

    assert np.allclose(truth.sum(axis=(2, 3)), np.where(on_pad, force, 0.0).sum(axis=2), rtol=1e-12, atol=1e-12)
    assert 0.1 < on_pad.mean() < 0.9
    assert truth.min() >= 0.0


def test_a_centred_contact_gives_a_symmetric_pattern() -> None:
    """A force in the middle reads alike on all four sides, and one on a diagonal alike across it."""
    middle = apply_tactile(_point(0.0, 0.0), CLEAN).truth[0, 0]
    diagonal = apply_tactile(_point(0.003, 0.003), CLEAN).truth[0, 0]

    for other in (middle[::-1], middle[:, ::-1], middle.T):
        assert np.allclose(middle, other, rtol=0, atol=1e-15)
    assert np.array_equal(diagonal, diagonal.T)


@pytest.mark.parametrize("spread", [1e-6, 0.0008, 0.0015])
def test_the_centre_of_pressure_is_the_contact(spread: float) -> None:
    """The force-weighted middle of the taxels is within half a pitch of the contact, and closer the wider the spot."""
    profile = dataclasses.replace(CLEAN, spread=spread)
    middles = (np.arange(4) - 1.5) * 0.004
    for x in np.linspace(-0.0079, 0.0079, 41):
        truth = apply_tactile(_point(x, -x / 2), profile).truth[0, 0]
        found_x = (truth.sum(axis=0) * middles).sum() / truth.sum()
        found_y = (truth.sum(axis=1) * middles).sum() / truth.sum()

        assert abs(found_x - x) <= 0.002 + 1e-9
        assert abs(found_y + x / 2) <= 0.002 + 1e-9
        if spread == 0.0015 and abs(x) < 0.003:  # away from the border, where the spot is cut off
            assert abs(found_x - x) < 0.0002


def test_a_small_spot_falls_on_one_taxel() -> None:
    """A point of no extent presses on the taxel below it alone; x goes along columns, y along rows."""
    truth = apply_tactile(_point(0.005, -0.003, 2.0), dataclasses.replace(CLEAN, spread=1e-6)).truth[0, 0]

    assert truth[0, 3] == pytest.approx(0.0, abs=1e-12)
    assert truth[1, 3] == pytest.approx(2.0, abs=1e-12)


def test_saturation_is_soft_and_never_exceeded() -> None:
    """A reading starts in proportion and tends to the saturation."""
    profile = dataclasses.replace(CLEAN, spread=1e-6, saturation=5.0)
    forces = np.array([0.01, 1.0, 5.0, 1e3])
    touches = np.zeros((1, 4, 1, 4))
    touches[0, :, 0] = np.stack([np.full(4, 0.002), np.full(4, 0.002), forces, np.ones(4)], axis=1)
    shown = apply_tactile(touches, profile).force[0, :, 2, 2]

    assert np.allclose(shown, forces / (1 + forces / 5), rtol=0, atol=1e-9)
    assert shown.max() <= 5.0


def test_creep_comes_and_goes_late() -> None:
    """Under a steady load a share of the reading comes in as 1 - e^(-t/T), and goes the same way."""
    rate, late, time = 100.0, 0.2, 0.5
    profile = dataclasses.replace(CLEAN, spread=1e-6, creep_share=late, creep_time=time)
    touches = np.tile(_point(0.002, 0.002), (1, 200, 1, 1))
    touches[:, 100:, :, 3] = 0.0
    shown = apply_tactile(touches, profile, rate=rate).force[0, :, 2, 2]
    t = np.arange(1, 101) / rate

    assert np.allclose(shown[:100], (1 - late) + late * (1 - np.exp(-t / time)), rtol=0, atol=1e-6)
    assert np.allclose(shown[100:], late * (1 - np.exp(-1.0 / time)) * np.exp(-t / time), rtol=0, atol=1e-6)


def test_gains_and_noise_have_their_deviations() -> None:
    """Gains deviate from taxel to taxel and noise from sample to sample, as much as the profile says."""
    rows, samples = 300, 20
    profile = dataclasses.replace(CLEAN, gain_error=0.05, noise=0.01, spread=0.004)
    touches = np.tile(_point(0.001, 0.001, 100.0), (rows, samples, 1, 1))
    reading = apply_tactile(touches, profile, unit=np.arange(rows), threads=1)
    noise = reading.force - reading.gain[:, None] * reading.truth * (
        1 - reading.gain[:, None] * reading.truth / 1e6
    )  # the saturation's second order

    assert (reading.gain - 1).std() == pytest.approx(0.05, rel=5 / math.sqrt(2 * 16 * rows))
    assert noise.std() == pytest.approx(0.01, rel=5 / math.sqrt(2 * 16 * rows * samples))


def test_readings_are_whole_steps_above_the_threshold() -> None:
    """Every reading is a multiple of the step, and none lies between zero and the threshold."""
    force = apply_tactile(_touches(2, 60), PAD, seed=2).force
    steps = force / PAD.step

    assert np.abs(steps - np.round(steps)).max() < 1e-9
    assert force[force > 0].min() >= PAD.threshold - 1e-12
    assert (force == 0).any()


@pytest.mark.parametrize("cut", [1, 9])
def test_a_series_can_be_cut(cut: int) -> None:
    """Two pieces give the same bytes as one."""
    touches = _touches(3, 16)
    options = {"rate": 80.0, "seed": 5, "index": [3, 1, 9], "unit": 2, "threads": 1}
    whole = apply_tactile(touches, **options)
    head = apply_tactile(touches[:, :cut], **options)
    tail = apply_tactile(touches[:, cut:], first=cut, history=head.history, **options)

    assert np.concatenate([head.force, tail.force], axis=1).tobytes() == whole.force.tobytes()
    assert tail.history.creep.tobytes() == whole.history.creep.tobytes()


def test_rows_do_not_depend_on_the_batch() -> None:
    """Rows in another order, alone, or on two threads give the same bytes."""
    touches = _touches(6, 10)
    profiles = [PAD, dataclasses.replace(PAD, name="other", creep_share=0.3)] * 3
    index, unit = np.array([5, 0, 3, 9, 2, 7]), np.arange(6)
    whole = apply_tactile(touches, profiles, seed=1, index=index, unit=unit, threads=1)
    order = [4, 2, 0, 5, 1, 3]
    mixed = apply_tactile(
        touches[order], [profiles[k] for k in order], seed=1, index=index[order], unit=unit[order], threads=2
    )
    alone = apply_tactile(touches[3:4], profiles[3], seed=1, index=index[3:4], unit=unit[3:4], threads=1)

    assert mixed.force.tobytes() == whole.force[order].tobytes()
    assert alone.force.tobytes() == whole.force[3:4].tobytes()


def test_tensors_come_back_as_tensors() -> None:
    """Tensors in, tensors out, with the same numbers."""
    torch = pytest.importorskip("torch")
    touches = _touches(2, 10)
    theirs = apply_tactile(torch.from_numpy(touches), seed=1)
    more = apply_tactile(torch.from_numpy(touches), seed=1, first=10, history=theirs.history)

    assert np.array_equal(theirs.force.numpy(), apply_tactile(touches, seed=1).force)
    assert isinstance(more.truth, torch.Tensor)


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's readings."""
    touches = _touches(2, 5)
    code = """
from simloom.kernels.tactile import apply_tactile
reading = apply_tactile(touches, seed=4, unit=3, device="cuda")
more = apply_tactile(touches, seed=4, unit=3, first=5, history=reading.history, device="cuda")
out = {"force": more.force, "truth": more.truth, "creep": more.history.creep}
"""
    twin = run_simulated(code, tmp_path, touches=touches)
    reading = apply_tactile(touches, seed=4, unit=3)
    more = apply_tactile(touches, seed=4, unit=3, first=5, history=reading.history)

    assert np.array_equal(twin["force"], more.force)
    assert np.allclose(twin["truth"], more.truth, rtol=1e-12, atol=1e-15)
    assert np.allclose(twin["creep"], more.history.creep, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "field, value", [("rate", 0.0), ("row_count", 0), ("pitch", -1.0), ("creep_share", 1.0), ("step", 0.0)]
)
def test_impossible_values_are_refused(field: str, value: object) -> None:
    """A value outside its range gets an error that names the field to mend."""
    with pytest.raises(ValueError, match=f"{field} must be .*; set .*{field}"):
        dataclasses.replace(PAD, **{field: value})


def test_wrong_inputs_are_refused() -> None:
    """Errors name what was given and what is allowed."""
    touches = _touches(2, 5)
    with pytest.raises(ValueError, match=r"contacts must have shape \(rows, samples, contacts, 4\)"):
        apply_tactile(touches[0])
    with pytest.raises(ValueError, match="as many taxels"):
        apply_tactile(touches, [PAD, WIDE])
    with pytest.raises(ValueError, match=r"history\.creep must have shape"):
        apply_tactile(touches, history=TactileHistory(creep=np.zeros((2, 3, 4))))
