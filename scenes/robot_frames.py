"""Frames of robots: links that a URDF gives no inertial, such as those of cameras, weigh nothing."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree


def weigh_frames(robot: ElementTree.Element) -> None:
    """Write out what links without an inertial weigh; Bullet would take each for 1 kg, and warn.

    One that a fixed joint carries is a frame and weighs nothing, as the format says. A base that is a frame, with no
    collision shape and a fixed joint to what it carries, weighs 1 g, since Bullet nails a base of 0 kg down. What else
    has no inertial, and would have to move by itself, keeps Bullet's 1 kg and 1 kg m^2; a fixed base feels none of it.

    Args:
        robot: The URDF's root, changed in place.

    Source: URDF, https://wiki.ros.org/urdf/XML/link: an inertial that is not there is zero mass and zero inertia.
    """
    joints = robot.findall("joint")
    children = {_link(joint, "child") for joint in joints}
    fixed = [joint for joint in joints if joint.get("type") == "fixed"]
    carried, carriers = ({_link(joint, tag) for joint in fixed} for tag in ("child", "parent"))
    for link in robot.iterfind("link"):
        if link.find("inertial") is not None:
            continue
        name = link.get("name", "")
        mass, inertia = 1.0, 1.0
        if name in carried:
            mass, inertia = 0.0, 0.0
        elif name not in children and name in carriers and link.find("collision") is None:
            mass, inertia = 1e-3, 1e-6
        inertial = ElementTree.SubElement(link, "inertial")
        ElementTree.SubElement(inertial, "mass", value=repr(mass))
        ElementTree.SubElement(
            inertial,
            "inertia",
            dict.fromkeys(("ixx", "iyy", "izz"), repr(inertia)) | dict.fromkeys(("ixy", "ixz", "iyz"), "0"),
        )


def _link(joint: ElementTree.Element, tag: str) -> str:
    found = joint.find(tag)
    return "" if found is None else found.get("link", "")
