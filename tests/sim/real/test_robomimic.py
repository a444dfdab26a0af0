"""Import of robomimic's HDF5 files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from simloom.sim.dataset.errors import DatasetCorruptError, DatasetFolderError
from simloom.sim.dataset.verify import verify_dataset
from simloom.sim.derive import split_dataset
from simloom.sim.errors import UsageError
from simloom.sim.real.robomimic import import_robomimic

LENGTHS = {0: 5, 2: 3, 10: 4}


def _write(path: Path) -> dict[int, dict[str, np.ndarray]]:
    """Write three demonstrations as robomimic lays them out; returns their arrays."""
    made = {}
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs["total"] = sum(LENGTHS.values())
        data.attrs["env_args"] = '{"env_name": "Lift", "env_type": 1, "env_kwargs": {}}'
        file.create_dataset("mask/train", data=np.array([b"demo_0", b"demo_2"]))
        for number, length in LENGTHS.items():
            draw = np.random.default_rng([4, number])
            arrays = {
                "actions": draw.uniform(-1, 1, (length, 7)),
                "rewards": np.eye(length)[-1],
                "dones": (np.arange(length) == length - 1).astype(np.int64) * (number != 2),
                "states": draw.normal(size=(length, 32)),
                "obs/agentview_image": draw.integers(0, 255, (length, 20, 24, 3), dtype=np.uint8),
                "obs/robot0_eye_in_hand_image": draw.integers(0, 255, (length, 16, 16, 3), dtype=np.uint8),
                "obs/agentview_depth": draw.random((length, 20, 24, 1)).astype(np.float32),
                "obs/robot0_joint_pos": draw.normal(size=(length, 7)),
                "obs/robot0_gripper_qpos": draw.normal(size=(length, 2)),
                "obs/robot0_joint_vel": draw.normal(size=(length, 7)),
                "obs/robot0_gripper_qvel": draw.normal(size=(length, 2)),
                "obs/robot0_eef_pos": draw.normal(size=(length, 3)),
                "next_obs/robot0_eef_pos": draw.normal(size=(length, 3)),
            }
            demo = data.create_group(f"demo_{number}")
            demo.attrs["num_samples"] = length
            for name, array in arrays.items():
                demo.create_dataset(name, data=array, compression="gzip" if "image" in name else None)
            made[number] = arrays
    return made


def test_demonstrations_become_episodes(tmp_path: Path) -> None:
    """Every step of every demonstration is a row with its image, action, reward, end and joints."""
    made = _write(tmp_path / "lift.hdf5")
    done = import_robomimic(tmp_path / "lift.hdf5", out=tmp_path / "out", rows_per_shard=5, is_real=False)
    dataset = done.dataset

    assert dataset["sample/scenario"].tolist() == [0] * 5 + [2] * 3 + [10] * 4
    assert [len(rows) for rows in dataset.episodes()] == list(LENGTHS.values())
    assert dataset["sample/is_real"].tolist() == [0] * 12
    for (number, arrays), rows in zip(made.items(), dataset.episodes(), strict=True):
        found = dataset.read_rows(rows)
        assert np.array_equal(found["task/action"], arrays["actions"].astype(np.float32))
        assert np.array_equal(found["task/reward"], arrays["rewards"].astype(np.float32))
        assert np.array_equal(found["task/terminated"], arrays["dones"])
        assert found["task/truncated"].tolist() == [0] * (len(rows) - 1) + [int(number == 2)]
        assert np.array_equal(found["sensor/agentview/rgb"], arrays["obs/agentview_image"])
        assert np.array_equal(found["sensor/robot0_eye_in_hand/rgb"], arrays["obs/robot0_eye_in_hand_image"])
        joints = np.concatenate([arrays["obs/robot0_joint_pos"], arrays["obs/robot0_gripper_qpos"]], axis=1)
        assert np.array_equal(found["state/joint_position"], joints)
        assert found["sample/step"].tolist() == list(range(len(rows)))
    assert done.skipped == {
        "array states: no array holds it": 1,
        "next_obs: is obs of the next step": 1,
        "observation agentview_depth: depth of a unit that the file does not tell": 1,
        "observation robot0_eef_pos: no array holds it": 1,
    }
    report = verify_dataset(tmp_path / "out")
    assert report.ok, report.lines()
    assert (tmp_path / "out" / "contact_sheet.png").exists()


def test_an_episode_is_in_one_part(tmp_path: Path) -> None:
    """Divided by scenario, no demonstration is in two parts; images can be fitted to one size."""
    _write(tmp_path / "lift.hdf5")
    dataset = import_robomimic(tmp_path / "lift.hdf5", out=tmp_path / "out", size=(12, 10)).dataset
    parts = split_dataset(dataset, fractions={"train": 0.5, "val": 0.5}).parts
    worlds = [set(part.array("sample/scenario", part.rows).tolist()) for part in parts.values()]

    assert not set.intersection(*worlds) or len(worlds) == 1
    assert dataset["sensor/robot0_eye_in_hand/rgb"].shape == (12, 10, 12, 3)
    assert set(dataset["sample/is_real"].tolist()) == {1}


def test_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    """Demonstrations without actions, of unequal lengths, or with other arrays are left out by name of the reason."""
    _write(tmp_path / "lift.hdf5")
    with h5py.File(tmp_path / "lift.hdf5", "a") as file:
        del file["data/demo_2/rewards"]
        file["data/demo_2/rewards"] = np.zeros(2)
        del file["data/demo_10/obs/agentview_image"]
        file["data/demo_11/rewards"] = np.zeros(2)
        file["data/extra"] = np.zeros(2)
        file["data/\x1b[31m"] = np.zeros(2)
    done = import_robomimic(tmp_path / "lift.hdf5", out=tmp_path / "out")

    assert len(done.dataset) == 5
    assert done.skipped["demonstration whose arrays differ in length"] == 1
    assert done.skipped["demonstration with other arrays than the first"] == 1
    assert done.skipped["demonstration without actions"] == 1
    assert done.skipped["data/extra is no demonstration"] == 1
    assert done.skipped["data/??31m is no demonstration"] == 1  # nothing that a terminal would obey


def _external(file: Any) -> None:
    file["data/demo_0/obs/more"] = h5py.ExternalLink("/etc/hostname", "/")


def _soft(file: Any) -> None:
    file["data/demo_0/obs/more"] = h5py.SoftLink("/data")


def _cycle(file: Any) -> None:
    file["data/demo_0/obs/more"] = file["data/demo_0"]


def _text(file: Any) -> None:
    file["data/demo_0/obs/more"] = ["a", "bc"]


def _bomb(file: Any) -> None:
    file.create_dataset("data/demo_0/obs/more", shape=(1 << 20, 1 << 10, 1 << 10), dtype="f4", chunks=(1, 64, 64))


def _virtual(file: Any) -> None:
    layout = h5py.VirtualLayout(shape=(5, 3), dtype="f8")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", shape=(5, 3))
    file.create_virtual_dataset("data/demo_0/obs/more", layout)


def _outside(file: Any) -> None:
    file.create_dataset("data/demo_0/obs/more", (5,), "f8", external=[("/etc/hostname", 0, 40)])


def _replaced(file: Any) -> None:
    del file["data"]
    file["data"] = h5py.ExternalLink("/etc/hostname", "/")


@pytest.mark.parametrize("change", [_external, _soft, _cycle, _text, _bomb, _virtual, _outside, _replaced])
def test_hostile_files_are_refused(tmp_path: Path, change: Callable[[Any], None]) -> None:
    """Links, circles, texts, shape bombs, virtual and external storage are one clear error; nothing is written."""
    _write(tmp_path / "lift.hdf5")
    with h5py.File(tmp_path / "lift.hdf5", "a") as file:
        change(file)
    with pytest.raises(DatasetCorruptError):
        import_robomimic(tmp_path / "lift.hdf5", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_files_are_answered(tmp_path: Path) -> None:
    """No file, a text, a cut file and a file without demonstrations are refused in one sentence."""
    with pytest.raises(UsageError, match="is not there"):
        import_robomimic(tmp_path / "none.hdf5", out=tmp_path / "out")
    (tmp_path / "text.hdf5").write_text("text")
    with pytest.raises(DatasetCorruptError, match="not a readable HDF5 file"):
        import_robomimic(tmp_path / "text.hdf5", out=tmp_path / "out")
    _write(tmp_path / "lift.hdf5")
    (tmp_path / "cut.hdf5").write_bytes((tmp_path / "lift.hdf5").read_bytes()[:3000])
    with pytest.raises(DatasetCorruptError):
        import_robomimic(tmp_path / "cut.hdf5", out=tmp_path / "out")
    with h5py.File(tmp_path / "empty.hdf5", "w") as file:
        file.create_group("data")
    with pytest.raises(DatasetFolderError, match="nothing can be imported"):
        import_robomimic(tmp_path / "empty.hdf5", out=tmp_path / "out")
