"""Scenes as a user would make them: resetSimulation, loadURDF with visuals for everything, a second of steps, poses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pybullet
import pybullet_data

from simloom.scenes.quiet import quiet_output

_DATA = pybullet_data.getDataPath()


class NaiveScenes:
    """Makes worlds of the tabletop's or the yard's kind, one after another.

    Args:
        scene: tabletop or driving.
        objects: Objects of a world.
    """

    def __init__(self, scene: str, objects: int) -> None:
        self._scene, self._objects = scene, objects
        self._client = pybullet.connect(pybullet.DIRECT)

    def make(self, draws: Sequence[Mapping[str, Any]], steps: int) -> int:
        """Make a world of each draw: asset, x, y and mass of the objects; returns the number of poses read."""
        return sum(self._make(draw, steps) for draw in draws)

    def _make(self, draw: Mapping[str, Any], steps: int) -> int:
        client = self._client
        pybullet.resetSimulation(physicsClientId=client)
        pybullet.setGravity(0, 0, -9.81, physicsClientId=client)
        pybullet.loadURDF(f"{_DATA}/plane.urdf", physicsClientId=client)
        top, scale, spread = 0.0, 6.0, (-6.0, 12.0, -6.0, 12.0)
        if self._scene == "tabletop":
            pybullet.loadURDF(f"{_DATA}/table/table.urdf", [0.4, 0.0, 0.0], physicsClientId=client)
            top, scale, spread = 0.63, 1.0, (0.28, 0.4, -0.36, 0.72)
            robot = pybullet.loadURDF(
                f"{_DATA}/franka_panda/panda.urdf", [0.0, 0.0, top], useFixedBase=1, physicsClientId=client
            )
        else:
            with quiet_output(1, 2):  # it warns of each link without a mass
                robot = pybullet.loadURDF(f"{_DATA}/husky/husky.urdf", [0.0, 0.0, 0.2], physicsClientId=client)
            for wall in range(4):
                half = [1.5, 0.1, 0.6]
                pybullet.createMultiBody(
                    0.0,
                    pybullet.createCollisionShape(pybullet.GEOM_BOX, halfExtents=half, physicsClientId=client),
                    pybullet.createVisualShape(pybullet.GEOM_BOX, halfExtents=half, physicsClientId=client),
                    [7.0 * (-1) ** wall, 3.0 * (wall - 1.5), 0.6],
                    physicsClientId=client,
                )
        bodies = []
        for k in range(self._objects):
            number = int(draw["asset"][k])
            place = [spread[0] + spread[1] * draw["x"][k], spread[2] + spread[3] * draw["y"][k]]
            body = pybullet.loadURDF(
                f"{_DATA}/random_urdfs/{number:03d}/{number:03d}.urdf",
                [*place, top + 0.06 * scale * (1 + k // 3)],
                globalScaling=scale,
                physicsClientId=client,
            )
            pybullet.changeDynamics(body, -1, mass=float(draw["mass"][k]), physicsClientId=client)
            bodies.append(body)
        for _ in range(steps):
            pybullet.stepSimulation(physicsClientId=client)
        poses = [pybullet.getBasePositionAndOrientation(body, physicsClientId=client) for body in bodies]
        count = pybullet.getNumJoints(robot, physicsClientId=client)
        links = pybullet.getLinkStates(robot, list(range(count)), physicsClientId=client)
        pybullet.getContactPoints(physicsClientId=client)
        return len(poses) + len(links)

    def close(self) -> None:
        """Give back the client."""
        pybullet.disconnect(physicsClientId=self._client)


def draw_objects(count: int, objects: int, seed: int) -> list[dict[str, Any]]:
    """Draw asset, place and mass of the objects of some worlds."""
    rng = np.random.default_rng(seed)
    return [
        {
            # 168 came out of its exporter as NaN.
            "asset": rng.integers(0, 168, objects) + 200 * rng.integers(1, 4, objects),
            "x": rng.uniform(size=objects),
            "y": rng.uniform(size=objects),
            "mass": np.exp(rng.uniform(np.log(0.03), np.log(0.6), objects)),
        }
        for _ in range(count)
    ]
