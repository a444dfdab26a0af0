"""Sensor models in a training loop: the offline reading, fresh in each epoch, without copies, also under compile."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from simloom.kernels import CameraAugment, DepthAugment, apply_camera, load_profile
from simloom.kernels.philox import stream_key


def _radiance(count: int) -> torch.Tensor:
    ramp = np.linspace(0.05, 1.5, count * 10 * 14 * 3, dtype=np.float32)
    return torch.from_numpy(ramp.reshape(count, 10, 14, 3))


class _Rows(torch.utils.data.Dataset):  # type: ignore[type-arg]
    def __len__(self) -> int:
        return 6

    def __getitem__(self, row: int) -> dict[str, object]:
        return {"colour": _radiance(6)[row], "index": row}


def test_a_loaders_batch_equals_the_offline_reading() -> None:
    """Shuffled or not, a row's image is the one that apply_camera gives for the epoch's seed."""
    augment = CameraAugment(seed=5)
    augment.set_epoch(2)
    low, high = stream_key(5, "epoch/2")
    seed = int(low) | int(high) << 32
    expected = apply_camera(_radiance(6).numpy(), seed=seed, pattern_seed=5, index=np.arange(6)).rgb
    order = torch.Generator().manual_seed(1)
    seen = []
    for batch in torch.utils.data.DataLoader(_Rows(), batch_size=4, shuffle=True, generator=order):
        image = augment(batch["colour"], index=batch["index"])
        seen += batch["index"].tolist()
        assert image.dtype is torch.uint8
        assert np.array_equal(image.numpy(), expected[batch["index"].numpy()])

    assert sorted(seen) == list(range(6))


def test_epochs_differ_and_repeat() -> None:
    """Another epoch has other noise; the same epoch has the same."""
    augment, light = CameraAugment(seed=5), _radiance(2)
    images = []
    for epoch in (0, 1, 0):
        augment.set_epoch(epoch)
        images.append(augment(light, index=[0, 1]))

    assert torch.equal(images[0], images[2])
    assert not torch.equal(images[0], images[1])


def test_every_row_can_have_another_profile() -> None:
    """`draw` sees the epoch's seed and the rows, and its profiles are used."""
    d435 = load_profile("realsense_d435")
    asked = []

    def draw(seed: int, rows: np.ndarray) -> list:
        asked.append((seed, rows.tolist()))
        return [dataclasses.replace(d435, range_max=1.0 + row) for row in rows.tolist()]

    augment = DepthAugment(seed=0, draw=draw)
    depth, status = augment(torch.full((2, 6, 60), 1.5), index=torch.tensor([0, 1]), fx=40.0)
    augment.set_epoch(1)
    augment(torch.full((2, 6, 60), 1.5), index=torch.tensor([0, 1]), fx=40.0)

    assert (depth[0] == 0).all()
    assert (status[1] == 0).any()
    assert asked[0][1] == [0, 1]
    assert asked[0][0] != asked[1][0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_models_call_it() -> None:
    """torch.compile breaks its graph at the module and gives the same image."""
    augment, light = CameraAugment(seed=5), _radiance(2)

    class Model(torch.nn.Module):
        def forward(self, radiance: torch.Tensor) -> torch.Tensor:
            return augment(2.0 * radiance, index=[0, 1]).to(torch.float32) / 255.0

    model = Model()

    assert torch.equal(torch.compile(model, backend="eager")(light), model(light))


def test_epochs_share_the_cameras_patterns() -> None:
    """What sets one specimen apart stays from epoch to epoch, and is that of the offline reading."""
    profile = dataclasses.replace(load_profile("generic_rgb"), read_noise=0.0, dark_signal_nonuniformity=40.0, tone=0.0)
    augment, dark = CameraAugment(profile, seed=5), torch.zeros((1, 24, 32, 3))
    images = [apply_camera(dark.numpy(), profile, seed=5, index=[0], exposure_time=1e-3).rgb.astype(float)]
    for epoch in (0, 1):
        augment.set_epoch(epoch)
        images.append(augment(dark, index=[0], exposure_time=1e-3).numpy().astype(float))

    for image in images[1:]:
        assert np.corrcoef(images[0].ravel(), image.ravel())[0, 1] > 0.9
