"""Infrared views: the pattern against every dot, the light and its shadows against geometry, and the CUDA source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from naive import infrared as naive
from naive.still_life import BOX, Thing, pose, primitive_library, repaint, still_life
from naive.twin import run_simulated
from simloom.kernels.device import Kernel
from simloom.kernels.philox import philox_uniforms
from simloom.renderers import Camera, Raster, Shutter
from simloom.renderers.dot_projector import DotProjector, dot_pattern, make_dots, pattern_numbers
from simloom.renderers.infrared import render_infrared, shade_line

SMALL = DotProjector(field_of_view=(0.3, 0.2), pitch=0.02, dot_size=0.004, fill=0.7, intensity=2.0, seed=3)
EVEN = DotProjector(pitch=0.001, dot_size=0.001, intensity=3.0)
"""So fine that every pixel sees its mean."""
CAMERA = Camera(width=120, height=60, fx=110.0, fy=115.0, cx=60.0, cy=29.0, pose_world_camera=np.eye(4))


def _uniform(*shape: int, stream: str = "scene") -> np.ndarray:
    count = int(np.prod(shape))
    return philox_uniforms(4, stream, np.stack([np.arange(count)] * 3, axis=1)).reshape(shape)


def _wall(z: float, *more: Thing):
    """A wall of reflectance 0.6 whose face stands at a depth, and what is before it."""
    return still_life(Thing(mesh=BOX, at=pose(z=z + 0.5), scale=(40, 40, 1), color=(0.6, 0.6, 0.6)), *more)


def _board(near: float, edge: float, metallic: float = 0.0) -> Thing:
    at = pose(x=edge + 0.2, z=near + 0.005)
    return Thing(mesh=BOX, at=at, scale=(0.4, 4, 0.01), color=(0.6, 0.6, 0.6), metallic=metallic)


@pytest.fixture(scope="module")
def raster() -> Raster:
    """A renderer of boxes."""
    return Raster(primitive_library(), threads=1)


def test_pattern_is_the_sum_of_all_dots() -> None:
    """In any direction, sharp or blurred, the pattern equals the sum over every dot to within what 4 sigma leave."""
    given = (pattern_numbers(SMALL), make_dots(SMALL))
    for x, y, f in _uniform(60, 3):
        slope_x, slope_y, footprint = 0.34 * x - 0.17, 0.24 * y - 0.12, 0.01 * f
        found = dot_pattern(slope_x, slope_y, footprint, *given)
        assert found == pytest.approx(naive.pattern(SMALL, slope_x, slope_y, footprint), abs=2e-3)


def test_pattern_keeps_its_energy() -> None:
    """Blurred or not, the mean over the field is the mean intensity, give or take the number of dots."""
    projector = replace(SMALL, field_of_view=(1.0, 0.8), pitch=0.02, dot_size=0.003)
    given = (pattern_numbers(projector), make_dots(projector))
    cells = projector.cell_count[0] * projector.cell_count[1]
    # Of a cell's light b (uniform in [1/2, 1], there with probability p) the variance is p E[b^2] - (p E[b])^2.
    p = projector.fill
    band = 5 * np.sqrt((p * 7 / 12 - (0.75 * p) ** 2) / cells) / (0.75 * p)
    angle_x, angle_y = np.linspace(-0.48, 0.48, 300), np.linspace(-0.38, 0.38, 300)
    for footprint in (0.0, 0.01):
        means = [dot_pattern(np.tan(x), np.tan(y), footprint, *given) for x in angle_x[::3] for y in angle_y[::3]]
        assert np.mean(means) == pytest.approx(projector.mean_intensity, rel=band + 0.02)
    assert dot_pattern(0.1, 0.1, 0.03, *given) == projector.mean_intensity
    assert DotProjector().cell_count == (180, 120)


def test_light_falls_with_the_square_of_the_distance(raster: Raster) -> None:
    """With the projector in the imager, a wall twice as far shows the same dots at a quarter of the light."""
    projector = DotProjector(position=(0.0, 0.0, 0.0))
    near, far = (
        render_infrared(raster, [_wall(z)], [CAMERA], baseline=0.05, projector=projector, ambient=0.0).left
        for z in (1.0, 2.0)
    )

    assert near.std() > 0.5 * near.mean()
    assert np.allclose(near, 4.0 * far, rtol=2e-3, atol=1e-5)


def test_shadow_stands_where_geometry_says(raster: Raster) -> None:
    """In both views the wall is dark where the board hides the projector, and has Lambert's radiance elsewhere."""
    near, far, edge, position = 0.6, 1.5, -0.1, (0.03, 0.0, 0.0)
    projector = replace(EVEN, position=position)
    frames = render_infrared(
        raster, [_wall(far, _board(near, edge))], [CAMERA], baseline=0.05, projector=projector, ambient=0.0,
        supersample=1,
    )  # fmt: skip
    for image, x_imager in ((frames.left[0], 0.0), (frames.right[0], 0.05)):
        expected, lit = naive.wall_behind_board(CAMERA, x_imager, position, EVEN.mean_intensity, 0.6, far, near, edge)
        wall = np.isfinite(expected)
        shaded = wall & ~lit
        assert shaded.sum(axis=1).min() >= 3
        assert set((wall & (image == 0)).sum(axis=1) - shaded.sum(axis=1)) <= {-1, 0, 1}
        # Off the shadow's and the board's edges by a pixel.
        away = np.stack([np.roll(expected, step, axis=1) for step in (-2, -1, 0, 1, 2)])
        inner = np.isfinite(away).all(axis=0) & ((away > 0).all(axis=0) | (away == 0).all(axis=0))
        assert inner.mean() > 0.3
        assert np.allclose(image[inner], expected[inner], rtol=2e-3)
    # Left of the board, on the imager's side, the left view's shadow: its width is f P (1/z1 - 1/z2).
    left = frames.left[0, 30, : int(CAMERA.cx + CAMERA.fx * edge / near) + 1]
    assert abs((left < 0.3).sum() - CAMERA.fx * position[0] * (1 / near - 1 / far)) <= 1


def test_ambient_light_comes_from_above(raster: Raster) -> None:
    """Without a projector a wall is lit by half the sky, and what faces up by the whole."""
    up = np.array([[1.0, 0, 0, 0], [0, 0, 1, -3], [0, -1, 0, 0.5], [0, 0, 0, 1]])  # looks along +y, z is up
    box = Thing(mesh=BOX, at=pose(z=-0.5), scale=(2, 2, 1), color=(0.5, 0.5, 0.5))
    frames = render_infrared(
        raster, [still_life(box)], [replace(CAMERA, pose_world_camera=up)], baseline=0.05,
        projector=None, ambient=0.4, supersample=1,
    )  # fmt: skip
    front = frames.normal[0, ..., 2] < -0.9
    top = frames.normal[0, ..., 1] < -0.9

    assert front.any()
    assert top.any()
    assert np.allclose(frames.left[0][front], 0.1, atol=1e-6)
    assert np.allclose(frames.left[0][top], 0.2, atol=1e-6)
    assert (frames.left[0][frames.depth[0] == 0] == 0).all()


def test_glass_dims_and_metal_is_dark(raster: Raster) -> None:
    """Behind glass of opacity 0.3 the wall has 0.7 of its light and keeps its depth; bare metal sends nothing back."""
    option = {"baseline": 0.05, "projector": None, "supersample": 1}
    bare = render_infrared(raster, [_wall(2.0)], [CAMERA], **option)
    pane_before = repaint(_wall(2.0, _board(0.8, -0.1)), opacity=[1.0, 0.3])
    glass = render_infrared(raster, [pane_before], [CAMERA], **option)
    metal = render_infrared(raster, [_wall(2.0, _board(0.8, -0.1, metallic=1.0))], [CAMERA], **option)
    pane = metal.depth[0] < 1.0

    assert pane.any()
    assert np.array_equal(glass.depth, bare.depth)
    assert np.allclose(glass.left[0][pane], 0.7 * bare.left[0][pane], rtol=1e-5)
    assert np.allclose(glass.reflectance[0][pane], 0.42, rtol=1e-5)
    assert (metal.left[0][pane] == 0).all()
    assert (metal.reflectance[0][pane] == 0).all()


def test_right_view_is_shifted_by_the_disparity(raster: Raster) -> None:
    """A frontal wall shows the right imager the same dots, f B / z pixels further left, f B / z whole."""
    z = CAMERA.fx * 0.05 / 5.0
    frames = render_infrared(raster, [_wall(z)], [CAMERA], baseline=0.05, projector=DotProjector())

    assert frames.left.std() > 0
    assert np.allclose(frames.left[0, :, 5:], frames.right[0, :, :-5], rtol=1e-3, atol=1e-5)


def test_a_view_does_not_depend_on_its_batch(raster: Raster) -> None:
    """Alone, in another order or on other threads, a view has the same bytes."""
    snapshots = [_wall(z, _board(0.6, -0.1)) for z in (1.0, 1.5, 2.5)]
    whole = render_infrared(raster, snapshots, [CAMERA] * 3, baseline=0.05, projector=DotProjector())
    two = Raster(raster.library, threads=2)
    for k in (2, 0):
        one = render_infrared(two, [snapshots[k]], [CAMERA], baseline=0.05, projector=DotProjector())
        for name in ("left", "right", "depth", "normal", "reflectance"):
            assert np.array_equal(getattr(one, name)[0], getattr(whole, name)[k]), name


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's radiance to within rounding."""
    lines, width = 6, 16
    normal = np.zeros((lines, width, 3), np.float32)
    normal[...] = (0.3, -0.2, -0.9327379)
    arrays = {
        "depth": (0.5 + _uniform(lines, width)).astype(np.float32) * (_uniform(lines, width, stream="hole") > 0.1),
        "normal": normal,
        "albedo": _uniform(lines, width, 3, stream="albedo").astype(np.float32),
        "coverage": _uniform(lines, width, stream="glass").astype(np.float32),
        "imager": np.array([[60.0, 60.0, 8.0, 1.0, 0.0], [60.0, 60.0, 8.0, 1.0, 0.05]]),
        "up": np.array([0.0, -1.0, 0.0]),
        "position": np.array(SMALL.position),
        "pattern": pattern_numbers(SMALL),
        "dots": np.array(make_dots(SMALL)),
        "shadow": (0.9 + 0.4 * _uniform(12, 18, stream="map")).astype(np.float32),
        "lens": np.array([60.0, 60.0, 8.5, 5.5]),
    }
    code = """
from simloom.kernels.device import Kernel
from simloom.renderers.infrared import shade_line
seen = np.full(depth.shape, np.nan, np.float32)
Kernel(shade_line).launch(len(depth), depth.astype(np.float32), normal, albedo, coverage, imager, up, 0.1, position,
                          pattern, dots, shadow, lens, 3, seen, device="cuda")
out = {"seen": seen}
"""
    arrays["depth"] = arrays["depth"].astype(np.float32)
    twin = run_simulated(code, tmp_path, **arrays)["seen"]
    seen = np.full((lines, width), np.nan, np.float32)
    before, after = list(arrays.values())[:6], list(arrays.values())[6:]
    Kernel(shade_line).launch(lines, *before, 0.1, *after, 3, seen)

    assert (arrays["depth"] == 0).any()
    assert seen.std() > 0
    assert np.allclose(twin, seen, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"cameras": []}, "one snapshot for each"),
        ({"cameras": [replace(CAMERA, shutter=Shutter(exposure=0.5, instants=2))]}, "no shutter"),
        ({"baseline": 0.0}, "baseline must"),
        ({"ambient": -1.0}, "ambient must"),
        ({"look": 1}, "look must"),
        ({"supersample": 5}, "supersample must"),
        ({"shadow_resolution": 8}, "shadow_resolution must"),
    ],
)
def test_bad_input_is_refused(raster: Raster, change: dict[str, object], message: str) -> None:
    """Each mistake gets an error that names it."""
    given: dict[str, object] = {"cameras": [CAMERA], "baseline": 0.05, "projector": None, **change}
    with pytest.raises(ValueError, match=message):
        render_infrared(raster, [_wall(1.0)], **given)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"pitch": 0.0}, "pitch must"),
        ({"dot_size": 0.1}, "dot_size must"),
        ({"fill": 1.5}, "fill must"),
        ({"field_of_view": (3.0, 1.0)}, "field_of_view must"),
        ({"pitch": 1e-4, "dot_size": 1e-4}, "larger pitch"),
    ],
)
def test_bad_projectors_are_refused(change: dict[str, object], message: str) -> None:
    """Each mistake gets an error that names it."""
    with pytest.raises(ValueError, match=message):
        DotProjector(**change)
