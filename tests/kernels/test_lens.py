"""Lenses: against OpenCV, a solver, closed forms, their own inverse, and their CUDA-simulator twin."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from naive import lens as naive
from naive.twin import run_simulated
from simloom.kernels.lens import Lens, distort_points, project_directions, undistort_points, unproject_points
from simloom.kernels.philox import philox_uniforms

WEBCAM = (-0.28, 0.09, 0.0011, -0.0007, -0.012)
RATIONAL = (8.5, 3.2, -0.0006, 0.0009, 0.21, 8.9, 6.1, 1.1)
LENSES = {
    "four": Lens(coefficients=WEBCAM[:4]),
    "five": Lens(coefficients=WEBCAM),
    "eight": Lens(coefficients=RATIONAL),
    "twelve": Lens(coefficients=(*RATIONAL, 0.002, -0.001, -0.0015, 0.0008)),
    "fourteen": Lens(coefficients=(*RATIONAL, 0.002, -0.001, -0.0015, 0.0008, 0.03, -0.05)),
    "pincushion": Lens(coefficients=(0.15, 0.02, 0.0, 0.0)),
    "fisheye": Lens(model="kannala_brandt", coefficients=(0.035, -0.012, 0.004, -0.0011)),
    "equidistant": Lens(model="kannala_brandt"),
}
BROWN = [name for name, lens in LENSES.items() if lens.model == "brown_conrady"]


def _uniforms(count: int, size: int, stream: str) -> np.ndarray:
    u = philox_uniforms(3, stream, np.stack([np.arange(count * size)] * 3, axis=1))
    return 2 * u.reshape(count, size) - 1


def _directions(lens: Lens, count: int = 400) -> np.ndarray:
    """Unit directions over the middle of the lens's range, no farther than 65 degrees for Brown-Conrady."""
    edge = lens.max_angle if lens.model == "kannala_brandt" else min(lens.max_angle, math.radians(65))
    u = _uniforms(count, 2, "lens directions")
    angle, around = 0.97 * edge * np.abs(u[:, 0]), math.pi * u[:, 1]
    side = np.sin(angle)
    return np.stack([side * np.cos(around), side * np.sin(around), np.cos(angle)], axis=1)


@pytest.mark.parametrize("name", BROWN)
def test_brown_conrady_follows_opencv(name) -> None:
    """Points agree with cv2.projectPoints, and come back as cv2.undistortPoints finds them."""
    lens = LENSES[name]
    plane = _uniforms(500, 2, "plane") * 0.6
    points = np.column_stack([plane, np.ones(500)])
    expected = cv2.projectPoints(points, np.zeros(3), np.zeros(3), np.eye(3), np.array(lens.coefficients))[0][:, 0]
    criteria = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 500, 1e-14)
    undistort = getattr(cv2, "undistortPointsIter", cv2.undistortPoints)  # OpenCV 4's name, and 5's
    k = np.eye(3)
    back = undistort(expected[:, None], k, np.array(lens.coefficients), R=k, P=k, criteria=criteria)[:, 0]

    assert np.abs(distort_points(plane, lens) - expected).max() < 1e-14
    assert np.abs(back - plane).max() < 1e-7  # OpenCV's own iteration
    assert np.abs(undistort_points(expected, lens) - plane).max() < 1e-13


@pytest.mark.parametrize("name", ["fisheye", "equidistant"])
def test_kannala_brandt_follows_opencv(name) -> None:
    """In front of the camera, points agree with cv2.fisheye, there and back."""
    lens = LENSES[name]
    directions = _directions(lens)
    points = directions[directions[:, 2] > 0.1]
    k, d = np.eye(3), np.array(lens.coefficients)
    expected = cv2.fisheye.projectPoints(points[:, None], np.zeros(3), np.zeros(3), k, d)[0][:, 0]
    criteria = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 100, 1e-14)
    back = cv2.fisheye.undistortPoints(expected[:, None], k, d, R=k, P=k, criteria=criteria)[:, 0]

    assert np.abs(project_directions(points, lens) - expected).max() < 1e-14
    assert np.allclose(undistort_points(expected, lens), back, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", list(LENSES))
def test_maps_follow_the_oracle_and_each_other(name) -> None:
    """Both maps agree with printed formulas and a solver; there and back is the same direction."""
    lens = LENSES[name]
    directions = _directions(lens)
    points = project_directions(directions, lens)
    found = unproject_points(points, lens)

    assert np.abs(points - [naive.project(d, lens) for d in directions]).max() < 1e-13
    assert np.abs(found - directions).max() < 1e-12
    assert np.abs(np.sqrt((found**2).sum(axis=1)) - 1).max() < 1e-15
    few = slice(0, 40)
    slow = [naive.unproject(p, lens, d) for p, d in zip(points[few], directions[few], strict=True)]
    assert np.abs(found[few] - slow).max() < 1e-9


def test_closed_forms() -> None:
    """A cubic lens is inverted as Cardano's formula says; an equidistant one sees behind itself."""
    k, r = 0.3, np.linspace(0.0, 0.9, 50)
    distorted = r + k * r**3
    root = np.sqrt((distorted / (2 * k)) ** 2 + 1 / (27 * k**3))
    cardano = np.cbrt(distorted / (2 * k) + root) + np.cbrt(distorted / (2 * k) - root)
    found = undistort_points(np.stack([distorted, 0 * r], axis=1), Lens(coefficients=(k, 0, 0, 0)))
    behind = unproject_points([[0.75 * math.pi, 0.0], [0.0, -math.pi / 2]], Lens(model="kannala_brandt"))

    assert np.abs(cardano - r).max() < 1e-12
    assert np.abs(found[:, 0] - r).max() < 1e-14
    assert np.allclose(behind, [[math.sqrt(0.5), 0, -math.sqrt(0.5)], [0, -1, 0]], atol=1e-15)


def test_the_range_ends_where_the_radius_stops_growing() -> None:
    """Beyond the fold no point has a ray and no ray a point; at both models' ends the radius is stationary."""
    barrel = Lens(coefficients=(-0.3, 0.0, 0.0, 0.0))
    edge = 1 / math.sqrt(0.9)  # 1 - 0.9 r² = 0
    fisheye = Lens(model="kannala_brandt", coefficients=(-0.05, 0.0, 0.0, 0.0))
    rational = Lens(coefficients=(0.0, 0.0, 0.0, 0.0, 0.0, -0.25, 0.0, 0.0))  # r / (1 - r² / 4)

    assert math.isclose(barrel.max_angle, math.atan(edge), rel_tol=1e-8)
    assert math.isclose(fisheye.max_angle, 1 / math.sqrt(0.15), rel_tol=1e-8)
    assert math.isclose(rational.max_angle, math.atan(2.0), rel_tol=1e-8)
    assert math.isclose(Lens(model="kannala_brandt").max_angle, math.pi)
    last = edge - 0.3 * edge**3
    assert np.isfinite(unproject_points([0.999 * last, 0.0], barrel)).all()
    assert np.isnan(unproject_points([1.001 * last, 0.0], barrel)).all()
    assert np.isnan(distort_points([1.001 * edge, 0.0], barrel)).all()
    assert np.isnan(project_directions([0.0, 0.1, -1.0], barrel)).all()
    assert np.isnan(project_directions([0.0, 0.1, -1.0], fisheye)).all()
    assert np.isnan(unproject_points([[np.nan, 0.0], [np.inf, 0.0]], fisheye)).all()
    assert np.isnan(undistort_points([2.0, 0.0], Lens(model="kannala_brandt"))).all()  # 115 degrees


def test_every_point_is_inverted_or_refused() -> None:
    """Over a wide plane, what has a ray projects back to itself, tangential terms and folds included."""
    plane = _uniforms(4000, 2, "wide plane") * 4
    for lens in LENSES.values():
        rays = unproject_points(plane, lens)
        seen = np.isfinite(rays[:, 0])
        assert seen.sum() > 20
        back = project_directions(rays[seen], lens)
        assert np.abs(back - plane[seen]).max() < 1e-10


def test_a_point_does_not_depend_on_its_batch() -> None:
    """One at a time or all at once, in any shape, the bytes are the same."""
    lens = LENSES["fourteen"]
    plane = _uniforms(60, 2, "plane") * 0.6
    together = unproject_points(plane, lens)

    assert np.array_equal(unproject_points(plane.reshape(3, 20, 2), lens).reshape(60, 3), together)
    assert all(np.array_equal(unproject_points(plane[i], lens), together[i]) for i in range(60))


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA simulator gives the same points and rays, and refuses the same ones."""
    plane = _uniforms(24, 2, "wide plane") * 1.5
    code = """
from simloom.kernels.lens import Lens, project_directions, unproject_points
out = {}
for name, model in (("fourteen", "brown_conrady"), ("fisheye", "kannala_brandt")):
    lens = Lens(model=model, coefficients=tuple(globals()[name]))
    rays = unproject_points(plane, lens, device="cuda")
    out[name + "_rays"], out[name + "_points"] = rays, project_directions(rays, lens, device="cuda")
"""
    names = ("fourteen", "fisheye")
    found = run_simulated(code, tmp_path, plane=plane, **{name: LENSES[name].coefficients for name in names})

    for name in names:
        rays = unproject_points(plane, LENSES[name])
        assert np.allclose(found[f"{name}_rays"], rays, rtol=0, atol=1e-12, equal_nan=True)
        points = project_directions(rays, LENSES[name])
        assert np.allclose(found[f"{name}_points"], points, rtol=0, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: Lens(model="brown"), "brown_conrady, kannala_brandt"),
        (lambda: Lens(coefficients=(0.1,)), "takes 4 or 5 or 8 or 12 or 14 coefficients, got 1"),
        (lambda: Lens(model="kannala_brandt", coefficients=(0.0,) * 5), "takes 4 coefficients"),
        (lambda: Lens(coefficients=(0.0, 0.0, np.nan, 0.0)), "finite"),
        (lambda: Lens(coefficients=(0.0,) * 12 + (2.0, 0.0)), "tau_x and tau_y"),
        (lambda: distort_points([1.0], Lens()), "shape"),
        (lambda: project_directions([1.0, 2.0], Lens()), "shape"),
    ],
)
def test_bad_input_is_refused(call, message) -> None:
    """Unknown models, wrong counts and shapes get an error that says what is allowed."""
    with pytest.raises(ValueError, match=message):
        call()
