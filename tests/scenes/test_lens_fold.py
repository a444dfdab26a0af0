"""Distortion that turns back within the image is refused or told of, with the radius where it turns."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simloom.kernels.lens import Lens
from simloom.scenes.lens_fold import note_folds
from simloom.scenes.sensors import Rig

INTRINSICS = {"fx": 277.4, "fy": 276.9, "cx": 158.2, "cy": 121.7}


def _rig(model: str, *coefficients: float) -> Rig:
    lens = {"model": model, "coefficients": list(coefficients)}
    return Rig.from_json(
        {"head": {"camera": "generic_rgb", "width": 320, "height": 240, "intrinsics": INTRINSICS, "lens": lens}}
    )


@pytest.mark.parametrize(
    "lens",
    [
        Lens(coefficients=(-8.0, 0.0, 0.0, 0.0)),
        Lens(coefficients=(-0.3, 0.02, 0.0, 0.0, -0.001)),
        Lens(coefficients=(0.1, -0.2, 0.0, 0.0, 0.01, 0.2, 0.1, 0.0)),
        Lens(model="kannala_brandt", coefficients=(-0.2, 0.01, 0.0, 0.0)),
    ],
    ids=str,
)
def test_the_fold_is_where_opencv_turns(lens: Lens) -> None:
    """OpenCV's image point goes outwards with the angle up to the radius, and not beyond it."""
    import cv2

    angles = np.linspace(1e-4, 0.5 * math.pi - 1e-3, 40001)
    points = np.stack([np.tan(angles), np.zeros_like(angles), np.ones_like(angles)], axis=-1)[:, None]
    project = cv2.fisheye.projectPoints if lens.model == "kannala_brandt" else cv2.projectPoints
    image, _ = project(points, np.zeros(3), np.zeros(3), np.eye(3), np.array(lens.coefficients))
    radius = image.reshape(-1, 2)[:, 0]
    turn = int(np.argmax(np.diff(radius) < 0.0))

    assert radius[turn] == pytest.approx(lens.max_radius, rel=1e-5)


@pytest.mark.parametrize(
    "lens", [Lens(), Lens(coefficients=(0.1, 0.01, 0.0, 0.0)), Lens(model="kannala_brandt")], ids=str
)
def test_a_lens_that_grows_on_has_no_fold(lens: Lens) -> None:
    """Pinhole, pincushion and an ideal fisheye never turn."""
    assert lens.max_radius == math.inf


def test_a_fold_within_the_image_is_refused() -> None:
    """k1 = -8 turns 38 px from the middle: no calibration says so."""
    with pytest.raises(ValueError, match=r"sensor 'head': .* turns at 38 px .* the nearest edge is 118 px away"):
        note_folds(_rig("brown_conrady", -8.0, 0.0, 0.0, 0.0))


def test_corners_beyond_the_fold_are_noted() -> None:
    """Barrel distortion that turns between edge and corner, and a fisheye's circle, are told with the pixels lost."""
    fold = Lens(coefficients=(-0.45, 0.0, 0.0, 0.0)).max_radius
    x, y = (np.arange(320) - 158.2) / 277.4, (np.arange(240) - 121.7) / 276.9
    lost = 100.0 * float((np.hypot(x[None, :], y[:, None]) > fold).mean())
    (note,) = note_folds(_rig("brown_conrady", -0.45, 0.0, 0.0, 0.0))
    (circle,) = note_folds(_rig("kannala_brandt", -2.0, 0.0, 0.0, 0.0))

    assert lost > 0.0
    assert f"turns at {fold * 277.4:.0f} px" in note
    assert f"{lost:.2g} % of the pixels are beyond and see nothing" in note
    assert "turns at" in circle


def test_a_usual_lens_is_not_noted() -> None:
    """The example's camera has none."""
    assert note_folds(_rig("brown_conrady", -0.08, 0.01, 0.0008, -0.0005, 0.0)) == ()
    assert note_folds(Rig()) == ()
