"""Tiles: blocks of threads draw the keys that rows give, bit for bit."""

import numpy as np
import pytest

from naive.still_life import (
    BOX,
    PLANE,
    SPHERE,
    Thing,
    camera,
    coarse_library,
    look,
    pose,
    random_things,
    still_life,
    turn,
)
from simloom.renderers import Raster
from simloom.renderers.raster.chunk import Chunk
from simloom.renderers.raster.tile_visibility import DRAW_TILES, count_tiles


@pytest.fixture
def drawn(monkeypatch):
    """Draw all that is drawn by tiles too; return whether each was equal and how many samples saw something."""
    rows = Chunk.draw
    found = []

    def draw(self, views, drawn, width, height, keys, *, samples=1, perspective=True, narrow=False, **others):
        totals = rows(
            self, views, drawn, width, height, keys, samples=samples, perspective=perspective, narrow=narrow, **others
        )
        tiles = np.full_like(keys, 7)
        DRAW_TILES.launch(
            len(views.world) * count_tiles(width * samples, height * samples), self.largest, width, height, samples,
            int(perspective), np.uint64(32 if narrow else 0), views, self.worlds, drawn, self.geometry, tiles,
        )  # fmt: skip
        found.append((int((tiles != keys).sum()), int(np.count_nonzero(keys != keys.min()))))
        return totals

    monkeypatch.setattr(Chunk, "draw", draw)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_tiles_draw_what_rows_draw(drawn, seed):
    """Random things, their shadow maps, and finer samples: every key is equal."""
    generator = np.random.default_rng(seed)
    library = coarse_library(generator)
    view = camera(90, 70, 60.0, at=look((1.5, -1.0, 0.8), (0.0, 0.0, 0.0)), fy=70.0)
    scene = still_life(*random_things(generator, 9, away=0.0))

    Raster(library, supersample=2).render([scene], [view])

    assert len(drawn) == 3
    assert all(different == 0 and seen > 100 for different, seen in drawn)
