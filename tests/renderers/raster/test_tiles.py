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
    relight,
    repaint,
    still_life,
    turn,
)
from naive.twin import run_simulated
from simloom.renderers import MeshLibraryBuilder, Raster
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


def test_tiles_clip_and_share_edges_as_rows_do(drawn):
    """Planes through the near plane, triangles larger than the image, a subdivided plane, lamps and glass."""
    generator = np.random.default_rng(8)
    builder = MeshLibraryBuilder()
    for add in (builder.add_box, builder.add_sphere, builder.add_cylinder, builder.add_plane):
        add()
    axis = np.linspace(-0.5, 0.5, 13)
    x, y = np.meshgrid(axis, axis)
    corner = (np.arange(12)[:, None] * 13 + np.arange(12)).reshape(-1)
    triangles = np.concatenate(
        (np.stack([corner, corner + 1, corner + 14], 1), np.stack([corner, corner + 14, corner + 13], 1))
    )
    vertices = np.stack([x, y, 0.0 * x], -1).reshape(-1, 3) + generator.uniform(-0.02, 0.02, (169, 3))
    patch = builder.add_mesh("patch", vertices, triangles)
    library = builder.build()
    scene = still_life(
        Thing(mesh=PLANE, at=pose(0, 0, -0.4), scale=(3000.0, 4000.0, 1.0), instance=0, casts=0),
        Thing(mesh=patch, at=pose(1.2, 0.2, 0.1, turn((1, 2, 3), 0.7)), instance=1),
        Thing(mesh=BOX, at=pose(0.0, 0.0, 0.0), scale=(0.4, 0.4, 0.4), instance=2),
        Thing(mesh=SPHERE, at=pose(0.15, -0.2, 0.0), scale=(0.5, 0.5, 0.5), instance=3),
    )
    scene = relight(
        repaint(scene, opacity=[1.0, 1.0, 0.3, 1.0]), lamp_kind=[1], lamp_position=[[0.2, -1.0, 1.0]],
        lamp_intensity=[[1, 1, 1]], lamp_direction=[[0, 0, -1]], lamp_cone=[[0, 0]], lamp_radius=[0.05],
    )  # fmt: skip
    view = camera(70, 65, 25.0, at=look((0.0, 0.0, 0.0), (1.0, 0.1, -0.1)), near=0.05, far=40.0)

    Raster(library, shadow_resolution=128).render([scene], [view])

    assert len(drawn) == 4
    assert all(different == 0 for different, _ in drawn)
    assert sum(seen > 100 for _, seen in drawn) == 4


LANES = """
import sys
sys.path.insert(0, str(tests))
from naive.still_life import *
from simloom.kernels import device_cuda
from simloom.renderers import Raster
scene = still_life(
    Thing(mesh=PLANE, at=pose(0, 0, -0.5), scale=(400.0, 400.0, 1.0), instance=0, casts=0),
    Thing(mesh=BOX, at=pose(0, 0, 0, turn((0, 0, 1), 0.4)), instance=1),
    Thing(mesh=BOX, at=pose(0.9, 0.3, 0.2), scale=(0.1, 0.9, 0.9), instance=2),
)
view = camera(34, 30, 25.0, at=look((2.0, 0.7, 1.2), (0, 0, 0)))
raster, out = Raster(primitive_library(), device="cuda", shadow=False), {}
for lanes in (1, 4, 64):
    device_cuda.SIMULATED_BLOCK = lanes
    frames = raster.render([scene], [view], outputs=("depth", "instance", "in_frame_pixels")).to_host()
    out |= {f"{name}_{lanes}": array for name, array in vars(frames).items() if array is not None}
"""


def test_any_number_of_threads_draws_the_same(tmp_path, repository):
    """Blocks of 1, 4 and 64 simulated threads, which draw in groups and together, give the same frames."""
    found = run_simulated(LANES, tmp_path, tests=str(repository / "tests"))

    for name in ("depth", "instance", "in_frame_pixels"):
        assert np.array_equal(found[f"{name}_4"], found[f"{name}_1"])
        assert np.array_equal(found[f"{name}_64"], found[f"{name}_1"])
    assert (found["in_frame_pixels_1"] > 100).all()
