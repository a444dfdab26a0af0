"""Sensors that measure the ideal arrays anew in every epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import simloom
from naive.training_rows import make_shapes, make_source
from simloom.kernels.augment import CameraAugment, DepthAugment
from simloom.kernels.depth import apply_depth
from simloom.kernels.incidence import cosine_of_incidence
from simloom.kernels.profiles import load_profile
from simloom.sim.dataset.dataset import Dataset
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.errors import UsageError
from simloom.sim.loading import Mixture, Source

RECIPE: dict[str, Any] = {
    "simloom": 1,
    "scene": "tabletop",
    "seed": 3,
    "views": 2,
    "looks": 1,
    "rig": {"head": {"camera": "webcam_rgb", "depth": "realsense_d435", "width": 32, "height": 24, "mount": "world"}},
    "outputs": ["rgb", "depth", "normal", "class", "ideal/depth", "ideal/colour"],
    "supersample": 1,
}
MADE = ("sensor/head/rgb", "sensor/head/depth", "sensor/head/depth_status")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Eight small rows with ideal arrays."""
    folder = tmp_path_factory.mktemp("data")
    simloom.generate(simloom.load_recipe(RECIPE), samples=8, out=folder)
    return open_dataset(folder, skip_rejected=False)


def rows_of(batches: Any) -> dict[int, dict[str, torch.Tensor]]:
    """The rows of some batches by their number."""
    return {
        int(index): {name: tensor[place] for name, tensor in batch.items()}
        for batch in batches
        for place, index in enumerate(batch["sample/index"])
    }


def test_every_epoch_has_fresh_noise(dataset: Dataset) -> None:
    """Epochs differ, an epoch is equal to itself bit for bit, and a row is the same in any batch, thread or process."""
    loader = dataset.torch(batch_size=4, arrays=["label/head/class"], augment="realsense_d435", seed=5)
    first, second = rows_of(loader), rows_of(loader)
    assert set(first[0]) == {*MADE, "label/head/class", "sample/index"}
    for name in MADE[:2]:
        assert not any(torch.equal(first[row][name], second[row][name]) for row in first)
    for settings in ({"batch_size": 3, "drop_last": False}, {"batch_size": 8, "workers": 1}):
        other = dataset.torch(arrays=["label/head/class"], augment="realsense_d435", seed=5, **settings)
        for wanted in (first, second):
            found = rows_of(other)
            assert found.keys() == wanted.keys()
            assert all(torch.equal(found[row][name], wanted[row][name]) for row in found for name in wanted[row])
    noise = dataset.torch(batch_size=8, augment="realsense_d435", seed=6)
    assert not torch.equal(rows_of(noise)[0]["sensor/head/depth"], first[0]["sensor/head/depth"])


def test_readings_are_those_of_the_kernels(dataset: Dataset) -> None:
    """Colour is the recipe's own camera's, depth the profile's, with the row's intrinsics, normals and number."""
    (batch,) = dataset.torch(batch_size=8, augment="realsense_d435", seed=5, shuffle=False)
    rows = {name: tensor.numpy() for name, tensor in batch.items()}
    k = rows["camera/head/intrinsics"]
    lens = {"fx": k[:, 0, 0], "center": k[:, :2, 2]}
    camera = CameraAugment("webcam_rgb", seed=5)
    wanted = camera(batch["ideal/head/colour"], index=rows["sample/index"], **lens)
    assert torch.equal(batch["sensor/head/rgb"], wanted)
    assert (rows["sensor/head/rgb"] != dataset[:]["sensor/head/rgb"]).any()
    lens["fy"] = k[:, 1, 1]
    depth = DepthAugment("realsense_d435", seed=5)
    cosine = cosine_of_incidence(rows["label/head/normal"].astype(np.float32), **lens)
    measured, status = depth(batch["ideal/head/depth"], index=rows["sample/index"], cosine=cosine, **lens)
    assert torch.equal(batch["sensor/head/depth"], measured)
    assert torch.equal(batch["sensor/head/depth_status"], status)
    plain = apply_depth(rows["ideal/head/depth"], "realsense_d435", seed=5, index=rows["sample/index"], **lens)
    assert (plain.depth != rows["sensor/head/depth"]).any()


def test_sensors_are_chosen_by_camera(dataset: Dataset) -> None:
    """A camera may have a profile, a module of one's own, or one of each kind; the rest is as stored."""
    stored = dataset[:]
    loader = dataset.torch(batch_size=8, shuffle=False, augment={"head": load_profile("kinect_v1")})
    (batch,) = loader
    np.testing.assert_array_equal(batch["sensor/head/rgb"].numpy(), stored["sensor/head/rgb"])
    assert (batch["sensor/head/depth"].numpy() != stored["sensor/head/depth"]).any()
    module = CameraAugment("generic_rgb", seed=9)
    (both,) = dataset.torch(batch_size=8, shuffle=False, augment={"head": [module, "kinect_v1"]})
    assert torch.equal(both["sensor/head/depth"], batch["sensor/head/depth"])
    assert (both["sensor/head/rgb"].numpy() != stored["sensor/head/rgb"]).any()
    assert list(both["sensor/head/rgb"].shape) == [8, 24, 32, 3]
    assert module.epoch == 0


def test_real_rows_stay_as_they_are(dataset: Dataset, tmp_path: Path) -> None:
    """In a mixture, rows with ideal arrays are measured anew and the others keep the readings they have."""
    real = make_source(tmp_path / "real", 8, real=True)
    small = make_source(tmp_path / "small", 8, real=True, size=24).columns(["sensor/*", "sample/*"])
    narrow = dataset.columns(["sensor/*", "ideal/*", "camera/*", "sample/*"])
    mixture = Mixture(sources={"real": Source(dataset=real, weight=0.5), "sim": Source(dataset=narrow, weight=0.5)})
    loader = narrow.torch(batch_size=8, arrays=["sensor/head/rgb"], mix=mixture, augment="generic_rgb", seed=1)
    alone = rows_of(narrow.torch(batch_size=8, arrays=["sensor/head/rgb"], augment="generic_rgb", seed=1))
    fresh = 0
    for batch in [*loader, *loader]:
        assert set(batch) == {"sample/index", "sample/is_real", "sample/generation", "source", "sensor/head/rgb"}
        for place, (source, index) in enumerate(zip(batch["source"], batch["sample/index"], strict=True)):
            image = batch["sensor/head/rgb"][place]
            if source == 0:
                np.testing.assert_array_equal(image.numpy(), real.row(int(index))["sensor/head/rgb"])
            else:
                assert image.any()
                fresh += not torch.equal(image, alone[int(index)]["sensor/head/rgb"])
    assert fresh
    with pytest.raises(UsageError, match="a batch has one type and size"):
        narrow.torch(batch_size=8, arrays=["sensor/head/rgb"], mix={"small": (small, 0.5), "sim": 0.5})


def test_millimetres_become_metres(tmp_path: Path) -> None:
    """Ideal depth in whole millimetres is measured in metres, and stored depth beside it in a mixture is metres too."""
    sim = make_shapes(tmp_path / "sim", 8, millimetres=True)
    other = make_shapes(tmp_path / "other", 8, first=8, depth_only=True)
    arrays = ["sensor/head/depth", "ideal/head/depth"]
    (batch,) = sim.torch(batch_size=8, arrays=arrays, augment={"head": "realsense_d435"}, shuffle=False, seed=2)
    assert batch["ideal/head/depth"].dtype == torch.uint16
    true = batch["ideal/head/depth"].numpy().astype(np.float32) * np.float32(1e-3)
    wanted, _ = DepthAugment("realsense_d435", seed=2)(
        torch.from_numpy(true), index=np.arange(8), fx=30.0, center=(0.0, 0.0)
    )
    assert torch.equal(batch["sensor/head/depth"], wanted)
    mix = {"other": (other, 0.5), "sim": 0.5}
    for batch in sim.torch(batch_size=4, arrays=arrays[:1], augment={"head": "realsense_d435"}, mix=mix):
        stored = batch["sensor/head/depth"][batch["source"] == 0]
        assert torch.equal(stored, torch.full_like(stored, 700) * 1e-3)
        assert (batch["sensor/head/depth"][batch["source"] == 1] != 0.7).any()


def test_wrong_sensors_are_named(dataset: Dataset, tmp_path: Path) -> None:
    """Unknown profiles, profiles of other sensors, and missing ideal arrays are told."""
    bare = dataset.columns(["sensor/*", "sample/*", "ideal/head/depth", "camera/*"])
    for view, augment, message in (
        (dataset, "realsense_d453", "realsense_d4"),
        (dataset, "velodyne_vlp16", "must be a camera or depth profile"),
        (dataset, {"wrist": "generic_rgb"}, "needs ideal/wrist/colour"),
        (dataset, ["generic_rgb", "webcam_rgb"], "two sensors for the colour"),
        (bare, {"head": "generic_rgb"}, r"needs ideal/head/colour.*outputs: \[..., ideal/colour, ideal/depth\]"),
        (bare.columns(["sensor/*", "sample/*"]), "generic_rgb", "needs ideal/<camera>/colour or"),
    ):
        with pytest.raises(UsageError, match=message):
            view.torch(batch_size=4, augment=augment)
