"""Sample shading: the kernel that CUDA runs, built for the CPU, against the one that shades blocks."""

import numpy as np
import pytest

from naive.full_scene import full_camera, full_library, full_snapshot
from naive.still_life import BOX, PLANE, Light, Thing, pose, primitive_library, still_life, turn
from simloom.renderers import Raster
from simloom.renderers.raster import chunk, sample_shading
from simloom.renderers.raster.features import ALL, EXTRA, FOG, GLASS, SOFT_SUNS, SUNS, find_features, round_up

CASES = {
    "lamps and glass": ({}, {}, {}),
    "soft suns, a sky image, fog": ({"soft": True, "image": True, "fog": True, "lamps": False}, {}, {"supersample": 2}),
    "a lens": ({"image": True, "fog": True}, {"lens": True}, {"supersample": 2}),
    "no shadows": ({}, {}, {"shadow": False, "ambient_occlusion": False}),
}


def shade_alone(self, keys, colour, ambient=None):
    """Shade as on CUDA, in the place of `Chunk.shade`."""
    colour.fill(np.nan)
    ray, ray_start = self.plan.rays[self.settings.supersample]
    views = self.views._replace(ray=ray, ray_start=ray_start)
    sample_shading.shade_pixels(self, chunk.SHADOW_BIAS, keys, ambient, views, colour)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_pixel_alone_has_the_colour_of_its_block(monkeypatch, case):
    """Two looks, textures, normal maps, patterns, vertex colours, lamps, glass: the same bytes."""
    scene, view, options = CASES[case]
    raster = Raster(full_library(), shadow_resolution=64, **options)
    given = [full_snapshot(**scene)], [full_camera(31, 23, **view)]
    blocks = raster.render(*given, outputs=("colour",)).colour

    monkeypatch.setattr(chunk.Chunk, "shade", shade_alone)
    monkeypatch.setattr(sample_shading, "round_up", lambda features: ALL)  # one build serves all cases
    pixels = raster.render(*given, outputs=("colour",)).colour
    different = (pixels != blocks).any(axis=-1)
    # A face seen edge-on may show its other side: a block's first sample tells it for a run, here each its own.
    assert different.mean() <= 0.002, np.argwhere(different)[:5]


def test_a_plain_scene_has_a_kernel_of_its_own(monkeypatch):
    """Built for shadows alone, it gives the bytes of the kernel that is built for everything."""
    thing = Thing(mesh=BOX, at=pose(0, 0, 0.3, turn((1, 2, 3), 0.7)), scale=(0.5, 0.5, 0.5), roughness=0.3)
    floor = Thing(mesh=PLANE, at=pose(0, 0, -0.2), scale=(3.0, 3.0, 1.0), color=(0.8, 0.4, 0.2))
    scene = still_life(thing, floor, lights=(Light(towards=(1, 2, 3), sun=2.0), Light(towards=(-1, 0, 3), sun=1.0)))
    raster = Raster(primitive_library(), shadow_resolution=64)
    given = [scene], [full_camera(31, 23)]
    blocks = raster.render(*given, outputs=("colour",)).colour
    monkeypatch.setattr(chunk.Chunk, "shade", shade_alone)
    built = []
    monkeypatch.setattr(sample_shading, "round_up", lambda features: built.append(features) or features)
    pixels = raster.render(*given, outputs=("colour",)).colour
    assert built == [SUNS]
    assert np.array_equal(pixels, blocks)


def test_features_are_found_and_rounded_up():
    """What is there is built for, whatever else is."""
    seen = []
    first = chunk.Chunk.__init__

    def note(self, **values):
        seen.append(find_features(values["worlds"], values["views"], values["resolution"], 1))
        first(self, **values)

    raster = Raster(full_library(), shadow_resolution=64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunk.Chunk, "__init__", note)
        for options in ({}, {"soft": True, "fog": True}):
            raster.render([full_snapshot(**options)], [full_camera(8, 6)], outputs=("colour",))
    plain, soft = seen
    assert plain & EXTRA
    assert plain & GLASS
    assert not plain & (SOFT_SUNS | FOG)
    assert soft & SOFT_SUNS
    assert soft & FOG
    assert all(round_up(features) & features == features for features in range(ALL + 1))
    assert len({round_up(features) for features in range(ALL + 1)}) == 192
