"""What robots' links weigh that a URDF gives no inertial."""

from __future__ import annotations

from pathlib import Path

import pytest

from simloom.scenes.robot_frames import weigh_frames
from simloom.scenes.world import World

MAST = Path(__file__).resolve().parents[2] / "examples" / "own_scene" / "mast.urdf"
_INERTIA = '<inertia ixx="1e-2" iyy="1e-2" izz="1e-2" ixy="0" ixz="0" iyz="0"/>'


def test_frames_weigh_nothing_and_load_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    """Camera and inertial unit add nothing to the head, and Bullet has nothing to warn of."""
    with World() as world:
        robot = world.add_urdf(MAST, rewrite=weigh_frames)
        masses = world.link_tree(robot).mass.tolist()

    assert masses == [0.0, 0.3, 0.4, 0.0, 0.0]  # a fixed base is told as 0
    assert capfd.readouterr() == ("", "")


def test_a_joint_bears_the_head_alone(tmp_path: Path) -> None:
    """The torque that holds a level arm is that of its own weight, not of 1 kg more for the frame at its tip."""
    (tmp_path / "arm.urdf").write_text(
        f"""<robot name="arm"><link name="foot"/>
        <joint name="lift" type="revolute"><parent link="foot"/><child link="arm"/><axis xyz="0 1 0"/>
        <limit lower="-1" upper="1" effort="100" velocity="2"/></joint>
        <link name="arm"><inertial><origin xyz="0.5 0 0"/><mass value="0.4"/>{_INERTIA}</inertial></link>
        <joint name="tip_joint" type="fixed"><parent link="arm"/><child link="tip"/><origin xyz="1 0 0"/></joint>
        <link name="tip"/></robot>"""
    )
    with World() as world:
        robot = world.add_urdf(tmp_path / "arm.urdf", own_inertia=True, rewrite=weigh_frames)
        joints = world.joints(robot)
        world.place_joints(robot, joints, [0.0])
        world.step(240)
        effort = abs(world.read_robot(robot).joint_effort[0])

    assert effort == pytest.approx(0.4 * 9.81 * 0.5, rel=0.01)


def test_a_free_base_that_is_a_frame_falls_with_its_robot(tmp_path: Path) -> None:
    """A base link without an inertial is neither nailed down nor a kilogram more."""
    (tmp_path / "cart.urdf").write_text(
        f"""<robot name="cart"><link name="base"/>
        <joint name="body_joint" type="fixed"><parent link="base"/><child link="body"/></joint>
        <link name="body"><inertial><mass value="2"/>{_INERTIA}</inertial></link></robot>"""
    )
    with World() as world:
        robot = world.add_urdf(tmp_path / "cart.urdf", fixed=False, own_inertia=True, rewrite=weigh_frames)
        masses = world.link_tree(robot).mass.tolist()
        world.step(120)
        fallen = -world.link_poses(robot)[0, 2, 3]

    assert masses == [0.001, 2.0]
    assert fallen == pytest.approx(0.5 * 9.81 * 0.5**2, rel=0.05)
