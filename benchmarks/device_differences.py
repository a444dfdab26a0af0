"""Device suite `differences`: where frames and readings of a device differ from the CPU's, counted against bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from device_bounds import SENSORS, Difference, compare, compare_frames
from device_cases import DeviceDifferenceCase
from device_world import make_batch, make_cameras, make_raster, open_world
from report import CaseResult

from simloom.kernels.camera import apply_camera
from simloom.kernels.depth import apply_depth
from simloom.renderers.frames import Frames
from simloom.sim.bench.gpu import bring_home, synchronize
from simloom.sim.bench.timing import Contestant, measure

NOTES = (
    "The same snapshots, cameras and seeds on the CPU and on the device. Values of pixels in which the two see other "
    "instances are not compared: those are what `instance` counts.",
    "Each line: how many values differ by more than the tolerance, how many may, how many are not equal bit for bit, "
    "and the largest difference.",
)
OUTPUTS = (
    "colour", "srgb", "albedo", "depth", "range", "instance", "class_id", "part", "normal", "object_coordinates",
    "flow_forward", "flow_backward", "flow_forward_occlusion", "flow_backward_occlusion", "visible_pixels",
    "in_frame_pixels", "total_pixels",
)  # fmt: skip
DEPTH_SENSORS = {"stereo": "realsense_d435", "structured_light": "kinect_v1", "time_of_flight": "azure_kinect"}


def render_everything(case: DeviceDifferenceCase, device: str) -> Frames:
    """Render every output of a case's views, brought to the host."""
    world = open_world(case.small)
    now, before, after = (make_batch(case.small, case.views, batch) for batch in range(3))
    moving = [
        replace(one, previous_pose=past.pose_world_instance, next_pose=future.pose_world_instance)
        for one, past, future in zip(now, before[::-1], after, strict=True)
    ]
    raster = make_raster(world, device, case.small)
    frames = raster.render(moving, make_cameras(world, case.views, case.side), outputs=OUTPUTS)
    return bring_frames_home(frames)


def bring_frames_home(frames: Frames) -> Frames:
    """Return frames whose arrays are NumPy's."""
    return Frames(**{name: bring_home(array) for name, array in vars(frames).items() if array is not None})


def sense_everything(case: DeviceDifferenceCase, device: str) -> dict[str, Any]:
    """Measure the CPU's frames with every camera model on a device; readings by name, on the host."""
    world = open_world(case.small)
    cameras = make_cameras(world, case.views, case.side)
    frames = make_raster(world, "cpu", case.small).render(
        make_batch(case.small, case.views, 0), cameras, outputs=("colour", "depth")
    )
    assert frames.colour is not None
    index, fx = np.arange(case.views), cameras[0].fx
    picture = apply_camera(frames.colour[:, 0], seed=1, index=index, raw=True, device=device)
    found = {"camera rgb": picture.rgb, "camera raw": picture.raw}
    for kind, profile in list(DEPTH_SENSORS.items())[: 1 if case.small else None]:
        reading = apply_depth(frames.depth, profile, fx=fx, seed=1, index=index, device=device)
        found |= {f"{kind} depth": reading.depth, f"{kind} status": reading.status}
    return {name: bring_home(array) for name, array in found.items()}


def find_differences(case: DeviceDifferenceCase, device: str) -> list[Difference]:
    """Count the differences of a case between the CPU and a device."""
    if case.subject == "frames":
        return compare_frames(render_everything(case, "cpu"), render_everything(case, device))
    ours, theirs = sense_everything(case, "cpu"), sense_everything(case, device)
    return [compare(name, array, theirs[name], SENSORS[name.split()[-1]]) for name, array in ours.items()]


def run_case(case: DeviceDifferenceCase, *, repeats: int, device: str) -> CaseResult:
    """Count the differences of one case, and time both sides."""
    differences = find_differences(case, device)
    make = render_everything if case.subject == "frames" else sense_everything
    measured = measure(
        [
            Contestant(
                name=f"{device}, everything, to the host", items=case.views, run=lambda: _drop(make(case, device))
            ),
            Contestant(name="cpu, everything", items=case.views, run=lambda: _drop(make(case, "cpu"))),
        ],
        repeats=min(repeats, 3),
        synchronize=lambda: synchronize(device),
    )
    return CaseResult(
        case=case.name,
        unit="view",
        settings={"resolution": [case.side, case.side], "views": case.views, "device": device},
        measurements=measured,
        ratios=[(measured[0].name, measured[1].name)],
        facts={**{one.output: str(one) for one in differences}, "within_bounds": _judge(differences)},
    )


def _judge(differences: Sequence[Difference]) -> str:
    broken = [one.output for one in differences if not one.holds]
    return f"no: {', '.join(broken)}" if broken else "yes"


def _drop(_: Any) -> None:
    return None
