"""Noise of a depth sensor against distance, from recordings of a flat wall.

A plane is taken off each frame; in an image a plane is linear in inverse depth r = 1 / z:

    r(u, v) = a u + b v + c,    residual e = r - plane,    sigma_z = z^2 sigma_r

Pixels further than 8 robust standard deviations from the plane are counted as outliers and left out. The total variance
is the mean square of the residuals; the temporal one is each pixel's over the frames; the spatial one is that of the
pixels' means, less the temporal variance that is left in them. Two laws:

    stereo       sigma_z = z^2 s / (f B), s^2 = (f B sigma_r)^2 - q^2 / 12       disparity noise s, step q [px]
    quadratic    sigma_z = a + b (z - c)^2                              axial_floor a, axial_growth b, axial_nearest c

Rounding adds q^2 / 12 to the total variance whatever the noise is, if the wall is tilted so that it sweeps several
steps; to the temporal one only while the noise spans the steps. The step q comes from the distinct depths: their
inverse depths stand q / (f B) apart where that is coarser than the unit in which depth is stored.

Intervals: bootstrap over 36 blocks of the wall at each distance apart. Values that come from several distances are
averaged by their relative precision; where the distances agree less than that says, the deviation is widened (Birge).

Sources: Intel, "Best-known methods for tuning Intel RealSense D400 depth cameras" (the stereo law; plane-fit RMS as
disparity noise); Nguyen, Izadi, Lovell, 3DIMPVT 2012 (the quadratic law); Birge, Phys. Rev. 40, 1932.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .block_bootstrap import draw_block_weights
from .depth_step import MIN_LEVELS, Counted, StepFinder
from .estimate import Estimate, make_estimate, replicate_deviation, root_estimate, student_factor

Array = NDArray[np.float64]

GRID: Final = 6
"""Blocks along each side of the wall."""
OUTLIER: Final = 8.0
"""Robust standard deviations from which a pixel is an outlier."""
MIN_SIDE: Final = 24
"""Smallest side of the wall in the image [px]."""
MAX_DEPTH: Final = 1e4
"""Largest depth that counts as one [m]."""
_BLOCKS: Final = GRID * GRID
_MOST_DISTINCT: Final = 1 << 21

Law = Literal["stereo", "quadratic"]


class WallRecording(NamedTuple):
    """Depth images of a flat wall from one place."""

    distance: float
    """Distance of the wall along the optical axis, as measured by other means [m]."""
    frames: Iterable[NDArray[Any]]
    """Depth images, each (H, W): uint16 in the storage unit, or float [m]; 0 or NaN is no return."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WallStatistics:
    """What the frames at one distance say; each pair of estimates and their replicates is of one distance."""

    distance: float
    """Distance as given [m]."""
    depth: float
    """Depth measured at the middle of the wall [m]."""
    frame_count: int
    """Frames."""
    invalid: float
    """Share of pixels without a return."""
    outliers: float
    """Share of pixels that stand off the wall."""
    sweep: float
    """Inverse depths that the wall spans from corner to corner [1/m]: it is tilted."""
    levels: int
    """Different depths that are common on the wall."""
    total: Array
    """Variance of inverse depth [1/m^2]: data, then resamples, shape (1 + R,)."""
    temporal: Array
    """Its temporal part; NaN from one frame."""
    spatial: Array
    """Its spatial part; NaN from one frame."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DepthNoise:
    """A measured depth sensor: W distances."""

    law: Law
    """The law that was fitted."""
    fx: float | None
    """Focal length [px]."""
    baseline: float | None
    """Baseline [m]."""
    estimates: dict[str, Estimate]
    """Estimates by name."""
    walls: tuple[WallStatistics, ...]
    """The recordings, from near to far."""
    total: tuple[Estimate, ...]
    """Standard deviation of depth about the wall in one frame [m]."""
    temporal: tuple[Estimate, ...]
    """Temporal standard deviation of depth [m]; NaN from one frame."""
    spatial: tuple[Estimate, ...]
    """Standard deviation of the pixels' mean depths [m]; NaN from one frame."""
    curve_depth: Array
    """Depths at which the law was evaluated [m], shape (M,)."""
    curve: Array
    """The law's standard deviation there, and the ends of its 95 % interval [m], shape (3, M)."""
    notes: tuple[str, ...]
    """What the recordings could not tell, and what was assumed."""


def measure_depth_noise(
    recordings: Sequence[WallRecording], *, fx: float | None = None, baseline: float | None = None,
    law: Law = "stereo", region: float = 0.5, unit: float = 1e-3, seed: int = 0,
) -> DepthNoise:  # fmt: skip
    """Measure a depth sensor from recordings of a flat wall.

    Args:
        recordings: One or more distances; the quadratic law needs four.
        fx: Focal length of the depth image [px]; the stereo law needs it.
        baseline: Distance of the imagers [m]; the stereo law needs it.
        law: "stereo" or "quadratic".
        region: Share of the image's width and height, in its middle, that the wall fills, (0, 1].
        unit: Depth of one count of integer frames [m].
        seed: Seed of the bootstrap, [0, 2^64).

    Raises:
        UsageError: If the recordings cannot tell the law's values; the message says what to record.
    """
    _check(recordings, fx, baseline, law, region, unit)
    scale = fx * baseline if fx is not None and baseline is not None else 1.0
    steps = StepFinder(unit)
    ordered = sorted(recordings, key=lambda recording: recording.distance)
    walls = tuple(_measure_wall(r, k, region, unit, steps, seed) for k, r in enumerate(ordered))
    notes: list[str] = []
    estimates: dict[str, Estimate] = {}
    in_pixels = fx is not None and baseline is not None
    step = steps.estimate(*(("disparity_step", "px") if in_pixels else ("inverse_depth_step", "1/m")), scale)
    if step is not None:
        estimates[step.name] = step
    else:
        notes.append(
            "step: the depths stand as close as they are stored, or are too few; record the wall farther away, tilted"
        )
    if law == "stereo":
        curve_depth, curve = _fit_stereo(walls, scale, step.value if step else 0.0, estimates, notes)
    else:
        curve_depth, curve = _fit_quadratic(walls, estimates)
    if any(math.isnan(wall.temporal[0]) for wall in walls):
        notes.append("temporal and spatial noise: unknown from one frame; record several at each distance")
    for wall in walls:
        if abs(wall.depth / wall.distance - 1.0) > 0.05:
            notes.append(f"at {wall.distance:g} m the wall is measured at {wall.depth:.4g} m: check its distance")
        if wall.levels < MIN_LEVELS:
            notes.append(
                f"at {wall.distance:g} m {wall.levels} different depths are too few to tell noise; tilt the wall"
            )
        if wall.invalid + wall.outliers > 0.1:
            notes.append(
                f"at {wall.distance:g} m {wall.invalid:.0%} of the pixels have no return and {wall.outliers:.0%} stand "
                "off the plane: does the wall fill the region?"
            )
    return DepthNoise(
        law=law,
        fx=fx,
        baseline=baseline,
        estimates=estimates,
        walls=walls,
        total=tuple(_deviation(wall, wall.total, "total") for wall in walls),
        temporal=tuple(_deviation(wall, wall.temporal, "temporal") for wall in walls),
        spatial=tuple(_deviation(wall, wall.spatial, "spatial") for wall in walls),
        curve_depth=curve_depth,
        curve=curve,
        notes=tuple(notes),
    )


def _check(
    recordings: Sequence[WallRecording], fx: float | None, baseline: float | None, law: str, region: float, unit: float
) -> None:
    if law not in ("stereo", "quadratic"):
        raise UsageError(f"law must be stereo or quadratic, got {law!r}")
    if law == "stereo" and not (fx is not None and baseline is not None):
        raise UsageError("the stereo law needs the focal length fx [px] and the baseline [m]; or take law quadratic")
    for name, value in (("fx", fx), ("baseline", baseline), ("unit", unit), ("region", region)):
        if value is not None and not (math.isfinite(value) and value > 0.0):
            raise UsageError(f"{name} must be above 0, got {value}")
    if region > 1.0:
        raise UsageError(f"region is a share of the image, at most 1, got {region}")
    distances = [recording.distance for recording in recordings]
    least = 1 if law == "stereo" else 4
    if len(set(distances)) < max(least, len(distances)) or not all(0.0 < d < MAX_DEPTH for d in distances):
        raise UsageError(f"the {law} law needs {least} or more different distances above 0 m, got {sorted(distances)}")


def _measure_wall(
    recording: WallRecording, number: int, region: float, unit: float, steps: StepFinder, seed: int
) -> WallStatistics:
    """Gather the statistics of one distance."""
    frame_count = pixels = valid = kept_count = 0
    sweep = 0.0
    counts = first = second = np.empty((0, 0))
    shape: tuple[int, ...] = ()
    depths: list[float] = []
    values: list[Counted] = []
    for frame in recording.frames:
        if not shape:
            shape = frame.shape
            cut = tuple(_middle(side, region) for side in shape)
            if min(c.stop - c.start for c in cut) < MIN_SIDE:
                raise UsageError(
                    f"the wall's region must be at least {MIN_SIDE}x{MIN_SIDE} pixels, got a region of {region:g} in "
                    f"frames of shape {shape}"
                )
            counts, first, second = (np.zeros([c.stop - c.start for c in cut]) for _ in range(3))
        if frame.shape != shape:
            raise UsageError(f"frames must have the same size, got {shape} and {frame.shape}")
        part = frame[cut]
        depth = part * unit if part.dtype.kind in "iu" else part.astype(np.float64)
        seen = np.isfinite(depth) & (depth > 0.0) & (depth < MAX_DEPTH)
        frame_count, pixels, valid = frame_count + 1, pixels + depth.size, valid + int(seen.sum())
        if 2 * int(seen.sum()) < depth.size:
            raise UsageError(
                f"at {recording.distance:g} m less than half of the pixels have a depth; is the unit of {unit:g} m per "
                "count right, and does the wall fill the region?"
            )
        residual, kept, plane = _off_plane(1.0 / np.where(seen, depth, 1.0), seen)
        kept_count += int(kept.sum())
        counts += kept
        first += residual
        second += residual * residual
        depths.append(1.0 / float(plane[0]))
        sweep = 2.0 * float(np.abs(plane[1:]).sum())
        if sum(len(pair[0]) for pair in values) < _MOST_DISTINCT:  # depths without steps are different in every pixel
            values.append(np.unique(part[kept], return_counts=True))
    if not frame_count:
        raise UsageError(f"there are no frames at {recording.distance:g} m")
    levels = steps.add(values, 0.5 * (min(depths) + max(depths)))
    weights = draw_block_weights(_BLOCKS, seed=seed, group=number)
    total = (weights @ _block_sums(second)) / (weights @ _block_sums(counts))
    temporal = spatial = np.full(len(weights), math.nan)
    if frame_count > 1:
        often = counts > 1
        mean = first / np.maximum(counts, 1.0)
        within = np.where(often, second - counts * mean * mean, 0.0)
        temporal = (weights @ _block_sums(within)) / (weights @ _block_sums(np.where(often, counts - 1.0, 0.0)))
        number_of = weights @ _block_sums(often.astype(np.float64))
        rest = (weights @ _block_sums(np.where(often, 1.0 / np.maximum(counts, 1.0), 0.0))) / number_of
        spatial = (weights @ _block_sums(np.where(often, mean * mean, 0.0))) / number_of - temporal * rest
    return WallStatistics(
        distance=recording.distance,
        depth=float(np.mean(depths)),
        frame_count=frame_count,
        invalid=1.0 - valid / pixels,
        outliers=(valid - kept_count) / pixels,
        sweep=sweep,
        levels=levels,
        total=total,
        temporal=temporal,
        spatial=spatial,
    )


def _middle(side: int, region: float) -> slice:
    length = round(side * region)
    return slice((side - length) // 2, (side - length) // 2 + length)


def _off_plane(inverse: Array, seen: NDArray[np.bool_]) -> tuple[Array, NDArray[np.bool_], Array]:
    """Fit a plane without its outliers; return residuals (0 where left out), what was kept, the plane: c, a, b."""
    v, u = (np.linspace(-1.0, 1.0, side) for side in inverse.shape)
    grid = np.stack([np.broadcast_to(x, inverse.shape) for x in (np.ones(1), u[None, :], v[:, None])])
    kept = seen.copy()
    # Where noise is below the steps, most pixels have one depth and the next one is no outlier.
    levels = np.unique(inverse[seen])
    gap = float(np.median(np.diff(levels))) if len(levels) > 1 else 1e-9 * float(levels[0])
    # Beginning with the median, a step or frame at the wall's edge does not draw the plane to itself.
    plane = np.array([np.median(inverse[seen]), 0.0, 0.0])
    for k in range(4):
        if k:
            columns = grid[:, kept]
            plane = np.linalg.solve(columns @ columns.T, columns @ inverse[kept])
        residual = inverse - np.tensordot(plane, grid, 1)
        spread = 1.4826 * float(np.median(np.abs(residual[seen] - np.median(residual[seen]))))
        kept = seen & (np.abs(residual) <= OUTLIER * max(spread, gap))
    return np.where(kept, residual, 0.0), kept, plane


def _block_sums(image: Array) -> Array:
    edges = [np.arange(GRID) * side // GRID for side in image.shape]
    return np.add.reduceat(np.add.reduceat(image, edges[0], axis=0), edges[1], axis=1).ravel()


def _deviation(wall: WallStatistics, variance: Array, name: str) -> Estimate:
    """Return the standard deviation of depth at a wall."""
    square = wall.depth**4
    if math.isnan(variance[0]):
        nan = math.nan
        return Estimate(name=name, value=nan, unit="m", low=nan, high=nan, deviation=nan)
    spread = replicate_deviation(variance, _BLOCKS) * square
    return root_estimate(name, "m", float(variance[0]) * square, spread, freedom=_BLOCKS - 1)


def _average(values: Array, relative: Array) -> tuple[float, float]:
    """Average values of several distances by relative precision; widen the deviation where they disagree."""
    weight = 1.0 / relative**2
    weight /= weight.sum()
    mean = float((weight * values).sum())
    deviation = math.sqrt(float((weight**2 * (relative * mean) ** 2).sum()))
    if len(values) > 1:
        chi = float((((values - mean) / (relative * mean)) ** 2).sum()) / (len(values) - 1)
        deviation *= math.sqrt(max(chi, 1.0))
    return mean, deviation


def _fit_stereo(
    walls: Sequence[WallStatistics], scale: float, step: float, estimates: dict[str, Estimate], notes: list[str]
) -> tuple[Array, Array]:
    """Fit the disparity noise, of one frame and of its temporal part; return the law's curve."""
    swept = scale * min(wall.sweep for wall in walls)
    hint = "Tilt the wall, so that its disparity changes by several steps, and go by disparity_noise"

    def fit(name: str, variances: Sequence[Array]) -> Estimate:
        squares = np.array([float(v[0]) for v in variances]) * scale**2
        spreads = np.array([replicate_deviation(v, _BLOCKS) for v in variances]) * scale**2
        mean, deviation = _average(squares, np.maximum(spreads / squares, 1e-9))
        rounding = step * step / 12.0
        found = root_estimate(name, "px", mean - rounding, deviation, freedom=_BLOCKS - 1)
        if found.value < step and (name != "disparity_noise" or swept < 3.0 * step):
            notes.append(f"{name}: below the disparity step, so rounding hides it. {hint}")
        return found

    noise = fit("disparity_noise", [wall.total for wall in walls])
    estimates["disparity_noise"] = noise
    if all(wall.frame_count > 1 for wall in walls):
        estimates["disparity_noise_temporal"] = fit("disparity_noise_temporal", [wall.temporal for wall in walls])
    depth = np.linspace(0.0, 1.1 * max(wall.depth for wall in walls), 100)
    levels = [math.hypot(value, step / math.sqrt(12.0)) for value in (noise.value, noise.low, noise.high)]
    return depth, np.array(levels)[:, None] * depth**2 / scale


def _fit_quadratic(walls: Sequence[WallStatistics], estimates: dict[str, Estimate]) -> tuple[Array, Array]:
    """Fit a + b (z - c)^2 as a polynomial in z; return the law's curve."""
    depth = np.array([wall.depth for wall in walls])
    values = np.stack([np.sqrt(wall.total) * wall.depth**2 for wall in walls])
    spread = np.array([replicate_deviation(row, _BLOCKS) for row in values])
    design = depth[:, None] ** np.arange(3)
    coefficients = np.linalg.pinv(design / spread[:, None]) @ (values / spread[:, None])
    if not coefficients[2, 0] > 0.0:
        raise UsageError(
            "the noise does not grow with the square of the distance; record farther walls, or more of them"
        )
    chi = float((((values[:, 0] - design @ coefficients[:, 0]) / spread) ** 2).sum()) / max(len(walls) - 3, 1)
    widen = math.sqrt(max(chi, 1.0)) if len(walls) > 3 else 1.0
    curved = np.maximum(coefficients[2], 1e-3 * coefficients[2, 0])
    origin = -coefficients[1] / (2.0 * curved)
    found = {"axial_floor": (coefficients[0] - curved * origin**2, "m"), "axial_growth": (curved, "1/m")}
    found["axial_nearest"] = (origin, "m")
    for name, (replicates, unit) in found.items():
        deviation = replicate_deviation(replicates, _BLOCKS) * widen
        estimates[name] = make_estimate(name, unit, float(replicates[0]), deviation, freedom=_BLOCKS - 1)
    place = np.linspace(0.9 * depth.min(), 1.1 * depth.max(), 100)
    curves = (place[:, None] ** np.arange(3)) @ coefficients
    half = student_factor(_BLOCKS - 1) * widen * np.std(curves[:, 1:], axis=1, ddof=1)
    return place, np.stack([curves[:, 0], curves[:, 0] - half, curves[:, 0] + half])
