"""JPEG: byte for byte what libjpeg decodes, near the textbook, the same on CUDA and in any batch."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, features

from naive import jpeg as naive
from naive.twin import run_simulated
from simloom.kernels.dct import BLOCK, LANES, restore_blocks, transform_blocks
from simloom.kernels.jpeg import compress_jpeg, quantization_tables
from simloom.kernels.philox import philox_uniforms

SIZES = [(64, 80), (61, 45), (48, 67), (17, 33), (5, 3), (1, 1), (31, 6), (2, 9), (8, 4)]


def _noise(*shape: int) -> np.ndarray:
    count = int(np.prod(shape))
    return philox_uniforms(3, "picture", np.stack([np.arange(count)] * 3, axis=1)).reshape(shape)


def _picture(height: int, width: int) -> np.ndarray:
    """Waves, a saturated box and a little noise."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 100 * np.sin(x / 9 + y / 17), 128 + 90 * np.cos(x / 23 - y / 7), 128 + 80 * np.sin(x * y / 900)]
    image = np.stack(waves, axis=-1)
    image[height // 3 : height // 2, width // 3 : width // 2] = (250, 20, 40)
    return np.clip(image + 6 * (_noise(height, width, 3) - 0.5), 0, 255).astype(np.uint8)


def _by_pillow(image: np.ndarray, quality: int) -> tuple[np.ndarray, np.ndarray]:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling=2)
    with Image.open(file) as opened:
        tables = [opened.quantization[k] for k in (0, 1)]
        return np.asarray(opened), np.array(tables)


def _by_opencv(image: np.ndarray, quality: int) -> np.ndarray:
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


def _fidelity(image: np.ndarray, original: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((image.astype(float) - original) ** 2) / 255**2))


def test_tables_are_the_librarys() -> None:
    """Every quality has the steps that Pillow writes to a file."""
    image = _picture(16, 16)
    for quality in range(1, 101):
        assert np.array_equal(quantization_tables(quality), _by_pillow(image, quality)[1])


@pytest.mark.parametrize("height, width", SIZES)
def test_bytes_are_the_librarys(height: int, width: int) -> None:
    """At any size and quality the pixels equal those that Pillow and OpenCV decode."""
    image = _picture(height, width)
    assert features.check_feature("libjpeg_turbo")
    for quality in (1, 10, 30, 49, 50, 75, 90, 95, 100):
        ours = compress_jpeg(image[None], quality, threads=1)[0]
        assert np.array_equal(ours, _by_pillow(image, quality)[0])
        assert np.array_equal(ours, _by_opencv(image, quality))


@pytest.mark.parametrize("kind", ["noise", "black_or_white", "checker"])
def test_extreme_pictures_are_the_librarys(kind: str) -> None:
    """Coefficients at the ends of their range overflow nothing."""
    noise = _noise(48, 56, 3)
    checker = np.broadcast_to((np.indices((48, 56)).sum(axis=0) % 2)[..., None], noise.shape)
    image = {"noise": noise, "black_or_white": noise > 0.5, "checker": checker}[kind] * 255.0
    for quality in range(1, 101, 9):
        ours = compress_jpeg(image.astype(np.uint8)[None], quality, threads=1)[0]
        assert np.array_equal(ours, _by_pillow(image.astype(np.uint8), quality)[0])


@pytest.mark.parametrize("quality, most, mean", [(20, 24, 1.0), (75, 12, 1.0), (95, 8, 1.0)])
def test_follows_the_textbook(quality: int, most: int, mean: float) -> None:
    """Float64 cosines give nearly the same image, and the same fidelity within 0.1 dB."""
    image = _picture(93, 121)
    ours = compress_jpeg(image[None], quality, threads=1)[0]
    expected = naive.compress(image, quantization_tables(quality))
    difference = np.abs(ours.astype(int) - expected)

    assert difference.max() <= most
    assert difference.mean() <= mean
    assert abs(_fidelity(ours, image) - _fidelity(expected, image)) < 0.1


def test_transform_is_the_cosine_transform() -> None:
    """Coefficients are 8 times the orthonormal ones, within 1.5, and come back within 1."""
    blocks = np.round(_noise(LANES, 8, 8) * 255 - 128)
    work = np.ascontiguousarray(blocks.reshape(LANES, 64).T).astype(np.int32).reshape(BLOCK)
    transform_blocks(work, 0, LANES)
    matrix = naive._cosines()
    expected = np.array([matrix @ block @ matrix.T for block in blocks])

    assert np.abs(work.reshape(64, LANES).T.reshape(LANES, 8, 8) - 8 * expected).max() < 1.5
    work = np.int32(np.round(work / 8))
    restore_blocks(work, 0, LANES)
    assert np.abs(work.reshape(64, LANES).T.reshape(LANES, 8, 8) - blocks).max() <= 1


def test_quality_goes_by_image() -> None:
    """Each image has its own quality, and 0 leaves it as it is."""
    images = np.stack([_picture(37, 53)] * 4)
    result = compress_jpeg(images, [0, 20, 90, 20], threads=1)

    assert np.array_equal(result[0], images[0])
    assert np.array_equal(result[1], compress_jpeg(images[:1], 20)[0])
    assert np.array_equal(result[2], compress_jpeg(images[:1], 90)[0])
    assert np.array_equal(result[3], result[1])
    assert compress_jpeg(images, 0) is images


def test_an_image_does_not_depend_on_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many images are worked on at a time, and on any number of threads, the bytes are the same."""
    images = np.stack([np.roll(_picture(40, 200), 3 * k, axis=1) for k in range(5)])
    whole = compress_jpeg(images, 60)
    monkeypatch.setattr("simloom.kernels.jpeg._WORKING_PIXELS", 2 * 40 * 200)

    assert np.array_equal(compress_jpeg(images, 60), whole)
    assert np.array_equal(compress_jpeg(images[[3, 1]], 60, threads=1), whole[[3, 1]])


def test_tensors_stay_tensors() -> None:
    """A torch image comes back as one."""
    image = _picture(20, 30)[None]
    found = compress_jpeg(torch.from_numpy(image), 50)

    assert isinstance(found, torch.Tensor)
    assert np.array_equal(found.numpy(), compress_jpeg(image, 50))


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """The CUDA source gives the CPU's bytes."""
    images = np.stack([_picture(11, 19), _picture(11, 19)[::-1]])
    code = """
from simloom.kernels.jpeg import compress_jpeg
out = {"image": compress_jpeg(images, np.array([40, 85]), device="cuda")}
"""
    twin = run_simulated(code, tmp_path, images=images)

    assert np.array_equal(twin["image"], compress_jpeg(images, [40, 85]))


@pytest.mark.parametrize(
    "shape, quality, message",
    [
        ((4, 4, 3), 50, "image must have shape"),
        ((1, 0, 4, 3), 50, "image must have shape"),
        ((1, 4, 4, 3), 101, "quality must be"),
        ((1, 4, 4, 3), -1, "quality must be"),
        ((1, 4, 4, 3), 50.5, "quality must be"),
        ((1, 4, 4, 3), [50, 60], "quality must be"),
    ],
)
def test_bad_input_is_refused(shape: tuple[int, ...], quality: object, message: str) -> None:
    """Each mistake gets an error that names it."""
    with pytest.raises(ValueError, match=message):
        compress_jpeg(np.zeros(shape, np.uint8), quality)
    with pytest.raises(ValueError, match="quality must be"):
        quantization_tables(0)
