"""Show recorded motion: a robot in its yard, what its wheels tell of its way, what an arm's hand feels.

Run: python examples/sensors/show_motion.py motion.png
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent / "gallery"))  # its drawing

from drawing import Image, expose

from simloom.kernels.transforms import look_at, quaternion_from_pose
from simloom.renderers import Raster
from simloom.scenes import Stage, draw_scenario, make_scene

RADIUS, TRACK = 0.17775, 0.5708
"""Radius of the Husky's wheels and distance between its sides [m]."""
PIECES = {"drive.speed": {"uniform": [0.3, 0.9]}, "drive.turn": {"uniform": [-1.2, 1.2]}, "drive.time": 0.6}


def stage_drives(width: int = 400, window: float = 4.0) -> tuple[list[Stage], list[Image]]:
    """Make three drives and a picture of each, seen from behind."""
    eye, target = (-2.3, 0.9, 1.3), (0.7, -0.1, 0.1)
    behind = quaternion_from_pose(look_at(eye, target)).tolist()
    size = {"width": width, "height": width * 3 // 4, "field_of_view": 1.15}
    rig = {
        "behind": {"camera": "generic_rgb", "mount": "husky/base_link", "position": eye, "quaternion": behind} | size
    }
    scene = make_scene("driving", {"rig": rig, "overrides": PIECES, "window": window})
    found, index = [], 0
    while len(found) < 3:
        stage = scene.stage(draw_scenario(scene.space, seed=12, index=index))
        index += 1
        if stage.valid and stage.margins["clearance"] > 0.1:
            found.append(stage)
    cameras = [stage.cameras["behind"][0] for stage in found]
    raster = Raster(scene.library, supersample=2)
    pictures = []
    for stage, camera in zip(found, cameras, strict=True):
        radiance = raster.render([stage.snapshots[0]], [camera], outputs=("colour",)).colour[0, 0]
        pictures.append(expose(radiance, float(np.percentile(radiance, 95)) * 1.2))
    scene.close()
    return found, pictures


def stage_arm(window: float = 1.0) -> Stage:
    """Make a tabletop whose arm moves fast."""
    rig = {"wrist": {"depth": "realsense_d435", "width": 32, "height": 24, "mount": "panda/hand"}}
    scene = make_scene("tabletop", {"rig": rig, "overrides": {"motion.speed": 1.0}, "window": window})
    stage = scene.stage(draw_scenario(scene.space, seed=2, index=3))
    scene.close()
    return stage


def odometry(stage: Stage) -> tuple[Any, Any, Any, Any]:
    """Return, over the window, speed and turn rate of the base and those that its wheels tell without slip."""
    motion = stage.motion
    assert motion is not None
    frame = motion.frames["husky/base_link"]
    ahead = (frame.pose[:, :3, 0] * frame.linear_velocity).sum(axis=1)
    left, right = motion.joint_velocity[:, [0, 2]].mean(axis=1), motion.joint_velocity[:, [1, 3]].mean(axis=1)
    return ahead, frame.angular_velocity[:, 2], RADIUS * (left + right) / 2, RADIUS * (right - left) / TRACK


def compensate(stage: Stage) -> tuple[Any, Any]:
    """Return the force that the hand exerts on the arm [N], and what of it is neither weight nor inertia."""
    motion = stage.motion
    assert motion is not None
    load, pose = motion.load["panda/hand"], motion.frames["panda/hand"].pose
    step = 1e-9 * float(motion.time[1] - motion.time[0])
    rate = np.gradient(load.center_velocity, step, axis=0) + np.array([0.0, 0.0, motion.gravity])
    own = -load.mass * np.stack([(pose[:, :3, k] * rate).sum(axis=1) for k in range(3)], axis=1)
    force = motion.wrench["panda/hand"][:, :3]
    return force, force - own


def draw_motion(width: int = 400) -> bytes:
    """Draw all of it as a PNG with a palette."""
    import matplotlib.pyplot as plt
    from PIL import Image as Pictures

    stages, pictures = stage_drives(width)
    figure, axes = plt.subplots(2, 3, figsize=(11.0, 6.6), dpi=100, height_ratios=(1.05, 1.0))
    for axis, picture in zip(axes[0], pictures, strict=True):
        axis.imshow(picture)
        axis.set_axis_off()
    ahead, turn, told, told_turn = odometry(stages[0])
    time = 1e-9 * (stages[0].motion.time - stages[0].motion.time[-1])
    axes[1, 0].plot(time, told, label="wheels, without slip", color="tab:orange")
    axes[1, 0].plot(time, ahead, label="base", color="tab:blue", linewidth=1.0)
    axes[1, 0].set(title="Yard 1: speed ahead [m/s]", xlabel="time to the row's instant [s]")
    axes[1, 1].plot(time, told_turn, color="tab:orange")
    axes[1, 1].plot(time, turn, color="tab:blue", linewidth=1.0)
    axes[1, 1].set(title="Yard 1: turn rate [rad/s]", xlabel="time to the row's instant [s]")
    axes[1, 0].legend(loc="best", fontsize=8)
    arm = stage_arm()
    force, left = compensate(arm)
    time = 1e-9 * (arm.motion.time - arm.motion.time[-1])
    for k, name in enumerate("xyz"):
        axes[1, 2].plot(time, force[:, k], label=name, color=f"C{k}")
        axes[1, 2].plot(time, left[:, k], color=f"C{k}", linestyle=":")
    axes[1, 2].set(title="Panda's hand: force on the arm [N];\ndotted: less weight and inertia", xlabel="time [s]")
    axes[1, 2].legend(loc="best", fontsize=8)
    for axis in axes[1]:
        axis.grid(alpha=0.3)
    figure.tight_layout()
    raw, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(raw)
    plt.close(figure)
    Pictures.open(raw).convert("RGB").quantize(256).save(packed, "PNG", optimize=True)
    return packed.getvalue()


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else "motion.png").write_bytes(draw_motion())
