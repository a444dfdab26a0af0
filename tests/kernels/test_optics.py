"""Lens: defocus, diffraction and lateral colour against brute force, OpenCV's filters and closed forms."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from naive import optics as naive
from naive.twin import run_simulated
from simloom.kernels.defocus import RADIUS_MAX, blur_diameter
from simloom.kernels.diffraction import airy_kernel
from simloom.kernels.optics import apply_optics
from simloom.kernels.philox import philox_uniforms
from simloom.kernels.profiles import load_camera_profile

SHARP = dataclasses.replace(
    load_camera_profile("generic_rgb"), focus_distance=0.0, diffraction=False, chromatic_aberration=(0.0, 0.0)
)
FOCUSED = dataclasses.replace(SHARP, focus_distance=1.0)
DIFFRACTED = dataclasses.replace(SHARP, diffraction=True, f_number=8.0)
COLOURED = dataclasses.replace(SHARP, chromatic_aberration=(0.02, -0.03))


def _noise(*shape: int, stream: str = "light") -> np.ndarray:
    count = int(np.prod(shape))
    return philox_uniforms(4, stream, np.stack([np.arange(count)] * 3, axis=1)).reshape(shape).astype(np.float32)


def _depth_of(diameter: float, profile: object = FOCUSED) -> float:
    """Return the depth that is blurred to a signed diameter [px]."""
    infinite = blur_diameter(math.inf, profile.focal_length, profile.f_number, profile.focus_distance)
    return profile.focus_distance / (1 - diameter * profile.pixel_pitch / infinite)


def test_nothing_asked_changes_nothing() -> None:
    """The image itself comes back, and in a mixed batch each pixel of the image that asks for nothing."""
    light = _noise(3, 20, 40, 3)
    assert apply_optics(light, SHARP) is light
    mixed = apply_optics(light, [DIFFRACTED, SHARP, COLOURED], threads=1)

    assert np.array_equal(mixed[1], light[1])
    assert np.array_equal(mixed[0], apply_optics(light[:1], DIFFRACTED)[0])
    assert np.array_equal(mixed[2], apply_optics(light[2:], COLOURED)[0])


def test_in_focus_changes_nothing() -> None:
    """A wall at the focused distance stays as it is."""
    light = _noise(1, 20, 40, 3)

    assert np.array_equal(apply_optics(light, FOCUSED, depth=np.ones((1, 20, 40))), light)


def test_blur_is_the_thin_lenss() -> None:
    """Focused at the hyperfocal distance, infinity is blurred by exactly the circle that defines it."""
    for f, n, circle in ((0.008, 2.8, 5e-6), (0.05, 1.4, 3e-5)):
        hyperfocal = f * f / (n * circle) + f
        assert blur_diameter(math.inf, f, n, hyperfocal) == pytest.approx(circle, rel=1e-12)
        assert blur_diameter(hyperfocal / 2, f, n, hyperfocal) == pytest.approx(-circle, rel=1e-12)
        assert blur_diameter(hyperfocal, f, n, hyperfocal) == 0.0


@pytest.mark.parametrize("diameter", [-20.0, -3.3, -0.8, 1.7, 3.9])
def test_a_wall_is_blurred_by_a_disc(diameter: float) -> None:
    """At one depth it is OpenCV's filter with a disc of the thin lens's size."""
    light = _noise(1, 50, 70, 3)
    depth = np.full((1, 50, 70), _depth_of(diameter), np.float32)
    kernel = naive.disc(abs(diameter) / 2, 11)
    expected = cv2.filter2D(light[0].astype(np.float64), -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    found = apply_optics(light, FOCUSED, depth=depth)[0]

    assert np.allclose(found[11:-11, 11:-11], expected[11:-11, 11:-11], atol=2e-5)


@pytest.mark.parametrize("diameter", [4.0, 9.0, 16.0])
def test_a_point_spreads_like_a_disc(diameter: float) -> None:
    """A point's light is kept, and its second moment is that of a disc, d² / 16, within the pixels' own 1/12."""
    light = np.zeros((1, 41, 41, 3), np.float32)
    light[0, 20, 20] = 1.0
    found = apply_optics(light, FOCUSED, depth=np.full((1, 41, 41), _depth_of(-diameter)))[0, :, :, 1].astype(float)
    moment = (found.sum(axis=0) * (np.arange(41) - 20.0) ** 2).sum() / found.sum()

    assert found.sum() == pytest.approx(1.0, abs=1e-4)
    assert moment == pytest.approx(diameter**2 / 16, abs=0.1 + 1 / 12)


def test_follows_the_oracle() -> None:
    """Steps, a slope, holes and random depths give brute force's image, each pixel within 2e-5."""
    height, width = 40, 75
    light = _noise(1, height, width, 3)
    depth = np.full((height, width), _depth_of(3.9))
    depth[8:30, 20:45] = _depth_of(-7.0)
    depth[:, 60:] = np.linspace(0.5, 3.0, height)[:, None]
    depth[20:26, :10] = 0.3 + 3 * _noise(6, 10, stream="depth")
    depth[2, :4] = (0.0, np.nan, np.inf, -1.0)
    lens = (FOCUSED.focal_length, FOCUSED.f_number, FOCUSED.focus_distance, FOCUSED.pixel_pitch)
    diameter = naive.blur(depth.astype(np.float32).astype(float), *lens, RADIUS_MAX)
    found = apply_optics(light, FOCUSED, depth=depth[None], threads=1)[0]

    assert np.allclose(found, naive.gather(light[0].astype(float), diameter, 24), atol=2e-5)


def test_constant_light_stays_constant() -> None:
    """Whatever depths and lens, an image of one colour is not changed, but for rounding in sums of 1800 pixels."""
    light = np.broadcast_to(np.float32([0.3, 5.0, 70.0]), (1, 60, 90, 3)).copy()
    depth = 0.1 + 4 * _noise(1, 60, 90, stream="depth")
    lens = dataclasses.replace(FOCUSED, diffraction=True, chromatic_aberration=(0.01, -0.01))

    assert np.allclose(apply_optics(light, lens, depth=depth), light, rtol=5e-5)


def test_a_sharp_object_keeps_its_edge() -> None:
    """A sharp foreground neither takes from a blurred background nor gives to it."""
    light = np.zeros((1, 30, 60, 3), np.float32)
    light[:, :, 30:] = 1.0
    depth = np.full((1, 30, 60), np.inf, np.float32)
    depth[:, :, 30:] = 1.0
    wide = dataclasses.replace(FOCUSED, f_number=1.0)

    assert np.array_equal(apply_optics(light, wide, depth=depth), light)


def test_a_blurred_foreground_spreads_over_its_edge() -> None:
    """Before a sharp background its edge is a smooth ramp, a half at the edge, over the disc's diameter."""
    light = np.zeros((1, 50, 80, 3), np.float32)
    light[:, :, 40:] = 1.0
    depth = np.full((1, 50, 80), 1.0, np.float32)
    depth[:, :, 40:] = _depth_of(-16.0)
    ramp = apply_optics(light, FOCUSED, depth=depth)[0, 25, :, 0].astype(float)

    assert (np.diff(ramp) >= -1e-6).all()
    assert np.diff(ramp).max() < 0.12
    assert (ramp[:31] == 0).all()
    assert np.allclose(ramp[49:60], 1, atol=1e-5)
    assert ramp[39] + ramp[40] == pytest.approx(1.0, abs=0.02)


def test_image_pixels_may_be_wider_than_the_sensors() -> None:
    """With fx given, a pixel is f / fx wide, and blurs shrink in proportion."""
    light = _noise(1, 40, 50, 3)
    depth = np.full((1, 40, 50), _depth_of(-8.0), np.float32)
    fx = FOCUSED.focal_length / FOCUSED.pixel_pitch
    half = np.full((1, 40, 50), _depth_of(-4.0), np.float32)

    assert np.array_equal(apply_optics(light, FOCUSED, depth=depth, fx=fx), apply_optics(light, FOCUSED, depth=depth))
    small = apply_optics(light, FOCUSED, depth=depth, fx=fx / 2)
    assert np.allclose(small, apply_optics(light, FOCUSED, depth=half), atol=2e-5)


@pytest.mark.parametrize("scale", [0.1, 0.3, 0.45, 0.7, 1.0, 1.9, 3.5, 6.0])
def test_kernel_is_the_airy_pattern(scale: float) -> None:
    """Shares of the light equal SciPy's Bessel function integrated by Gauss-Legendre, within 1e-4 of the middle's."""
    kernel = airy_kernel(scale)
    expected = naive.airy(scale, len(kernel) // 2)

    assert kernel.sum() == pytest.approx(1.0, abs=1e-5)
    assert np.allclose(kernel, expected, atol=1e-4 * expected.max())
    assert np.array_equal(kernel, kernel.T)
    assert np.array_equal(kernel, kernel[::-1, ::-1])


def test_no_product_of_lines_would_do() -> None:
    """The best separable kernel misses the Airy pattern by some percent of the middle, so it is not used."""
    kernel = airy_kernel(2.0).astype(float)
    u, s, v = np.linalg.svd(kernel)
    error = np.abs(s[0] * u[:, :1] * v[:1] - kernel).max() / kernel.max()

    assert 0.01 < error < 0.1


def test_dark_ring_stands_where_it_must() -> None:
    """A point's light is least at 1.22 lambda N, for each channel at its wavelength."""
    lens = dataclasses.replace(SHARP, diffraction=True, f_number=5.6, pixel_pitch=7e-7)
    light = np.zeros((1, 41, 41, 3), np.float32)
    light[0, 20, 20] = 1.0
    found = apply_optics(light, lens)[0, 20, 20:29]
    for channel, wavelength in enumerate(lens.wavelength):
        dark = 1.22 * wavelength * lens.f_number / lens.pixel_pitch
        if dark < 7.5:
            assert abs(int(np.argmin(found[:8, channel])) - dark) <= 0.6


def test_diffraction_is_a_convolution() -> None:
    """It is OpenCV's filter with each channel's kernel, edges continued."""
    light = _noise(1, 23, 31, 3)
    found = apply_optics(light, DIFFRACTED, threads=1)[0]
    for channel, wavelength in enumerate(DIFFRACTED.wavelength):
        kernel = airy_kernel(wavelength * DIFFRACTED.f_number / DIFFRACTED.pixel_pitch)
        expected = cv2.filter2D(light[0, :, :, channel], -1, kernel, borderType=cv2.BORDER_REPLICATE)
        assert np.allclose(found[..., channel], expected, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2), (5, 1)])
def test_small_images_are_possible(size: tuple[int, int]) -> None:
    """Images smaller than a kernel keep their light where it is constant."""
    lens = dataclasses.replace(DIFFRACTED, focus_distance=1.0, chromatic_aberration=(0.05, -0.05))
    light = np.full((2, *size, 3), 2.0, np.float32)

    assert np.allclose(apply_optics(light, lens, depth=np.full((2, *size), 0.2)), 2.0, rtol=1e-5)


@pytest.mark.parametrize("center", [(12.0, 15.5), (16.5, 10.0), (-60.0, 90.0)])
def test_red_and_blue_are_magnified(center: tuple[float, float]) -> None:
    """Green stays, and red and blue follow the bilinear oracle about a given point."""
    light = _noise(1, 21, 34, 3)
    found = apply_optics(light, COLOURED, center=center, threads=1)[0]

    assert np.array_equal(found[..., 1], light[0, ..., 1])
    for channel, factor in ((0, 1.02), (2, 0.97)):
        expected = naive.magnify(light[0, ..., channel].astype(float), factor, center)
        assert np.allclose(found[..., channel], expected, atol=2e-6)


def test_colours_part_in_proportion_to_the_radius() -> None:
    """A spot's red and blue stand at (1 + c) of its distance from the middle."""
    y, x = np.mgrid[0:101, 0:101] - 50.0
    for radius in (0.0, 15.0, 35.0):
        spot = np.exp(-((x - radius) ** 2 + y**2) / 8).astype(np.float32)
        found = apply_optics(np.repeat(spot[None, ..., None], 3, axis=3), COLOURED)[0].astype(float)
        middles = [(found[..., k] * x).sum() / found[..., k].sum() for k in range(3)]
        assert middles == pytest.approx([1.02 * radius, radius, 0.97 * radius], abs=0.02)


def test_holes_in_the_light_are_dark() -> None:
    """Negative light and NaN count as none, and do not spread."""
    light = _noise(1, 12, 14, 3)
    clean = light.copy()
    light[0, 3, 4], clean[0, 3, 4] = np.nan, 0.0
    light[0, 8, 9], clean[0, 8, 9] = -3.0, 0.0
    for lens in (DIFFRACTED, COLOURED):
        assert np.array_equal(apply_optics(light, lens), apply_optics(clean, lens))


def test_an_image_does_not_depend_on_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the batch is cut or ordered, and on any number of threads, the bytes are the same."""
    light, depth = _noise(4, 40, 50, 3), 0.2 + 3 * _noise(4, 40, 50, stream="depth")
    lens = dataclasses.replace(FOCUSED, diffraction=True, chromatic_aberration=(0.01, -0.01))
    lenses = [lens, SHARP, dataclasses.replace(lens, f_number=4.0), DIFFRACTED]
    whole = apply_optics(light, lenses, depth=depth)
    monkeypatch.setattr("simloom.kernels.optics._WORKING_PIXELS", 2 * 40 * 50)
    for part in ([0, 1, 2, 3], [2], [3, 0, 1]):
        piece = apply_optics(light[part], [lenses[k] for k in part], depth=depth[part], threads=1)
        assert np.array_equal(piece, whole[part])


def test_tensors_stay_tensors() -> None:
    """A torch image comes back as one."""
    light, depth = _noise(1, 12, 15, 3), np.full((1, 12, 15), 0.4, np.float32)
    found = apply_optics(torch.from_numpy(light), FOCUSED, depth=torch.from_numpy(depth))

    assert isinstance(found, torch.Tensor)
    assert np.array_equal(found.numpy(), apply_optics(light, FOCUSED, depth=depth))


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's light within float32's rounding."""
    light, depth = _noise(2, 7, 34, 3), 0.5 + 2 * _noise(2, 7, 34, stream="depth")
    code = """
import dataclasses
from simloom.kernels.optics import apply_optics
from simloom.kernels.profiles import load_camera_profile
lens = dataclasses.replace(load_camera_profile("generic_rgb"), diffraction=True, chromatic_aberration=(0.02, -0.03))
lenses = [lens, dataclasses.replace(lens, focus_distance=1.0)]
out = {"light": apply_optics(light, lenses, depth=depth, device="cuda")}
"""
    twin = run_simulated(code, tmp_path, light=light, depth=depth)
    lens = dataclasses.replace(load_camera_profile("generic_rgb"), diffraction=True, chromatic_aberration=(0.02, -0.03))
    lenses = [lens, dataclasses.replace(lens, focus_distance=1.0)]

    assert np.allclose(twin["light"], apply_optics(light, lenses, depth=depth), rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"radiance": np.zeros((4, 4, 3), np.float32)}, "radiance must have shape"),
        ({"depth": None}, "depth must be given"),
        ({"depth": np.ones((1, 4, 5))}, "depth must have shape"),
        ({"fx": 0.0}, "fx must be"),
        ({"profile": [FOCUSED, FOCUSED]}, "profile must be one"),
        ({"profile": "realsense_d435"}, "not of kind 'camera'"),
        ({"device": "gpu"}, "device must be"),
    ],
)
def test_bad_input_is_refused(change: dict[str, object], message: str) -> None:
    """Each mistake gets an error that names it."""
    given: dict[str, object] = {
        "radiance": np.zeros((1, 4, 4, 3), np.float32), "profile": FOCUSED, "depth": np.ones((1, 4, 4)), **change
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        apply_optics(given.pop("radiance"), given.pop("profile"), **given)
