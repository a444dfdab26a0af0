"""LiDAR firing by firing: sorted hits, runs of them, and lists of echoes that are sorted and cut."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from .philox import block


def normal(word):
    """Standard normal number of a word."""
    return float(special.ndtri((word + 0.5) / 2**32))


def uniform(word):
    """Uniform number of a word."""
    return (word + 0.5) / 2**32


def deviation(snr, profile):
    """Standard deviation of the range: straight lines between the points on double-logarithmic paper."""
    x, y = profile.range_noise_snr, profile.range_noise
    if not any(y):
        return 0.0
    if snr <= x[0]:
        return y[0] * math.sqrt(x[0] / max(snr, 1e-6))
    return float(math.exp(np.interp(math.log(snr), np.log(x), np.log(y))))


def overlap(r, profile):
    """Share of the beam that is seen."""
    if r >= profile.overlap_full:
        return 1.0
    return max(r - profile.overlap_start, 0.0) / (profile.overlap_full - profile.overlap_start)


def light(r, cosine, reflectance, specular, shininess, extinction, profile):
    """Light of a surface that fills the beam."""
    c = min(max(cosine, 0.0), 1.0)
    share = (1 - specular) * c + specular * c**shininess
    return max(reflectance, 0.0) * share * math.exp(-2 * extinction * r) / r**2 * overlap(r, profile)


def find_echoes(hits, cell):
    """Runs of (range, light, sub-ray, type, surface) that follow one another within `cell`."""
    runs = []
    for hit in sorted(hits, key=lambda hit: hit[0]):
        if runs and (hit[0] - runs[-1][-1][0] < cell or hit[0] == runs[-1][-1][0]):
            runs[-1].append(hit)
        else:
            runs.append([hit])
    return runs


def choose(found, mode, most):
    """The returns that are reported, in order."""
    if mode == "first":
        chosen = sorted(found, key=lambda echo: echo["true"])
    elif mode == "last":
        chosen = sorted(found, key=lambda echo: -echo["true"])
    else:
        chosen = sorted(found, key=lambda echo: -echo["snr"])
        if mode == "dual" and len(chosen) > 1:
            last = max(found, key=lambda echo: echo["true"])
            chosen = [chosen[0], chosen[1] if last is chosen[0] else last]
    return chosen[:most]


def measure_firing(hits, profile, seed, firing, row, sensor):
    """Returns of one firing, a list of mappings."""
    w = block(seed, "lidar", firing, row, sensor, 1)
    if uniform(w[2]) < profile.dropout_probability:
        return []
    scale = profile.detection_snr * profile.detection_range**2 / profile.detection_reflectance
    found = []
    for number, run in enumerate(find_echoes(hits, profile.pulse_width * 299792458.0 / 2)):
        n = block(seed, "lidar", firing, row, sensor, 1 + number)
        total = sum(hit[1] for hit in run)
        if total <= 0:
            continue
        best = max(run, key=lambda hit: hit[1])
        mean = sum(hit[0] * hit[1] for hit in run) / total
        measured = mean + profile.range_bias + deviation(scale * total, profile) * normal(n[1])
        other = sum(hit[1] for hit in run if hit[2] >= 0 and hit[4] != best[4])
        found.append(
            {"snr": scale * total + profile.amplitude_noise * normal(n[0]), "range": measured, "true": run[0][0],
             "type": best[3], "subray": best[2], "truth": best[0], "spread": run[-1][0] - run[0][0],
             "mixed": other / total if best[2] >= 0 else 0.0}
        )  # fmt: skip
    if uniform(w[3]) < profile.false_alarm_probability:
        n = block(seed, "lidar", firing, row, sensor, 0)
        alarm = profile.range_min + (profile.range_max - profile.range_min) * uniform(n[2])
        snr = profile.detection_snr - math.log(uniform(n[3])) * profile.amplitude_noise**2 / profile.detection_snr
        found.append(
            {"snr": snr, "range": alarm, "true": alarm, "type": 5, "subray": -1, "truth": 0.0, "spread": 0.0,
             "mixed": 0.0}
        )  # fmt: skip
    for echo in found:
        if profile.range_resolution > 0:
            step = profile.range_resolution
            echo["range"] = math.floor(echo["range"] / step + 0.5) * step
        value = echo["snr"] * profile.intensity_scale
        if profile.intensity_mode == "reflectivity":
            value *= echo["range"] ** 2 / scale / max(overlap(echo["range"], profile), 1e-3)
        top = 2**profile.intensity_bits - 1
        echo["intensity"] = min(max(math.floor(value + 0.5), 0), top) if top else value
    seen = [
        echo for echo in found
        if echo["snr"] >= profile.detection_snr and profile.range_min <= echo["range"] <= profile.range_max
    ]  # fmt: skip
    return choose(seen, profile.return_mode, profile.max_returns)


def measure(distance, profile, weights, seed, index, sensor, extinction, **arrays):
    """Readings of a batch: mapping of name to array of shape (N, P, E)."""
    count, firings, subrays = distance.shape
    out = {
        name: np.full((count, firings, profile.max_returns), -1.0 if name == "subray" else 0.0)
        for name in ("range", "intensity", "snr", "type", "subray", "truth", "spread", "mixed")
    }
    for n in range(count):
        for p in range(firings):
            hits = []
            for s in range(subrays):
                r = float(distance[n, p, s])
                if 0 < r < math.inf:
                    at = {name: float(value[n, p, s]) for name, value in arrays.items() if value.ndim == 3}
                    power = weights[s] * light(
                        r, at["cosine"], at["reflectance"], at["specular"], at["shininess"], extinction[n], profile
                    )
                    hits.append((r, power, s, 1, at["surface"]))
            r, power = float(arrays["soft_range"][n, p]), float(arrays["soft_power"][n, p])
            if r > 0 and power > 0:
                hits.append((r, power, -1, int(arrays["soft_type"][n, p]), -1.0))
            for e, echo in enumerate(measure_firing(hits, profile, seed, p, int(index[n]), sensor)):
                for name, values in out.items():
                    values[n, p, e] = echo[name]
    return out
