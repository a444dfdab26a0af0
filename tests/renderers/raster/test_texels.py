"""Texels: packed words decode within a fraction of a byte's step; levels lie where the library put them."""

import numpy as np

from simloom.renderers.raster.sampling import MOST_LEVELS, blend_texels, locate_texels, pack_texels, tabulate_levels


def test_packed_texels_come_back_within_a_quarter_step() -> None:
    """Every sRGB byte of every channel decodes to its linear light, to a quarter of the distance to the next byte."""
    code = np.arange(256) / 255.0
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    step = np.diff(linear, append=linear[-1] + (linear[-1] - linear[-2]))
    nothing = np.float32(0.0)
    for row, word in enumerate(pack_texels(np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1))):
        colour = blend_texels(word, word, word, word, nothing, nothing)
        assert np.abs(np.array(colour, float) - linear[row]).max() <= 0.25 * step[row]


def test_levels_follow_each_other() -> None:
    """A level begins where the finer one ends, also for sizes that are no powers of two."""
    table = tabulate_levels(np.array([5, 100]), np.array([6, 1]), np.array([3, 4]), np.array([3, 3]))
    assert table.reshape(2, MOST_LEVELS)[0, :3].tolist() == [5, 23, 26]
    assert table.reshape(2, MOST_LEVELS)[1, :3].tolist() == [100, 104, 106]


def test_the_level_is_the_finest_whose_texels_reach_the_footprint() -> None:
    """The level by the float's exponent is the one that halving finds, at and around every power of two."""
    one = np.float32(1.0)
    for size in np.float32(np.exp2(np.arange(-3, 12, 0.25))):
        for around in (np.nextafter(size, np.float32(0)), size, np.nextafter(size, np.float32(1e9))):
            expected, left = 0, around
            while left > 1 and expected < 8:
                expected, left = expected + 1, left / np.float32(2.0)
            found = locate_texels(one, one, np.float32(around / np.float32(0.75)), one, one, np.uint32(8))[4]
            again = np.float32(np.float32(around / np.float32(0.75)) * np.float32(0.75))
            assert int(found) == expected or again != around


def test_look_ups_stay_within_the_level_and_wrap() -> None:
    """Any coordinates, however far out, name the texels that surround the wrapped point."""
    random = np.random.default_rng(3)
    width, height = 6, 3
    for u, v in np.float32(random.uniform(-40, 40, (500, 2))):
        a, b, c, d, level, tx, ty = locate_texels(
            u, v, np.float32(0.0), np.float32(width), np.float32(height), np.uint32(0)
        )
        x, y = (float(u) * width - 0.5) % width, ((1.0 - float(v)) * height - 0.5) % height
        assert int(level) == 0
        assert abs((int(a) % width + float(tx) - x + width / 2) % width - width / 2) < 1e-3
        assert abs((int(a) // width + float(ty) - y + height / 2) % height - height / 2) < 1e-3
        assert int(b) == int(a) // width * width + (int(a) + 1) % width % width or int(b) == int(a) - width + 1
        assert (int(c), int(d)) == ((int(a) + width) % (width * height), (int(b) + width) % (width * height))
