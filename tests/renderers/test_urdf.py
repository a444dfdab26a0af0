"""URDFs: links as PyBullet numbers them, visuals as the file says, hostile files refused."""

import math

import numpy as np
import pytest

from simloom.renderers.urdf import load_urdf_links, load_urdf_visuals, strip_urdf_visuals

ROBOTS = [
    "franka_panda/panda.urdf",
    "kuka_iiwa/model.urdf",
    "r2d2.urdf",
    "husky/husky.urdf",
    "laikago/laikago_toes.urdf",
    "a1/a1.urdf",
    "xarm/xarm6_robot.urdf",
    "xarm/xarm6_with_gripper.urdf",
]

URDF = """<robot name="r">
  <material name="blue"><color rgba="0 0 0.5 1"/></material>
  <link name="late"><visual><geometry><sphere radius="0.25"/></geometry></visual></link>
  <link name="base">
    <inertial><origin xyz="1 2 3" rpy="0 0 1.5707963267948966"/><mass value="1"/></inertial>
    <visual><origin xyz="0 0 1" rpy="1.5707963267948966 0 0"/>
      <geometry><box size="1 2 3"/></geometry><material name="blue"/></visual>
    <visual><geometry><capsule radius="0.1" length="0.4"/></geometry>
      <material name="red"><color rgba="1 0 0 1"/></material></visual>
  </link>
  <link name="early"><visual><geometry><cylinder radius="0.5" length="2"/></geometry><material name="red"/></visual>
    <visual><geometry><sphere radius="0"/></geometry></visual>
    <collision><geometry><mesh filename="m.obj"/></geometry></collision></link>
  <link name="deep"><visual><geometry><mesh filename="package://robot/m.obj" scale="2 -3 4"/></geometry></visual></link>
  <joint name="j1" type="fixed"><parent link="base"/><child link="early"/></joint>
  <joint name="j2" type="revolute"><parent link="base"/><child link="late"/></joint>
  <joint name="j3" type="prismatic"><parent link="early"/><child link="deep"/></joint>
</robot>
"""


@pytest.fixture
def folder(tmp_path):
    """A small robot with one mesh."""
    (tmp_path / "r.urdf").write_text(URDF)
    (tmp_path / "m.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n")
    return tmp_path


def test_links_are_numbered_depth_first(folder):
    """Children come in the order of their joints, each with its whole branch."""
    links = load_urdf_links(folder / "r.urdf")
    assert [(link.index, link.parent, link.name) for link in links] == [
        (-1, -2, "base"),
        (0, -1, "early"),
        (1, 0, "deep"),
        (2, -1, "late"),
    ]
    assert [link.joint_name for link in links] == ["", "j1", "j3", "j2"]
    expected = [[0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]]
    assert links[0].pose_link_inertial == pytest.approx(np.array(expected, float), abs=1e-12)


def test_visuals_have_size_pose_and_colour(folder):
    """Primitives become scales of the unit ones, named materials are found, colours are linear."""
    box, capsule, cylinder, mesh, sphere = load_urdf_visuals(folder / "r.urdf")
    assert (box.kind, box.link_index, box.scale.tolist()) == ("box", -1, [1, 2, 3])
    assert box.color == pytest.approx([0, 0, 0.21404114])
    assert box.pose_link_visual == pytest.approx(
        np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 1], [0, 0, 0, 1.0]]), abs=1e-12
    )
    assert (capsule.kind, capsule.radius, capsule.length) == ("capsule", 0.1, 0.4)
    assert cylinder.color == pytest.approx([1, 0, 0])
    assert cylinder.scale.tolist() == [1, 1, 2]
    assert (sphere.link_index, sphere.scale.tolist(), sphere.color) == (2, [0.5] * 3, None)
    assert mesh.link_index == 1
    assert mesh.scale.tolist() == [2, 3, 4]


def test_negative_scales_are_mirrored_into_the_mesh(folder):
    """A mirrored tetrahedron keeps its volume's sign."""
    mesh = load_urdf_visuals(folder / "r.urdf")[3]
    (part,) = mesh.parts
    a, b, c = (part.vertices[part.triangles[:, k]] * mesh.scale for k in range(3))
    assert (a * np.cross(b, c)).sum() / 6 == pytest.approx(24 / 6)
    assert part.vertices[:, 1].min() == -1


def test_stripped_text_has_collisions_by_absolute_path(folder):
    """No visual is left, and meshes are found from anywhere."""
    text = strip_urdf_visuals(folder / "r.urdf")
    assert "visual" not in text
    assert f'filename="{folder.resolve() / "m.obj"}"' in text
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "s.urdf").write_text(text)
    assert len(load_urdf_links(folder / "elsewhere" / "s.urdf")) == 4


@pytest.mark.parametrize("robot", ROBOTS)
def test_links_and_visuals_agree_with_pybullet(robot, tmp_path):
    """Indices, parents, joints, base inertial frame and visual poses are those of Bullet's importer."""
    pybullet = pytest.importorskip("pybullet")
    pybullet_data = pytest.importorskip("pybullet_data")
    root = pybullet_data.getDataPath()
    path = f"{root}/{robot}"
    links = load_urdf_links(path)
    client = pybullet.connect(pybullet.DIRECT)
    try:
        body = pybullet.loadURDF(path, physicsClientId=client)
        infos = [pybullet.getJointInfo(body, k, client) for k in range(pybullet.getNumJoints(body, client))]
        assert [(i[0], i[16], i[12].decode(), i[1].decode()) for i in infos] == [
            (link.index, link.parent, link.name, link.joint_name) for link in links[1:]
        ]
        dynamics = pybullet.getDynamicsInfo(body, -1, client)
        assert links[0].pose_link_inertial[:3, 3] == pytest.approx(dynamics[3], abs=1e-9)
        rotation = np.array(pybullet.getMatrixFromQuaternion(dynamics[4])).reshape(3, 3)
        assert links[0].pose_link_inertial[:3, :3] == pytest.approx(rotation, abs=1e-9)

        shapes: dict[int, list] = {}
        for shape in pybullet.getVisualShapeData(body, physicsClientId=client):
            shapes.setdefault(shape[1], []).append(shape)
        ours: dict[int, list] = {}
        for visual in load_urdf_visuals(path, [root]):
            ours.setdefault(visual.link_index, []).append(visual)
        for index, visuals in ours.items():  # links without visuals show their collision shapes in Bullet
            assert len(visuals) == len(shapes[index])
            for visual, shape in zip(visuals, shapes[index], strict=True):
                rotation = np.array(pybullet.getMatrixFromQuaternion(shape[6])).reshape(3, 3)
                assert visual.pose_link_visual[:3, 3] == pytest.approx(shape[5], abs=1e-9)
                assert visual.pose_link_visual[:3, :3] == pytest.approx(rotation, abs=1e-9)

        (tmp_path / "stripped.urdf").write_text(strip_urdf_visuals(path, [root]))
        stripped = pybullet.loadURDF(str(tmp_path / "stripped.urdf"), physicsClientId=client)
        for index in range(-1, len(infos)):
            one = pybullet.getCollisionShapeData(body, index, client)
            two = pybullet.getCollisionShapeData(stripped, index, client)
            assert [(s[2], s[3], s[5], s[6]) for s in one] == [(s[2], s[3], s[5], s[6]) for s in two]
    finally:
        pybullet.disconnect(client)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused(tmp_path, encoding):
    """A document type is refused before anything is expanded, in any encoding."""
    bomb = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE robot [<!ENTITY a "aa">]><robot name="&a;"/>'
    (tmp_path / "r.urdf").write_bytes(bomb.encode(encoding))
    with pytest.raises(ValueError, match="document type"):
        load_urdf_links(tmp_path / "r.urdf")


@pytest.mark.parametrize("name", ["../m.obj", "/etc/hostname.obj", "package://../../m.obj", "file:///etc/m.obj"])
def test_meshes_outside_the_folder_are_refused(folder, name):
    """A URDF names nothing outside its folder."""
    (folder.parent / "m.obj").write_text("v 0 0 0\n")
    (folder / "r.urdf").write_text(URDF.replace('"m.obj"', f'"{name}"').replace("package://robot/m.obj", name))
    for read in (load_urdf_visuals, strip_urdf_visuals):
        with pytest.raises((ValueError, FileNotFoundError), match=r"lies outside of|was not found"):
            read(folder / "r.urdf")


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("</robot>", "", "not well-formed"),
        ('<robot name="r">', '<sdf name="r">', "well-formed|its root is"),
        ('child link="late"', 'child link="nobody"', "no such link"),
        ('child link="late"', 'child link="early"', "second parent"),
        ('<link name="late">', '<link name="base">', "two links"),
        ('parent link="base"/><child link="early"', 'parent link="deep"/><child link="early"', "circle"),
        ('size="1 2 3"', 'size="1 2"', "3 finite numbers"),
        ('size="1 2 3"', 'size="1 2 nan"', "3 finite numbers"),
        ('radius="0.25"', 'radius="-1"', "negative"),
        (' radius="0.25"', "", "lacks 'radius'"),
        ("package://robot/m.obj", "none.obj", "was not found"),
    ],
)
def test_damaged_urdfs_get_one_clear_error(folder, old, new, message):
    """Each mistake is named."""
    assert old in URDF
    (folder / "r.urdf").write_text(URDF.replace(old, new))
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        load_urdf_visuals(folder / "r.urdf")


def test_a_pose_turns_roll_then_pitch_then_yaw(tmp_path):
    """Fixed axes: yaw after pitch after roll."""
    text = '<robot name="r"><link name="a"><visual><origin rpy="0.1 0.2 0.3"/><geometry><box size="1 1 1"/></geometry>'
    (tmp_path / "r.urdf").write_text(text + "</visual></link></robot>")

    def turn(axis, angle):
        matrix = np.eye(3)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        matrix[i, i] = matrix[j, j] = math.cos(angle)
        matrix[j, i], matrix[i, j] = math.sin(angle), -math.sin(angle)
        return matrix

    (visual,) = load_urdf_visuals(tmp_path / "r.urdf")
    expected = turn(2, 0.3) @ turn(1, 0.2) @ turn(0, 0.1)
    assert visual.pose_link_visual[:3, :3] == pytest.approx(expected, abs=1e-12)
