"""Ultrasonic ranging: the first echo that is loud enough, of everything in a wide beam.

Each sub-ray i of weight w_i (`ranger_beam`) returns two powers, over that of white, facing surfaces at 1 m all over the
beam: a scattered one from where it meets the surface, and a mirrored one,

    scattered  w_i rho_i d cos_i / R_i^2 10^(-2 a R_i / 10)                        from R_i
    mirrored   w_i rho_i (1 - d) lobe(th_i) / R_i^2 10^(-2 a R_i / 10)             from max(R_i cos_i, R_m)
    lobe       cos^2(pi/2 th / th_c) below the critical incidence th_c, 0 beyond: a smooth wall mirrors the sound away

R cos is the distance of the plane that the ray meets: all of a wall answers at once, from the foot of its
perpendicular; R_m is the nearest ray that mirrors at all, so that nothing answers from before a surface. A wall's
amplitude then falls as 1/R, that of something small as 1/R^2. An echo's amplitude rises within a range of
l = c_20 rise_time / 2 and ends after the pulse; echoes add up in power. The gain rises with the range up to R_g, so
that the first echo is where, in ranges x,

    A(x)  = sqrt(sum_i p_i min(1, (x - R_i) / l)^2, over R_i < x <= R_i + pulse_length)
    A(x) >= threshold (1 + noise) / min(x, R_g)
    t     = 2 x' / c(T) + 2 (x - x') / c_20 + noise,       x' the echo that rises there
    c(T)  = 331.3 m/s sqrt(1 + T / 273.15)
    range = c_assumed t / 2,  t in whole counts

As in reality a room's corner is seen as arcs, oblique walls are not seen, and cold air shows longer ranges.

Draws, in the stream "ranger": item = sample, block 0, words: threshold, time, whether another sensor's pulse comes in,
and when.

Differs from a real sensor: sound that comes by several walls is not followed, waves do not interfere, and the surfaces'
roughness is the profile's.

Sources: Kinsler et al., "Fundamentals of acoustics", 4th edition 2000, chapters 5, 7 and 8; Leonard, Durrant-Whyte,
"Directed sonar sensing for mobile robot navigation", 1992, chapter 2; Kuc, Siegel, "Physically based simulation model
for acoustic sensor robot navigation", IEEE PAMI 9(6), 1987.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .device import Kernel, scalar
from .philox import draw_block, stream_key
from .ranger_bundle import RangerBundle
from .ranger_reading import NO_ECHO, TOO_NEAR, VALID
from .ultrasonic_profile import SPEED_AT_20, UltrasonicProfile
from .variates import normal, uniform64

_FARTHEST: Final = np.float32(1e30)
_TENTH_LOG: Final = math.log(10.0) / 10.0
_HALVINGS: Final = 16


@scalar(forceinline=True)
def _share(past: Any, slope: Any, length: Any) -> Any:
    """Return the share of an echo's power, so far behind its surface."""
    amplitude = min(max(past * slope, 0.0), 1.0)
    return amplitude * amplitude if past <= length else 0.0


@scalar(forceinline=True)
def _power_at(row: Any, x: Any, rise: Any, length: Any, count: Any, echo_out: Any) -> Any:
    """Return the power of all echoes of a bundle at a range."""
    slope = 1.0 / rise
    even, odd = 0.0, 0.0  # two sums, which do not wait for one another
    for j in range(0, count, 2):
        even += _share(x - echo_out[row, 0, j], slope, length) * echo_out[row, 1, j]
        odd += _share(x - echo_out[row, 0, j + 1], slope, length) * echo_out[row, 1, j + 1]
    return even + odd


@scalar(forceinline=True)
def _level(x: Any, threshold: Any, gain_range: Any) -> Any:
    return threshold / (x if x < gain_range else gain_range)


@scalar
def _return(
    row: Any, which: Any, range_in: Any, cosine_in: Any, reflectance_in: Any, weight_in: Any, parameter_in: Any,
    echo_out: Any,
) -> Any:  # fmt: skip
    """Write where and how loud each echo of a bundle is; return how many there are."""
    near, far = parameter_in[which, 12], parameter_in[which, 13]
    diffuse, critical = parameter_in[which, 10], parameter_in[which, 11]
    loss = 2.0 * parameter_in[which, 9] * _TENTH_LOG
    count = 0
    nearest = far
    for k in range(range_in.shape[1]):
        r = np.float64(range_in[row, k])
        if r > 0.0 and r >= near and r <= far:
            cosine, power = 1.0, weight_in[which, k] * math.exp(-loss * r) / (r * r)
            if cosine_in.shape[0] > 0:
                cosine = min(max(np.float64(cosine_in[row, k]), 0.0), 1.0)
            if reflectance_in.shape[0] > 0:
                power *= np.float64(reflectance_in[row, k])
            incidence = math.acos(cosine)
            if incidence < critical and diffuse < 1.0:
                lobe = math.cos(0.5 * math.pi * incidence / critical)
                echo_out[row, 0, count] = r * cosine
                echo_out[row, 1, count] = power * (1.0 - diffuse) * lobe * lobe
                nearest = r if r < nearest else nearest
                count += 1
    for k in range(count):
        echo_out[row, 0, k] = echo_out[row, 0, k] if echo_out[row, 0, k] > nearest else nearest
    if diffuse > 0.0:
        for k in range(range_in.shape[1]):
            r = np.float64(range_in[row, k])
            if r > 0.0 and r >= near and r <= far:
                power = weight_in[which, k] * math.exp(-loss * r) / (r * r)
                if cosine_in.shape[0] > 0:
                    power *= min(max(np.float64(cosine_in[row, k]), 0.0), 1.0)
                if reflectance_in.shape[0] > 0:
                    power *= np.float64(reflectance_in[row, k])
                echo_out[row, 0, count] = r
                echo_out[row, 1, count] = power * diffuse
                count += 1
    if count % 2 == 1:
        echo_out[row, 0, count], echo_out[row, 1, count] = far, 0.0
        count += 1
    return count


@scalar
def _hear(
    row: Any, range_in: Any, cosine_in: Any, reflectance_in: Any, weight_in: Any, row_in: Any, number_in: Any,
    which_in: Any, parameter_in: Any, speed_in: Any, key_0: Any, key_1: Any, sensor: Any, echo_out: Any,
    range_out: Any, status_out: Any, strength_out: Any, sigma_out: Any, truth_out: Any, outlier_out: Any,
) -> None:  # fmt: skip
    which = which_in[row]
    near, far = parameter_in[which, 12], parameter_in[which, 13]
    truth = _FARTHEST
    for k in range(range_in.shape[1]):
        distance = range_in[row, k]
        if distance > np.float32(0.0) and distance < truth:
            truth = distance
    blinded = np.float64(truth) < near
    count = _return(row, which, range_in, cosine_in, reflectance_in, weight_in, parameter_in, echo_out)
    w0, w1, w2, w3 = draw_block(key_0, key_1, number_in[row], row_in[row], sensor, 0)
    threshold = parameter_in[which, 0] * (1.0 + parameter_in[which, 1] * normal(w0))
    gain_range, length, rise = parameter_in[which, 2], parameter_in[which, 3], parameter_in[which, 4]
    # Loudness has its peaks where an echo has risen: the nearest loud one, and then where it first passed the level.
    best, loudness = np.float64(_FARTHEST), 0.0
    most = 0.0
    for k in range(count):
        most += echo_out[row, 1, k]
    for k in range(count):
        x = echo_out[row, 0, k] + rise
        # All echoes together bound what any instant can be: most candidates need no sum of their own.
        if x < best and math.sqrt(most) >= _level(x, threshold, gain_range):
            amplitude = math.sqrt(_power_at(row, x, rise, length, count, echo_out))
            if amplitude >= _level(x, threshold, gain_range):
                best, loudness = x, amplitude
    assumed, quantum = parameter_in[which, 7], parameter_in[which, 6]
    heard = best < np.float64(_FARTHEST)
    time = 2.0 * far / assumed
    if heard:
        low, high = best - rise, best
        for _ in range(_HALVINGS):
            x = 0.5 * (low + high)
            if math.sqrt(_power_at(row, x, rise, length, count, echo_out)) >= _level(x, threshold, gain_range):
                high = x
            else:
                low = x
        surface = best - rise
        time = 2.0 * surface / speed_in[row] + 2.0 * (high - surface) / SPEED_AT_20
        time += parameter_in[which, 5] * normal(w1)
    outlier = np.uint8(0)
    if uniform64(w2) < parameter_in[which, 8]:
        other = 2.0 * (near + (far - near) * uniform64(w3)) / assumed
        if other < time:
            time, outlier = other, np.uint8(1)
    counted = math.floor(time / quantum + 0.5) * quantum
    measured = 0.5 * assumed * counted
    status = np.uint8(VALID)
    if measured > far or not (heard or outlier != 0):
        status = np.uint8(TOO_NEAR) if blinded else np.uint8(NO_ECHO)
    elif measured < near:
        status = np.uint8(TOO_NEAR)
    valid = status == np.uint8(VALID)
    range_out[row] = np.float32(measured if valid else 0.0)
    status_out[row] = status
    strength_out[row] = np.float32(loudness)
    sigma_out[row] = np.float32(0.5 * assumed * parameter_in[which, 5])
    truth_out[row] = truth if truth < _FARTHEST else np.float32(0.0)
    outlier_out[row] = outlier if valid else np.uint8(0)


_HEAR: Final = Kernel(_hear)


def speed_of_sound(temperature: float) -> float:
    """Return the speed of sound in dry air [m/s].

    Args:
        temperature: Of the air [degrees Celsius], above -273.15.

    Source: Kinsler et al., chapter 5, for an ideal gas.

    Example:
        >>> round(speed_of_sound(20.0), 1)
        343.2
    """
    return 331.3 * math.sqrt(1.0 + temperature / 273.15)


def measure_ultrasonic(
    bundle: RangerBundle[UltrasonicProfile],
    temperature: NDArray[np.float64],
    *,
    seed: int,
    threads: int | None = None,
) -> tuple[Any, ...]:
    """Measure ranges with sound; `apply_ranger` is the public face.

    Args:
        bundle: What the sensor looks at.
        temperature: Of the air [degrees Celsius], shape (N,).
        seed: Seed of the noise, [0, 2^64).
        threads: CPU threads; None for all.

    Returns:
        Range, status, strength, sigma, truth and outlier of each measurement, shape (N,).
    """
    place, shape = bundle.place, tuple(bundle.range.shape)
    out = tuple(
        place.allocate((shape[0],), dtype)
        for dtype in (np.float32, np.uint8, np.float32, np.float32, np.float32, np.uint8)
    )
    _HEAR.launch(
        shape[0], bundle.range, bundle.cosine, bundle.reflectance, bundle.weight, bundle.rows, bundle.number,
        bundle.profiles.which, np.array([_pack(profile) for profile in bundle.profiles.profiles]),
        np.array([speed_of_sound(float(value)) for value in temperature]), *stream_key(seed, "ranger"), bundle.sensor,
        place.allocate((shape[0], 2, 2 * shape[1] + 2), np.float64), *out, device=place.device, threads=threads,
    )  # fmt: skip
    return out


def _pack(profile: UltrasonicProfile) -> list[float]:
    return [
        profile.threshold, profile.threshold_noise, profile.gain_range, profile.pulse_length, profile.rise_range,
        profile.time_noise, profile.time_quantum, profile.assumed_speed, profile.crosstalk_rate, profile.absorption,
        profile.diffuse_share, profile.specular_angle, profile.range_min, profile.range_max,
    ]  # fmt: skip
