"""Captures on CUDA: the rows of the CPU within bounds, with several captures begun before the first is finished."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from naive.still_scene import capture_still
from naive.twin import run_simulated
from simloom.renderers import Frames, Raster
from simloom.sim.device_comparison import compare_devices, format_differences

PER_ROW = {
    "sensor/head/rgb", "sensor/head/raw", "sensor/head/depth", "sensor/head/depth_status", "ideal/head/colour",
}  # fmt: skip
"""What differs by look; the rest is sent once per view."""
TESTS = Path(__file__).resolve().parents[1]


def _compare(here: dict[str, np.ndarray], there: dict[str, np.ndarray]) -> None:
    differences = compare_devices(here, there)
    exact = [one for one in differences if one.changed and one.kind == "other"]

    assert all(one.within for one in differences), format_differences(differences)
    assert not exact, format_differences(differences)


def test_simulated_cuda_agrees(tmp_path: Path) -> None:
    """Renderer, sensors, labels and the way into the rows, from scene to rows."""
    code = f"""
sys.path.insert(0, {str(TESTS)!r})
from naive.still_scene import capture_still
out = capture_still("cuda", plain=True)
"""
    twin = run_simulated(code, tmp_path)
    rows = capture_still("cpu", plain=True)

    assert len(np.unique(rows["label/head/instance"])) == 3
    _compare(rows, {name: twin[name] for name in rows})


def test_frames_on_the_device_stay_there_until_they_are_rows(tmp_path: Path) -> None:
    """Sensors read them there, types are converted there, and two captures in flight do not disturb each other."""
    code = f"""
sys.path.insert(0, {str(TESTS)!r})
from naive import still_scene
from simloom.kernels.device import on_device
from simloom.kernels.device_stream import Stream, upload
from simloom.renderers import Frames, Raster
given = np.load({str(tmp_path / "frames.npz")!r})
sent = []
def render(self, snapshots, cameras, **asked):
    return Frames(**{{name: upload(given[name]) for name in given.files}})
def download(self, array, host, inner=Stream.download):
    assert on_device(array)
    sent.append(host.nbytes)
    inner(self, array, host)
Raster.render, Stream.download = render, download
out = still_scene.capture_still("cuda", count=2, plain=True)
out["sent"] = np.array([sum(sent), len(sent)])
"""
    frames = {}

    def keep(self: Raster, *given: object, inner: Callable[..., Frames] = Raster.render, **asked: object) -> Frames:
        found = inner(self, *given, **asked)
        frames.update({name: array for name, array in vars(found).items() if array is not None})
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Raster, "render", keep)
        rows = capture_still("cpu", plain=True)
    np.savez(tmp_path / "frames.npz", **frames)
    twin = run_simulated(code, tmp_path)
    sent = [name for name in rows if rows[name].ndim >= 3 and not name.startswith("camera/")]

    assert twin["sent"][0] == 2 * sum(rows[name].nbytes // (1 if name in PER_ROW else 2) for name in sent) + 2 * 4 * 8
    _compare(rows, {name: twin[name][:4] for name in rows})
    for name in sent:
        if not name.startswith("sensor/"):
            assert np.array_equal(twin[name][4:], twin[name][:4]), name


@pytest.mark.gpu
def test_a_device_agrees() -> None:
    """The same on a GPU, larger, with shadows and ambient light."""
    _compare(capture_still("cpu", width=128, height=96, count=4), capture_still("cuda", width=128, height=96, count=4))
