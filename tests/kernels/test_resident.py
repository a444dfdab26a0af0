"""Device arrays stay on the device: nothing is read back, and what goes up are small tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from naive.twin import run_simulated
from simloom.kernels import augment, depth, incidence
from simloom.kernels.camera import apply_camera

BEFORE = """
import dataclasses
from simloom.kernels import device_cuda, device_stream
from simloom.kernels.camera import apply_camera
from simloom.kernels.depth import apply_depth
from simloom.kernels.device import on_device
from simloom.kernels.device_stream import upload
from simloom.kernels.incidence import cosine_of_incidence
from simloom.kernels.profiles import load_camera_profile
inner, sent, back = device_cuda.launch, [], []
def launch(kernel, count, arrays, is_output):
    for value, output in zip(arrays, is_output):
        if isinstance(value, np.ndarray):
            (back if output else sent).append(value.nbytes)
    inner(kernel, count, arrays, is_output)
device_cuda.launch = launch
packed = []
def upload_counted(array, inner=device_stream.upload):
    packed.append(array.nbytes)
    return inner(array)
"""


def test_cameras_and_depth_sensors_read_nothing_back(tmp_path: Path) -> None:
    """Each with all that it can be given; a chain of them hands device arrays on, and metered times stay there too."""
    code = (
        BEFORE
        + """
camera = load_camera_profile("generic_rgb")
full = dataclasses.replace(
    camera, focus_distance=1.0, diffraction=True, chromatic_aberration=(0.01, -0.01), sharpening=0.5, jpeg_quality=80
)
light, distance, shares = upload(light), upload(distance), upload(shares)
device_stream.upload = upload_counted
reading = apply_camera(light, [camera, full], seed=1, index=[3, 4], depth=distance, fx=9.0, raw=True)
assert all(map(on_device, (reading.rgb, reading.raw, reading.exposure_time)))
out = {"rgb": reading.rgb.copy_to_host(), "raw": reading.raw.copy_to_host()}
cosine = cosine_of_incidence(upload(normal), fx=9.0)
for profile in ("realsense_d435", "kinect_v1", "azure_kinect"):
    reading = apply_depth(
        distance, profile, fx=9.0, seed=1, index=[3, 4], cosine=cosine, infrared=shares, intensity=shares
    )
    assert on_device(reading.depth) and on_device(reading.status)
    out[profile] = reading.status.copy_to_host()
out |= {"back": np.array(back, np.int64), "sent": np.array(sent, np.int64), "packed": np.array(packed)}
"""
    )
    generator = np.random.default_rng(3)
    light = generator.uniform(0.0, 2.0, (2, 4, 6, 3)).astype(np.float32)
    distance = generator.uniform(0.8, 1.2, (2, 4, 6)).astype(np.float32)
    shares = generator.uniform(0.2, 0.8, (2, 4, 6)).astype(np.float32)
    normal = np.broadcast_to(np.float32([0.0, 0.0, -1.0]), (2, 4, 6, 3)).copy()
    found = run_simulated(code, tmp_path, light=light, distance=distance, shares=shares, normal=normal)
    known = {"fx": 9.0, "seed": 1, "index": [3, 4], "infrared": shares, "intensity": shares}
    cosine = incidence.cosine_of_incidence(normal, fx=9.0)

    assert not found["back"].size
    for profile in ("realsense_d435", "kinect_v1", "azure_kinect"):
        reading = depth.apply_depth(distance, profile, cosine=cosine, **known)
        assert np.array_equal(found[profile], reading.status), profile
    # Tables that every launch of a kind takes, such as the areas of discs and the projector's pattern.
    assert found["sent"].max() <= 16384


@pytest.mark.gpu
def test_torch_tensors_are_sensed_where_they_are() -> None:
    """On a GPU readings are tensors there, equal to the host's within bounds, and modules augment in place."""
    import torch

    generator = np.random.default_rng(4)
    light = generator.uniform(0.0, 2.0, (4, 96, 128, 3)).astype(np.float32)
    distance = generator.uniform(0.8, 1.2, (4, 96, 128)).astype(np.float32)
    rows = np.arange(4)
    here = apply_camera(light, seed=1, index=rows).rgb
    there = augment.CameraAugment(seed=1)
    reading = apply_camera(torch.from_numpy(light).cuda(), seed=1, index=rows)
    image = there(torch.from_numpy(light).cuda(), index=rows)
    depths, status = augment.DepthAugment(seed=1)(torch.from_numpy(distance).cuda(), index=rows, fx=120.0)

    assert reading.rgb.is_cuda
    assert reading.exposure_time.is_cuda
    assert image.is_cuda
    assert image.dtype is torch.uint8
    assert depths.is_cuda
    assert status.is_cuda
    apart = np.abs(reading.rgb.cpu().numpy().astype(int) - here)
    assert np.mean(apart > 1) < 1e-3


@pytest.mark.gpu
def test_a_device_array_and_a_tensor_share_memory() -> None:
    """On a GPU pictures that were made there are handed out as tensors without a copy."""
    from simloom.kernels.device import allocate
    from simloom.kernels.transfer import to_host
    from simloom.scenes.environments.tensors import as_tensor

    array = allocate((2, 3), np.uint8, there=True)
    tensor = as_tensor(array, "cuda")
    tensor.fill_(7)

    assert tensor.data_ptr() == array.__cuda_array_interface__["data"][0]
    assert to_host(array).tolist() == [[7, 7, 7], [7, 7, 7]]
