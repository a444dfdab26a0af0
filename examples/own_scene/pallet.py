"""A scene of one's own: a mast with a camera turns over boxes that were dropped onto a pallet.

Run: cd examples/own_scene && simloom generate pallet.yaml -n 4 -o data/pallet --allow-code
"""

from __future__ import annotations

from pathlib import Path

from simloom.scenes import BuiltScene, Parameter, Surface, parse_distribution


class PalletScene(BuiltScene):
    """Boxes on a pallet, seen from a mast that turns."""

    name = "pallet"
    summary = "Boxes dropped onto a pallet before a mast that turns"
    classes = ("background", "ground", "pallet", "robot", "box")
    surfaces = ("ground", "pallet")
    robot_file = str(Path(__file__).with_name("mast.urdf"))

    def parameters(self):
        """What varies: how many boxes, their sides and masses, and how far the mast turns."""
        count = self.slots - 1

        def make(name, distribution, unit, meaning, **more):
            drawn = parse_distribution(distribution)
            return Parameter(name=name, distribution=drawn, unit=unit, meaning=meaning, **more)

        return [
            make("box_count", {"integer": [2, min(6, count)]}, "1", "Boxes on the pallet", allowed=(0, count)),
            make("box.side", {"uniform": [0.1, 0.25]}, "m", "Side of each box", count=count, allowed=(0.01, 1.0)),
            make("box.mass", {"loguniform": [0.2, 5.0]}, "kg", "Mass of each box", count=count, group="dynamics"),
            make("mast.turn", {"uniform": [-0.6, 0.6]}, "rad", "Turn of the mast within the window"),
        ]

    def build(self, builder, values):
        """Put up ground, pallet and boxes, one above the other, and the mast."""
        builder.add_ground()
        builder.add_scenery("pallet", (0.8, 1.2, 0.14), (1.2, 0.0, 0.07), surface=Surface(friction=0.6))
        height = 0.15
        for k in range(int(values["box_count"])):
            side = float(values["box.side"][k])
            place = (1.2 + 0.08 * (-1) ** k, 0.12 * (k % 3 - 1), height + 0.5 * side)
            builder.add_box("box", (side, side, 0.7 * side), place, mass=float(values["box.mass"][k]))
            height += side
        builder.place_robot(joints={"tilt": 0.35})

    def drive(self, values, share):
        """Turn the mast evenly."""
        return {"pan": share * float(values["mast.turn"])}
