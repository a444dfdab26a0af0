"""Structured light pixel by pixel and dot by dot, in double precision."""

from __future__ import annotations

import functools
import math

import numpy as np
from scipy import special

from .philox import M, block, philox4x32, stream_key


def is_dot(column: int, line: int, pitch: int) -> bool:
    """Whether a pixel of the projector's field is a dot: one in each cell, at a place that a hash chooses."""
    words = _cell_words(column // pitch, line // pitch)
    return (column % pitch, line % pitch) == (words[0] * pitch >> 32, words[1] * pitch >> 32)


@functools.cache
def _cell_words(i: int, j: int) -> tuple[int, ...]:
    return philox4x32((i & M, j, 0, 0), stream_key(0, "structured_light/dots"))


@functools.cache
def lateral_values() -> np.ndarray:
    """2048 equally probable values of a normal distribution, of variance 1."""
    values = special.ndtri((np.arange(2048) + 0.5) / 2048)
    return values / values.std()


def hidden(disparity: np.ndarray, reach: float) -> np.ndarray:
    """Whether each pixel of a line is hidden from a projector to the right, by trying every surface against it."""
    width = len(disparity)
    spans = []
    for x, d in enumerate(disparity):
        if d > 0:
            ends = []
            for k in (x - 1, x + 1):
                near = disparity[k] if 0 <= k < width else 0.0
                ends.append((d + near) / 2 if near > 0 and abs(near - d) <= reach else d)
            spans.append((x - 0.5 - ends[0], x + 0.5 - ends[1], d))
    return np.array([
        d > 0 and any(a <= math.floor(x - d + 0.5) <= b and other > d + reach for a, b, other in spans)
        for x, d in enumerate(disparity)
    ])  # fmt: skip


def deviations(profile, z: float, cosine: float, focal_baseline: float) -> tuple[float, float]:
    """Of disparity before the steps, and of the place that is sampled [px]."""
    if profile.noise_law == "disparity":
        return profile.disparity_noise, profile.lateral_noise
    theta = math.acos(min(cosine, 1.0))
    ratio = theta / (math.pi / 2 - theta)
    sigma = profile.axial_floor + profile.axial_growth * (z - profile.axial_nearest) ** 2
    if theta > math.radians(profile.axial_angle_from) + 1e-7:
        sigma += profile.axial_angle / math.sqrt(z) * ratio**2
    variance = (sigma * focal_baseline / z**2) ** 2 - profile.disparity_step**2 / 12
    return math.sqrt(max(variance, 0.0)), profile.lateral_floor + profile.lateral_angle * ratio


def sample(disparity: np.ndarray, x: float, y: float, reach: float) -> float:
    """Bilinear disparity of the surface nearest to a place, 0 where there is none."""
    height, width = disparity.shape
    x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    i, j = math.floor(x), math.floor(y)
    u, v = x - i, y - j
    anchor = disparity[j + (v >= 0.5), i + (u >= 0.5)]
    if anchor <= 0:
        return 0.0
    total = weights = 0.0
    for b, a in ((0, 0), (0, 1), (1, 0), (1, 1)):
        weight = (v if b else 1 - v) * (u if a else 1 - u)
        if weight > 0 and disparity[j + b, i + a] > 0 and abs(disparity[j + b, i + a] - anchor) <= reach:
            total += weight * disparity[j + b, i + a]
            weights += weight
    return total / weights


def read(profile, disparity: float, focal_baseline: float) -> tuple[float, int]:
    """Depth in steps of disparity, and the status."""
    if profile.disparity_step:
        disparity = math.floor(disparity / profile.disparity_step + 0.5) * profile.disparity_step
    if disparity <= 0 or focal_baseline / disparity > profile.range_max:
        return 0.0, 3
    if focal_baseline / disparity < profile.range_min:
        return 0.0, 2
    return focal_baseline / disparity, 0


def judge(profile, z, d, landing, lit, is_hidden, signal, has_infrared, cosine, u) -> int:
    """Why a pixel returns nothing, 0 where it does."""
    if d <= 0:
        return 1
    if z < profile.range_min:
        return 2
    if z > profile.range_max:
        return 3
    if not lit[0] <= landing <= lit[1]:
        return 6
    if is_hidden:
        return 4
    if has_infrared and signal > profile.signal_max:
        return 8
    kept = (signal - profile.signal_none) / (profile.signal_full - profile.signal_none)
    lost = cosine < math.cos(math.radians(profile.incidence_max)) - 1e-7 or u >= kept
    return 5 if lost else 0


def measure(depth, profile, fx, seed, index, sensor, cosine=None, infrared=None) -> tuple[np.ndarray, np.ndarray]:
    """Depth and status of every pixel."""
    out, statuses = np.full(depth.shape, np.nan), np.full(depth.shape, 255, np.uint8)
    for n in range(len(depth)):
        out[n], statuses[n] = measure_image(
            depth[n], profile, fx[n], seed, int(index[n]), sensor,
            None if cosine is None else cosine[n], None if infrared is None else infrared[n],
        )  # fmt: skip
    return out, statuses


def measure_image(depth, profile, fx, seed, row, sensor, cosine, infrared) -> tuple[np.ndarray, np.ndarray]:
    """Depth and status of an image."""
    height, width = depth.shape
    fb, left = fx * profile.baseline, profile.projector_side == "left"
    present = np.isfinite(depth) & (depth > 0)
    d = np.where(present, fb / np.where(present, depth, 1.0).astype(float), 0.0)
    half = fx * math.tan(math.radians(profile.projector_field) / 2)
    lit = ((width - 1) / 2 - half, (width - 1) / 2 + half)
    status, noise = np.zeros(depth.shape, np.uint8), np.zeros(depth.shape)
    out, sampled, dots = np.zeros(depth.shape), np.zeros(depth.shape), np.zeros(depth.shape, bool)
    for y in range(height):
        shadow = hidden(d[y, ::-1], profile.occlusion_step)[::-1] if left else hidden(d[y], profile.occlusion_step)
        for x in range(width):
            half = (width + 1) // 2
            words = block(seed, "depth", y * half + x % half, row, sensor, 0)[2 * (x // half) :]
            places = lateral_values()[[words[0] >> 21, words[0] >> 10 & 2047]]
            normals = [*places, special.ndtri((words[1] + 0.5) / 2**32)]
            column = width - 1 - x if left else x
            landing = column - d[y, x]
            nearest = min(d[y, x], fb / profile.range_min)
            dots[y, x] = is_dot(math.floor(column - nearest + 0.5), y, profile.dot_pitch)
            c = 1.0 if cosine is None else float(cosine[y, x])
            rho = 1.0 if infrared is None else float(infrared[y, x])
            signal = rho * c * (d[y, x] / fb) ** 2
            losses = block(seed, "depth", y * ((width + 3) // 4) + x // 4, row, sensor, 1)
            u = ((losses[x % 4] >> 9) + 0.5) / 2**23
            status[y, x] = judge(
                profile, fb / d[y, x] if d[y, x] else 0.0, d[y, x], landing, lit, shadow[x], signal,
                infrared is not None, c, u,
            )  # fmt: skip
            noise[y, x] = profile.disparity_noise * normals[2]
            if d[y, x] > 0 and c > 0:
                deviation, lateral = deviations(profile, fb / d[y, x], c, fb)
                noise[y, x] = deviation * normals[2]
                value = sample(d, x + lateral * normals[0], y + lateral * normals[1], profile.occlusion_step)
                sampled[y, x] = value if value > 0 else d[y, x]
            if status[y, x] == 0:
                out[y, x], status[y, x] = read(profile, sampled[y, x] + noise[y, x], fb)
    return match(profile, fb, status, out, sampled, noise, dots)


def match(profile, fb, status, out, sampled, noise, dots) -> tuple[np.ndarray, np.ndarray]:
    """Windows of dots about every pixel, and what fills those without a match."""
    height, width = status.shape
    seen = dots & (status == 0)
    vote = np.floor(sampled * 256 + 0.5) / 256
    matched = np.zeros(status.shape, bool)
    r = profile.window_radius
    for y in range(height):
        for x in range(width):
            inside = [
                (j, i)
                for j in range(max(y - r, 0), min(y + r + 1, height))
                for i in range(max(x - r, 0), min(x + r + 1, width))
                if dots[j, i]
            ]
            votes = [vote[k] for k in inside if seen[k]]
            mean = sum(votes) / len(votes) if votes else math.inf
            agreeing = sum(
                abs(vote[j, i] - mean) < profile.vote_tolerance * (1 + (j - y) ** 2 + (i - x) ** 2)
                for j, i in inside
                if seen[j, i]
            )
            matched[y, x] = agreeing >= profile.vote_share * len(inside) - 1e-5
    final, result = status.copy(), np.where(status == 0, out, 0.0)
    for y in range(height):
        for x in range(width):
            if matched[y, x] == (status[y, x] == 0):
                continue
            if status[y, x] == 0:
                final[y, x], result[y, x] = 7, 0.0
            total = weights = 0.0
            for j in range(max(y - profile.fill_radius, 0), min(y + profile.fill_radius + 1, height)):
                for i in range(max(x - profile.fill_radius, 0), min(x + profile.fill_radius + 1, width)):
                    apart = (j - y) ** 2 + (i - x) ** 2
                    if seen[j, i] and matched[j, i] and apart <= profile.fill_radius**2:
                        total += vote[j, i] / (1 + apart)
                        weights += 1 / (1 + apart)
            if weights:
                result[y, x], final[y, x] = read(profile, total / weights + noise[y, x], fb)
    return result, final
