"""Textures: conversion, mip chains, image files, procedural materials."""

import numpy as np
import pytest

from simloom.renderers import MeshLibraryBuilder
from simloom.renderers.procedural_textures import TEXTURE_KINDS, make_builtin_textures, make_texture
from simloom.renderers.textures import build_mips, linear_to_srgb, load_image, mip_level_count, srgb_to_linear


def test_srgb_round_trip_and_known_values():
    """Every code survives the way there and back; middle grey is where the standard says."""
    codes = np.arange(256) / 255
    assert np.abs(linear_to_srgb(srgb_to_linear(codes)) - codes).max() < 1e-12
    assert srgb_to_linear(np.array([0.5]))[0] == pytest.approx(0.21404114)
    assert linear_to_srgb(np.array([-1.0, 2.0])).tolist() == pytest.approx([0.0, 1.0])


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5), (16, 16), (33, 12), (100, 3)])
def test_mips_keep_the_mean_radiance(size):
    """The mean in linear light is that of the finest level, within the rounding of bytes, for odd sides too."""
    image = np.random.default_rng(3).integers(0, 256, (*size, 3), np.uint8)
    mips = build_mips(image)
    assert len(mips) == mip_level_count(size[1], size[0])
    assert mips[-1].shape == (1, 1, 3)
    mean = srgb_to_linear(image / 255).mean(axis=(0, 1))
    for k, mip in enumerate(mips):
        assert mip.shape == (max(1, size[0] >> k), max(1, size[1] >> k), 3)
        codes = linear_to_srgb(srgb_to_linear(mip / 255).mean(axis=(0, 1)))
        assert np.abs(codes - linear_to_srgb(mean)).max() < 0.6 / 255


def test_a_checker_fades_to_half_the_light():
    """Black and white average to 188, which is half the light, not to 128."""
    checker = np.indices((8, 8)).sum(axis=0) % 2 * np.uint8(255)
    assert build_mips(np.repeat(checker[..., None], 3, axis=2).astype(np.uint8))[1].tolist()[0][0] == [188, 188, 188]


def test_library_finds_mips_where_the_layout_says():
    """Levels lie one after another, texture after texture."""
    builder = MeshLibraryBuilder()
    images = [np.full((4, 6, 3), 10 * k, np.uint8) for k in range(1, 4)]
    for k, image in enumerate(images):
        builder.add_texture(f"t{k}", image)
    library = builder.build()
    assert library.texture_offset.tolist() == [0, 31, 62]  # 24 + 6 + 1 texels each
    assert library.texture(2, 1).shape == (2, 3, 3)
    assert (library.texture(1, 2) == 20).all()
    with pytest.raises(IndexError, match="no level 3"):
        library.texture(0, 3)


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)],
)
def test_bad_images_are_refused(image):
    """Grey, float, alpha and empty images get an error that names the texture."""
    with pytest.raises(ValueError, match="texture 'bad'"):
        MeshLibraryBuilder().add_texture("bad", image)


def test_image_files(tmp_path):
    """A PNG comes back as it was written; what is no image, or not there, is said so."""
    import cv2

    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), image[:, :, ::-1])
    assert np.array_equal(load_image(tmp_path / "a.png"), image)
    (tmp_path / "b.png").write_bytes(b"not an image")
    (tmp_path / "c.png").write_bytes(b"")
    for name in ("b.png", "c.png"):
        with pytest.raises(ValueError, match="not an image"):
            load_image(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_image(tmp_path / "d.png")


@pytest.mark.parametrize("kind", TEXTURE_KINDS)
def test_procedural_textures_repeat_without_a_seam(kind):
    """The step across the tile's border is like the steps within it."""
    image = make_texture(kind, 128, 1).astype(float)
    for axis in (0, 1):
        steps = np.abs(np.diff(image, axis=axis)).mean(axis=(1 - axis, 2))
        across = np.abs(image.take(0, axis) - image.take(-1, axis)).mean()
        assert across <= steps.max() * 1.3 + 2


@pytest.mark.parametrize("kind", TEXTURE_KINDS)
def test_procedural_textures_are_functions_of_their_arguments(kind):
    """The same arguments give the same bytes, another seed another texture."""
    one = make_texture(kind, 64, 5)
    assert np.array_equal(one, make_texture(kind, 64, 5))
    assert (one != make_texture(kind, 64, 6)).mean() > 0.2
    assert (one != make_texture(kind, 64, 8)).mean() > 0.05  # the same palette again
    assert one.std() > 2


def test_builtin_set():
    """There are 24, each with a name and a mean neither black nor white."""
    textures = make_builtin_textures(32)
    assert len(textures) == 24
    assert all(image.shape == (32, 32, 3) for image in textures.values())
    assert all(20 < image.mean() < 240 for image in textures.values())


@pytest.mark.parametrize("arguments", [("lava", 64, 0), ("wood", 8, 0), ("wood", 64, -1)])
def test_bad_texture_requests_are_refused(arguments):
    """Unknown kinds, sizes and seeds get an error."""
    with pytest.raises(ValueError, match="texture"):
        make_texture(*arguments)
