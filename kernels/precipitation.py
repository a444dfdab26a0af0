"""Precipitation in a beam: where its drops are, and which of them echoes strongest.

A beam of divergence d leaves an aperture A and is W wide at range r. A drop of diameter D [mm] there echoes as LISA
has it, in the unit in which a surface of reflectance 1 at normal incidence at 1 m, through clear air, echoes with 1:

    P = F O(r) exp(-2 a r) min((D / W)^2, 1) / r^2,     W = 1000 (A + r tan(d)),     F = ((n - 1) / (n + 1))^2

with the overlap O of beam and receiver, which rises in a line from 0 at R1 to 1 at R2.

Only drops whose echo exceeds a floor p are drawn. Drops being a Poisson process, those that do are one along the beam:
at range r they are those above D* = W sqrt(p r^2 exp(2 a r) / (F O)), so that

    m(r) = 1e-6 pi/4 W^2 N0 exp(-L max(D*, D0)) / L                   drops per metre, none where D* exceeds W

Its integral M is tabled once for each weather and sensor. A beam then walks from drop to drop: M grows by exponential
steps, each drop's range is M's inverse, and its diameter is max(D*, D0) plus an exponential (which has no memory). The
number of drops is Poisson of mean M(R), and with A = p = 0 their ranges are R u^(1/3). This is exact but for the table:
between its nodes drops lie as evenly in r^3 as in a cone. `MOST_DROPS` are drawn at most; the floor is raised so far
that a beam of any length has half as many on average.

Source: Kilic et al., "LISA: lidar light scattering augmentation", 2021, and its program, for cone and echo.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .device import scalar
from .philox import draw_block
from .variates import uniform64

MOST_DROPS: Final = 64
"""Drops of one kind in one beam."""
NODES: Final = 257
"""Nodes of the table along the beam."""
HEADER: Final = 12
"""Numbers before the table: near, far, mean number, L, D0, p, F, a, A [mm], tan(d) [mm/m], R1 and R2."""
DROP_NUMBERS: Final = HEADER + NODES
"""Numbers that describe one kind of drop to a kernel."""
DROP_BLOCKS: Final = MOST_DROPS // 2
"""Draw blocks of one kind of drop."""
_FINE: Final = 4096
_NEGLIGIBLE: Final = 1e-12
_GAUSS: Final = ((-math.sqrt(0.6), 5.0 / 9.0), (0.0, 8.0 / 9.0), (math.sqrt(0.6), 5.0 / 9.0))

Numbers = NDArray[np.float64]


def fresnel_reflectance(index: float) -> float:
    """Return the share of light that a surface of a refractive index reflects at normal incidence."""
    return ((index - 1.0) / (index + 1.0)) ** 2


def pack_drops(
    distribution: tuple[float, float],
    *,
    divergence: float,
    aperture: float,
    overlap_start: float,
    overlap_end: float,
    diameter_min: float,
    reflectance: float,
    extinction: float,
    floor: float,
    near: float,
    far: float,
) -> Numbers:
    """Return what `strongest_drop` needs of one kind of drop.

    Args:
        distribution: N0 [1/(m^3 mm)] and L [1/mm].
        divergence: Full angle of the beam d [rad], > 0.
        aperture: Width of the beam where it leaves A [m], >= 0.
        overlap_start: R1, where the receiver begins to see the beam [m], >= 0.
        overlap_end: R2, from where it sees all of it [m], >= R1.
        diameter_min: Smallest drop D0 [mm].
        reflectance: F, > 0.
        extinction: a [1/m].
        floor: Power p below which an echo is not drawn [1], >= 0.
        near: Range from which drops are seen [m], >= 0.
        far: Range to which they are [m], > near.

    Returns:
        `DROP_NUMBERS` numbers.
    """
    count, slope = distribution
    width, spread = 1000.0 * aperture, 1000.0 * math.tan(divergence)
    scale = 0.25e-6 * math.pi * count / slope
    ramp = max(overlap_end - overlap_start, 1e-9)
    near = min(max(near, overlap_start), far)

    def density(r: Numbers, power: float) -> Numbers:
        seen = np.where(r >= overlap_end, 1.0, np.maximum((r - overlap_start) / ramp, 0.0))
        share = power * r * r * np.exp(2.0 * extinction * r)
        wide = width + spread * r
        smallest = np.maximum(wide * np.sqrt(share / np.maximum(reflectance * seen, 1e-30)), diameter_min)
        return np.where(share < reflectance * seen, scale * wide * wide * np.exp(-slope * smallest), 0.0)

    def accumulate(end: float, cells: int, power: float) -> Numbers:
        half = 0.5 * (end - near) / cells
        middle = near + (2.0 * np.arange(cells, dtype=np.float64) + 1.0) * half
        inside = np.zeros(cells)
        for place, weight in _GAUSS:
            inside += weight * half * density(middle + place * half, power)
        return np.concatenate(([0.0], np.cumsum(inside)))

    total = accumulate(far, _FINE, floor)
    if total[-1] > 0.5 * MOST_DROPS:
        # The floor is raised by halving an interval of its logarithm; at the upper end no drop is strong enough.
        low, high = math.log(max(floor, 1e-30)), math.log(reflectance / max(near, 1e-3) ** 2)
        for _ in range(50):
            middle = 0.5 * (low + high)
            total = accumulate(far, _FINE, math.exp(middle))
            low, high = (middle, high) if total[-1] > 0.5 * MOST_DROPS else (low, middle)
        floor = math.exp(high)
        total = accumulate(far, _FINE, floor)
    ends = np.flatnonzero(total >= total[-1] * (1.0 - _NEGLIGIBLE))
    end = near + (far - near) * max(int(ends[0]), 1) / _FINE
    table = accumulate(end, NODES - 1, floor)
    header = (
        near, end, table[-1], slope, diameter_min, floor, reflectance, extinction, width, spread, overlap_start,
        overlap_end,
    )  # fmt: skip
    return np.concatenate((header, table))


@scalar(forceinline=True)
def expected_drops(target: float, row: int, first: int, packed_in: Any) -> float:
    """Return how many drops to expect before a target.

    Args:
        target: Range of the target [m].
        row: Row of `packed_in`.
        first: Place of the drops' first number in it.
        packed_in: Numbers of `pack_drops`.
    """
    near, end = packed_in[row, first], packed_in[row, first + 1]
    if target <= near:
        return 0.0
    if target >= end:
        return float(packed_in[row, first + 2])
    step = (end - near) / (NODES - 1)
    cell = min(int((target - near) / step), NODES - 2)
    inner = near + cell * step
    outer = inner + step
    share = (target * target * target - inner * inner * inner) / (outer * outer * outer - inner * inner * inner)
    place = first + HEADER + cell
    return float(packed_in[row, place] + share * (packed_in[row, place + 1] - packed_in[row, place]))


@scalar(forceinline=True)
def place_drop(mean: float, row: int, first: int, packed_in: Any) -> float:
    """Return the range before which so many drops are expected [m]: the inverse of `expected_drops`."""
    low, high = 0, NODES - 1
    base = first + HEADER
    while high - low > 1:
        middle = (low + high) // 2
        if packed_in[row, base + middle] <= mean:
            low = middle
        else:
            high = middle
    below, above = packed_in[row, base + low], packed_in[row, base + low + 1]
    share = (mean - below) / (above - below) if above > below else 0.0
    near = packed_in[row, first]
    step = (packed_in[row, first + 1] - near) / (NODES - 1)
    inner = near + low * step
    outer = inner + step
    cube = inner * inner * inner
    return float((cube + share * (outer * outer * outer - cube)) ** (1.0 / 3.0))


@scalar(forceinline=True)
def strongest_drop(
    target: float, row: int, first: int, packed_in: Any, key_0: Any, key_1: Any, item: Any, index: Any, sensor: Any,
    block: int,
) -> tuple[float, float, int]:  # fmt: skip
    """Draw the drops in a beam before its target and return the strongest echo.

    Args:
        target: Range of the target, or the sensor's farthest range [m].
        row: Row of `packed_in`.
        first: Place of the drops' first number in it.
        packed_in: Numbers of `pack_drops`.
        key_0: Key of the stream; likewise key_1.
        key_1: See key_0.
        item: Number of the beam.
        index: Row index.
        sensor: Number of the sensor.
        block: First of `DROP_BLOCKS` draw blocks.

    Returns:
        Range [m] and power of the strongest, 0 and 0 where there is none, and how many there are.
    """
    mean = expected_drops(target, row, first, packed_in)
    reach, best, strongest, count = 0.0, 0.0, 0.0, 0
    w0, w1, w2, w3 = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
    while mean > 0.0 and count < MOST_DROPS:
        if count % 2 == 0:
            w0, w1, w2, w3 = draw_block(key_0, key_1, item, index, sensor, block + count // 2)
        else:
            w0, w1 = w2, w3
        uniform = uniform64(w0)
        # -log(u) is at least 1 - u, which settles most beams without a logarithm.
        if 1.0 - uniform >= mean - reach:
            break
        reach -= math.log(uniform)
        if reach >= mean:
            break
        count += 1
        distance = place_drop(reach, row, first, packed_in)
        width = packed_in[row, first + 8] + packed_in[row, first + 9] * distance
        fade = packed_in[row, first + 6] * math.exp(-2.0 * packed_in[row, first + 7] * distance) / (distance * distance)
        start, full = packed_in[row, first + 10], packed_in[row, first + 11]
        if distance < full:
            fade *= max((distance - start) / (full - start), 1e-9)
        share = packed_in[row, first + 5] / fade
        if not share < 1.0:  # beyond the end of what can be seen, within its last cell
            continue
        smallest = max(width * math.sqrt(share), packed_in[row, first + 4])
        filled = (smallest - math.log(uniform64(w1)) / packed_in[row, first + 3]) / width
        power = fade * min(filled * filled, 1.0)
        if power > strongest:
            best, strongest = distance, power
    return best, strongest, count
