"""The gate: it passes what is right and fails what is not, on pictures whose answer is known."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from simloom.kernels.transforms import look_at
from simloom.renderers import Camera, Frames
from simloom.sim.quality.appearance import Appearance, _count_acne, _shadow_begins
from simloom.sim.quality.gate import _distinct, count_lone_pixels


def test_a_crack_is_a_pixel_alone_in_a_surface() -> None:
    """One pixel of something else inside a surface counts; an edge, a line and a dot on the background do not."""
    ids = np.ones((9, 9), np.uint16)
    ids[4, 4] = 0
    assert count_lone_pixels(ids) == 1
    ids[4, 3] = 0
    assert count_lone_pixels(ids) == 0
    ids[:] = 0
    ids[4, 4] = 2
    assert count_lone_pixels(ids) == 0


def test_acne_is_shadow_alone_in_light() -> None:
    """Lone pixels count inside smooth surfaces only; a shadow's edge does not."""
    shadow = np.zeros((8, 8), bool)
    shadow[:, :3] = True
    shadow[4, 6] = True
    smooth = np.zeros_like(shadow)
    smooth[1:-1, 1:-1] = True  # a pixel at the border has no eight neighbours
    found = Appearance()
    _count_acne(shadow, smooth, found)
    assert (found.acne_pixels, found.smooth_pixels) == (1, 36)
    _count_acne(shadow, np.zeros_like(shadow), found)
    assert found.acne_pixels == 1


def _seen_from_above(shadow_start: float) -> bool | None:
    """Ask for a box of 20 cm with a shadow that begins at a distance from its middle, along +x."""
    pose = look_at(np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    camera = Camera(width=201, height=201, fx=200.0, fy=200.0, cx=100.0, cy=100.0, pose_world_camera=pose)
    columns, rows = np.meshgrid(np.arange(201), np.arange(201))
    rays = np.stack([(columns - 100) / 200, (rows - 100) / 200, np.ones((201, 201))], axis=-1)
    ground = np.einsum("ij,hwj->hwi", pose[:3, :3], rays)
    x, y = ground[..., 0], ground[..., 1]
    instance = ((abs(x) <= 0.1) & (abs(y) <= 0.1)).astype(np.uint16)
    shadow = (x >= shadow_start) & (x <= 0.3) & (abs(y) <= 0.1)
    frames: Any = SimpleNamespace(spec=Frames, instance=instance[None])
    corners = np.array([[a, b, c] for a in (-0.1, 0.1) for b in (-0.1, -0.001, 0.001, 0.1) for c in (0.0, 0.2)])
    sun = np.array([-1.0, 0.0, 1.0]) / np.sqrt(2.0)
    return _shadow_begins(shadow, frames, 0, 1, camera, corners, np.zeros(3), sun)


@pytest.mark.parametrize("start, answer", [(0.1, True), (0.12, False), (0.2, False)])
def test_shadows_must_begin_at_their_object(start: float, answer: bool) -> None:
    """A shadow that starts at the edge touches; one that starts centimetres away floats."""
    assert _seen_from_above(start) is answer


def test_repeated_values_are_counted_by_key() -> None:
    """Rows of one key count once; equal values of two keys are found."""
    keys = np.array([[0], [0], [1], [2]])
    values = np.array([[1.0], [1.0], [5.0], [5.0]])

    assert _distinct(keys, values) == (3, 2)
