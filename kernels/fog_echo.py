"""Fog's echo: a soft target that begins before the sensor and ends at the surface behind it.

A pulse of half-power width t lights b = beta exp(-2 a r) O(r) / r^2 of the fog at r, as far as the receiver sees the
beam there: its overlap O rises in a line from 0 at R1 to 1 at R2. Fog nearer than the smallest range Rm that the sensor
reports is gated out. The echo of all other fog before a surface at R0 is

    S(R) = pi integral_Rm^R0 cos^2(pi (R - r) / (c t)) b(r) dr,     |R - r| < c t / 2

in the unit in which a surface of reflectance 1 at normal incidence at 1 m echoes with 1 through clear air: a Lambertian
surface sends 1/pi of its light back per steradian. What a sensor that looks for peaks reports is the largest S and its
R. Both are tabled over R0, once for each weather and sensor; from some metres on they no longer change.

Fog here is even, so that all echoes would come from one range; `spread` moves each outward by the sum of two
exponentials, at most to the surface.

Differs from the program of Hahner et al.: there the surface's power is scaled apart (a reflectance of 1e-6 over pi,
against an integral over seconds), so that fog echoes some 150 times weaker than its backscatter says. Here both have
one unit, and how strong fog is follows from overlap and gate: a coaxial sensor (R2 near 0) sees far more of it.

Sources: Rasshofer, Spies and Spies, "Influences of weather phenomena on automotive laser radar systems", Advances in
Radio Science 9, 2011 (pulse, overlap, impulse response), as given by Hahner et al., "Fog simulation on real LiDAR
point clouds for 3D object detection in adverse weather", ICCV 2021, and its program.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .device import scalar
from .variates import uniform64

LIGHT_SPEED: Final = 299792458.0
"""Speed of light [m/s]."""
FOG_NODES: Final = 129
"""Nodes of the table over the surface's range."""
FOG_NUMBERS: Final = 2 + 2 * FOG_NODES
"""Numbers that describe fog to a kernel: the table's length [m] and the spread [m], then powers, then ranges."""
_STEPS: Final = 384
_PEAKS: Final = 192

Numbers = NDArray[np.float64]


def pack_fog(
    *,
    backscatter: float,
    extinction: float,
    pulse_width: float,
    overlap_start: float,
    overlap_end: float,
    near: float,
    spread: float,
) -> Numbers:
    """Return what `fog_echo` needs.

    Args:
        backscatter: beta [1/(m sr)], >= 0; 0 = no fog.
        extinction: a of all that is in the air [1/m].
        pulse_width: Half-power width t [s], > 0.
        overlap_start: R1, where the receiver begins to see the beam [m], >= 0.
        overlap_end: R2, from where it sees all of it [m], >= R1.
        near: Smallest range Rm that is reported [m], > 0.
        spread: Scale of the ranges beyond the strongest [m].

    Returns:
        `FOG_NUMBERS` numbers.
    """
    packed = np.zeros(FOG_NUMBERS)
    reach = 0.5 * LIGHT_SPEED * pulse_width
    last = max(overlap_end, near) + 2.0 * reach
    packed[0], packed[1] = last, spread
    if backscatter == 0.0:
        return packed
    # Fog is summed over equal steps of log r, its midpoints: 1/r^2 is steep near the sensor.
    first = max(overlap_start, near)
    edge = first * (last / first) ** (np.arange(_STEPS + 1) / _STEPS)
    r = 0.5 * (edge[1:] + edge[:-1])
    ramp = (r - overlap_start) / (overlap_end - overlap_start) if overlap_end > overlap_start else np.ones(_STEPS)
    lit = np.pi * backscatter * np.clip(ramp, 0.0, 1.0) * np.exp(-2.0 * extinction * r) / (r * r) * np.diff(edge)
    peak = near + (last - near) * np.arange(_PEAKS) / (_PEAKS - 1)
    apart = np.abs(peak[:, None] - r) / (2.0 * reach)
    # Row: where the echo peaks; column: the last step of fog before the surface.
    echo = np.cumsum(np.where(apart < 0.5, np.cos(np.pi * apart) ** 2, 0.0) * lit, axis=1)
    echo = np.concatenate((np.zeros((_PEAKS, 1)), echo), axis=1)
    strongest = np.argmax(echo, axis=0)
    before = np.searchsorted(edge, last * np.arange(FOG_NODES) / (FOG_NODES - 1), side="right") - 1
    lit_before = before >= 0
    column = strongest[before[lit_before]]
    packed[2 : 2 + FOG_NODES][lit_before] = echo[column, before[lit_before]]
    packed[2 + FOG_NODES :][lit_before] = peak[column]
    return packed


@scalar(forceinline=True)
def fog_echo(target: float, row: int, first: int, packed_in: Any, word_0: Any, word_1: Any) -> tuple[float, float]:
    """Return range [m] and power of the fog's echo, 0 and 0 where there is none.

    Args:
        target: Range of the surface, or the sensor's farthest range [m].
        row: Row of `packed_in`.
        first: Place of the fog's first number in it.
        packed_in: Numbers of `pack_fog`.
        word_0: Random word; likewise word_1.
        word_1: See word_0.
    """
    last = packed_in[row, first]
    x = min(target / last, 1.0) * (FOG_NODES - 1)
    node = min(int(x), FOG_NODES - 2)
    share = x - node
    powers = first + 2 + node
    ranges = powers + FOG_NODES
    power = packed_in[row, powers] + share * (packed_in[row, powers + 1] - packed_in[row, powers])
    if not power > 0.0:
        return 0.0, 0.0
    distance = packed_in[row, ranges] + share * (packed_in[row, ranges + 1] - packed_in[row, ranges])
    distance -= packed_in[row, first + 1] * math.log(uniform64(word_0) * uniform64(word_1))
    return float(min(distance, target)), float(power)
