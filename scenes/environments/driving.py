"""The yard as an environment: drive to a goal point and touch nothing."""

from __future__ import annotations

import math
from collections import deque
from typing import Any, ClassVar, Final

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ..distributions import Uniform
from ..driving import MAX_TILT, DrivingScene
from ..driving_layout import Yard, plan_yard
from ..scene import make_scene
from ..space import Parameter
from ..stage import Stage
from ..wheeled_robot import WHEEL_TORQUE, wheel_speeds
from .drive_expert import DriveExpert
from .environment import SceneEnvironment, render_modes
from .moment import Moment, PhysicalScene
from .policy import Policy
from .task import Arrays, Outcome, Reader, Task, bounded
from .vector import SceneVectorEnvironment
from .yard_scan import BEAMS, REACH, YardScan

TOP_SPEED: Final = 1.0
"""Speed that an action of 1 asks for [m/s]."""
TOP_TURN: Final = 1.5
"""Turn rate that an action of 1 asks for [rad/s]."""
ARRIVED: Final = 0.5
"""Distance of the robot's base to the goal at which it has arrived [m]."""
_SUBSTEPS: Final = 24
_CHECK: Final = 6
_FREE: Final = 0.7
"""What is left free around a goal [m]."""
_FAR: Final = 60.0
_TRIES: Final = 400
_GOLDEN: Final = math.pi * (3.0 - math.sqrt(5.0))
_CHASE: Final = {
    "head": {
        "camera": "generic_rgb",
        "mount": "husky/base_link",
        "position": (-1.5, 0.0, 1.3),
        # Ahead, and down by 25 degrees.
        "quaternion": (0.5963678, -0.5963678, 0.3799282, -0.3799282),
        "field_of_view": 1.2,
    }
}
"""A camera that follows the robot."""
_AT_REST: Final = {"drive.time": 0.0, "drive.speed": 0.0, "drive.turn": 0.0}


def _planar(moment: Moment) -> tuple[float, float, float]:
    """Return where the robot's base is [m] and which way it points [rad]."""
    base = moment.links[0]
    return float(base[0, 3]), float(base[1, 3]), math.atan2(float(base[1, 0]), float(base[0, 0]))


def _yard(scene: DrivingScene, stage: Stage) -> Yard:
    first = {name: value[0, 0] for name, value in stage.param.items()}
    return plan_yard(first, scene.assets.assets, scene.class_names)


GOAL: Final = tuple(
    Parameter(
        name=f"goal.{name}",
        distribution=Uniform(low=low, high=high),
        unit=unit,
        meaning=meaning,
        group="objects",
        when="reset",
        allowed=allowed,
    )
    for name, low, high, unit, meaning, allowed in (
        ("distance", 2.0, 5.0, "m", "Distance of the goal from where the robot starts", (0.5, 40.0)),
        (
            "bearing",
            -math.pi,
            math.pi,
            "rad",
            "Its direction, to the left of where the robot points",
            (-math.pi, math.pi),
        ),
    )
)
"""Where the goal is."""


class DrivingReader(Reader):
    """How the robot moves, and how far it is to what stands around it.

    Args:
        scene: The scene.
    """

    def __init__(self, scene: DrivingScene) -> None:
        self._scene = scene
        self._scan = YardScan((), ())
        self.spaces = {
            "velocity": spaces.Box(-10.0, 10.0, (2,), dtype=np.float32),
            "up": spaces.Box(-1.0, 1.0, (3,), dtype=np.float32),
            "range": spaces.Box(0.0, REACH, (BEAMS,), dtype=np.float32),
        }

    def begin(self, stage: Stage) -> None:
        """Take note of what stands in the yard."""
        yard = _yard(self._scene, stage)
        self._scan = YardScan(yard.walls, (*yard.plans, *yard.clutter))

    def read(self, moment: Moment) -> Arrays:
        """Read all quantities."""
        x, y, heading = _planar(moment)
        base, v = moment.links[0], moment.linear
        forward = float(base[0, 0]) * float(v[0]) + float(base[1, 0]) * float(v[1]) + float(base[2, 0]) * float(v[2])
        found = {
            "velocity": (forward, float(moment.angular[2])),
            "up": base[2, :3],
            "range": self._scan.measure(x, y, heading, moment.bodies),
        }
        return {name: bounded(value, self.spaces[name]) for name, value in found.items()}


class DriveTask(Task):
    """Bring the robot to a goal point.

    Args:
        scene: The scene.
    """

    events: ClassVar = {
        "distance": float,
        "is_success": bool,
        "is_collision": bool,
        "is_tipped": bool,
        "is_outside": bool,
    }
    frames_per_second: ClassVar[int] = 10
    parameters = GOAL

    def __init__(self, scene: DrivingScene) -> None:
        self._scene = scene
        self.action_space = spaces.Box(-1.0, 1.0, (2,), dtype=np.float32)
        self.spaces = {"goal": spaces.Box(-_FAR, _FAR, (2,), dtype=np.float32)}
        self._goal, self._side = (0.0, 0.0), 0.0
        self._before, self._touched = 0.0, False
        self._told, self._most = [0.0, 0.0], 0.0
        self._late: deque[tuple[float, float]] = deque()
        self._torque = WHEEL_TORQUE

    def begin(self, stage: Stage, moment: Moment) -> str | None:
        """Put the goal where it was drawn, or at the nearest point of a spiral around it that is free, if there is."""
        yard = _yard(self._scene, stage)
        scan, self._side = YardScan(yard.walls, (*yard.plans, *yard.clutter)), yard.side
        x, y, heading = _planar(moment)
        away, turn = (float(stage.param[f"goal.{name}"][0, 0]) for name in ("distance", "bearing"))
        wanted = (x + away * math.cos(heading + turn), y + away * math.sin(heading + turn))
        inside = 0.5 * yard.side - _FREE
        for step in range(_TRIES):
            radius = 0.35 * math.sqrt(step)
            goal = (wanted[0] + radius * math.cos(step * _GOLDEN), wanted[1] + radius * math.sin(step * _GOLDEN))
            far = math.hypot(goal[0] - x, goal[1] - y) > 2.0 * ARRIVED
            if far and max(abs(goal[0]), abs(goal[1])) < inside and scan.gap(*goal, moment.bodies) > _FREE:
                self._goal = goal
                break
        else:
            return f"no point within the yard is free for a goal, by {_FREE:g} m"
        self._before, self._touched = self._distance(moment), False
        self._told, self._most = [0.0, 0.0], float(stage.param["drive.acceleration"][0, 0])
        delay = float(stage.param["actuator.delay"][0, 0])
        self._late = deque([(0.0, 0.0)] * round(delay / self._scene.world.time_step))
        self._torque = WHEEL_TORQUE * float(stage.param["actuator.torque"][0, 0])
        return None

    def _distance(self, moment: Moment) -> float:
        x, y, _ = _planar(moment)
        return math.hypot(self._goal[0] - x, self._goal[1] - y)

    def act(self, action: NDArray[np.float64]) -> None:
        """Drive for 0.1 s; commands change no faster than `drive.acceleration` says, and act after `actuator.delay`."""
        scene, world = self._scene, self._scene.world
        wanted = (TOP_SPEED * float(action[0]), TOP_TURN * float(action[1]))
        most = self._most * world.time_step
        for step in range(_SUBSTEPS):
            for axis in range(2):
                self._told[axis] += min(max(wanted[axis] - self._told[axis], -most), most)
            self._late.append((self._told[0], self._told[1]))
            speeds = wheel_speeds(scene.wheels, *self._late.popleft())
            world.drive_speeds(scene.robot, scene.wheels.joints, speeds, self._torque)
            world.step()
            if (step + 1) % _CHECK == 0:
                self._touched = self._touched or self._touches()

    def _touches(self) -> bool:
        """Whether the robot touches anything but the ground."""
        scene, found = self._scene, self._scene.world.contacts()
        mine = (found.bodies == scene.robot).any(axis=1) & ~(found.bodies == scene.robot).all(axis=1)
        return bool((mine & ~(found.bodies == scene.ground).any(axis=1) & (found.distance <= 0.0)).any())

    def make_expert(self) -> Policy:
        """Make a driver that steers for the goal, around what its ranges show."""
        return DriveExpert()

    def observe(self, moment: Moment) -> Arrays:
        """Return the goal as the robot sees it: metres ahead and to the left."""
        x, y, heading = _planar(moment)
        dx, dy = self._goal[0] - x, self._goal[1] - y
        cosine, sine = math.cos(heading), math.sin(heading)
        return {"goal": bounded((cosine * dx + sine * dy, cosine * dy - sine * dx), self.spaces["goal"])}

    def judge(self, moment: Moment) -> Outcome:
        """Reward the way made good [m], with 1 for arriving and -1 for what ends the episode otherwise."""
        distance = self._distance(moment)
        gained, self._before = self._before - distance, distance
        x, y, _ = _planar(moment)
        tipped = float(moment.links[0, 2, 2]) < math.cos(math.radians(MAX_TILT))
        outside = max(abs(x), abs(y)) > 0.5 * self._side
        failed = self._touched or tipped or outside
        arrived = distance < ARRIVED and not failed
        events = {
            "distance": distance,
            "is_success": arrived,
            "is_collision": self._touched,
            "is_tipped": tipped,
            "is_outside": outside,
        }
        return Outcome(reward=gained + arrived - failed, success=arrived, failure=failed, events=events)


class DrivingEnvironment(SceneEnvironment):
    """Drive a wheeled robot to a goal point in a yard, without touching anything.

    ## Description
    A Husky stands in a yard of 12 to 20 m with walls, boxes, pillars and other things. It steers by the speed of its
    sides and is to reach a point 2 to 5 m away. All that `simloom scenes driving` lists is randomized, and
    `goal.distance` [m] and `goal.bearing` [rad] beside it. A goal that is not free is moved to the nearest free point;
    where there is none, another yard is drawn.

    ## Action Space
    `Box(-1, 1, (2,), float32)`: the speed forwards, in units of 1 m/s, and the turn rate to the left, in units of
    1.5 rad/s. Commands change no faster than the parameter `drive.acceleration` says. A step is 0.1 s. With
    `randomize=[..., "robot"]` motors are stronger or weaker, and follow late.

    ## Observation Space
    `Dict`, float32 but for the picture:

    | name       | shape     | meaning                                                               |
    |------------|-----------|-----------------------------------------------------------------------|
    | `goal`     | (2,)      | the goal in the robot's frame: ahead, to the left [m]                 |
    | `velocity` | (2,)      | speed forwards [m/s], turn rate to the left [rad/s]                   |
    | `up`       | (3,)      | the world's upward axis in the robot's frame                          |
    | `range`    | (24,)     | distance from the base's origin to the nearest thing [m], at most 8   |
    | `image`    | (H, W, 3) | uint8 sRGB of the rig's first camera, with `images=True` only         |

    Ranges go to the boxes around walls, objects and distractors, 10 cm above the ground, in directions evenly around,
    the first ahead, then to the left.

    ## Rewards
    The way made good towards the goal [m]; 1 on arrival; -1 where the robot touches something, tips over or leaves the
    yard. `info` holds `distance`, `is_success`, `is_collision`, `is_tipped` and `is_outside`.

    ## Starting State
    Objects and robot at rest. `reset(seed=...)` starts a series of episodes, a `reset()` takes the next.
    `options={"parameters": {"object_count": 4}}` sets parameters as a recipe does, `options={"u": ...}` gives all
    coordinates. `info` holds `seed`, `episode`, `attempt` and `margins`.

    ## Episode End
    Terminated within 0.5 m of the goal, by a collision, a tilt of 30 degrees, or beyond the yard; truncated after
    `horizon` steps.

    ## Arguments
    - `render_mode`: `rgb_array`, or `human` where a display is. Elsewhere `human` is not among `render_modes`, and the
      class refuses it.
    - `horizon`: steps of an episode, 200.
    - `images`: whether observations hold the picture.
    - `device`, `threads`: where pictures are rendered.
    - all of `DrivingScene`: `slots`, `rig`, `overrides`, `randomize`, `object_folders`, `robot`, `texture_folders`,
      `cache`. The Husky's rig is a camera behind and above it that moves with it, unless another is given; one mounted
      to the world stays where it stood at the start.

    ## Version History
    - v0: first version.

    Example:
        >>> environment = gymnasium.make("simloom:simloom/Driving-v0", render_mode="rgb_array")
        >>> observation, info = environment.reset(seed=7, options={"parameters": {"goal.distance": 3.0}})
    """

    metadata: dict[str, Any] = {"render_modes": render_modes(), "render_fps": DriveTask.frames_per_second}  # noqa: RUF012

    asks: ClassVar[tuple[Parameter, ...]] = GOAL

    def make_parts(self, options: dict[str, Any]) -> tuple[PhysicalScene, Reader, Task]:
        """Make the yard with the robot parked, what reads it and its task."""
        given = dict(options)
        # The scene drives on its own up to a dataset's row; here it waits for actions.
        given["overrides"] = _AT_REST | dict(given.get("overrides") or {})
        rig = {} if "robot" in given else {"rig": _CHASE}
        scene = make_scene("driving", {"window": 0.0084} | rig | given)
        assert isinstance(scene, DrivingScene)
        return scene, DrivingReader(scene), DriveTask(scene)


class DrivingVectorEnvironment(SceneVectorEnvironment):
    """Many yards that step in worker processes; `DrivingEnvironment` says what each is."""

    single: ClassVar[type[SceneEnvironment]] = DrivingEnvironment
    metadata: dict[str, Any] = dict(DrivingEnvironment.metadata)  # noqa: RUF012
