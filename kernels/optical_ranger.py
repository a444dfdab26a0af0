"""Single-beam time-of-flight ranging: the mean of all photons that come back, over ambient light.

Each sub-ray i of weight w_i returns S_i = w_i rho_i cos_i / R_i^2 signal_rate photons per second, the cover glass some
as if from range 0, and ambient light B = ambient sum(w_i rho_i) ambient_rate + dark_rate, spread evenly over a window
of length W. In a time t these are counts n = t S and b = t B of Poisson, and the mean of the range after subtraction
of the ambient light has

    mean    m = sum(S_i R_i) / sum(S_i)                    one peak: two surfaces in the view give a range between them
    sigma^2 = (sigma_p^2 + sum(S_i (R_i - m)^2) / sum(S_i)) / n + (W^2 / 12) b / n^2

the first moment's own deviation. There is no range where the counted signal is too weak, sigma above its limit, or m
beyond the range that pulses tell apart.

Draws, in the stream "ranger": item = sample, block 0, words: counted signal, range, whether another sensor's light is
taken, and its range; row fixed and item = `unit`, block 1, the specimen's offset.

Differs from a real sensor: pile-up of photons is not modelled, what is beyond the unambiguous range is told as such and
never folded, and a real one's window does not follow the surface.

Sources: Becker, "Advanced time-correlated single photon counting techniques", 2005 (deviation of the first moment);
STMicroelectronics, VL53L0X data sheet DocID029104, and the range status of its programming interface.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .device import Kernel, scalar
from .optical_ranger_profile import OpticalRangerProfile
from .philox import FIXED, draw_block, stream_key
from .ranger_bundle import RangerBundle
from .ranger_reading import HIGH_SIGMA, LOW_SIGNAL, NO_ECHO, OUT_OF_BOUNDS, TOO_NEAR, VALID
from .variates import normal, poisson, uniform64

_FARTHEST: Final = np.float32(1e30)
_FIXED_ROW: Final = np.uint64(FIXED << 32 | FIXED)


@scalar
def _see(
    row: Any, range_in: Any, cosine_in: Any, reflectance_in: Any, weight_in: Any, row_in: Any, number_in: Any,
    unit_in: Any, which_in: Any, parameter_in: Any, ambient_in: Any, key_0: Any, key_1: Any, sensor: Any,
    range_out: Any, status_out: Any, strength_out: Any, sigma_out: Any, truth_out: Any, outlier_out: Any,
) -> None:  # fmt: skip
    which = which_in[row]
    full, glass = parameter_in[which, 0], parameter_in[which, 3]
    truth = _FARTHEST
    signal, moment, second, bright = 0.0, 0.0, 0.0, 0.0
    for k in range(range_in.shape[1]):
        distance = range_in[row, k]
        if distance > np.float32(0.0) and distance < _FARTHEST:
            truth = distance if distance < truth else truth
            r = np.float64(distance)
            share = weight_in[which, k]
            if reflectance_in.shape[0] > 0:
                share *= np.float64(reflectance_in[row, k])
            bright += share
            if cosine_in.shape[0] > 0:
                share *= np.float64(cosine_in[row, k])
            inverse = 1.0 / r
            rate = full * share
            second += rate
            moment += rate * inverse
            signal += rate * inverse * inverse
    total = signal + glass
    mean = moment / total if total > 0.0 else 0.0
    spread = second / total - mean * mean if total > 0.0 else 0.0
    spread = spread if spread > 0.0 else 0.0
    budget, width, window = parameter_in[which, 4], parameter_in[which, 5], parameter_in[which, 6]
    counts = budget * total
    ambient = budget * (ambient_in[row] * bright * parameter_in[which, 1] + parameter_in[which, 2])
    w0, w1, w2, w3 = draw_block(key_0, key_1, number_in[row], row_in[row], sensor, 0)
    # Signal and ambient light are counted together; what ambient light gives in the mean is taken off again.
    counted = (poisson(counts + ambient, w0) - ambient) / budget
    sigma = 0.0
    if counts > 0.0:
        sigma = math.sqrt((width * width + spread) / counts + window * window / 12.0 * ambient / (counts * counts))
    o0, _, _, _ = draw_block(key_0, key_1, unit_in[row], _FIXED_ROW, sensor, 1)
    measured = mean + parameter_in[which, 7] * normal(o0) + sigma * normal(w1)
    near, far, quantum = parameter_in[which, 11], parameter_in[which, 12], parameter_in[which, 8]
    outlier = np.uint8(0)
    if uniform64(w2) < parameter_in[which, 13]:
        outlier = np.uint8(1)
        measured = near + (far - near) * uniform64(w3)
    measured = math.floor(measured / quantum + 0.5) * quantum
    status = np.uint8(VALID)
    if outlier == 0:
        if measured < near:
            status = np.uint8(TOO_NEAR)
        if mean > far or measured > far:
            status = np.uint8(OUT_OF_BOUNDS)
        if sigma > parameter_in[which, 10]:
            status = np.uint8(HIGH_SIGMA)
        if signal <= 0.0 or counted < parameter_in[which, 9]:
            status = np.uint8(LOW_SIGNAL) if truth < _FARTHEST else np.uint8(NO_ECHO)
    range_out[row] = np.float32(measured if status == np.uint8(VALID) else 0.0)
    status_out[row] = status
    strength_out[row] = np.float32(counted)
    sigma_out[row] = np.float32(sigma)
    truth_out[row] = truth if truth < _FARTHEST else np.float32(0.0)
    outlier_out[row] = outlier


_SEE: Final = Kernel(_see)


def measure_optical_ranger(
    bundle: RangerBundle[OpticalRangerProfile],
    ambient: NDArray[np.float64],
    *,
    seed: int,
    threads: int | None = None,
) -> tuple[Any, ...]:
    """Measure ranges with light; `apply_ranger` is the public face.

    Args:
        bundle: What the sensor looks at.
        ambient: Ambient light over that of the profile's `ambient_rate`, shape (N,).
        seed: Seed of the noise, [0, 2^64).
        threads: CPU threads; None for all.

    Returns:
        Range, status, strength, sigma, truth and outlier of each measurement, shape (N,).
    """
    place, count = bundle.place, int(bundle.range.shape[0])
    out = tuple(
        place.allocate((count,), dtype)
        for dtype in (np.float32, np.uint8, np.float32, np.float32, np.float32, np.uint8)
    )
    _SEE.launch(
        count, bundle.range, bundle.cosine, bundle.reflectance, bundle.weight, bundle.rows, bundle.number, bundle.unit,
        bundle.profiles.which, np.array([_pack(profile) for profile in bundle.profiles.profiles]), ambient,
        *stream_key(seed, "ranger"), bundle.sensor, *out, device=place.device, threads=threads,
    )  # fmt: skip
    return out


def _pack(profile: OpticalRangerProfile) -> list[float]:
    return [
        profile.signal_rate, profile.ambient_rate, profile.dark_rate, profile.glass_rate, profile.timing_budget,
        profile.pulse_sigma, profile.window, profile.offset_sigma, profile.range_quantum, profile.signal_rate_min,
        profile.sigma_max, profile.range_min, profile.unambiguous_range, profile.crosstalk_rate,
    ]  # fmt: skip
