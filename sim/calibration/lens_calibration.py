"""Lens and intrinsics from pictures of a chessboard, by OpenCV, with the standard deviation of every parameter.

OpenCV's fit is brought to its end by Levenberg-Marquardt with OpenCV's own derivatives. The deviations follow from the
Jacobian J of all corners by all parameters (intrinsics, coefficients, each picture's pose) and the corners' scatter
about the fit: sigma^2 (J^T J)^-1. They tell the corners' random error, not a board that is bent or wrongly measured.

Sources: OpenCV, calibrateCamera and fisheye::calibrate; Zhang, "A flexible new technique for camera
calibration", PAMI 22(11), 2000.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...kernels.lens import COUNTS, Lens, undistort_points
from ..errors import UsageError
from .estimate import Estimate, make_estimate
from .frame_files import PICTURE_SUFFIXES, list_files, read_picture

Array = NDArray[np.float64]

NAMES: Final = {
    "brown_conrady": ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6", "s1", "s2", "s3", "s4", "tau_x", "tau_y"),
    "kannala_brandt": ("k1", "k2", "k3", "k4"),
}
"""Names of the coefficients in their order."""
MIN_PICTURES: Final = 5
"""Fewer pictures of the board do not tell a lens."""
MAX_CONDITION: Final = 1e4
"""Condition of the scaled Jacobian from which coefficients stand for each other; good pictures give some 500."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LensCalibration:
    """A measured lens; V pictures in which the board was found, C corners each."""

    lens: Lens
    """The lens."""
    intrinsics: tuple[float, float, float, float]
    """fx, fy, cx, cy [px]; the centre of pixel (0, 0) is at (0, 0)."""
    size: tuple[int, int]
    """Width and height of the pictures [px]."""
    estimates: dict[str, Estimate]
    """Intrinsics and coefficients by name, and `reprojection_error`."""
    covariance: Array
    """Covariance of intrinsics and coefficients, in that order."""
    pictures: tuple[str, ...]
    """Names of the pictures that were used."""
    left_out: tuple[str, ...]
    """Names of the pictures in which no board was found."""
    corners: Array
    """Corners found [px], shape (V, C, 2)."""
    residuals: Array
    """Corners found less the model's [px], shape (V, C, 2)."""
    picture_errors: Array
    """RMS residual of each picture [px], shape (V,)."""
    notes: tuple[str, ...]
    """What limits the result."""


def calibrate_lens_from_folder(
    folder: Path, *, board: tuple[int, int], square: float, model: str = "brown_conrady", coefficient_count: int = 5
) -> LensCalibration:
    """Measure a lens from a folder of pictures of a chessboard.

    Args:
        folder: Pictures, all of one size.
        board: Inner corners of the board along its width and its height, each at least 3.
        square: Side of a square [m].
        model: "brown_conrady" or "kannala_brandt".
        coefficient_count: Coefficients to fit: 4, 5, 8, 12 or 14, or 4 for Kannala-Brandt.

    Raises:
        UsageError: If the pictures cannot tell a lens; the message says what to take.
    """
    _check(board, square, model, coefficient_count)
    paths = [path for path in list_files(folder) if path.suffix.lower() in PICTURE_SUFFIXES]
    if not paths:
        raise UsageError(f"{folder} holds no pictures; put files there that end in {', '.join(PICTURE_SUFFIXES)}")
    found, names, left_out, size = [], [], [], None
    for path in paths:
        picture = read_picture(path)
        here = (picture.shape[1], picture.shape[0])
        if size is not None and here != size:
            raise UsageError(
                f"{path} is {here[0]}x{here[1]}, the pictures before it {size[0]}x{size[1]}; sort them apart"
            )
        size = here
        corners = find_corners(picture, board)
        if corners is None:
            left_out.append(path.name)
        else:
            found.append(corners)
            names.append(path.name)
    assert size is not None
    if len(found) < MIN_PICTURES:
        raise UsageError(
            f"the board of {board[0]}x{board[1]} inner corners was found in {len(found)} of {len(paths)} pictures; at "
            f"least {MIN_PICTURES} are needed. Inner corners are counted, not squares, and all must be in the picture"
        )
    return calibrate_lens(
        np.array(found), size=size, board=board, square=square, model=model, coefficient_count=coefficient_count,
        pictures=names, left_out=left_out,
    )  # fmt: skip


def find_corners(picture: NDArray[Any], board: tuple[int, int]) -> Array | None:
    """Find the inner corners of a chessboard to a fraction of a pixel.

    Args:
        picture: uint8 or uint16, shape (H, W) or (H, W, 3 or 4) in BGR order.
        board: Inner corners along the board's width and height.

    Returns:
        Corners row by row, shape (C, 2); None where the board is not seen whole.
    """
    import cv2

    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture[..., :3], cv2.COLOR_BGR2GRAY)
    if grey.dtype != np.uint8:
        grey = (grey / max(int(grey.max()), 1) * 255.0).astype(np.uint8)
    grey = np.ascontiguousarray(grey)
    seen, corners = cv2.findChessboardCornersSB(grey, board, flags=cv2.CALIB_CB_ACCURACY | cv2.CALIB_CB_NORMALIZE_IMAGE)
    return np.asarray(corners, np.float64).reshape(-1, 2) if seen else None


def calibrate_lens(
    corners: Array, *, size: tuple[int, int], board: tuple[int, int], square: float, model: str = "brown_conrady",
    coefficient_count: int = 5, pictures: Sequence[str] = (), left_out: Sequence[str] = (),
) -> LensCalibration:  # fmt: skip
    """Measure a lens from the corners of a chessboard in several pictures.

    Args:
        corners: Corners row by row [px], shape (V, C, 2).
        size: Width and height of the pictures [px].
        board: Inner corners along the board's width and height.
        square: Side of a square [m].
        model: "brown_conrady" or "kannala_brandt".
        coefficient_count: Coefficients to fit.
        pictures: Names of the pictures.
        left_out: Names of the pictures in which no board was found.

    Raises:
        UsageError: If the corners do not tell a lens.

    Source: OpenCV, calibrateCamera and fisheye::calibrate.
    """
    import cv2

    _check(board, square, model, coefficient_count)
    points = np.zeros((board[0] * board[1], 3))
    points[:, 0], points[:, 1] = np.tile(np.arange(board[0]), board[1]), np.repeat(np.arange(board[1]), board[0])
    points *= square
    if corners.shape[1:] != (len(points), 2) or len(corners) < MIN_PICTURES:
        raise UsageError(
            f"corners must be {MIN_PICTURES} or more times {len(points)} points, got shape {corners.shape}"
        )
    begin = _start_brown_conrady if model == "brown_conrady" else _start_kannala_brandt
    try:
        start = begin(points, corners, size, coefficient_count)
        values, covariance, projected, condition = _refine(points, corners, start, coefficient_count, model)
    except (cv2.error, ValueError, np.linalg.LinAlgError):
        raise UsageError(
            "no lens fits these pictures; take more, with the board tilted and in every part of the picture, and check "
            "that the board's corners are counted right"
        ) from None
    deviations = np.sqrt(np.diag(covariance))
    names = ("fx", "fy", "cx", "cy", *NAMES[model][:coefficient_count])
    units = ("px",) * 4 + ("1",) * coefficient_count
    estimates = {
        name: make_estimate(name, unit, float(value), float(deviation))
        for name, unit, value, deviation in zip(names, units, values, deviations, strict=True)
    }
    residuals = corners - projected
    squares = (residuals**2).sum(axis=2)
    rms = math.sqrt(float(squares.mean()))
    # The mean of V C squares of two normal components each.
    estimates["reprojection_error"] = make_estimate(
        "reprojection_error", "px", rms, 0.5 * rms / math.sqrt(squares.size)
    )
    lens = _make_lens(model, values[4:])
    return LensCalibration(
        lens=lens,
        intrinsics=(float(values[0]), float(values[1]), float(values[2]), float(values[3])),
        size=size,
        estimates=estimates,
        covariance=covariance,
        pictures=tuple(pictures) or tuple(str(k) for k in range(len(corners))),
        left_out=tuple(left_out),
        corners=corners,
        residuals=residuals,
        picture_errors=np.sqrt(squares.mean(axis=1)),
        notes=_judge(lens, values, condition, corners, size, rms),
    )


def _make_lens(model: Any, coefficients: Array) -> Lens:
    try:
        return Lens(model=model, coefficients=tuple(float(value) for value in coefficients))
    except ValueError as error:
        raise UsageError(
            f"the fit gives no possible lens: {error}; take more pictures or fit fewer coefficients"
        ) from None


def _judge(
    lens: Lens, values: Array, condition: float, corners: Array, size: tuple[int, int], rms: float
) -> tuple[str, ...]:
    notes = []
    if condition > MAX_CONDITION:
        notes.append(
            "the pictures do not tell the coefficients apart: the lens is right where the board was seen, but single "
            "coefficients and their intervals mean little. Fit fewer coefficients, or fill the picture's corners"
        )
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    covered = float(np.prod(high - low)) / (size[0] * size[1])
    if covered < 0.6:
        notes.append(
            f"the board covers {covered:.0%} of the picture: what lies outside is extrapolated. Fill the corners"
        )
    if rms > 1.0:
        notes.append(f"a reprojection error of {rms:.2g} px is large: is the board flat, and are the pictures sharp?")
    x = max(values[2], size[0] - 1 - values[2]) / values[0]
    y = max(values[3], size[1] - 1 - values[3]) / values[1]
    reach = math.hypot(x, y)
    if not np.isfinite(undistort_points([reach, 0.0], lens)).all() and lens.model == "brown_conrady":
        notes.append(
            "the lens does not reach the picture's corners: the coefficients turn back there. Fit fewer of them"
        )
    return tuple(notes)


def _check(board: tuple[int, int], square: float, model: str, coefficient_count: int) -> None:
    if not all(3 <= side <= 200 for side in board):
        raise UsageError(f"board must have 3 to 200 inner corners along each side, got {board[0]}x{board[1]}")
    if not (math.isfinite(square) and 0.0 < square <= 100.0):
        raise UsageError(f"square must be the side of a square in metres, above 0, got {square}")
    if model not in COUNTS:
        raise UsageError(f"model must be one of {', '.join(COUNTS)}, got {model!r}")
    if coefficient_count not in COUNTS[model]:
        counts = ", ".join(map(str, COUNTS[model]))
        raise UsageError(f"{model} is fitted with {counts} coefficients, got {coefficient_count}")


def _start_brown_conrady(points: Array, corners: Array, size: tuple[int, int], count: int) -> Array:
    """Return OpenCV's fit as one vector: fx, fy, cx, cy, coefficients, then each picture's rotation and translation."""
    import cv2

    flags = cv2.CALIB_FIX_K3 if count == 4 else 0
    for least, flag in (
        (8, cv2.CALIB_RATIONAL_MODEL), (12, cv2.CALIB_THIN_PRISM_MODEL), (14, cv2.CALIB_TILTED_MODEL)
    ):  # fmt: skip
        flags |= flag if count >= least else 0
    _, matrix, distortion, turns, shifts = cv2.calibrateCamera(
        [points.astype(np.float32)] * len(corners), [c.astype(np.float32)[:, None] for c in corners], size, None, None,
        flags=flags,
    )  # fmt: skip
    return _pack(matrix, distortion.ravel()[:count], turns, shifts)


def _start_kannala_brandt(points: Array, corners: Array, size: tuple[int, int], count: int) -> Array:
    """Return OpenCV's fit as one vector, like `_start_brown_conrady`."""
    import cv2

    home: Any = cv2.fisheye if hasattr(cv2.fisheye, "CALIB_FIX_SKEW") else cv2  # they moved in OpenCV 5
    _, matrix, distortion, turns, shifts = cv2.fisheye.calibrate(
        [points[None]] * len(corners), [c[None] for c in corners], size, np.eye(3), np.zeros(4),
        flags=home.CALIB_RECOMPUTE_EXTRINSIC | home.CALIB_FIX_SKEW,
    )  # fmt: skip
    return _pack(matrix, distortion.ravel()[:count], turns, shifts)


def _pack(matrix: Array, coefficients: Array, turns: Sequence[Array], shifts: Sequence[Array]) -> Array:
    poses = [np.concatenate([turn.ravel(), shift.ravel()]) for turn, shift in zip(turns, shifts, strict=True)]
    return np.concatenate([[matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2]], coefficients, *poses])


def _project(points: Array, vector: Array, count: int, picture: int, model: str) -> tuple[Array, Array]:
    """Return a picture's corners (C, 2), and their slopes by intrinsics, coefficients and pose (2 C, 10 + count)."""
    import cv2

    fx, fy, cx, cy = vector[:4]
    matrix = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    pose = vector[4 + count + 6 * picture : 10 + count + 6 * picture]
    if model == "brown_conrady":
        found, slopes = cv2.projectPoints(points, pose[:3], pose[3:], matrix, vector[4 : 4 + count])
        # OpenCV's columns: rotation 3, translation 3, f 2, c 2, coefficients.
        return found[:, 0], np.concatenate([slopes[:, 6 : 10 + count], slopes[:, :6]], axis=1)
    found, slopes = cv2.fisheye.projectPoints(points[None], pose[:3], pose[3:], matrix, vector[4:8])
    # OpenCV's columns: f 2, c 2, coefficients 4, rotation 3, translation 3, skew 1.
    return found.reshape(-1, 2), slopes[:, :14]


def _refine(points: Array, corners: Array, start: Array, count: int, model: str) -> tuple[Array, Array, Array, float]:
    """Bring a fit to the least squares; return the shared values, their covariance, the corners, J's condition."""
    from scipy.optimize import least_squares

    rows, shared = 2 * len(points), 4 + count

    def rest(vector: Array) -> Array:
        return np.concatenate([
            (_project(points, vector, count, k, model)[0] - seen).ravel() for k, seen in enumerate(corners)
        ])  # fmt: skip

    def slopes(vector: Array) -> Array:
        jacobian = np.zeros((rows * len(corners), len(vector)))
        for k in range(len(corners)):
            part, place = _project(points, vector, count, k, model)[1], slice(rows * k, rows * (k + 1))
            jacobian[place, :shared] = part[:, :shared]
            jacobian[place, shared + 6 * k : shared + 6 * k + 6] = part[:, shared:]
        return jacobian

    found = least_squares(rest, start, slopes, method="lm", x_scale="jac", xtol=1e-10, ftol=1e-10, max_nfev=100)
    variance = 2.0 * float(found.cost) / (found.fun.size - start.size)
    scale = np.maximum(np.linalg.norm(found.jac, axis=0), 1e-300)  # lengths, angles and coefficients differ by powers
    # J's triangle has J's singular values and is much smaller.
    _, sizes, turn = np.linalg.svd(np.linalg.qr(found.jac / scale, mode="r"))
    condition = float(sizes[0] / max(sizes[-1], 1e-300))
    half = turn[:, :shared] / np.maximum(sizes, 1e-12 * sizes[0])[:, None]
    covariance = variance * (half.T @ half) / np.outer(scale[:shared], scale[:shared])
    return found.x[:shared], covariance, corners + found.fun.reshape(corners.shape), condition
