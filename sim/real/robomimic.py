"""Import demonstrations of a robomimic HDF5 file."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..dataset.byte_source import LocalFile
from ..dataset.errors import DatasetCorruptError
from ..dataset.plain_file import hash_plain
from ..dataset.specs import Array
from ..errors import UsageError
from .fit import Fit, Frame
from .import_rows import Imported, ImportPlan, merge_counts, write_import
from .plain_hdf5 import find_arrays

_DEMO = re.compile(r"demo_([0-9]{1,9})")
_NOT_A_NAME = re.compile(r"[^a-z0-9_]")
_NOT_SHOWN = re.compile(r"[^\w. /\-]")
_KEPT_BYTES = 256 << 20
_JOINTS: Mapping[str, tuple[str, ...]] = {
    "state/joint_position": ("robot0_joint_pos", "robot0_gripper_qpos"),
    "state/joint_velocity": ("robot0_joint_vel", "robot0_gripper_qvel"),
}


@dataclass(frozen=True, kw_only=True)
class _Demo:
    """One demonstration: its arrays by name, each with a row a step."""

    number: int
    length: int
    arrays: Mapping[str, Any]

    def schema(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Tell shape of a row and kind of number of every array."""
        return {name: (array.shape[1:], array.dtype.kind) for name, array in self.arrays.items()}


def import_robomimic(
    path: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str],
    size: tuple[int, int] | None = None,
    fit: Fit = "letterbox",
    is_real: bool = True,
    codec: str = "deflate",
    rows_per_shard: int | None = None,
    allow_mixed: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Copy the demonstrations of a robomimic file into a dataset; the same call again resumes.

    A demonstration is a world and an episode, each of its steps a row: images as `sensor/<camera>/rgb`, actions,
    rewards and ends as `task/...`, joints of arm and gripper as `state/joint_position` and `state/joint_velocity`. The
    file is read, never changed; observations that no array of a dataset holds are counted.

    Args:
        path: The HDF5 file.
        out: Folder of the dataset.
        size: Width and height of the rows' images [pixel]; by default as they are.
        fit: "letterbox" keeps the sides' ratio and pads with black, "resize" stretches.
        is_real: False for demonstrations in a simulator, such as those that robomimic publishes of robosuite.
        codec: "deflate", "raw" or "zstd".
        rows_per_shard: Rows of one file; by default as many as fill 64 MiB.
        allow_mixed: Resume although images were fitted on another platform.
        progress: Called after each shard with the rows that are there and those wanted.

    Returns:
        The dataset, and what was left out.

    Raises:
        UsageError: The file is not there, or an argument cannot be.
        DatasetCorruptError: It is no such file, or holds links, texts, or declares more than it holds.
        DatasetError: Nothing can be imported, or a write was refused.

    Example:
        >>> import_robomimic("lift/image.hdf5", out="data/lift").dataset.episodes()[0]
        array([0, 1, 2, 3])
    """
    source = Path(path)
    frame = None if size is None else Frame(width=size[0], height=size[1], fit=fit)
    try:
        file = LocalFile(source)
    except FileNotFoundError:
        raise UsageError(f"{source} is not there; give an HDF5 file of robomimic") from None
    try:
        with file.open_hdf5() as opened:
            skipped: Counter[str] = Counter()
            demos = _find_demos(find_arrays(opened, str(source), file.size, "data"), skipped)
            plan = _plan(demos, frame, skipped, hash_plain(source)[0], fit, is_real)
            return write_import(
                plan, out, codec=codec, rows_per_shard=rows_per_shard, allow_mixed=allow_mixed, progress=progress
            )
    except (OSError, RuntimeError, KeyError) as error:
        raise DatasetCorruptError(f"{source}: not a readable HDF5 file: {str(error).splitlines()[0]}") from None
    finally:
        file.close()


def _find_demos(arrays: Mapping[str, Any], skipped: Counter[str]) -> list[_Demo]:
    """Group arrays by demonstration; those that do not fit the first are counted and left out."""
    groups: dict[int, dict[str, Any]] = {}
    for path, array in arrays.items():
        demo, _, name = path.partition("/")
        match = _DEMO.fullmatch(demo)
        if match is None or not name:
            skipped[f"data/{_spell(demo)} is no demonstration"] += 1
        else:
            groups.setdefault(int(match[1]), {})[name] = array
    demos: list[_Demo] = []
    for number in sorted(groups):
        found = groups[number]
        actions = found.get("actions")
        if actions is None or len(actions.shape) != 2 or 0 in actions.shape or actions.dtype.kind == "b":
            skipped["demonstration without actions"] += 1
            continue
        wanted = {name: array for name, array in found.items() if _is_wanted(name, array, skipped, first=not demos)}
        length = actions.shape[0]
        demo_ = _Demo(number=number, length=length, arrays=wanted)
        if any(len(array.shape) < 1 or array.shape[0] != length for array in wanted.values()):
            skipped["demonstration whose arrays differ in length"] += 1
        elif demos and demo_.schema() != demos[0].schema():
            skipped["demonstration with other arrays than the first"] += 1
        else:
            demos.append(demo_)
    return demos


def _is_wanted(name: str, array: Any, skipped: Counter[str], *, first: bool) -> bool:
    """Tell whether an array has a place in a dataset; what has none is counted once, by its name."""
    shape, kind = array.shape, array.dtype.kind
    if name in ("actions", "rewards", "dones"):
        return name == "actions" or len(shape) == 1
    if name.startswith("obs/"):
        key = name[4:]
        if len(shape) == 4 and shape[3] == 3 and array.dtype == np.uint8 and min(shape[1:]) > 0:
            return True
        if any(key in keys for keys in _JOINTS.values()) and len(shape) == 2 and shape[1] > 0 and kind == "f":
            return True
        if first:
            reason = "depth of a unit that the file does not tell" if "depth" in key else "no array holds it"
            skipped[f"observation {_spell(key)}: {reason}"] += 1
    elif first and name.startswith("next_obs/"):
        skipped["next_obs: is obs of the next step"] = 1
    elif first:
        skipped[f"array {_spell(name.partition('/')[0])}: no array holds it"] = 1
    return False


def _spell(name: str) -> str:
    """Show a name that somebody else chose: short, and nothing that a terminal would obey."""
    return _NOT_SHOWN.sub("?", name)[:60]


def _plan(
    demos: list[_Demo], frame: Frame | None, skipped: Counter[str], sha256: str, fit: str, is_real: bool
) -> ImportPlan:
    first = demos[0].arrays if demos else {}
    cameras = _name_cameras([name for name, array in first.items() if len(array.shape) == 4])
    joints = {target: [f"obs/{key}" for key in keys if f"obs/{key}" in first] for target, keys in _JOINTS.items()}
    joints = {target: keys for target, keys in joints.items() if keys}
    counts = {target: sum(first[key].shape[1] for key in keys) for target, keys in joints.items()}
    if len(set(counts.values())) > 1:
        del joints["state/joint_velocity"]
        skipped["velocities of other joints than the positions"] = 1
    lengths = np.array([demo.length for demo in demos], np.int64)
    starts = np.cumsum([0, *lengths.tolist()])

    @lru_cache(maxsize=32)
    def whole(number: int, name: str) -> Array:
        return np.asarray(by_number[number].arrays[name][()])

    by_number = {demo.number: demo for demo in demos}

    def value(demo: _Demo, name: str, step: int) -> Array:
        array = demo.arrays[name]
        # A chunk may span many steps: whole arrays are read once where they are small.
        if array.nbytes <= _KEPT_BYTES // 32:
            return np.asarray(whole(demo.number, name)[step])
        return np.asarray(array[step])

    def make_row(row: int) -> dict[str, Array]:
        place = int(np.searchsorted(starts, row, side="right")) - 1
        demo, step = demos[place], row - int(starts[place])
        arrays = {"task/action": value(demo, "actions", step).astype(np.float32)}
        done = bool(value(demo, "dones", step)) if "dones" in first else False
        arrays["task/terminated"] = np.array(done, np.uint8)
        arrays["task/truncated"] = np.array(step == demo.length - 1 and not done, np.uint8)
        if "rewards" in first:
            arrays["task/reward"] = value(demo, "rewards", step).astype(np.float32)
        for name, camera in cameras.items():
            image = value(demo, name, step)
            placed = image if frame is None else frame.place(image.shape[1], image.shape[0]).colour(image)
            arrays[f"sensor/{camera}/rgb"] = placed
        for target, keys in joints.items():
            arrays[target] = np.concatenate([value(demo, key, step).astype(np.float64) for key in keys])
        return arrays

    return ImportPlan(
        settings={
            "format": "robomimic",
            "file_sha256": sha256,
            "demonstrations": len(demos),
            "size": None if frame is None else [frame.width, frame.height],
            "fit": fit,
            "is_real": is_real,
        },
        tables={"classes": {}, "cameras": {camera: {} for camera in cameras.values()}},
        scenario=np.repeat(np.array([demo.number for demo in demos], np.int64), lengths),
        step=np.arange(starts[-1]) - np.repeat(starts[:-1], lengths),
        view=np.zeros(starts[-1]),
        make_row=make_row,
        skipped=merge_counts(skipped),
        is_real=is_real,
    )


def _name_cameras(names: list[str]) -> dict[str, str]:
    """Name cameras as a dataset can: `obs/agentview_image` is agentview."""
    cameras: dict[str, str] = {}
    for name in sorted(names):
        plain = _NOT_A_NAME.sub("_", name[4:].lower().removesuffix("_image"))[:24]
        plain = plain if plain[:1].isalpha() else f"camera_{plain}"
        while plain in cameras.values():
            plain += "_"
        cameras[name] = plain
    return cameras
