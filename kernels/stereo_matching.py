"""Depth from two infrared images by OpenCV's semi-global matcher: the slow reference of the fast stereo model.

Where `stereo.py` draws what a stereo camera would report, this matches two images: texture, the projector's dots, its
shadows, the window's size and the matcher's smoothness then decide by themselves what is found and how well. CPU only,
since the matcher is OpenCV's; images are matched one by one, so that none depends on its batch.

    z = f B / d

The matcher's disparities are sixteenths of a pixel, pulled towards whole ones; `subpixel.py` then mends that.

A pixel for which the matcher gives no disparity (more than one match, or one that the right image does not return), or
whose matched blocks do not correlate, is NO_MATCH, one that only the speckle filter takes out FILTERED, one matched
beyond the right image's edge OUT_OF_OVERLAP.

Sources: Hirschmüller, "Stereo processing by semiglobal matching and mutual information", PAMI 30(2), 2008; Birchfield
and Tomasi, "A pixel dissimilarity measure that is insensitive to image sampling", PAMI 20(4), 1998; OpenCV, StereoSGBM.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .depth_reading import FILTERED, NO_MATCH, OUT_OF_OVERLAP, TOO_FAR, VALID, DepthReading
from .device import thread_count
from .image_rows import spread_numbers
from .infrared_imager import InfraredImager, expose_infrared
from .profile_check import check_choice, check_range, check_whole
from .subpixel import refine_disparity

_SUB: Final = 16
"""Parts of a pixel that the matcher's disparities count."""


@dataclass(frozen=True, kw_only=True)
class SemiGlobalMatcher:
    """Settings of the semi-global matcher.

    Raises:
        ValueError: If a value is out of its range.
    """

    block_size: int = 9
    """Side of the matched window [px], odd, [1, 25]."""
    disparity_max: int = 128
    """Disparities searched are below this [px], a multiple of 16, [16, 1024]."""
    smooth_penalty: int = 162
    """Cost of a step of one pixel in disparity between neighbours, known as P1, ≥ 0; of the order of 2 block_size²."""
    jump_penalty: int = 1296
    """Cost of a larger step, known as P2, > P1; of the order of 16 block_size²."""
    paths: str = "eight"
    """Directions along which costs are added up: "five" or "eight" (which keeps all costs in memory)."""
    uniqueness: int = 10
    """By how much the best match must beat the second [%], [0, 100]."""
    left_right_step: int = 1
    """Most by which left and right may disagree [px], [-1, 255]; -1 leaves the check out."""
    gradient_cap: int = 31
    """Bound of the horizontal gradients that are matched beside the grey levels, [1, 63]."""
    subpixel: str = "least_squares"
    """Last step: "least_squares" over the block, or "parabola", the matcher's own sixteenths of a pixel."""
    correlation_min: float = 0.5
    """Correlation of the matched blocks below which there is no match, [-1, 1]; -1 leaves the check out."""
    speckle_size: int = 100
    """Regions of fewer pixels are taken out, [0, 1e6]; 0 leaves the filter out."""
    speckle_step: int = 1
    """Disparity by which neighbours of one region may differ [px], [1, 255]."""
    range_max: float = 10.0
    """Farthest depth that is reported [m]."""

    def __post_init__(self) -> None:
        check_whole(self, "block_size", 1, 25)
        if self.block_size % 2 == 0:
            raise ValueError(f"block_size must be odd, got {self.block_size}; set SemiGlobalMatcher.block_size")
        check_whole(self, "disparity_max", 16, 1024)
        if self.disparity_max % 16:
            raise ValueError(
                f"disparity_max must be a multiple of 16, got {self.disparity_max}; set SemiGlobalMatcher.disparity_max"
            )
        check_whole(self, "smooth_penalty", 0, 100_000)
        check_whole(self, "jump_penalty", self.smooth_penalty + 1, 100_001)
        check_choice(self, "paths", ("five", "eight"))
        check_choice(self, "subpixel", ("least_squares", "parabola"))
        check_whole(self, "uniqueness", 0, 100)
        check_whole(self, "left_right_step", -1, 255)
        check_whole(self, "gradient_cap", 1, 63)
        check_range(self, "correlation_min", -1.0, 1.0)
        check_whole(self, "speckle_size", 0, 1_000_000)
        check_whole(self, "speckle_step", 1, 255)
        check_range(self, "range_max", 1e-3, 1e6)


def match_stereo(
    left: ArrayLike,
    right: ArrayLike,
    matcher: SemiGlobalMatcher | None = None,
    *,
    fx: ArrayLike,
    baseline: float,
    imager: InfraredImager | None = None,
    seed: int = 0,
    index: ArrayLike | None = None,
    sensor: int = 0,
    truth: Any = None,
    threads: int | None = None,
) -> DepthReading:
    """Measure depth by matching the images of two infrared imagers.

    Args:
        left: Left images, rectified: radiance [W/(sr m^2)], which `imager` exposes, or uint8 levels, which are matched
            as they are; shape (N, H, W).
        right: Right images, the same.
        matcher: Settings of the matcher; None for the usual ones.
        fx: Focal length [px], a number or shape (N,).
        baseline: Distance of the imagers [m], > 0.
        imager: The imagers; None for the usual ones. Levels need none.
        seed: Seed of the imagers' noise, [0, 2^64).
        index: Global row index of each image, int64, shape (N,); None for levels.
        sensor: Number of the sensor within its rig, [0, 2^16).
        truth: True depth, put beside the reading; None where it is not known.
        threads: Images matched at once; None for all cores.

    Returns:
        Depth images, the status of each pixel, and the truth.

    Raises:
        ValueError: If a shape or a value is wrong.

    Source: Hirschmüller 2008, as implemented by OpenCV's StereoSGBM.

    Example:
        >>> reading = match_stereo(left, right, fx=446.8, baseline=0.05, seed=1, index=[0])
        >>> STATUS_NAMES[reading.status[0, 0, 0]]
        'out_of_overlap'
    """
    settings = SemiGlobalMatcher() if matcher is None else matcher
    if not baseline > 0.0:
        raise ValueError(f"baseline must be a positive number of metres, got {baseline}")
    images = [np.asarray(image) for image in (left, right)]
    if images[0].dtype != np.uint8 or images[1].dtype != np.uint8:
        if index is None:
            raise ValueError("radiance needs index, the row number of each image; or give uint8 levels")
        images = list(
            expose_infrared(images[0], images[1], imager, seed=seed, index=index, sensor=sensor, threads=threads)
        )
    shape = images[0].shape
    if len(shape) != 3 or images[1].shape != shape:
        raise ValueError(f"left and right must have one shape (N, H, W), got {shape} and {images[1].shape}")
    focal = spread_numbers(fx, shape[0], "fx")
    depth, status = np.empty(shape, np.float32), np.empty(shape, np.uint8)

    def measure(image: int) -> None:
        disparity, kept = _match(images[0][image], images[1][image], settings)
        pixels, correlation = refine_disparity(
            images[0][image], images[1][image], kept.astype(np.float32) / np.float32(_SUB),
            block_size=settings.block_size, steps=4 if settings.subpixel == "least_squares" else 0, threads=1,
        )  # fmt: skip
        filtered = (disparity > 0) & (kept < 0)
        focal_baseline = float(focal[image]) * baseline
        depth[image], status[image] = _measure(pixels, correlation, filtered, focal_baseline, settings)

    with ThreadPoolExecutor(threads or thread_count()) as pool:
        list(pool.map(measure, range(shape[0])))
    return DepthReading(depth=depth, status=status, truth=truth, profiles=(settings,))


def _match(
    left: NDArray[np.uint8], right: NDArray[np.uint8], matcher: SemiGlobalMatcher
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Return disparities in sixteenths of a pixel, negative for none, before and after the speckle filter."""
    import cv2

    # OpenCV gives no disparity to the left columns, as many as are searched: columns are put before them.
    before = matcher.disparity_max
    padded = [cv2.copyMakeBorder(image, 0, 0, before, 0, cv2.BORDER_REPLICATE) for image in (left, right)]
    found = cv2.StereoSGBM.create(
        minDisparity=0,
        numDisparities=matcher.disparity_max,
        blockSize=matcher.block_size,
        P1=matcher.smooth_penalty,
        P2=matcher.jump_penalty,
        disp12MaxDiff=matcher.left_right_step,
        preFilterCap=matcher.gradient_cap,
        uniquenessRatio=matcher.uniqueness,
        speckleWindowSize=0,
        mode=cv2.STEREO_SGBM_MODE_HH if matcher.paths == "eight" else cv2.STEREO_SGBM_MODE_SGBM,
    ).compute(*padded)
    disparity = np.ascontiguousarray(found[:, before:])
    kept = disparity.copy()
    if matcher.speckle_size:
        kept, _ = cv2.filterSpeckles(kept, -_SUB, matcher.speckle_size, matcher.speckle_step * _SUB)
    return disparity, kept


def _measure(
    pixels: NDArray[np.float32],
    correlation: NDArray[np.float32],
    filtered: NDArray[np.bool_],
    focal_baseline: float,
    matcher: SemiGlobalMatcher,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    found = pixels > 0.0
    z = np.where(found, focal_baseline / np.where(found, pixels, 1.0).astype(np.float64), 0.0)
    status = np.full(pixels.shape, NO_MATCH, np.uint8)
    status[filtered] = FILTERED
    status[(pixels > -1.0) & ~found] = TOO_FAR
    status[found] = VALID
    status[found & (z > matcher.range_max)] = TOO_FAR
    status[(pixels > -1.0) & (correlation < matcher.correlation_min)] = NO_MATCH
    status[found & (pixels > np.arange(pixels.shape[1]))] = OUT_OF_OVERLAP
    return np.where(status == VALID, z, 0.0).astype(np.float32), status
