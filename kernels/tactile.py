"""Tactile pads: forces at points of a skin, as an array of taxels below it reports them.

    f_ij = sum over contacts of F X_j(x) Y_i(y)      X_j: the share of a normal spot about x that falls on column j,
                                                     over what falls on the pad: no force is lost
    s = g f / (1 + g f / S)                          gain g of the taxel, saturation S
    u = (1 - c) s + c v,    v' = (s - v) / T         share c creeps in, stepped exactly for what stands still
    reading = step round( (u + n) / step ), 0 below the threshold, S at most

The spot stands for the skin's elasticity: pressure under a layer falls off over about its thickness. Taxel (i, j) has
its middle at x = (j - (columns - 1)/2) pitch and y = (i - (rows - 1)/2) pitch; the pad's frame has its origin in the
middle of the pad. Before the first sample nothing pressed.

Draws, in the stream "tactile": item unit, row words fixed, block k // 4, for the gain of taxel k = i columns + j; item
sample number, block k // 4, for its noise.

Source: geometry, and the linear differential equation of first order; Johnson, "Contact Mechanics", 1985, chapter 3,
for what the spot stands for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from .bell import bell_area
from .device import Kernel, scalar
from .image_rows import check_sensor
from .lanes import count_lanes
from .philox import FIXED, draw_block, stream_key
from .profile_rows import find_profile_rows
from .profiles import load_sensor_profile
from .series import borrow_series, check_first
from .series_rows import TILE, find_rate, number_rows, profiles_of, spread_units
from .tactile_profile import TactileProfile
from .tensors import find_place
from .variates import normal, normal_single

_FIXED_ROW: Final = np.uint64(FIXED << 32 | FIXED)
_LANES: Final = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class TactileHistory:
    """What tactile pads remember after a series, to go on from."""

    creep: Any
    """Load that each taxel's creep has come to [N], shape (R, rows, columns)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TactileReading:
    """What the tactile pads of R robots report, and the truth they depart from."""

    force: Any
    """Force on each taxel [N], float64, shape (R, T, rows, columns)."""
    truth: Any
    """Force that presses on each taxel [N], float64, shape (R, T, rows, columns)."""
    gain: Any
    """Gain of each taxel, shape (R, rows, columns)."""
    history: TactileHistory
    """State after the last sample."""
    profiles: TactileProfile | tuple[TactileProfile, ...]
    """The pad, or each row's."""


@scalar
def _weigh_cells(lane: Any, at: Any, count: Any, place: Any, pitch: Any, scale: Any, share_out: Any) -> None:
    """Share a spot out to a line of cells, from `at` on; all shares make 1."""
    half = 0.5 * np.float64(count)
    left = bell_area((-half * pitch - place) * scale)
    whole = 1.0 / (bell_area((half * pitch - place) * scale) - left)
    for cell in range(count):
        right = bell_area(((np.float64(cell + 1) - half) * pitch - place) * scale)
        share_out[lane, at + cell] = (right - left) * whole
        left = right


@scalar
def _press(lane: Any, row: Any, t: Any, which: Any, contact_in: Any, parameter_in: Any, share_out: Any,
           truth_out: Any) -> None:  # fmt: skip
    rows, columns = truth_out.shape[2], truth_out.shape[3]
    pitch, scale = parameter_in[which, 0], parameter_in[which, 1]
    half_x, half_y = 0.5 * pitch * np.float64(columns), 0.5 * pitch * np.float64(rows)
    for i in range(rows):
        for j in range(columns):
            truth_out[row, t, i, j] = 0.0
    for contact in range(contact_in.shape[2]):
        x, y = contact_in[row, t, contact, 0], contact_in[row, t, contact, 1]
        force = contact_in[row, t, contact, 2]
        if contact_in[row, t, contact, 3] > 0.0 and force > 0.0 and abs(x) <= half_x and abs(y) <= half_y:
            _weigh_cells(lane, 0, columns, x, pitch, scale, share_out)
            _weigh_cells(lane, columns, rows, y, pitch, scale, share_out)
            for i in range(rows):
                line = force * share_out[lane, columns + i]
                for j in range(columns):
                    truth_out[row, t, i, j] += line * share_out[lane, j]


@scalar
def _draw_noise(lane: Any, index: Any, sensor: Any, item: Any, block: Any, count: Any, key_0: Any, key_1: Any,
                word_out: Any) -> None:  # fmt: skip
    for t in range(count):
        w0, w1, w2, w3 = draw_block(key_0, key_1, item + t, index, sensor, block)
        word_out[lane, 0, t] = np.uint32(w0)
        word_out[lane, 1, t] = np.uint32(w1)
        word_out[lane, 2, t] = np.uint32(w2)
        word_out[lane, 3, t] = np.uint32(w3)


@scalar
def _read_taxel(
    lane: Any, row: Any, start: Any, count: Any, i: Any, j: Any, which: Any, word: Any, parameter_in: Any, gain: Any,
    truth: Any, word_in: Any, force_out: Any, creep_out: Any, work_out: Any,
) -> None:  # fmt: skip
    saturation, share, keep = parameter_in[which, 3], parameter_in[which, 4], parameter_in[which, 5]
    noise, threshold, step = parameter_in[which, 6], parameter_in[which, 7], parameter_in[which, 8]
    per_step, per_load, fill = 1.0 / step, gain / saturation, 1.0 - keep
    crept = creep_out[row, i, j]
    for t in range(count):
        pressed = truth[row, start + t, i, j]
        load = gain * pressed / (1.0 + per_load * pressed)
        crept = crept * keep + load * fill
        work_out[lane, t] = load + share * (crept - load)
    creep_out[row, i, j] = crept
    for t in range(count):
        shown = work_out[lane, t] + noise * np.float64(normal_single(word_in[lane, word, t]))
        value = step * np.floor(shown * per_step + 0.5)
        value = value if shown >= threshold and value > 0.0 else 0.0
        work_out[lane, t] = value if value < saturation else saturation
    for t in range(count):
        force_out[row, start + t, i, j] = work_out[lane, t]


@scalar
def _read_row(
    lane: Any, row: Any, contact_in: Any, index_in: Any, unit_in: Any, which_in: Any, parameter_in: Any, key_0: Any,
    key_1: Any, sensor: Any, first: Any, fresh: Any, creep_in: Any, force_out: Any, truth_out: Any, gain_out: Any,
    creep_out: Any, share_out: Any, word_out: Any, work_out: Any,
) -> None:  # fmt: skip
    which, samples = which_in[row], contact_in.shape[1]
    rows, columns = truth_out.shape[2], truth_out.shape[3]
    for i in range(rows):
        for j in range(columns):
            taxel = i * columns + j
            words = draw_block(key_0, key_1, unit_in[row], _FIXED_ROW, sensor, taxel // _LANES)
            gain = 1.0 + parameter_in[which, 2] * normal(words[taxel % _LANES])
            gain_out[row, i, j] = gain if gain > 0.0 else 0.0
            creep_out[row, i, j] = 0.0 if fresh else creep_in[row, i, j]
    for start in range(0, samples, TILE):
        count = min(TILE, samples - start)
        for t in range(count):
            _press(lane, row, start + t, which, contact_in, parameter_in, share_out, truth_out)
        for block in range((rows * columns + _LANES - 1) // _LANES):
            _draw_noise(lane, index_in[row], sensor, first + start, block, count, key_0, key_1, word_out)
            for word in range(min(_LANES, rows * columns - block * _LANES)):
                i = (block * _LANES + word) // columns
                j = block * _LANES + word - i * columns
                _read_taxel(
                    lane, row, start, count, i, j, which, word, parameter_in, gain_out[row, i, j], truth_out, word_out,
                    force_out, creep_out, work_out,
                )  # fmt: skip


@scalar
def _read_lane(
    lane: Any, contact_in: Any, index_in: Any, unit_in: Any, which_in: Any, parameter_in: Any, key_0: Any, key_1: Any,
    sensor: Any, first: Any, fresh: Any, creep_in: Any, lanes: Any, force_out: Any, truth_out: Any, gain_out: Any,
    creep_out: Any, share_out: Any, word_out: Any, work_out: Any,
) -> None:  # fmt: skip
    # The rows of a lane share scratch, which then stays in the nearest cache.
    rows = contact_in.shape[0]
    for row in range(np.int64(lane) * rows // lanes, (np.int64(lane) + 1) * rows // lanes):
        _read_row(
            lane, row, contact_in, index_in, unit_in, which_in, parameter_in, key_0, key_1, sensor, first, fresh,
            creep_in, force_out, truth_out, gain_out, creep_out, share_out, word_out, work_out,
        )  # fmt: skip


_READ: Final = Kernel(_read_lane)


def apply_tactile(
    contacts: Any,
    profile: str | TactileProfile | Sequence[str | TactileProfile] = "tactile_pad_4x4",
    *,
    rate: float | None = None,
    seed: int = 0,
    index: ArrayLike | None = None,
    sensor: int = 0,
    unit: ArrayLike = 0,
    first: int = 0,
    history: TactileHistory | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> TactileReading:
    """Read contacts with tactile pads.

    Args:
        contacts: Contact points: x and y on the pad [m], force along its inward normal [N], and 1 where there is one or
            0 for padding, shape (R, T, C, 4): R robots, T samples, C contacts; see `contacts_on_pad`. What lies beside
            the pad or does not press is left out. NumPy, torch, or any array that shows `__cuda_array_interface__`; the
            reading is of that kind.
        profile: Built-in name or a profile, or one of either for each robot, all with as many taxels.
        rate: Samples per second [Hz]; None for the profile's, which must then be that of all.
        seed: Seed of noise and specimens, [0, 2^64).
        index: Global row index of each robot, shape (R,); None for 0, 1, 2 ...
        sensor: Number of the sensor within its rig, [0, 2^16).
        unit: Which specimens are fitted, [0, 2^32), a number or shape (R,).
        first: Number of the first sample, which addresses the noise.
        history: State of the series that this one continues; None where nothing pressed before.
        device: "cpu" or "cuda"; tensors that are on a device are read there whatever it says.
        threads: CPU threads; None for all.

    Returns:
        Forces on the taxels as read and in truth, and the state to go on from.

    Raises:
        ValueError: If a shape, the profile's name or a value is wrong.
        RuntimeError: If the device is not here.

    Example:
        >>> contacts = np.array([[[[0.0, 0.0, 2.0, 1.0]]]])
        >>> apply_tactile(contacts, seed=1).force.shape
        (1, 1, 4, 4)
    """
    shape = tuple(contacts.shape)
    if len(shape) != 4 or shape[3] != 4 or 0 in shape[1:]:
        raise ValueError(f"contacts must have shape (rows, samples, contacts, 4), at least one of each, got {shape}")
    count, samples = shape[:2]
    place = find_place(contacts, device)
    profiles = find_profile_rows(profile, count, _load)
    sizes = {(one.row_count, one.column_count) for one in profiles.profiles}
    if len(sizes) > 1:
        raise ValueError(f"the pads of a batch must have as many taxels, got {sorted(sizes)}")
    hertz = find_rate(rate, profiles.profiles)
    check_first(first, samples)
    rows, columns = sizes.pop() if sizes else (1, 1)
    creep = np.empty((0, rows, columns)) if history is None else borrow_series(
        place, history.creep, (count, rows, columns), "history.creep", np.float64
    )  # fmt: skip
    force, truth = (place.allocate((count, samples, rows, columns), np.float64) for _ in range(2))
    gain, crept = (place.allocate((count, rows, columns), np.float64) for _ in range(2))
    lanes = count_lanes(place, count, threads)
    _READ.launch(
        lanes, place.borrow(contacts, np.float64), number_rows(index, count), spread_units(unit, count), profiles.which,
        np.array([_pack(one, hertz) for one in profiles.profiles]), *stream_key(seed, "tactile"), check_sensor(sensor),
        np.int64(first), history is None, creep, lanes, force, truth, gain, crept,
        place.allocate((lanes, rows + columns), np.float64), place.allocate((lanes, _LANES, TILE), np.uint32),
        place.allocate((lanes, TILE), np.float64), device=place.device, threads=threads,
    )  # fmt: skip
    return TactileReading(
        force=place.give(force),
        truth=place.give(truth),
        gain=place.give(gain),
        history=TactileHistory(creep=place.give(crept)),
        profiles=profiles_of(profiles),
    )


def _load(name: str) -> TactileProfile:
    profile: TactileProfile = load_sensor_profile("tactile", name)
    return profile


def _pack(profile: TactileProfile, rate: float) -> tuple[float, ...]:
    return (
        profile.pitch, 1.0 / profile.spread, profile.gain_error, profile.saturation,
        profile.creep_share, math.exp(-1.0 / (rate * profile.creep_time)), profile.noise, profile.threshold,
        profile.step,
    )  # fmt: skip
