"""Time of flight pixel by pixel, with complex numbers and every combination of wrap numbers."""

from __future__ import annotations

import cmath
import itertools
import math

import numpy as np
from scipy import special

from .philox import block

C = 299792458.0


def phasors(depth, profile, frequency, contrast, fx, fy, center, cosine=None, infrared=None):
    """Phasor and mean charge of each pixel's own light, shape (H, W)."""
    height, width = depth.shape
    phasor, mean = np.zeros((height, width), complex), np.full((height, width), profile.dark_electrons)
    for y in range(height):
        for x in range(width):
            z = float(depth[y, x])
            if not 0 < z < 1e6:
                continue
            r = z * math.hypot((x - center[0]) / fx, (y - center[1]) / fy, 1.0)
            rho = 0.5 if infrared is None else max(float(infrared[y, x]), 0.0)
            cos = 1.0 if cosine is None else max(float(cosine[y, x]), 0.0)
            s = profile.signal_electrons * rho * cos / r**2
            for share, extra in ((1.0, 0.0), (profile.multipath_share, profile.multipath_length)):
                phi = 2 * math.pi * frequency * (2 * r + extra) / C
                wave = cmath.exp(1j * phi)
                wave += profile.third_harmonic * cmath.exp(-3j * phi) + profile.fifth_harmonic * cmath.exp(5j * phi)
                phasor[y, x] += contrast * s * share * wave
                mean[y, x] += s * share
            mean[y, x] += profile.ambient_electrons * rho
    return phasor, mean


def gather(image, spread, scatter):
    """Sum over 3 x 3 pixels and over every fourth pixel of the image."""
    height, width = image.shape
    out = np.zeros_like(image)
    weights = {-1: spread, 0: 1 - 2 * spread, 1: spread}
    for y in range(height):
        for x in range(width):
            for dy, dx in itertools.product((-1, 0, 1), repeat=2):
                v, u = min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)
                out[y, x] += weights[dy] * weights[dx] * image[v, u]
    return (1 - scatter) * out + scatter * image[::4, ::4].mean()


def tap(mean, read_noise, word):
    """Quantile of shot and read noise together, by their first four cumulants."""
    mean = max(mean, 0.0)
    sd = math.sqrt(mean + read_noise**2 + 1e-30)
    w = special.ndtri((word + 0.5) / 2**32)
    skew, kurtosis = mean / sd**3, mean / sd**4
    z = w + skew * (w**2 - 1) / 6 + kurtosis * (w**3 - 3 * w) / 24 - skew**2 * (2 * w**3 - 5 * w) / 36
    return max(mean + sd * z, 0.0)


def unwrap(phases, weights, lengths, wraps):
    """Weighted mean and variance of the distances whose wrap numbers agree best, and the runner-up's variance."""
    found = []
    for n in range(wraps):
        trial = (phases[0] + n) * lengths[0]
        distances = [trial]
        for phase, length in list(zip(phases, lengths, strict=True))[1:]:
            # The wrap number that comes nearest, found by trying.
            options = [(phase + k) * length for k in range(-2, int(trial / length) + 3)]
            distances.append(min(options, key=lambda d: abs(d - trial)))
        total = sum(weights)
        mean = sum(w * d for w, d in zip(weights, distances, strict=True)) / total
        variance = sum(w * (d - mean) ** 2 for w, d in zip(weights, distances, strict=True)) / total
        found.append((variance, mean))
    found.sort()
    return found[0][1], found[0][0], found[1][0] if len(found) > 1 else math.inf


def measure(depth, profile, fx, fy, center, seed, index, sensor, cosine=None, infrared=None):
    """Depth, status, and how clear the choice of wrap numbers was, of every pixel."""
    z_out, status = np.full(depth.shape, np.nan), np.full(depth.shape, 255, np.uint8)
    clear = np.full(depth.shape, np.nan)
    count, height, width = depth.shape
    pairs = sorted(zip(profile.modulation_frequencies, profile.modulation_contrast, strict=True), reverse=True)
    lengths = [C / (2 * f) for f, _ in pairs]
    for n in range(count):
        images = []
        for f, contrast in pairs:
            part = (None if cosine is None else cosine[n], None if infrared is None else infrared[n])
            given = phasors(depth[n], profile, f, contrast, fx[n], fy[n], center[n], *part)
            images.append([gather(image, profile.spread_share, profile.scatter_share) for image in given])
        for y in range(height):
            for x in range(width):
                phases, weights, powers, top = [], [], [], 0.0
                for k, (f, _) in enumerate(pairs):
                    p, b = images[k][0][y, x], images[k][1][y, x].real
                    words = block(seed, "depth", y * width + x, int(index[n]), sensor, k)
                    means = (b + p.real, b + p.imag, b - p.real, b - p.imag)
                    charges = [tap(m, profile.read_noise, w) for m, w in zip(means, words, strict=True)]
                    top = max(top, *charges)
                    step = profile.electrons_per_count
                    s = [math.floor(min(e, profile.full_well) / step + 0.5) * step for e in charges]
                    i, q = s[0] - s[2], s[1] - s[3]
                    phases.append(math.atan2(q, i) / (2 * math.pi) % 1.0)
                    powers.append((i * i + q * q) / 4)
                    weights.append(f * f * powers[-1])
                r, variance, second = unwrap(phases, weights, lengths, profile.wrap_count) if sum(powers) else (0, 0, 0)
                z = float(depth[n, y, x])
                here = 0 < z < 1e6
                s = 0
                if top >= profile.full_well:
                    s = 8
                elif sum(powers) / len(powers) <= profile.amplitude_min**2:
                    s = 5 if here else 1
                elif variance > profile.disagreement_max**2:
                    s = 9
                elif r < profile.range_min:
                    s = 2
                elif r > profile.range_max:
                    s = 3
                away = math.hypot((x - center[n][0]) / fx[n], (y - center[n][1]) / fy[n], 1.0)
                z_out[n, y, x], status[n, y, x], clear[n, y, x] = (r / away if s == 0 else 0.0), s, second - variance
    return z_out, status, clear
