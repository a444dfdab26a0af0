"""Sensors fed with torch tensors: readings are tensors where the inputs are, with the values that NumPy's give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from device_bounds import SENSORS, compare

from simloom.kernels.camera import apply_camera
from simloom.kernels.depth import apply_depth
from simloom.kernels.encoder import apply_encoder
from simloom.kernels.force_torque import apply_force_torque
from simloom.kernels.gnss import apply_gnss
from simloom.kernels.inertial import apply_imu
from simloom.kernels.lidar import apply_lidar
from simloom.kernels.odometry import apply_odometry
from simloom.kernels.ranger import apply_ranger
from simloom.kernels.tactile import apply_tactile

ROWS = [5, 9]
"""Row numbers of the two images or robots."""


def _images(*tail: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(0.05, 2.0, (2, 24, 64, *tail)).astype(np.float32)


def _series(*tail: int, samples: int = 120) -> np.ndarray:
    steps = np.linspace(0.0, 6.0, samples)[:, None] + np.arange(int(np.prod(tail)))
    return np.broadcast_to(np.sin(steps).reshape(samples, *tail), (2, samples, *tail)).copy()


def _depths() -> np.ndarray:
    depth = np.repeat(np.linspace(0.6, 3.0, 24, dtype=np.float32)[None, :, None], 64, axis=2).repeat(2, axis=0)
    depth[:, 8:14, 20:30] = 0.7
    return depth


def _depth_sensor(profile: str) -> Callable[..., Any]:
    return lambda depth, **more: apply_depth(depth, profile, fx=57.0, seed=3, **more)


CASES: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "camera": (lambda image, **more: apply_camera(image, raw=True, seed=3, **more), (_images(3),)),
    "stereo": (_depth_sensor("realsense_d435"), (_depths(),)),
    "structured light": (_depth_sensor("kinect_v1"), (_depths(),)),
    "time of flight": (_depth_sensor("azure_kinect"), (_depths(),)),
    "lidar": (
        lambda reach, **more: apply_lidar(reach, "velodyne_vlp16", seed=3, **more),
        (np.linspace(1.0, 90.0, 2 * 64, dtype=np.float32).reshape(2, 64, 1),),
    ),
    "inertial": (
        lambda force, turn, **more: apply_imu(force, turn, seed=3, **more), (_series(3), 0.1 * _series(3)),
    ),
    "encoder": (lambda position, **more: apply_encoder(position, rate=1000.0, seed=3, **more), (_series(4),)),
    "force and torque": (lambda wrench, **more: apply_force_torque(wrench, seed=3, **more), (_series(6),)),
    "tactile": (
        lambda contacts, **more: apply_tactile(contacts, seed=3, **more),
        (np.tile([[[0.001, -0.002, 2.0, 1.0], [0.0, 0.003, 1.0, 1.0]]], (2, 20, 1, 1)),),
    ),
    "gnss": (lambda place, speed, **more: apply_gnss(place, speed, seed=3, **more), (_series(3), _series(3))),
    "odometry": (lambda motion, **more: apply_odometry(motion, seed=3, **more), (0.2 * _series(2),)),
    "optical ranger": (
        lambda reach, **more: apply_ranger(reach, "vl53l0x", seed=3, **more),
        (np.full((2, 64), 0.8, np.float32),),
    ),
    "ultrasonic ranger": (
        lambda reach, **more: apply_ranger(reach, "hc_sr04", seed=3, **more),
        (np.full((2, 128), 0.8, np.float32),),
    ),
}  # fmt: skip


def _compare_readings(name: str, place: str) -> None:
    """Hold every array of a reading of tensors at `place` against that of NumPy arrays."""
    apply, inputs = CASES[name]
    ours = apply(*inputs, index=ROWS)
    theirs = apply(*(torch.from_numpy(array.copy()).to(place) for array in inputs), index=ROWS)
    compared = []
    for field in fields(ours):
        first, second = getattr(ours, field.name), getattr(theirs, field.name)
        if field.name in ("truth", "history") or not (isinstance(first, np.ndarray) and hasattr(second, "shape")):
            continue
        if isinstance(second, torch.Tensor):
            assert second.device.type == place, f"{field.name} is on {second.device}"
            compared.append(field.name)
            second = second.cpu().numpy()
        kind = "signal" if first.dtype.kind == "f" else "rgb" if field.name in ("rgb", "raw") else "status"
        found = compare(field.name, first, second, SENSORS[kind])
        if place == "cpu":
            assert found.equal == found.values, f"{name}: {field.name}: {found}"
        assert found.holds, f"{name}: {field.name}: {found}"
    assert compared


@pytest.mark.parametrize("name", CASES)
def test_tensors_of_the_host_give_what_arrays_give(name: str) -> None:
    """The same bytes, as tensors: what the test on a device compares is what there is."""
    _compare_readings(name, "cpu")


@pytest.mark.gpu
@pytest.mark.parametrize("name", CASES)
def test_tensors_of_a_device_give_what_arrays_give(name: str) -> None:
    """Readings stay on the device, with the CPU's values within the stated bounds."""
    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU: the simulator has no tensors")
    _compare_readings(name, "cuda")


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["camera", "stereo", "lidar"])
def test_a_reading_on_a_device_depends_on_its_row_alone(name: str) -> None:
    """On one device a row's bytes are the same whatever else is in the batch."""
    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU: the simulator has no tensors")
    apply, inputs = CASES[name]
    both = apply(*(torch.from_numpy(array).cuda() for array in inputs), index=ROWS)
    alone = apply(*(torch.from_numpy(array[1:].copy()).cuda() for array in inputs), index=ROWS[1:])
    for field in fields(both):
        whole, part = getattr(both, field.name), getattr(alone, field.name)
        if isinstance(part, torch.Tensor):
            assert torch.equal(torch.nan_to_num(whole[1:].float()), torch.nan_to_num(part.float())), field.name
