"""Skies: light is kept by mips, irradiance against closed forms, Radiance files."""

import dataclasses

import numpy as np
import pytest

from simloom.renderers import MeshLibrary, MeshLibraryBuilder, load_sky
from simloom.renderers.raster.tables import tabulate_skies
from simloom.renderers.skies import build_sky_levels, evaluate_irradiance, find_harmonics

DIRECTIONS = np.random.default_rng(5).normal(size=(200, 3))
DIRECTIONS /= np.linalg.norm(DIRECTIONS, axis=1, keepdims=True)


def texel_directions(height, width):
    """Directions of all texels' centres, shape (height, width, 3), and their solid angles, shape (height,)."""
    polar = (np.arange(height) + 0.5) * np.pi / height
    azimuth = (np.arange(width) + 0.5) * 2 * np.pi / width
    sine = np.sin(polar)[:, None]
    directions = np.stack(
        [sine * np.cos(azimuth), sine * np.sin(azimuth), np.repeat(np.cos(polar)[:, None], width, axis=1)], axis=-1
    )
    edges = np.cos(np.arange(height + 1) * np.pi / height)
    return directions, (edges[:-1] - edges[1:]) * 2 * np.pi / width


def random_sky(height, width, seed=0):
    """A sky of random texels."""
    return np.random.default_rng(seed).exponential(size=(height, width, 3)).astype(np.float32)


@pytest.mark.parametrize("size", [(32, 64), (37, 53), (4, 4), (9, 200)])
def test_mips_keep_the_light(size):
    """Every level holds the same light, integrated over the sphere; sizes halve down to 4 to 7 rows."""
    levels = build_sky_levels(random_sky(*size))
    totals = [
        (level.astype(float) * texel_directions(*level.shape[:2])[1][:, None, None]).sum((0, 1)) for level in levels
    ]
    assert np.allclose(totals, totals[0], rtol=1e-6)
    for k, level in enumerate(levels):
        assert level.shape == (size[0] >> k, max(1, size[1] >> k), 3)
    assert 4 <= len(levels[-1]) < 8


def test_mips_of_even_sizes_are_means_of_four():
    """Against a plain loop: two rows weighted by their solid angles, two columns evenly."""
    sky = random_sky(16, 8)
    level = build_sky_levels(sky)[1]
    weights = texel_directions(16, 8)[1]
    for row in range(8):
        for column in range(4):
            block = sky[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].astype(float)
            expected = (block * weights[2 * row : 2 * row + 2, None, None]).sum((0, 1)) / weights[
                2 * row : 2 * row + 2
            ].sum()
            assert np.allclose(level[row, column], expected / 2, rtol=1e-6)


@pytest.mark.parametrize("size", [(4, 4), (7, 30), (64, 128)])
def test_a_uniform_sky_irradiates_pi(size):
    """Radiance L from everywhere is irradiance pi L on every surface."""
    sky = np.full((*size, 3), (0.5, 1.0, 7.0), np.float32)
    values = evaluate_irradiance(find_harmonics(sky), DIRECTIONS)
    assert np.allclose(values, np.pi * np.array([0.5, 1.0, 7.0]), rtol=1e-6)


def test_a_hemisphere_follows_its_cosine():
    """Radiance 1 above the horizon: pi (1 + cos) / 2, which order 2 holds exactly."""
    sky = np.zeros((32, 16, 3), np.float32)
    sky[:16] = 1.0
    values = evaluate_irradiance(find_harmonics(sky), DIRECTIONS)
    assert np.allclose(values, np.pi * (1 + DIRECTIONS[:, 2:]) / 2, atol=1e-6)


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.6, -0.48, 0.64)])
def test_skies_of_order_two_have_their_exact_irradiance(axis):
    """1 + b (a . d) + c (3 (a . d)^2 - 1) / 2 gives pi + (2 pi / 3) b (a . n) + (pi / 4) c (3 (a . n)^2 - 1) / 2."""
    directions, _ = texel_directions(128, 256)
    along = (directions * axis).sum(axis=-1)
    b, c = 0.5, 0.4
    sky = np.repeat((1 + b * along + c * (1.5 * along**2 - 0.5))[..., None], 3, axis=2).astype(np.float32)
    turned = (DIRECTIONS * axis).sum(axis=-1)
    expected = np.pi + 2 * np.pi / 3 * b * turned + np.pi / 4 * c * (1.5 * turned**2 - 0.5)
    values = evaluate_irradiance(find_harmonics(sky), DIRECTIONS)
    # A texel's value at its centre misses its mean by some (pi / 128)^2 / 24 of the second derivative.
    assert np.allclose(values, expected[:, None], atol=3e-4)


def test_harmonics_are_near_the_integral_of_a_smooth_sky():
    """Against the plain sum of radiance times cosine over all texels, within what order 2 leaves out."""
    directions, weights = texel_directions(48, 96)
    sky = np.exp(2.0 * (directions @ np.array([0.36, 0.48, 0.8])))[..., None].repeat(3, axis=2).astype(np.float32)
    values = evaluate_irradiance(find_harmonics(sky), DIRECTIONS)[:, 0]
    cosine = np.maximum(np.einsum("rcx,nx->nrc", directions, DIRECTIONS), 0)
    exact = (cosine * sky[..., 0] * weights[:, None]).sum((1, 2))
    assert np.abs(values - exact).max() < 0.03 * exact.max()


def make_library():
    """Two skies among other things."""
    builder = MeshLibraryBuilder()
    builder.add_box()
    assert builder.add_sky("a", random_sky(8, 12)) == 0
    assert builder.add_sky("b", random_sky(21, 40, 1)) == 1
    return builder.build()


def test_the_library_gives_skies_back():
    """Levels, names and tables come back; a subset renumbers them."""
    library = make_library()
    assert library.sky_names == ("a", "b")
    assert library.sky_levels.tolist() == [2, 3]
    for k, level in enumerate(build_sky_levels(random_sky(21, 40, 1))):
        assert np.array_equal(library.sky(1, k), level)
    subset, _, _, sky_map = library.subset([], [], [-1, 1])
    assert sky_map.tolist() == [-1, 0]
    assert np.array_equal(subset.sky(0, 2), library.sky(1, 2))
    assert np.array_equal(subset.sky_harmonics[0], library.sky_harmonics[1])
    table = tabulate_skies(library)
    start = table.offset[1]
    assert np.array_equal(table.texel[start : start + 21 * 40].reshape(21, 40, 3), random_sky(21, 40, 1))
    assert tabulate_skies(MeshLibraryBuilder().build()).texel.shape == (1, 3)
    with pytest.raises(IndexError, match="no level 3"):
        library.sky(1, 3)
    with pytest.raises(IndexError, match="sky rows"):
        library.subset([], [], [2])


@pytest.mark.parametrize(
    "field, index, value",
    [
        ("sky_texel", 0, -1.0),
        ("sky_texel", 0, np.nan),
        ("sky_offset", 1, 5),
        ("sky_width", 0, 2**30),
        ("sky_height", 0, 3),
        ("sky_levels", 1, 2),
        ("sky_harmonics", 0, np.inf),
        ("mesh_has_color", 0, 2),
    ],
)
def test_damaged_skies_are_refused(field, index, value):
    """The checks of the layout see each of these."""
    library = make_library()
    array = getattr(library, field).copy()
    array[index] = value
    with pytest.raises(ValueError, match=r"damaged|mip levels"):
        dataclasses.replace(library, **{field: array})


@pytest.mark.parametrize(
    "sky",
    [
        np.ones((8, 8, 3)),
        np.ones((8, 8), np.float32),
        np.ones((3, 8, 3), np.float32),
        np.ones((4, 8193, 3), np.float32),
        -np.ones((8, 8, 3), np.float32),
        np.full((8, 8, 3), np.inf, np.float32),
    ],
)
def test_bad_skies_are_refused(sky):
    """dtype, shape, size and values are checked, and names are unique."""
    builder = MeshLibraryBuilder()
    with pytest.raises(ValueError, match="sky 'x' must"):
        builder.add_sky("x", sky)
    builder.add_sky("x", np.ones((4, 8, 3), np.float32))
    with pytest.raises(ValueError, match="names are unique"):
        builder.add_sky("x", np.ones((4, 8, 3), np.float32))


def test_a_photograph_is_turned(tmp_path):
    """A panorama's centre comes to +x, its left quarter to +y, its upper row stays up; values keep RGBE's precision."""
    import cv2

    photograph = np.full((8, 16, 3), 0.25, np.float32)
    photograph[:, 7:9] = (3.0, 0.0, 0.0)  # centre
    photograph[:, 3:5] = (0.0, 5.0, 0.0)  # left quarter
    photograph[0] = (0.0, 0.0, 100.0)
    assert cv2.imwrite(str(tmp_path / "p.hdr"), photograph[:, :, ::-1])
    sky = load_sky(tmp_path / "p.hdr")
    assert sky.dtype == np.float32
    assert sky.shape == (8, 16, 3)
    assert np.allclose(sky[4, [0, 15]], (3.0, 0.0, 0.0), atol=0.02)
    assert np.allclose(sky[4, [3, 4]], (0.0, 5.0, 0.0), atol=0.04)
    assert np.allclose(sky[0], (0.0, 0.0, 100.0), atol=1)
    # Seen from inside, facing +x with z up, +y is on the left: so is the left quarter of the photograph.
    library = MeshLibraryBuilder()
    library.add_sky("p", sky)
    assert isinstance(library.build(), MeshLibrary)


def test_other_files_are_refused(tmp_path):
    """A missing file, a folder, a text, a huge header and a damaged body are told apart from a picture."""
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_sky(tmp_path / "none.hdr")
    with pytest.raises(FileNotFoundError, match="regular"):
        load_sky(tmp_path)
    header = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n"
    for data, message in (
        (b"text", "not a Radiance"),
        (b"", "not a Radiance"),
        (header + b"-Y 99999 +X 99999\n", "at most"),
        (header + b"+Y 8 +X 16\n" + bytes(512), "not a Radiance"),
        (header + b"-Y 8 +X 16\n" + bytes(5), "damaged"),
    ):
        (tmp_path / "x.hdr").write_bytes(data)
        with pytest.raises(ValueError, match=message):
            load_sky(tmp_path / "x.hdr")
