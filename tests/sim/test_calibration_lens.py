"""Chessboards seen through a known lens give it back, within intervals that say how sure they are."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from naive.chessboard import board_points, board_pose, draw_board
from simloom.kernels.lens import Lens, project_directions, unproject_points
from simloom.sim.calibration.camera_info import CameraInfo, load_camera_info, write_camera_info
from simloom.sim.calibration.lens_calibration import calibrate_lens, calibrate_lens_from_folder, find_corners
from simloom.sim.errors import UsageError

BOARD, SQUARE, SIZE = (9, 6), 0.025, (640, 480)
INTRINSICS = np.array([480.0, 482.0, 322.0, 238.0])
LENSES = {
    "brown_conrady": Lens(coefficients=(-0.25, 0.08, 0.001, -0.0005, -0.01)),
    "kannala_brandt": Lens(model="kannala_brandt", coefficients=(0.05, -0.02, 0.004, -0.001)),
}


def _pixels(directions, lens: Lens) -> np.ndarray:
    return project_directions(directions, lens) * INTRINSICS[:2] + INTRINSICS[2:]


def _rays(lens: Lens):
    return lambda u, v: unproject_points((np.stack([u, v], axis=-1) - INTRINSICS[2:]) / INTRINSICS[:2], lens)


def _see(lens: Lens, count: int, seed: int, noise: float) -> np.ndarray:
    """Corners of boards that are whole in the picture, with a normal error."""
    rng, found = np.random.default_rng(seed), []
    while len(found) < count:
        turn, shift = board_pose(rng, BOARD, SQUARE, distance=(0.22, 0.45), side=0.12, tilt=0.6)
        points = (
            project_directions(board_points(BOARD, SQUARE) @ turn.T + shift, lens) * INTRINSICS[:2] + INTRINSICS[2:]
        )
        if np.isfinite(points).all() and (points > 0).all() and (points < np.array(SIZE) - 1).all():
            found.append(points + noise * rng.standard_normal(points.shape))
    return np.array(found)


@pytest.mark.parametrize("model", LENSES)
def test_intervals_cover_lens_and_intrinsics(model: str) -> None:
    """Over repeats the departures from the truth are as large as the stated deviations say."""
    lens, repeats, scores = LENSES[model], 6, []
    for k in range(repeats):
        corners = _see(lens, 15, 100 + k, 0.05)
        found = calibrate_lens(
            corners, size=SIZE, board=BOARD, square=SQUARE, model=model, coefficient_count=len(lens.coefficients)
        )
        truth = [*INTRINSICS, *lens.coefficients]
        scores.append([
            (one.value - true) / one.deviation
            for one, true in zip(list(found.estimates.values())[: len(truth)], truth, strict=True)
        ])  # fmt: skip
        assert found.estimates["reprojection_error"].value == pytest.approx(0.05 * 2**0.5, rel=0.15)
    scores = np.array(scores)

    assert (np.abs(scores) < 5.0).all()
    # Mean square of standard scores; the parameters of one fit hang together, so each fit counts as three numbers.
    band = 5.0 * np.sqrt(2.0 / (3 * repeats))
    assert 1.0 / (1.0 + band) < (scores**2).mean() < 1.0 + band


@pytest.mark.parametrize("model", LENSES)
def test_pictures_give_the_lens_back(tmp_path: Path, model: str) -> None:
    """From drawn pictures every value comes back within its deviation, fx to 0.2 % and the centre to half a pixel."""
    lens = LENSES[model]
    for k, pose in enumerate(_poses(lens, np.random.default_rng(3), 7)):
        cv2.imwrite(str(tmp_path / f"{k:02}.png"), draw_board(*pose, BOARD, SQUARE, SIZE, _rays(lens), samples=2))
    cv2.imwrite(str(tmp_path / "blank.png"), np.full(SIZE[::-1], 128, np.uint8))
    found = calibrate_lens_from_folder(
        tmp_path, board=BOARD, square=SQUARE, model=model, coefficient_count=4 if model == "kannala_brandt" else 5
    )

    assert found.left_out == ("blank.png",)
    assert found.estimates["reprojection_error"].value < 0.2
    truth = dict(zip([*found.estimates][:-1], [*INTRINSICS, *lens.coefficients], strict=True))
    for name, true in truth.items():
        one = found.estimates[name]
        assert abs(one.value - true) < 5.0 * one.deviation, name
    assert found.estimates["fx"].deviation < 1.0
    assert found.estimates["cx"].deviation < 0.5


def _poses(lens, rng, count):
    found = []
    while len(found) < count:
        turn, shift = board_pose(rng, BOARD, SQUARE, distance=(0.24, 0.4), side=0.1, tilt=0.5)
        outer = board_points((BOARD[0] + 3, BOARD[1] + 3), SQUARE) - [1.6 * SQUARE, 1.6 * SQUARE, 0]
        points = _pixels(outer @ turn.T + shift, lens)
        if np.isfinite(points).all() and (points > 0).all() and (points < np.array(SIZE) - 1).all():
            found.append((turn, shift))
    return found


def test_corners_are_where_the_lens_puts_them() -> None:
    """Corners of a drawn picture are found to some hundredths of a pixel, in colour and 16 bits too."""
    lens = LENSES["brown_conrady"]
    ((turn, shift),) = _poses(lens, np.random.default_rng(1), 1)
    picture = draw_board(turn, shift, BOARD, SQUARE, SIZE, _rays(lens), samples=2)
    true = _pixels(board_points(BOARD, SQUARE) @ turn.T + shift, lens)
    for given in (picture, np.repeat(picture[..., None], 3, axis=2), picture.astype(np.uint16) << 4):
        corners = find_corners(given, BOARD)
        error = corners - true if np.abs(corners[0] - true[0]).max() < 5 else corners[::-1] - true
        assert np.sqrt((error**2).mean()) < 0.1
        assert np.abs(error.mean(axis=0)).max() < 0.03  # the centre of pixel (0, 0) is at (0, 0)


def test_a_lens_with_too_many_coefficients_is_noted() -> None:
    """Eight coefficients of a plain lens stand for each other: a note says what that means."""
    corners = _see(LENSES["brown_conrady"], 12, 5, 0.05)
    found = calibrate_lens(corners, size=SIZE, board=BOARD, square=SQUARE, coefficient_count=8)

    assert any("do not tell the coefficients apart" in note for note in found.notes)
    # What the camera sees is still told: fx to its own deviation.
    assert abs(found.estimates["fx"].value - 480.0) < 5.0 * found.estimates["fx"].deviation


@pytest.mark.parametrize(
    "lens",
    [
        Lens(coefficients=(-0.2, 0.1, 0.0, 0.0, 0.01)),
        Lens(coefficients=(-0.2, 0.1, 0.0, 0.0, 0.01, 0.02, 0.0, 0.0)),
        Lens(model="kannala_brandt", coefficients=(0.1, 0.0, 0.01, 0.0)),
    ],
)
def test_camera_info_is_read_as_written(tmp_path: Path, lens: Lens) -> None:
    """What is written comes back, and OpenCV's own reader finds its matrices."""
    info = CameraInfo(name="left", width=640, height=480, fx=480.5, fy=481.5, cx=320.25, cy=240.75, lens=lens)
    write_camera_info(tmp_path / "left.yaml", info, comment="by hand")

    assert load_camera_info(tmp_path / "left.yaml") == info


def test_broken_camera_infos_are_refused(tmp_path: Path) -> None:
    """A missing file, a missing matrix, skew and an unknown model are answered with the key."""
    path = tmp_path / "a.yaml"
    info = CameraInfo(name="left", width=640, height=480, fx=480.5, fy=481.5, cx=320.25, cy=240.75, lens=Lens())
    write_camera_info(path, info)
    good = path.read_text()
    for old, new, message in (
        ("camera_matrix", "camera_matrx", "camera_matrix: needs data"),
        ("480.5, 0.0, 320.25", "480.5, 3.0, 320.25", "skewed"),
        ("plumb_bob", "plumb_bop", "did you mean 'plumb_bob'"),
        ("image_width: 640", "image_width: wide", "image_width"),
    ):
        path.write_text(good.replace(old, new))
        with pytest.raises(UsageError, match=message):
            load_camera_info(path)
    with pytest.raises(UsageError, match="cannot read"):
        load_camera_info(tmp_path / "none.yaml")


def test_impossible_pictures_are_refused(tmp_path: Path) -> None:
    """No pictures, too few boards, mixed sizes and wrong boards are answered by what to take."""
    with pytest.raises(UsageError, match="holds no pictures"):
        calibrate_lens_from_folder(tmp_path, board=BOARD, square=SQUARE)
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((480, 640), np.uint8))
    with pytest.raises(UsageError, match="was found in 0 of 1 pictures"):
        calibrate_lens_from_folder(tmp_path, board=BOARD, square=SQUARE)
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((240, 320), np.uint8))
    with pytest.raises(UsageError, match="320x240, the pictures before it 640x480"):
        calibrate_lens_from_folder(tmp_path, board=BOARD, square=SQUARE)
    for options, message in (
        ({"board": (2, 6), "square": SQUARE}, "3 to 200 inner corners"),
        ({"board": BOARD, "square": -1.0}, "square must be"),
        ({"board": BOARD, "square": SQUARE, "model": "fisheye"}, "model must be one of"),
        ({"board": BOARD, "square": SQUARE, "coefficient_count": 6}, "4, 5, 8, 12, 14 coefficients"),
    ):
        with pytest.raises(UsageError, match=message):
            calibrate_lens_from_folder(tmp_path, **options)
