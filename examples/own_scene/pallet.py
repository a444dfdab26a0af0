"""A scene of one's own: a mast with a camera turns over boxes that were dropped onto a pallet."""

from simloom.scenes import BuiltScene, Parameter, Surface, parse_distribution


def parameter(name, distribution, unit, meaning, **more):
    """Make a parameter from a distribution as a recipe writes it."""
    return Parameter(name=name, distribution=parse_distribution(distribution), unit=unit, meaning=meaning, **more)


class PalletScene(BuiltScene):
    """Boxes on a pallet, seen from a mast that turns."""

    name = "pallet"
    classes = ("background", "ground", "pallet", "robot", "box")
    surfaces = ("ground", "pallet")

    def parameters(self):
        """What varies; light, materials and cameras are added to it."""
        most = self.slots - 1
        return [
            parameter("box_count", {"integer": [2, min(6, most)]}, "1", "Boxes", allowed=(0, most)),
            parameter("box.side", {"uniform": [0.15, 0.3]}, "m", "Side of each box", count=most, allowed=(0.01, 1)),
            parameter("box.mass", {"loguniform": [0.2, 5]}, "kg", "Mass of each", count=most, group="dynamics"),
            parameter("mast.turn", {"uniform": [-0.5, 0.5]}, "rad", "Turn of the mast within the window"),
        ]

    def build(self, builder, values):
        """Put up ground, pallet and mast, and boxes one above the other; physics lets them fall."""
        builder.add_ground()
        builder.add_scenery("pallet", (0.8, 1.2, 0.14), (1.2, 0.0, 0.07), surface=Surface(friction=0.6))
        height = 0.15
        for k in range(int(values["box_count"])):
            side = float(values["box.side"][k])
            place = (1.2 + 0.1 * (-1) ** k, 0.2 * (k % 3 - 1), height + 0.5 * side)
            builder.add_box("box", (side, side, 0.7 * side), place, mass=float(values["box.mass"][k]))
            height += 0.75 * side
        builder.place_robot(joints={"tilt": 0.75})

    def move_joints(self, values, share):
        """Turn the mast evenly; a joint that is not named holds its position."""
        return {"pan": share * float(values["mast.turn"])}
