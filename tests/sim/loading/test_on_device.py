"""Batches on a CUDA device; apart, since the machine that has one may lack what other tests of the loader need."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from naive.dataset_rows import make_dataset
from simloom.sim.dataset.reader import open_dataset

ARRAYS = ["sensor/head/rgb", "label/head/*", "sample/index"]


@pytest.mark.gpu
@pytest.mark.parametrize("workers", [0, 2])
def test_batches_on_a_device_are_those_of_the_host(tmp_path: Path, workers: int) -> None:
    """Every tensor is on the device, with the values of the host."""
    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU: the simulator has no tensors")
    make_dataset(tmp_path / "data", 40)
    with open_dataset(tmp_path / "data") as dataset:
        wanted = dataset.torch(batch_size=8, arrays=ARRAYS)
        loader = dataset.torch(batch_size=8, arrays=ARRAYS, device="cuda", workers=workers)
        for one, other in zip(loader, wanted, strict=True):
            assert all(tensor.is_cuda for tensor in one.values())
            assert all(torch.equal(one[name].cpu(), other[name]) for name in other)
