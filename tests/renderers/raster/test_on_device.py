"""The renderer on a CUDA device: the Panda's snapshots, every output, against the CPU within the stated bounds."""

from __future__ import annotations

import device_cases
import numpy as np
import pytest
from device_bounds import compare_frames
from device_differences import bring_frames_home, find_differences, render_everything
from device_world import make_batch, make_cameras, make_raster, open_world

from simloom.renderers.frames import Frames
from simloom.sim.bench.gpu import bring_home

CASE = device_cases.DeviceDifferenceCase(name="panda", subject="frames", side=96, views=8)
OUTPUTS = ("colour", "depth", "instance")


def render(device: str, views: int, *, out: Frames | None = None, batch: int = 0) -> Frames:
    """Render the main outputs of some views of the Panda."""
    world = open_world(small=False)
    raster = make_raster(world, device, small=False)
    return raster.render(make_batch(False, views, batch), make_cameras(world, views, 64), outputs=OUTPUTS, out=out)


def test_the_snapshots_show_a_robot_at_a_table() -> None:
    """What devices are compared on is no empty picture."""
    frames = render("cpu", 2)

    assert frames.instance is not None
    assert frames.colour is not None
    assert set(range(1, 12)) >= set(np.unique(frames.instance[frames.instance > 0]).tolist())
    assert (frames.instance == 1).mean() > 0.05
    assert len(np.unique(frames.instance)) >= 6
    assert np.isfinite(frames.colour).all()
    assert frames.colour.std() > 0.05


@pytest.mark.gpu
def test_every_output_is_the_cpus_within_its_bound() -> None:
    """Ids, depth, colour, normals, flow, counts: differences are counted, and no more than may be."""
    broken = [f"{one.output}: {one}" for one in find_differences(CASE, "cuda") if not one.holds]

    assert not broken, "\n".join(broken)


@pytest.mark.gpu
def test_frames_stay_on_the_device() -> None:
    """Frames show where they lie, and come home on request."""
    frames = render("cuda", 4)
    home = frames.to_host()  # type: ignore[attr-defined]

    for name in OUTPUTS:
        assert hasattr(getattr(frames, name), "__cuda_array_interface__"), name
        assert isinstance(getattr(home, name), np.ndarray)
        assert np.array_equal(getattr(home, name), bring_home(getattr(frames, name)))


@pytest.mark.gpu
def test_a_view_on_a_device_depends_on_nothing_else() -> None:
    """The bytes of a view are the same alone and among others, and at every call."""
    many, few, again = (bring_frames_home(render("cuda", views)) for views in (8, 3, 8))

    for name in OUTPUTS:
        whole = getattr(many, name)
        assert np.array_equal(whole[:3], getattr(few, name)), name
        assert np.array_equal(whole, getattr(again, name)), name


@pytest.mark.gpu
def test_arrays_are_used_again_when_poses_move() -> None:
    """A batch written over the arrays of the one before is what it is in arrays of its own."""
    kept = render("cuda", 4)
    moved = bring_frames_home(render("cuda", 4, batch=1, out=kept))
    fresh = bring_frames_home(render("cuda", 4, batch=1))

    assert all(one.equal == one.values for one in compare_frames(fresh, moved))


@pytest.mark.gpu
def test_everything_is_rendered_again_alike() -> None:
    """No output depends on the order in which threads come."""
    first, second = render_everything(CASE, "cuda"), render_everything(CASE, "cuda")

    assert all(one.equal == one.values for one in compare_frames(first, second))
