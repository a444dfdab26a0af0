"""The kernels that CUDA takes in the place of the CPU's, built for the CPU: occlusion by cells, albedo by pixels."""

import numpy as np

from naive.full_scene import full_camera, full_library, full_snapshot
from simloom.renderers import Raster
from simloom.renderers.raster.albedo import PAINT_VIEW
from simloom.renderers.raster.chunk import Chunk
from simloom.renderers.raster.occlusion import FIND_OCCLUSION, REFINE_OCCLUSION, SMOOTH_OCCLUSION, THIN_DEPTHS
from simloom.renderers.raster.occlusion_cells import OCCLUDE_CELL, SMOOTH_CELL
from simloom.renderers.raster.sample_albedo import paint_pixels


def test_smaller_elements_write_the_same_bytes(monkeypatch):
    """Each pass is done twice, from the same inputs: by rows or blocks, and by cells or pixels."""
    launch, found = Chunk.launch, {}

    def launch_twice(self, kernel, count, *arrays):
        launch(self, kernel, count, *arrays)
        expected = arrays[-1]
        other = np.full_like(expected, 77)
        if kernel in (THIN_DEPTHS, REFINE_OCCLUSION):
            launch(self, kernel, len(expected), 1, *arrays[1:-1], other)
        elif kernel is FIND_OCCLUSION:
            launch(self, OCCLUDE_CELL, len(expected), *arrays[:-2], other)
        elif kernel is SMOOTH_OCCLUSION:
            launch(self, SMOOTH_CELL, len(expected), *arrays[:-2], other)
        elif kernel is PAINT_VIEW:
            paint_pixels(self, arrays[-4], other)
        else:
            return
        found[kernel] = expected.copy(), other

    monkeypatch.setattr(Chunk, "launch", launch_twice)
    raster = Raster(full_library(), shadow_resolution=64)
    raster.render([full_snapshot(lamps=False)], [full_camera(41, 31)], outputs=("albedo", "colour"))
    assert len(found) == 5
    for kernel, (expected, other) in found.items():
        different = (other != expected).mean()
        # A face seen edge-on may show its other side: the first sample of a run tells it, or each its own.
        assert different <= (0.002 if kernel is PAINT_VIEW else 0.0), kernel.name
    assert 0.0 < found[REFINE_OCCLUSION][0].min() < 0.95
