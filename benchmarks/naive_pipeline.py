"""A dataset script as a user would write it: PyBullet, TinyRenderer with shadow, NumPy noise, h5py with gzip.

Physics is our own scene, so that both sides settle the same worlds from the same draws; the rest is the user's. One
process holds one `NaivePipeline`; as many run side by side as ours has workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from naive_sensors import from_srgb, measure_depth, photograph
from naive_writer import write_rows
from numpy.typing import NDArray
from scene_views import body_colors, describe_bodies, make_view, object_poses
from tiny_world import TinyWorld, metric_depth

from simloom.kernels.profiles import load_camera_profile
from simloom.kernels.responsivity import electrons_per_radiance
from simloom.scenes.stage import Stage
from simloom.sim.campaign.plan import make_plan
from simloom.sim.recipe import load_recipe

Rows = dict[str, NDArray[Any]]


class NaivePipeline:
    """Makes rows of a recipe, one scenario after another.

    Args:
        recipe: The recipe, with one sensor named `head`.
    """

    def __init__(self, recipe: Mapping[str, Any]) -> None:
        self._plan = make_plan(load_recipe(recipe))
        self._scene: Any = self._plan.scene
        self._shapes = self._plan.capturer().shapes
        self._world = TinyWorld()
        self._rng = np.random.default_rng(0)

    def settle(self, indices: Iterable[int]) -> int:
        """Make worlds and nothing else: the bound that physics sets."""
        return sum(self._stage(index).valid for index in indices)

    def make(self, indices: Sequence[int], path: str) -> int:
        """Make the rows of some scenarios and write them to a file; returns their number."""
        parts = [self._make_scenario(self._stage(index)) for index in indices]
        rows = {name: np.concatenate([part[name] for part in parts]) for name in self._shapes}
        write_rows(Path(path), rows)
        return len(rows["sample/index"])

    def close(self) -> None:
        """Give back both physics clients."""
        self._world.close()
        self._scene.close()

    def _stage(self, index: int) -> Stage:
        for attempt in range(self._plan.attempts):
            stage: Stage = self._scene.stage(self._plan.sampler.propose(index, attempt))
            if stage.valid:
                break
        return stage

    def _make_scenario(self, stage: Stage) -> Rows:
        recipe = self._plan.recipe
        views, looks, mount = recipe.views, recipe.looks, self._scene.rig.mounts[0]
        rows: Rows = {name: np.zeros((views * looks, *shape), dtype) for name, (dtype, shape) in self._shapes.items()}
        self._fill_truth(stage, rows)
        if not stage.valid:
            return rows
        robot, bodies, fixed = describe_bodies(self._scene, stage)
        self._world.load_robot(robot)
        self._world.load_bodies(bodies)
        rgb = np.zeros((views * looks, mount.height, mount.width, 3), np.uint8)
        depth = np.zeros((views, mount.height, mount.width), np.float32)
        focal = np.zeros(views)
        objects = object_poses(stage.snapshots[0])
        for v, (camera, snapshot) in enumerate(zip(stage.cameras["head"], stage.snapshots, strict=True)):
            block = slice(v * looks, (v + 1) * looks)
            for look in range(looks):
                view = make_view(camera, snapshot, stage.state["joint_position"].tolist(), fixed, objects, look)
                if look == 0:
                    self._world.place(view)
                self._world.paint(body_colors(snapshot, look))
                rgba, buffer, mask = self._world.shoot(view, camera.width, camera.height)
                rgb[v * looks + look] = rgba[..., :3]
            depth[v], focal[v] = metric_depth(buffer, mask, view), camera.fx
            instance, class_id = self._world.labels(mask)
            rows["label/head/instance"][block], rows["label/head/class"][block] = instance, class_id
            rows["label/head/box_visible"][block] = visible_boxes(instance, self._scene.slots)
            rows["label/head/box_amodal"][block] = projected_boxes(stage.object, camera)
            rows["camera/head/intrinsics"][block] = camera.intrinsics
            rows["camera/head/pose_world_camera"][block] = camera.pose_world_camera
        # White at 90 % of saturation.
        profile = load_camera_profile("generic_rgb")
        exposure = np.full(views * looks, 0.9 * profile.full_well / electrons_per_radiance(profile).max())
        rows["sensor/head/rgb"][:] = photograph(from_srgb(rgb), exposure, self._rng)
        rows["sensor/head/exposure_time"][:] = exposure
        repeated = np.repeat(depth, looks, axis=0)
        measured = measure_depth(repeated, np.repeat(focal, looks)[:, None, None].astype(np.float32), self._rng)
        rows["sensor/head/depth"][:], rows["sensor/head/depth_status"][:] = measured
        return rows

    def _fill_truth(self, stage: Stage, rows: Rows) -> None:
        scenario, count = stage.scenario, len(rows["sample/index"])
        rows["sample/index"][:] = scenario.index * count + np.arange(count)
        rows["sample/scenario"][:] = scenario.index
        rows["sample/view"][:] = np.repeat(np.arange(scenario.view_count), scenario.look_count)
        rows["sample/look"][:] = np.tile(np.arange(scenario.look_count), scenario.view_count)
        rows["sample/valid"][:] = stage.valid
        rows["sample/u"][:] = scenario.u.reshape(count, -1)
        for prefix, arrays in (("state", stage.state), ("object", stage.object)):
            for name, array in arrays.items():
                if f"{prefix}/{name}" in rows:
                    rows[f"{prefix}/{name}"][:] = array
        for name, array in stage.param.items():
            rows[f"param/{name}"][:] = array.reshape(count, *array.shape[2:])


def visible_boxes(instance: NDArray[Any], slots: int) -> NDArray[np.float32]:
    """Return the tight box of each instance's pixels (x_min, y_min, x_max, y_max), shape (slots, 4), 0 = unseen."""
    boxes = np.zeros((slots, 4), np.float32)
    for slot in range(slots):
        mask = instance == slot + 1
        columns, lines = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
        if len(columns):
            boxes[slot] = (columns[0], lines[0], columns[-1] + 1, lines[-1] + 1)
    return boxes


def projected_boxes(objects: Mapping[str, NDArray[Any]], camera: Any) -> NDArray[np.float32]:
    """Return boxes around the projected corners of each object's 3D box: the usual stand-in for amodal boxes."""
    pose = camera.pose_world_camera
    local = (objects["box_corners"] - pose[:3, 3]) @ pose[:3, :3]
    z = np.maximum(local[..., 2], camera.near)
    x = np.clip(camera.fx * local[..., 0] / z + camera.cx, 0, camera.width)
    y = np.clip(camera.fy * local[..., 1] / z + camera.cy, 0, camera.height)
    boxes = np.stack([x.min(axis=1), y.min(axis=1), x.max(axis=1), y.max(axis=1)], axis=1)
    return np.asarray(boxes * objects["valid"][:, None]).astype(np.float32)
