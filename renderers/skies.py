"""Skies: equirectangular radiance, its mip chain, its irradiance as spherical harmonics, Radiance files.

A sky of H rows and W columns is addressed by angles in the world frame. Texel (row, column) covers the polar angles
[row, row + 1] pi / H from +z (row 0 = straight up, the last row = straight down) and the azimuths
[column, column + 1] 2 pi / W, where azimuth 0 = +x and a quarter turn = +y (counter-clockwise seen from above).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SMALLEST_ROWS = 4
"""Rows of the last mip level, at least."""
MAX_SKY_WIDTH = 8192
"""Widest sky [px]."""
MAX_SKY_HEIGHT = 4096
"""Highest sky [px]."""
MAX_SKY_BYTES = 256 * 1024 * 1024
"""Largest file that is read [byte]."""
HARMONIC_COUNT = 9
"""Coefficients of a sky's irradiance."""


def sky_level_count(height: int) -> int:
    """Count the mip levels of a sky.

    Args:
        height: Rows of the finest level [px], >= 4.

    Returns:
        Levels down to the last of at least 4 rows.
    """
    return (height // SMALLEST_ROWS).bit_length()


def check_sky(name: str, radiance: NDArray[np.float32]) -> None:
    """Check that an array can be a sky.

    Args:
        name: What the error calls it.
        radiance: Linear radiance, shape (H, W, 3).

    Raises:
        ValueError: If the dtype, the shape, the size or a value is wrong.
    """
    if radiance.dtype != np.float32 or radiance.ndim != 3 or radiance.shape[2] != 3:
        raise ValueError(f"sky {name!r} must be float32 of shape (H, W, 3), got {radiance.dtype} {radiance.shape}")
    height, width = radiance.shape[:2]
    if not (SMALLEST_ROWS <= height <= MAX_SKY_HEIGHT and SMALLEST_ROWS <= width <= MAX_SKY_WIDTH):
        raise ValueError(
            f"sky {name!r} must be {SMALLEST_ROWS} to {MAX_SKY_WIDTH} px wide and {SMALLEST_ROWS} to {MAX_SKY_HEIGHT} "
            f"px high, got {width} x {height}; scale it down"
        )
    if not np.isfinite(radiance).all() or radiance.min() < 0:
        raise ValueError(f"sky {name!r} must have finite radiance >= 0; clip it")


def _halve(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Halve the rows (axis 0, by solid angle) or the columns (axis 1, evenly) of a sky; the light stays the same."""
    size = values.shape[axis]
    target = max(1, size >> 1)
    low = np.arange(target) / target
    high = (np.arange(target) + 1) / target

    def measure(edge: NDArray[np.float64]) -> NDArray[np.float64]:
        return edge if axis else np.asarray(-np.cos(np.pi * edge))

    first = np.floor(low * size + 1e-9).astype(np.int64)
    result = np.zeros((target, *values.shape[1:]) if axis == 0 else (values.shape[0], target, values.shape[2]))
    for tap in range(4):  # an odd size: a texel covers between two and three, and touches at most four
        begin = np.clip((first + tap) / size, low, high)
        end = np.clip((first + tap + 1) / size, low, high)
        share = (measure(end) - measure(begin)) / (measure(high) - measure(low))
        result += values.take(np.minimum(first + tap, size - 1), axis) * share.reshape(
            (-1, 1, 1) if axis == 0 else (-1, 1)
        )
    return result


def build_sky_levels(radiance: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Build the mip chain of a sky, each texel the mean over its solid angle.

    Args:
        radiance: Linear radiance, shape (H, W, 3).

    Returns:
        Levels, finest first, level k of H >> k rows and max(1, W >> k) columns; the last has 4 to 7 rows. Every level
        holds the same light, integrated over the sphere.

    Example:
        >>> [level.shape[:2] for level in build_sky_levels(np.ones((16, 32, 3), np.float32))]
        [(16, 32), (8, 16), (4, 8)]
    """
    check_sky("", radiance)
    levels = [radiance]
    exact = radiance.astype(np.float64)
    for _ in range(sky_level_count(radiance.shape[0]) - 1):
        exact = _halve(_halve(exact, 0), 1)
        levels.append(exact.astype(np.float32))
    return tuple(levels)


def find_harmonics(radiance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Find the irradiance that a sky casts on surfaces of every direction, as spherical harmonics of order 2.

    Every texel counts with its exact integral. Of a clear sky's irradiance the nine terms miss a few per cent.

    Args:
        radiance: Linear radiance, shape (H, W, 3).

    Returns:
        Coefficients, shape (9, 3), of the polynomial that `evaluate_irradiance` states: the harmonics' own constants
        and the cosine's (pi, 2 pi / 3, pi / 4) are folded in.

    Source:
        Ramamoorthi and Hanrahan, "An efficient representation for irradiance environment maps", 2001.
    """
    check_sky("", radiance)
    height, width = radiance.shape[:2]
    polar = np.arange(height + 1) * (np.pi / height)
    around = np.arange(width + 1) * (2 * np.pi / width)
    sine, cosine = np.sin(polar), np.cos(polar)
    # Integrals over each row's polar angles, the sphere's measure sin(polar) included, and over each column's azimuths.
    rows = {
        "1": np.diff(-cosine),
        "z": np.diff(sine**2 / 2),
        "zz": np.diff(-(cosine**3) / 3),
        "s": np.diff(polar / 2 - np.sin(2 * polar) / 4),
        "sz": np.diff(sine**3 / 3),
        "ss": np.diff(-cosine + cosine**3 / 3),
    }
    columns = {
        "1": np.diff(around),
        "cos": np.diff(np.sin(around)),
        "sin": np.diff(-np.cos(around)),
        "cos2": np.diff(np.sin(2 * around) / 2),
        "sin2": np.diff(-np.cos(2 * around) / 2),
    }
    # Of each term: A_l times the square of its harmonic's constant, e.g. (2 pi / 3) (3 / 4 pi) = 1/2.
    terms = (
        (1 / 4, "1", "1"), (1 / 2, "s", "sin"), (1 / 2, "z", "1"), (1 / 2, "s", "cos"), (15 / 32, "ss", "sin2"),
        (15 / 16, "sz", "sin"), (5 / 64, "3zz-1", "1"), (15 / 16, "sz", "cos"), (15 / 64, "ss", "cos2"),
    )  # fmt: skip
    rows["3zz-1"] = 3 * rows["zz"] - rows["1"]
    sums = {key: (radiance * weight[:, None]).sum(axis=1) for key, weight in columns.items()}
    return np.stack([factor * (sums[column] * rows[row][:, None]).sum(axis=0) for factor, row, column in terms]).astype(
        np.float32
    )


def evaluate_irradiance(harmonics: NDArray[np.float32], normals: NDArray[np.floating]) -> NDArray[np.float64]:
    """Evaluate the irradiance of a sky on surfaces.

    E = c0 + c1 y + c2 z + c3 x + c4 x y + c5 y z + c6 (3 z^2 - 1) + c7 x z + c8 (x^2 - y^2), not below 0.

    Args:
        harmonics: Coefficients, shape (9, 3).
        normals: Unit vectors (x, y, z) in the sky's frame, shape (..., 3).

    Returns:
        Irradiance for radiance in the sky's unit [sr times that], shape (..., 3).
    """
    x, y, z = (np.asarray(normals, np.float64)[..., axis, None] for axis in range(3))
    c = harmonics.astype(np.float64)
    value = c[0] + c[1] * y + c[2] * z + c[3] * x + c[4] * x * y + c[5] * y * z
    return np.asarray(np.maximum(value + c[6] * (3 * z * z - 1) + c[7] * x * z + c[8] * (x * x - y * y), 0.0))


def load_sky(path: str | Path) -> NDArray[np.float32]:
    """Read a Radiance HDR panorama as a sky.

    In a photograph columns run to the right, clockwise seen from above; in a sky they run the other way. The picture's
    centre comes to lie in direction +x, its left quarter in direction +y.

    Args:
        path: An equirectangular `.hdr` file, the zenith in its first row.

    Returns:
        Linear radiance in the file's unit, shape (H, W, 3), as `MeshLibraryBuilder.add_sky` takes it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no Radiance picture, or too large.

    Example:
        >>> row = builder.add_sky("noon", load_sky("skies/noon.hdr"))
    """
    import cv2  # only reading files needs it

    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"sky file {file} does not exist, or is not a regular file")
    if file.stat().st_size > MAX_SKY_BYTES:
        raise ValueError(f"{file} has {file.stat().st_size} bytes, more than {MAX_SKY_BYTES}; scale it down")
    data = file.read_bytes()
    size = re.search(rb"\n\n-Y (\d{1,9}) \+X (\d{1,9})\n", data[:65536])
    if not data.startswith(b"#?") or size is None:
        raise ValueError(f"{file} is not a Radiance picture (.hdr) of rows from top to bottom; convert it")
    height, width = int(size[1]), int(size[2])
    if not (SMALLEST_ROWS <= height <= MAX_SKY_HEIGHT and SMALLEST_ROWS <= width <= MAX_SKY_WIDTH):
        raise ValueError(
            f"{file} must be at most {MAX_SKY_WIDTH} x {MAX_SKY_HEIGHT} px and at least {SMALLEST_ROWS} px a side, "
            f"got {width} x {height}; scale it"
        )
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    if image is None or image.dtype != np.float32 or image.shape != (height, width, 3):
        raise ValueError(f"{file} is a Radiance picture that OpenCV cannot read; it is damaged")
    turned = np.roll(image[:, ::-1, ::-1], -(width // 2), axis=1)
    result = np.ascontiguousarray(turned, np.float32)
    check_sky(file.name, result)
    return result
