"""Drops in a beam drawn one and all, and the echo of fog by adaptive quadrature, in float64."""

from __future__ import annotations

import math

import numpy as np


def beam_drops(generator, beams, target, near, rate, divergence, floor, aperture=0.0, overlap=(0.0, 0.0)):
    """Range, power and number of the drops whose echo exceeds `floor`; every drop of the beam is drawn.

    The beam is cut out of a cone whose tip lies behind the aperture.
    """
    slope = 4.1 * rate**-0.21
    alpha = 1e-6 * math.pi / 4.0 * 2.0 * 8000.0 * 2.0 / slope**3
    per_volume = 8000.0 * math.exp(-slope * 0.05) / slope
    behind = aperture / math.tan(divergence)
    length = target + behind
    volume = math.pi / 3.0 * length * (0.5 * length * math.tan(divergence)) ** 2
    reflectance = (0.328 / 2.328) ** 2
    rows = []
    for _ in range(beams):
        count = generator.poisson(volume * per_volume)
        r = length * generator.random(count) ** (1.0 / 3.0) - behind
        d = 0.05 - np.log(1.0 - generator.random(count)) / slope
        r, d = r[r > near], d[r > near]
        width = 1e3 * math.tan(divergence) * (r + behind)
        seen = np.clip((r - overlap[0]) / max(overlap[1] - overlap[0], 1e-9), 0.0, 1.0)
        power = seen * reflectance * np.exp(-2.0 * alpha * r) * np.minimum((d / width) ** 2, 1.0) / r**2
        strong = power > floor
        if strong.any():
            best = np.argmax(power)
            rows.append((r[best], power[best], strong.sum()))
        else:
            rows.append((0.0, 0.0, 0))
    return rows


def fog_response(visibility, target, pulse_width, overlap_start, overlap_end, near=0.3):
    """Range and power of the largest echo of even fog before a surface."""
    from scipy.integrate import quad

    alpha, beta = math.log(20.0) / visibility, 0.046 / visibility
    length = 299792458.0 * pulse_width

    def echo(peak):
        def fog(r):
            ramp = min(max((r - overlap_start) / (overlap_end - overlap_start), 0.0), 1.0)
            return math.cos(math.pi * (peak - r) / length) ** 2 * ramp * math.exp(-2.0 * alpha * r) / (r * r)

        low, high = max(peak - 0.5 * length, overlap_start, near), min(peak + 0.5 * length, target)
        if high <= low:
            return 0.0
        value, _ = quad(fog, low, high, points=[min(max(overlap_end, low), high)], limit=200)
        return math.pi * beta * value

    peaks = np.linspace(near, overlap_end + length, 400)
    values = [echo(peak) for peak in peaks]
    best = int(np.argmax(values))
    return float(peaks[best]), values[best]
