"""The RGB camera pixel by pixel, in exact quantiles, from EMVA 1288, Malvar et al. 2004 and IEC 61966-2-1."""

from __future__ import annotations

import math

import numpy as np
from scipy import special, stats

from .philox import block

FIXED_ROW = 0xFFFFFFFF << 32 | 0xFFFFFFFF
MOSAIC = {
    "RGGB": ("RG", "GB"), "BGGR": ("BG", "GR"), "GRBG": ("GR", "BG"), "GBRG": ("GB", "RG"), "RCCB": ("RC", "CB"),
    "mono": ("CC", "CC"),
}  # fmt: skip
# Malvar, He and Cutler, figure 2, times 16: at a pixel of the first colour, the second.
GREEN_AT_OTHER = ((0, 0, -2, 0, 0), (0, 0, 4, 0, 0), (-2, 4, 8, 4, -2), (0, 0, 4, 0, 0), (0, 0, -2, 0, 0))
OTHER_IN_ROW = ((0, 0, 1, 0, 0), (0, -2, 0, -2, 0), (-2, 8, 10, 8, -2), (0, -2, 0, -2, 0), (0, 0, 1, 0, 0))
OTHER_IN_COLUMN = tuple(zip(*OTHER_IN_ROW, strict=True))
OPPOSITE = ((0, 0, -3, 0, 0), (0, 4, 0, 4, 0), (-3, 0, 12, 0, -3), (0, 4, 0, 4, 0), (0, 0, -3, 0, 0))


def rates(profile) -> list[float]:
    """Electrons per second and unit of radiance, one per channel."""
    found = []
    for efficiency, wavelength in zip(profile.quantum_efficiency, profile.wavelength, strict=True):
        irradiance = math.pi / (1 + (2 * profile.f_number) ** 2)
        photons = irradiance * profile.pixel_pitch**2 * wavelength / (6.62607015e-34 * 299792458.0)
        found.append(efficiency * photons)
    return found


def poisson(mean: float, u: float) -> int:
    """The inverse distribution function, by the expansion from a mean of 10 on."""
    if mean < 10:
        return int(stats.poisson.ppf(u, mean)) if mean > 0 else 0
    w, s = special.ndtri(u), math.sqrt(mean)
    value = mean + s * w + (1 / 3 + w**2 / 6) + (-w / 36 - w**3 / 72) / s
    return max(0, math.floor(value + (-8 / 405 + 7 * w**2 / 810 + w**4 / 270) / mean))


def fall_off(x: float, y: float, fx: float, center: tuple[float, float], profile) -> float:
    """Light that a pixel receives, as a fraction of that on the axis."""
    tangent = math.hypot(x - center[0], y - center[1]) / fx
    a1, a2, a3 = profile.vignetting
    natural = math.cos(math.atan(tangent)) ** 4 if profile.natural_vignetting else 1.0
    return natural * (1 + a1 * tangent**2 + a2 * tangent**4 + a3 * tangent**6)


def color(profile, y: int, x: int) -> str:
    """What a pixel sees: R, G, B or C."""
    return MOSAIC[profile.mosaic][y % 2][x % 2]


def tukey_deviation(shape: float) -> float:
    """Deviation of Tukey's lambda distribution within what a 32-bit word reaches, by SciPy's quadrature."""
    from scipy import integrate

    def square(t: float) -> float:
        u = math.exp(t)
        return u * ((u**shape - (1 - u) ** shape) / shape) ** 2

    return math.sqrt(2 * integrate.quad(square, -33 * math.log(2), math.log(0.5), epsabs=0, epsrel=1e-10, limit=500)[0])


def read_quantile(word: int, shape: float) -> float:
    """Read noise of unit deviation."""
    u = (word + 0.5) / 2**32
    if shape == 0:
        return float(special.ndtri(u))
    return (u**shape - (1 - u) ** shape) / shape / tukey_deviation(shape)


def digital_numbers(radiance, profile, seed, index, times, sensor=0, unit=0, fx=None, center=None) -> np.ndarray:
    """Digital numbers of the mosaic, shape (N, H, W)."""
    count, height, width, _ = radiance.shape
    out = np.full((count, height, width), -1, np.int64)
    focal = profile.focal_length / profile.pixel_pitch if fx is None else fx
    middle = ((width - 1) / 2, (height - 1) / 2) if center is None else center
    names = "RGB"
    rate = dict(zip(names, rates(profile), strict=True))
    warmth = 2 ** ((profile.temperature - profile.dark_reference_temperature) / profile.dark_doubling_temperature)
    pattern = f"camera pattern/{unit}"

    def normal(word: int) -> float:
        return float(special.ndtri((word + 0.5) / 2**32))

    def kept(word: int) -> float:
        return math.floor(normal(word) * 4096 + 0.5) / 4096

    for n in range(count):
        row = int(index[n])
        for y in range(height):
            row_fixed = normal(block(seed, pattern, y, FIXED_ROW, 0, 1)[0])
            row_now = normal(block(seed, "camera", y, row, sensor, 1)[0])
            for x in range(width):
                column_fixed = normal(block(seed, pattern, x, FIXED_ROW, 0, 1)[1])
                column_now = normal(block(seed, "camera", x, row, sensor, 1)[1])
                fixed = block(seed, pattern, y * width + x, FIXED_ROW, 0, 0)
                words = block(seed, "camera", y * ((width + 1) // 2) + x // 2, row, sensor, 0)
                shot, read = words[2 * (x % 2)], words[2 * (x % 2) + 1]
                seen = names if color(profile, y, x) == "C" else color(profile, y, x)
                light = 0.0
                for name in seen:
                    value = float(radiance[n, y, x, names.index(name)])
                    light += rate[name] * (value if value > 0 else 0.0)
                light *= fall_off(x, y, focal, middle, profile)
                light *= max(1 + profile.photo_response_nonuniformity * kept(fixed[0]), 0)
                dark = profile.dark_current
                u = 2 ** (math.ceil(1024 * math.log2((fixed[2] + 0.5) / 2**32)) / 1024)
                if u < profile.hot_pixel_fraction:
                    dark -= profile.hot_pixel_current * math.log(u / profile.hot_pixel_fraction)
                charge = min(poisson((light + dark * warmth) * times[n], (shot + 0.5) / 2**32), profile.full_well)
                charge += profile.dark_signal_nonuniformity * kept(fixed[1])
                charge += profile.row_pattern * row_fixed + profile.column_pattern * column_fixed
                charge += profile.row_noise * row_now + profile.column_noise * column_now
                charge += profile.read_noise * read_quantile(read, profile.read_noise_shape)
                number = math.floor(profile.gain * charge + profile.black_level + 0.5)
                out[n, y, x] = min(max(number, 0), 2**profile.bit_depth - 1)
    return out


def mirror(place: int, size: int) -> int:
    """Place within the image that stands for one beyond it, mirrored about the outermost pixel."""
    if size == 1:
        return 0
    while not 0 <= place < size:
        place = -place if place < 0 else 2 * (size - 1) - place
    return place


def demosaic(balanced: np.ndarray, mosaic: str, method: str) -> np.ndarray:
    """Three planes from a balanced mosaic, shape (H, W, 3); clear pixels take the place of green."""
    height, width = balanced.shape
    out = np.full((height, width, 3), np.nan)
    letters = MOSAIC[mosaic]

    def plane(y: int, x: int) -> str:
        return letters[y % 2][x % 2].replace("C", "G")

    def look(y: int, x: int, dy: int, dx: int) -> float:
        return float(balanced[mirror(y + dy, height), mirror(x + dx, width)])

    for y in range(height):
        for x in range(width):
            for k, wanted in enumerate("RGB"):
                own = plane(y, x)
                if mosaic == "mono" or own == wanted:
                    out[y, x, k] = balanced[y, x]
                    continue
                if method == "bilinear":
                    near = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if plane(y + dy, x + dx) == wanted]
                    out[y, x, k] = sum(look(y, x, *step) for step in near) / len(near)
                    continue
                if own != "G":
                    kernel = GREEN_AT_OTHER if wanted == "G" else OPPOSITE
                else:
                    kernel = OTHER_IN_ROW if plane(y, x + 1) == wanted else OTHER_IN_COLUMN
                out[y, x, k] = sum(
                    kernel[dy + 2][dx + 2] / 16 * look(y, x, dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)
                )
    return out


def srgb(linear: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1 on [0, 1]."""
    v = np.clip(linear, 0.0, 1.0)
    return np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)


def grey_rate(profile) -> float:
    """Electrons per second of equal radiance in the most sensitive pixels."""
    r = dict(zip("RGB", rates(profile), strict=True))
    r["C"] = sum(r.values())
    return max(r[name] for line in MOSAIC[profile.mosaic] for name in line)


def saturation(profile) -> float:
    """Charge at which full well or converter ends."""
    return min(profile.full_well, (2**profile.bit_depth - 1 - profile.black_level) / profile.gain)


def pipeline(numbers: np.ndarray, profile, gains=None) -> np.ndarray:
    """8-bit image of one mosaic of digital numbers, shape (H, W, 3)."""
    height, width = numbers.shape
    full = saturation(profile) * profile.gain
    if gains is None:
        gains = profile.white_balance or [grey_rate(profile) / r for r in rates(profile)]
    red, green, blue = gains
    white = 1 / red + 1 / green + 1 / blue
    scale = {"R": red, "G": green, "B": blue, "C": 1.0 if profile.mosaic == "mono" else 1 / white}
    balanced = np.full(numbers.shape, np.nan)
    for y in range(height):
        for x in range(width):
            name = color(profile, y, x)
            limit = math.ceil(profile.black_level + full / scale[name] - 1e-9)
            balanced[y, x] = (min(numbers[y, x], limit) - profile.black_level) / full * scale[name]
    planes = demosaic(balanced, profile.mosaic, profile.demosaic)
    if profile.mosaic == "RCCB":
        planes[..., 1] = green * (white * planes[..., 1] - planes[..., 0] / red - planes[..., 2] / blue)
    matrix = np.eye(3) if profile.mosaic == "mono" else np.array(profile.color_matrix).reshape(3, 3)
    encoded = srgb(np.stack([sum(matrix[c, k] * planes[..., k] for k in range(3)) for c in range(3)], axis=-1))
    encoded = (1 - profile.tone) * encoded + profile.tone * (3 * encoded**2 - 2 * encoded**3)
    return np.floor(255 * encoded + 0.5).astype(np.uint8)


def exposure(radiance: np.ndarray, profile) -> float:
    """Exposure time by sorting: the mean target, limited by the exact 98th percentile of the largest channel."""
    light = np.where(radiance > 0, radiance, 0).astype(np.float64).reshape(-1, 3)
    rate = grey_rate(profile) / saturation(profile)
    mean = float((light @ np.array([0.2126, 0.7152, 0.0722])).mean())
    largest = np.sort(light.max(axis=1))[::-1][int(len(light) * 0.02)]
    times = [profile.exposure_time_max]
    if mean > 0:
        times.append(profile.exposure_target / (rate * mean))
    if largest > 0:
        times.append(profile.exposure_highlight / (rate * largest))
    return max(min(times), profile.exposure_time_min)
