"""Sample shading: the kernel that CUDA runs, built for the CPU, against the one that shades blocks."""

import numpy as np
import pytest

from naive.full_scene import full_camera, full_library, full_snapshot
from simloom.renderers import Raster
from simloom.renderers.raster import chunk, sample_shading
from simloom.renderers.raster.features import ALL, EXTRA, FOG, GLASS, SOFT_SUNS, find_features, round_up

CASES = {
    "lamps and glass": ({}, {}, {}),
    "soft suns, a sky image, fog": ({"soft": True, "image": True, "fog": True, "lamps": False}, {}, {"supersample": 2}),
    "a lens": ({"image": True, "fog": True}, {"lens": True}, {"supersample": 2}),
    "no shadows": ({}, {}, {"shadow": False, "ambient_occlusion": False}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_pixel_alone_has_the_colour_of_its_block(monkeypatch, case):
    """Two looks, textures, normal maps, patterns, vertex colours, lamps, glass: the same bytes."""
    scene, view, options = CASES[case]
    raster = Raster(full_library(), shadow_resolution=64, **options)
    given = [full_snapshot(**scene)], [full_camera(31, 23, **view)]
    blocks = raster.render(*given, outputs=("colour",)).colour

    def shade(self, keys, colour, ambient=None):
        colour.fill(np.nan)
        ray, ray_start = self.plan.rays[self.settings.supersample]
        views = self.views._replace(ray=ray, ray_start=ray_start)
        sample_shading.shade_pixels(self, chunk.SHADOW_BIAS, keys, ambient, views, colour)

    monkeypatch.setattr(chunk.Chunk, "shade", shade)
    monkeypatch.setattr(sample_shading, "round_up", lambda features: ALL)  # one build serves all cases
    pixels = raster.render(*given, outputs=("colour",)).colour
    different = (pixels != blocks).any(axis=-1)
    # A face seen edge-on may show its other side: a block's first sample tells it for a run, here each its own.
    assert different.mean() <= 0.002, np.argwhere(different)[:5]


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
    assert len({round_up(features) for features in range(ALL + 1)}) == 96
