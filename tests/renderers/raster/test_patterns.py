"""Procedural patterns: in [0, 1], filtered to their mean, and the same far and near."""

import numpy as np
import pytest

from naive.still_life import PLANE, Light, Thing, camera, pose, primitive_library, still_life, turn
from simloom.renderers import Pattern, Raster
from simloom.renderers.raster.lattice import value_noise
from simloom.renderers.raster.lettering import DARK, LIGHT, MEAN, evaluate_lettering
from simloom.renderers.raster.patterns import evaluate_pattern

F = np.float32
KINDS = [kind for kind in Pattern if kind]


def sample(kind, points, normals, footprint):
    """Evaluate a pattern at points, as plain Python."""
    return np.array(
        [
            evaluate_pattern(int(kind), *map(F, p), *map(F, np.abs(n)), F(footprint))
            for p, n in zip(points, normals, strict=True)
        ]
    )


def lattice_value(x, y, z):
    """Hash a lattice point in Python's own integers."""
    h = (0x9E3779B1 * x + 0x85EBCA77 * y + 0xC2B2AE3D * z) % 2**32
    h = (h ^ h >> 16) * 0x7FEB352D % 2**32
    h = (h ^ h >> 15) * 0x846CA68B % 2**32
    return (h >> 8) / 2**24


@pytest.fixture(scope="module")
def places():
    """Points of a few periods around and away from the origin, and unit normals."""
    generator = np.random.default_rng(0)
    points = np.concatenate((generator.uniform(-5, 5, (1500, 3)), generator.uniform(-900, 900, (500, 3))))
    normals = generator.normal(size=points.shape)
    return points, normals / np.linalg.norm(normals, axis=1, keepdims=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("footprint", [1e-6, 0.01, 0.3, 1.0, 40.0])
def test_weights_stay_between_zero_and_one(kind, footprint, places):
    """The second colour's weight is in [0, 1], whatever the pixel's size."""
    weight = sample(kind, *places, footprint)
    assert weight.dtype == np.float32
    assert np.isfinite(weight).all()
    assert weight.min() >= 0
    assert weight.max() <= 1


@pytest.mark.parametrize("kind", [Pattern.CHECKER, Pattern.STRIPES])
def test_regular_patterns_fade_to_one_half(kind, places):
    """Checkers and stripes have as much of one colour as of the other, far away exactly so."""
    assert sample(kind, *places, 1e-3).mean() == pytest.approx(0.5, abs=3 * 0.5 / np.sqrt(2000))
    assert sample(kind, *places, 50.0) == pytest.approx(0.5, abs=0.02)


def test_checker_squares_are_half_a_period():
    """On an axis-aligned face two squares side by side make one period, and neighbours differ."""
    i, j = np.mgrid[-3:3, -3:3]
    points = np.stack([(i + 0.5) / 2, (j + 0.5) / 2, np.full(i.shape, 0.123)], -1).reshape(-1, 3)
    weight = sample(Pattern.CHECKER, points, np.tile([0.0, 0, 1], (36, 1)), 1e-3).reshape(6, 6)
    assert weight == pytest.approx((i + j) % 2, abs=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_patterns_are_not_constant(kind, places):
    """Every pattern has both colours near by."""
    weight = sample(kind, *places, 1e-3)
    assert weight.min() < 0.2
    assert weight.max() > 0.8


def test_noise_is_smooth_and_interpolates_its_lattice():
    """Value noise equals the lattice's values at lattice points and never jumps between them."""
    at = np.array([value_noise(F(x), F(-2), F(7)) for x in np.arange(-4, 4, 0.01)])
    assert np.abs(np.diff(at)).max() < 0.02
    assert at[::100] == pytest.approx([lattice_value(x, -2, 7) for x in range(-4, 4)], abs=1e-3)


def test_lattice_values_are_uniform_and_independent():
    """Mean, variance and the correlation of lattice neighbours are those of independent uniform draws."""
    side = 16
    value = np.array([value_noise(*map(F, p)) for p in np.ndindex(side, side, side)]).reshape((side,) * 3)
    assert value.min() >= 0
    assert value.max() < 1
    assert value.mean() == pytest.approx(0.5, abs=4 / np.sqrt(12 * side**3))
    assert value.var() == pytest.approx(1 / 12, abs=4 / np.sqrt(180 * side**3))
    for shift in np.ndindex(3, 3, 3):
        if any(shift):
            product = (value - 0.5) * (np.roll(value, shift, (0, 1, 2)) - 0.5) * 12
            assert abs(product.mean()) < 4.5 / np.sqrt(side**3)


@pytest.mark.parametrize("far", [3e7, -3e9, 1e15, -1e15])
def test_patterns_are_defined_at_any_distance(far):
    """Points beyond the integers' range still have a weight in [0, 1]."""
    points = np.array([[far, 0.25, 0.5], [0.25, far, far]])
    for kind in KINDS:
        weight = sample(kind, points, np.tile([0.0, 0.0, 1.0], (2, 1)), 0.01)
        assert weight.min() >= 0
        assert weight.max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_distant_plane_shows_the_mean(kind):
    """Seen from afar a patterned plane has no noise from pixel to pixel, and near by it has contrast."""
    light = Light(zenith=1.0, horizon=1.0, ground=1.0)
    tile = Thing(
        mesh=PLANE, at=pose(0, 0, 0, turn((1, 0, 0), np.pi)), scale=(1e3, 1e3, 1.0), color=(1.0,) * 3,
        roughness=1.0, pattern=int(kind), pattern_scale=0.4 if kind == Pattern.LABEL else 0.05,
    )  # fmt: skip
    raster, spread, mean = Raster(primitive_library(), shadow=False), {}, {}
    for name, away in (("near", 0.3), ("far", 60.0)):
        view = camera(48, 36, 60.0, at=pose(0.013, 0.021, -away))
        colour = raster.render([still_life(tile, lights=(light,))], [view], outputs=("colour",)).colour[0, 0, ..., 0]
        spread[name], mean[name] = colour.std(), colour.mean()
    assert spread["near"] > 0.1
    assert spread["far"] < 0.2 * spread["near"]
    assert 0.25 < mean["far"] < 0.85


def test_brushed_streaks_run_along_x():
    """Along x the brushed pattern hardly changes over a period, across it does."""
    generator = np.random.default_rng(1)
    points = generator.uniform(-50, 50, (500, 3))
    normals = np.tile([0.0, 0, 1], (500, 1))
    here = sample(Pattern.BRUSHED, points, normals, 0.01)
    along = sample(Pattern.BRUSHED, points + np.array([1.0, 0, 0]), normals, 0.01)
    across = sample(Pattern.BRUSHED, points + np.array([0, 1.0, 0]), normals, 0.01)
    assert np.abs(along - here).mean() < 0.4 * np.abs(across - here).mean()


def test_labels_keep_their_ink_at_every_distance():
    """Letters, grey lines, panels' tones and the mean of all have the same ink, within the spread of 150 panels."""
    generator = np.random.default_rng(2)
    points = generator.uniform(0, 60, (6000, 2))
    for width in (1e-4, 1.5 / 72, 0.12, 2.0):
        ink = np.array([evaluate_lettering(F(p), F(q), F(1), F(width)) for p, q in points])
        assert ink.mean() == pytest.approx(float(MEAN), abs=4 * 0.47 / np.sqrt(6000))
    tones = np.array([evaluate_lettering(F(p), F(q), F(1), F(0.12)) for p, q in points])
    assert np.minimum(np.abs(tones - LIGHT), np.abs(tones - DARK)).max() < 1e-6


def test_a_label_has_letters_lines_and_margins():
    """Near by ink is black or white, margins are blank, and the rows between lines of letters are empty."""
    dots = 72
    centres = (np.arange(dots) + 0.5) / dots
    for panel in range(12):
        ink = np.array([[evaluate_lettering(F(panel + x), F(1 - y), F(0), F(1e-4)) for x in centres] for y in centres])
        assert set(np.unique(ink)) <= {0.0, 1.0}
        assert (ink[:1] == 0).all()
        assert (ink[:, :1] == 0).all()
        ground = ink[3, 3]  # between the frame and the first letter
        assert (ink[2, 2:70] != ground).all()  # the frame
        body = ink[4:68, 4:68] != ground
        lines = body[16:48].reshape(4, 8, 64)
        assert not lines[:, 5:].any()
        assert not lines[:, :, 3::4].any()
        assert 0.05 < lines[:, :5].mean() < 0.6


def test_planes_of_other_faces_are_printed_otherwise():
    """Two sides of a box that are at right angles do not show the same text."""
    points = np.random.default_rng(3).uniform(0, 1, (600, 2))
    faces = [[evaluate_lettering(F(p), F(q), F(face), F(1e-4)) for p, q in points] for face in (0, 1, 2)]
    assert all(np.mean(np.array(faces[k]) != faces[k - 1]) > 0.1 for k in range(3))
