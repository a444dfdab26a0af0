"""Textures: the right way up, the right size, filtered to their mean, in linear light."""

import numpy as np
import pytest

from naive.still_life import PLANE, Light, Thing, camera, pose, still_life, turn
from simloom.renderers import MeshLibraryBuilder, Raster
from simloom.renderers.raster.sampling import blend_texels, pack_texels
from simloom.renderers.textures import srgb_to_linear

UNIFORM = Light(zenith=1.0, horizon=1.0, ground=1.0)
FACING = turn((1, 0, 0), np.pi)
"""Turns the plane's face to a camera that looks along +z: x stays, y goes up in the image."""


@pytest.fixture(scope="module")
def library():
    """Plane with coordinates of its own, the same without, and four textures."""
    builder = MeshLibraryBuilder()
    for _ in range(4):
        builder.add_box(), builder.add_sphere(), builder.add_cylinder()
    assert builder.add_plane() == PLANE
    corners = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
    builder.add_mesh("bare", corners, np.array([[0, 1, 2], [0, 2, 3]]))
    quarters = np.zeros((64, 64, 3), np.uint8)
    quarters[:32, :32] = 255, 0, 0  # upper left red, upper right green
    quarters[:32, 32:] = 0, 255, 0
    quarters[32:, :32] = 0, 0, 255  # lower left blue, lower right white
    quarters[32:, 32:] = 255, 255, 255
    builder.add_texture("quarters", quarters)
    i, j = np.mgrid[:128, :128]
    checker = np.where(((i // 4 + j // 4) % 2)[..., None], 255, 0).astype(np.uint8).repeat(3, axis=2)
    builder.add_texture("checker", checker)
    generator = np.random.default_rng(0)
    builder.add_texture("noise", generator.integers(0, 256, (100, 60, 3), dtype=np.uint8))
    builder.add_texture("grey", np.full((1, 1, 3), 128, np.uint8))
    return builder.build()


def show(library, away, *, texture, repeats=1.0, mesh=PLANE, size=(64, 64, 64.0), color=(1.0,) * 3, tilt=0.0, side=1.0):
    """Albedo of a textured square that faces the camera: the colour under a uniform sky over that of a white one."""
    at = pose(0, 0, away, turn((1, 0, 0), tilt) @ FACING)
    view = camera(*size, cx=(size[0] - 1) / 2, cy=(size[1] - 1) / 2)
    colours = []
    for row, shade in ((texture, color), (-1, (1.0,) * 3), (-1, (0.0,) * 3)):
        thing = Thing(
            mesh=mesh, at=at, scale=(side, side, 1.0), texture=row, texture_scale=repeats, color=shade, roughness=1.0
        )
        frames = Raster(library, shadow=False).render(
            [still_life(thing, lights=(UNIFORM,))], [view], outputs=("colour", "instance")
        )
        colours.append(frames.colour[0, 0].astype(float))
    textured, white, black = colours
    hit = frames.instance[0] == 1
    return np.where(hit[..., None], (textured - black) / np.where(hit[..., None], white - black, 1), np.nan), hit


@pytest.mark.parametrize("mesh", [PLANE, PLANE + 1], ids=["own", "box-projected"])
def test_textures_stand_upright(library, mesh):
    """Seen from its front, the image's upper left corner is at the plane's upper left (-x, +y) corner."""
    albedo, hit = show(library, 1.0, texture=0, mesh=mesh)
    assert hit.all()
    quarter = albedo[16, 16], albedo[16, 48], albedo[48, 16], albedo[48, 48]
    if mesh != PLANE:  # box projection: coordinates are metres from the mesh's origin, so quarters swap
        quarter = albedo[48, 48], albedo[48, 16], albedo[16, 48], albedo[16, 16]
    assert quarter == pytest.approx(np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)]), abs=1e-3)


def test_repeats_are_repeats(library):
    """A texture scale of 3 shows the image three times along each side."""
    albedo, _ = show(library, 1.0, texture=0, repeats=3.0, size=(192, 192, 192.0))
    once, _ = show(library, 1.0, texture=0, repeats=1.0, size=(64, 64, 64.0))
    inner = slice(8, 24), slice(8, 24)
    for i in range(3):
        for j in range(3):
            tile = albedo[64 * i : 64 * i + 64, 64 * j : 64 * j + 64]
            assert tile[inner] == pytest.approx(once[inner], abs=1e-3)


def test_texels_are_linear_light(library):
    """A grey of sRGB 128 reflects 21.6 %, and the base colour multiplies it."""
    albedo, _ = show(library, 1.0, texture=3, color=(1.0, 0.5, 0.25))
    grey = float(srgb_to_linear(np.array(128 / 255)))
    assert grey == pytest.approx(0.2158605, abs=1e-6)
    # The specular part follows the base colour of metals only; packed blue rounds by up to a quarter of a byte's step.
    assert albedo[32, 32] == pytest.approx(np.array([1.0, 0.5, 0.25]) * grey, rel=2.5e-3)
    word = pack_texels(np.array([[0, 128, 255]], np.uint8))[0]
    table = blend_texels(word, word, word, word, np.float32(0.3), np.float32(0.6))
    assert np.array(table) == pytest.approx(np.array([0, grey, 1]), abs=3e-4)


@pytest.mark.parametrize("texture", [1, 2])
@pytest.mark.parametrize("away", [0.5, 1.0, 2.3, 6.0])
def test_the_mean_is_kept_at_every_distance(library, texture, away):
    """The mean albedo over the whole square is the texture's mean in linear light, near and far."""
    side = 8
    albedo, hit = show(library, 64.0 / side * away, texture=texture, size=(64, 64, 64.0), side=8.0)
    expected = srgb_to_linear(library.texture(texture) / 255.0).mean(axis=(0, 1))
    inner = albedo[hit].mean(axis=0)
    # Mips are stored in 8 bits of sRGB: half a step at mid-grey is 0.4 %.
    assert inner == pytest.approx(expected, rel=0.03)


def test_a_distant_checker_is_its_mean(library):
    """Where a pixel covers many squares every pixel shows their mean, also on a steeply tilted plane."""
    near, _ = show(library, 1.0, texture=1, size=(256, 256, 256.0))
    assert near.std() > 0.4
    for tilt in (0.0, 1.2):
        far, hit = show(library, 20.0, texture=1, repeats=40.0, side=40.0, tilt=tilt)
        assert hit.sum() > 1000
        assert far[hit].mean() == pytest.approx(0.5, abs=0.02)
        assert far[hit].std() < 0.03
