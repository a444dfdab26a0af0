"""The tabletop as an environment: reach the first object with the robot's hand."""

from __future__ import annotations

import math
from collections import deque
from typing import Any, ClassVar, Final, cast

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ..scene import make_scene
from ..stage import Stage
from ..tabletop import TabletopScene
from ..tabletop_arm import Actuators
from .environment import SceneEnvironment, render_modes
from .moment import Moment, PhysicalScene
from .policy import Policy
from .reach_expert import ReachExpert
from .task import Arrays, Outcome, Reader, Task, bounded
from .vector import SceneVectorEnvironment

_SUBSTEPS: Final = 8
_REACH: Final = 0.05
_SPACE: Final = 5.0
_SPEED: Final = 10.0
_OVERSHOOT: Final = 0.5
"""What a joint may overshoot its limit by [rad or m]: what its motor lets through."""


def _limits(scene: TabletopScene) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    joints = scene.joints
    lower = np.array([joint.lower if math.isfinite(joint.lower) else -math.pi for joint in joints])
    upper = np.array([joint.upper if math.isfinite(joint.upper) else math.pi for joint in joints])
    return lower, upper


def _hand_row(scene: TabletopScene) -> int:
    """Return the row of the hand among the links, or of the last link."""
    names = [link.name for link in scene.links]
    hands = [row for row, name in enumerate(names) if name.endswith("hand")]
    return hands[0] if hands else len(names) - 1


def _hand_tip(moment: Moment, row: int) -> NDArray[np.float64]:
    """Return the point between the fingers, a hand's length along the z of the hand."""
    hand = moment.links[row]
    return cast("NDArray[np.float64]", hand[:3, 3] + 0.1 * hand[:3, 2])


class TabletopReader(Reader):
    """Joints, the hand, and where every object is.

    Args:
        scene: The scene.
    """

    def __init__(self, scene: TabletopScene) -> None:
        self._scene, self._hand = scene, _hand_row(scene)
        lower, upper = _limits(scene)
        self._objects = scene.slots - 1

        def box(size: int, bound: float) -> spaces.Box:
            return spaces.Box(-bound, bound, (size,), dtype=np.float32)

        self.spaces = {
            "joint_position": spaces.Box(
                (lower - _OVERSHOOT).astype(np.float32), (upper + _OVERSHOOT).astype(np.float32), dtype=np.float32
            ),
            "joint_velocity": box(lower.size, _SPEED),
            "hand_position": box(3, _SPACE),
            "object_valid": spaces.MultiBinary(self._objects),
            "object_position": box(3 * self._objects, _SPACE),
            "object_quaternion": box(4 * self._objects, 1.0),
        }

    def read(self, moment: Moment) -> Arrays:
        """Read all quantities."""
        count, shapes = moment.object_count, self.spaces
        valid, rows = np.zeros(self._objects, np.int8), np.zeros((self._objects, 7))
        valid[:count] = 1
        rows[:count] = moment.objects
        found = {
            "joint_position": moment.joint_position - self._scene.joint_offsets,
            "joint_velocity": moment.joint_velocity,
            "hand_position": _hand_tip(moment, self._hand),
            "object_position": rows[:, :3],
            "object_quaternion": rows[:, 3:],
        }
        return {"object_valid": valid} | {name: bounded(value, shapes[name]) for name, value in found.items()}


class ReachTask(Task):
    """Bring the hand to the first object.

    Args:
        scene: The scene.
    """

    events: ClassVar = {"distance": float, "is_success": bool}
    requirements = ("object_count >= 1",)
    frames_per_second: ClassVar[int] = 30

    def __init__(self, scene: TabletopScene) -> None:
        self._scene = scene
        self._hand = _hand_row(scene)
        self._lower, self._upper = _limits(scene)
        self.spaces = {}
        self.action_space = spaces.Box(-1.0, 1.0, (self._lower.size,), dtype=np.float32)
        self._actuators = Actuators()
        self._late: deque[NDArray[np.float64]] = deque()

    def begin(self, stage: Stage, moment: Moment) -> str | None:
        """Take note of how the motors follow; what they are told late is to stay where they are."""
        first = {name: value[0, 0] for name, value in stage.param.items()}
        # The scene has motors of its own where its arm moves within a recorded window.
        self._actuators = Actuators.read(first) if "actuator.delay" in first else Actuators()
        steps = round(self._actuators.delay / self._scene.world.time_step)
        self._late = deque([moment.joint_position] * steps)
        return None if moment.object_count else "there is no object to reach"

    def act(self, action: NDArray[np.float64]) -> None:
        """Drive the joints towards target positions for 1/30 s; they reach them but for their offsets."""
        scene, world = self._scene, self._scene.world
        told = self._lower + 0.5 * (action + 1.0) * (self._upper - self._lower)
        targets = np.clip(told + scene.joint_offsets, self._lower, self._upper)
        self._late.extend([targets] * _SUBSTEPS)
        before = None
        for _ in range(_SUBSTEPS):
            now = self._late.popleft()
            if now is not before:  # motors keep what they are told
                world.drive_joints(scene.robot, scene.joints, now.tolist(), self._actuators.gains)
                before = now
            world.step()

    def rest(self, moment: Moment) -> NDArray[np.float64]:
        """Return the action that tells the joints to stay where they are."""
        return self.action_for(moment.joint_position - self._scene.joint_offsets)

    def action_for(self, told: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the action that tells the joints some positions [rad or m], shape (J,)."""
        share = (told - self._lower) / np.maximum(self._upper - self._lower, 1e-12)
        return cast("NDArray[np.float64]", np.clip(2.0 * share - 1.0, -1.0, 1.0))

    def make_expert(self) -> Policy:
        """Make a script that brings the hand over the object and then down to it."""
        scene = self._scene
        return ReachExpert(
            world=scene.world, robot=lambda: scene.robot, joints=scene.joints, hand=self._hand, task=self
        )

    def observe(self, moment: Moment) -> Arrays:
        """Add nothing: the object to reach is the first."""
        del moment
        return {}

    def judge(self, moment: Moment) -> Outcome:
        """Reward minus the distance [m]."""
        x, y, z = (_hand_tip(moment, self._hand) - moment.objects[0, :3]).tolist()
        distance = math.sqrt(x * x + y * y + z * z)
        near = distance < _REACH
        return Outcome(reward=-distance, success=near, events={"distance": distance, "is_success": near})


class TabletopEnvironment(SceneEnvironment):
    """Reach the first object on a table with the hand of a robot arm.

    ## Description
    A Franka Panda stands at a table's edge; 3 to 15 objects have been dropped before it and have settled. The arm is to
    bring the point between its fingers to the middle of the first object. All that `simloom scenes tabletop` lists is
    randomized: objects, masses, friction, materials, light, camera.

    ## Action Space
    `Box(-1, 1, (J,), float32)`: for each movable joint, the fingers' included, a target position, -1 = its lower limit,
    1 = its upper limit; the Panda has J = 9. Motors keep their largest force and speed. A step is 1/30 s. With
    `randomize=[..., "robot"]` joints stand off what they are told, and report, by an offset, and with a `window` above
    0 motors have gains and a delay of the episode's own.

    ## Observation Space
    `Dict`, float32 but for the flags and the picture; objects come in M - 1 slots, M = 16:

    | name                | shape       | meaning                                                        |
    |---------------------|-------------|----------------------------------------------------------------|
    | `joint_position`    | (J,)        | as reported, rad, m for the fingers                            |
    | `joint_velocity`    | (J,)        | rad/s, m/s for the fingers, within 10                          |
    | `hand_position`     | (3,)        | point between the fingers, world [m]                           |
    | `object_valid`      | (M - 1,)    | int8, 1 where the slot holds an object                         |
    | `object_position`   | (3 (M - 1),)| x, y, z of each slot in turn, world [m]; 0 where there is none |
    | `object_quaternion` | (4 (M - 1),)| x, y, z, w of each slot in turn, w >= 0                        |
    | `image`             | (H, W, 3)   | uint8 sRGB of the rig's first camera, with `images=True` only  |

    ## Rewards
    Minus the distance [m] of the hand's point to the first object's origin, each step. `info` holds `distance` and
    `is_success`.

    ## Starting State
    The scenario's: objects at rest, the arm at rest in the drawn pose, clear of everything. `reset(seed=...)` starts a
    series of episodes, a `reset()` takes the next. `options={"parameters": {"object_count": 4}}` sets parameters as a
    recipe does, `options={"u": ...}` gives all coordinates. There is at least one object. `info` holds `seed`,
    `episode`, `attempt` and `margins`.

    ## Episode End
    Terminated within 5 cm; truncated after `horizon` steps.

    ## Arguments
    - `render_mode`: `rgb_array`, or `human` where a display is. Elsewhere `human` is not among `render_modes`, and the
      class refuses it.
    - `horizon`: steps of an episode, 200.
    - `images`: whether observations hold the picture.
    - `device`, `threads`: where pictures are rendered.
    - all of `TabletopScene`: `slots`, `rig`, `overrides`, `randomize`, `object_folders`, `robot`, `texture_folders`,
      `cache`.

    ## Version History
    - v0: first version.

    Example:
        >>> environment = gymnasium.make("simloom:simloom/Tabletop-v0", render_mode="rgb_array")
        >>> observation, info = environment.reset(seed=7, options={"parameters": {"object_count": 4}})
    """

    metadata: dict[str, Any] = {"render_modes": render_modes(), "render_fps": ReachTask.frames_per_second}  # noqa: RUF012

    def make_parts(self, options: dict[str, Any]) -> tuple[PhysicalScene, Reader, Task]:
        """Make the tabletop, what reads it and its task."""
        scene = make_scene("tabletop", options)
        assert isinstance(scene, TabletopScene)
        return scene, TabletopReader(scene), ReachTask(scene)


class TabletopVectorEnvironment(SceneVectorEnvironment):
    """Many tabletops that step in worker processes; `TabletopEnvironment` says what each is."""

    single: ClassVar[type[SceneEnvironment]] = TabletopEnvironment
    metadata: dict[str, Any] = dict(TabletopEnvironment.metadata)  # noqa: RUF012
