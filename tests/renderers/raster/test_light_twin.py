"""Lamps, soft suns, sky images, fog, glass and occlusion in Numba's CUDA simulator."""

import numpy as np

from naive.twin import run_simulated

TWIN = """
import sys
sys.path.insert(0, str(tests))
from naive.still_life import *
from simloom.renderers import MeshLibraryBuilder, Raster
builder = MeshLibraryBuilder()
for add in (builder.add_box, builder.add_sphere, builder.add_cylinder, builder.add_plane):
    add()
generator = np.random.default_rng(5)
builder.add_sky("sky", generator.uniform(0.1, 1.0, (8, 16, 3)).astype(np.float32))
library = builder.build()
bare = still_life(
    Thing(mesh=PLANE, at=pose(0, 0, -0.5), scale=(4.0, 4.0, 1.0), instance=0, casts=0),
    Thing(mesh=BOX, at=pose(0, 0, 0, turn((0, 0, 1), 0.4)), instance=1),
    Thing(mesh=BOX, at=pose(0.9, 0.3, 0.2), scale=(0.1, 0.9, 0.9), instance=2, roughness=0.1),
    lights=(Light(towards=(0.4, 0.2, 1.0), sun=3.0, zenith=0.5, horizon=0.4, ground=0.2),),
)
bare = repaint(bare, opacity=[1.0, 1.0, 0.3], emission=[[0, 0, 0], [0.1, 0.2, 0.3], [0, 0, 0]])
lamps = relight(
    bare, lamp_kind=[1, 2], lamp_position=[[0.2, -1.0, 1.0], [-1.0, 1.0, 1.5]], lamp_intensity=[[1, 1, 1], [3, 2, 1]],
    lamp_direction=[[0, 0, -1], [0.6, -0.48, -0.64]], lamp_cone=[[0, 0], [0.4, 0.7]], lamp_radius=[0.05, 0.0],
)
sky = relight(bare, sky_image=0, sky_yaw=0.4, sky_scale=[1, 2, 3], sun_radius=0.04, fog_extinction=0.2,
              fog_radiance=[0.3, 0.3, 0.4])
view = camera(14, 11, 11.0, at=look((2.0, 0.7, 1.2), (0, 0, 0)))
outputs = ("colour", "transparent_instance", "transparent_depth", "coverage", "visible_pixels")
out = {}
for name, scene in (("lamps", lamps), ("sky", sky)):
    raster = Raster(library, device=str(device), shadow_resolution=64)
    frames = raster.render([scene], [view], outputs=outputs).to_host()
    for field in outputs + ("box_visible",):
        out[name + "_" + field] = getattr(frames, field)
"""


def test_the_cuda_source_lights_as_the_cpu_does(tmp_path, repository):
    """The same kernels in the simulator: integers equal, colours to rounding on all but a few pixels.

    A pixel at a shadow's very edge may fall on the other side of a comparison when the last bit differs.
    """
    values = {"tests": str(repository / "tests")}
    simulated = run_simulated(TWIN, tmp_path, device="cuda", **values)
    found = {"tests": values["tests"], "device": "cpu"}
    exec(compile(TWIN, "twin", "exec"), found)
    for name, expected in found["out"].items():
        if expected.dtype.kind in "iu" or "box" in name:
            assert np.array_equal(simulated[name], expected), name
        else:
            off = np.abs(simulated[name] - expected) > 1e-4 * max(1.0, np.abs(expected).max())
            assert off.mean() <= 0.01, (name, off.mean())
    assert found["out"]["lamps_transparent_instance"].any()
