"""Residence: on CUDA nothing travels between passes."""

import numpy as np

from naive.twin import run_simulated

TWIN = """
import sys
sys.path.insert(0, str(tests))
from naive.still_life import *
from simloom.kernels import device_cuda, device_stream
from simloom.kernels.device import on_device
from simloom.renderers import Raster
scene = still_life(
    Thing(mesh=PLANE, at=pose(0, 0, -0.5), scale=(4.0, 4.0, 1.0), instance=0, casts=0),
    Thing(mesh=BOX, at=pose(0, 0, 0, turn((0, 0, 1), 0.4)), instance=1),
    Thing(mesh=BOX, at=pose(0.9, 0.3, 0.2), scale=(0.1, 0.9, 0.9), instance=2),
    lights=(Light(towards=(0.4, 0.2, 1.0), sun=3.0),),
)
scene = repaint(scene, opacity=[1.0, 1.0, 0.3])
scene = relight(
    scene, lamp_kind=[2], lamp_position=[[-1.0, 1.0, 1.5]], lamp_intensity=[[3, 2, 1]],
    lamp_direction=[[0.6, -0.48, -0.64]], lamp_cone=[[0.4, 0.7]], lamp_radius=[0.0],
)
view = camera(6, 5, 5.0, at=look((2.0, 0.7, 1.2), (0, 0, 0)))
travelled, sent = [], []
argument, send, bring = device_cuda.as_argument, device_cuda.Staging.send, device_stream.download
def count_argument(value, stream):
    if isinstance(value, np.ndarray):
        travelled.append(value.size)
    return argument(value, stream)
def count_sent(self, filled, target):
    sent.append(len(filled))
    return send(self, filled, target)
def count_brought(array):
    travelled.append(array.size)
    return bring(array)
device_cuda.as_argument, device_cuda.Staging.send = count_argument, count_sent
device_stream.download = count_brought
raster = Raster(primitive_library(), device="cuda", shadow_resolution=64)
outputs = ("colour", "srgb", "depth", "instance", "normal", "visible_pixels", "total_pixels", "coverage", "albedo")
raster.render([scene], [view], outputs=outputs)
first = len(sent)
frames = raster.render([scene], [view], outputs=outputs)
resident = all(on_device(frames.__dict__[name]) for name in outputs)
out = {"travelled": travelled, "first": first, "again": len(sent) - first, "resident": resident}
"""


def test_one_upload_a_call_and_no_download(tmp_path, repository):
    """A second call sends its small tables at once; no launch copies an array, and the frames stay there."""
    found = run_simulated(TWIN, tmp_path, tests=str(repository / "tests"))

    assert found["travelled"].size == 0
    assert found["again"] == 1
    assert found["first"] == 5
    assert found["resident"]
    assert np.isfinite(found["first"])
