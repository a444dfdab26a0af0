"""The arrays that a dataset may hold: one registry of names, dtypes, axes, units, frames and meanings.

Everything that must know what an array is asks here: the writer validates, the shard takes its HDF5 attributes, the
reader refuses unknown names, and the table in `docs/dataset.md` is made by `specs_table_markdown`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels.depth_reading import STATUS_NAMES
from .array_spec import ArraySpec as ArraySpec
from .array_spec import OtherDtype, array, number_names
from .instrument_specs import INSTRUMENT_SPECS
from .task_specs import TASK_SPECS

Array = npt.NDArray[Any]

SCHEMA_VERSION = 1
"""Version of the array names and meanings; a change that breaks readers counts it up."""

REASONS = (
    "none", "not_settled", "build_failed", "penetration", "out_of_workspace", "collision", "tipped_over", "exploded",
    "fell_off", "sunk", "joint_limit", "requirement", "episode_over",
)  # fmt: skip
"""Why a row is not valid, by its number in `sample/reason`."""

DEPTH_STATUSES = STATUS_NAMES
"""Why a depth pixel holds what it holds, by its number in `sensor/<camera>/depth_status`."""

VERDICTS = ("accepted", "rejected")
"""What the automatic checks said, by its number in `sample/verdict`."""

AXIS_SIZES: Mapping[str, int] = {
    "channel": 3, "xyz": 3, "edge": 4, "corner": 8, "side": 2,
    "pose_row": 4, "pose_column": 4, "k_row": 3, "k_column": 3, "wrench": 6, "planar": 3, "unicycle": 2,
}  # fmt: skip
"""Axes whose length is the same in every dataset."""

_OWN_AXES = ("height", "width", "value", "sample", "beam", "echo", "taxel_row", "taxel_column", "axis", "knot")
"""Axes whose length each sensor or parameter has to itself."""

_MILLIMETRES = OtherDtype(dtype="<u2", unit="mm", note="as uint16, 65535 is 65.535 m or farther")
_EMPTY = "0 in slots that object/valid says are empty"
_NO_CONTACT = "0 beyond state/contact_count"
_IMAGE = ("row", "height", "width")
_POSE = ("pose_row", "pose_column")
_ROW = ("row",)
_SLOT = ("row", "slot")
_CONTACT = ("row", "contact")

SPECS: tuple[ArraySpec, ...] = (
    array("sample/index", "<i8", _ROW, "Number of the row in the dataset"),
    array("sample/scenario", "<i8", _ROW, "Number of the physical world"),
    array("sample/step", "<i4", _ROW, "Instant of the episode"),
    array("sample/view", "<i4", _ROW, "Placement of the rig"),
    array("sample/look", "<i4", _ROW, "Draw of the appearance"),
    array("sample/valid", "|u1", _ROW, "1 where the row is a scene, 0 where it is a tombstone or pads an episode"),
    array("sample/reason", "|u1", _ROW, f"Why the row is not valid: {number_names(REASONS)}"),
    array("sample/attempt", "<i4", _ROW, "How often the scenario was redrawn before it could be built"),
    array("sample/seed", "<u8", _ROW, "Seed that the row's random streams are keyed by"),
    array("sample/weight", "<f8", _ROW, "Importance weight: target density over sampling density"),
    array("sample/log_density", "<f8", _ROW, "Log density of the parameters under the scene's own distributions"),
    array("sample/is_real", "|u1", _ROW, "1 for data from a real sensor"),
    array("sample/generation", "<i4", _ROW,
          "0 for physics or a real sensor; 1 + its parents' where a model took part"),
    array("sample/verdict", "|u1", _ROW, f"What the automatic checks said: {number_names(VERDICTS)}"),
    array("sample/source", "<i4", _ROW, "Number of the source that the row was taken from; see the manifest"),
    array("sample/source_index", "<i8", _ROW, "Number of the row in that source"),
    array("sample/u", "<f8", ("row", "dimension"), "The point of the unit cube that the parameters come from"),
    array("param/<name>", "<f8", ("row", "value?"),
          "Value of a scene parameter (a choice is its index); see the manifest", unit="see the manifest"),
    array("sensor/<camera>/rgb", "|u1", (*_IMAGE, "channel"), "Colour image as the camera delivers it",
          unit="DN, sRGB", frame="image"),
    array("sensor/<camera>/raw", "<u2", _IMAGE, "Digital numbers of the sensor's pixels behind their colour filters",
          unit="DN", frame="image"),
    array("sensor/<camera>/depth", "<f4", _IMAGE, "Measured depth along +z of the camera", unit="m", frame="camera",
          invalid="0: no return", other=_MILLIMETRES),
    array("sensor/<camera>/depth_status", "|u1", _IMAGE, f"Why depth is what it is: {number_names(DEPTH_STATUSES)}",
          frame="image"),
    array("sensor/<camera>/exposure_time", "<f8", _ROW, "Exposure time of the image", unit="s"),
    array("sensor/<camera>/exposure_start", "<i8", _ROW, "When the exposure began, simulated time since the reset",
          unit="ns"),
    array("sensor/<camera>/image_arrival", "<i8", _ROW, "When the image arrived, simulated time since the reset",
          unit="ns"),
    array("sensor/<camera>/image_delivered", "|u1", _ROW, "1 where the image arrived, 0 where it was lost on the way"),
    array("ideal/<camera>/depth", "<f4", _IMAGE, "True depth along +z of the camera", unit="m", frame="camera",
          invalid="0: no surface", other=_MILLIMETRES),
    array("ideal/<camera>/range", "<f4", _IMAGE, "True length of the pixel's ray", unit="m", frame="camera",
          invalid="0: no surface"),
    array("ideal/<camera>/colour", "<f2", (*_IMAGE, "channel"), "Scene-linear radiance per sRGB primary",
          unit="W sr^-1 m^-2", frame="image"),
    array("label/<camera>/instance", "<u2", _IMAGE, "Instance id: object slot + 1", frame="image",
          invalid="0: background"),
    array("label/<camera>/class", "|u1", _IMAGE, "Class id; see the table in the manifest", frame="image",
          invalid="0: background"),
    array("label/<camera>/normal", "<f2", (*_IMAGE, "xyz"), "Surface normal", frame="camera",
          invalid="0 0 0: no surface"),
    array("label/<camera>/object_coordinates", "<f2", (*_IMAGE, "xyz"), "Surface point in its object's own frame",
          unit="m", frame="object", invalid="0 0 0 where instance is 0"),
    array("label/<camera>/box_visible", "<f4", (*_SLOT, "edge"),
          "Box around the visible pixels: x_min y_min x_max y_max", unit="pixel", frame="image",
          invalid="0 0 0 0: no visible pixel"),
    array("label/<camera>/box_amodal", "<f4", (*_SLOT, "edge"),
          "Box around the pixels of total_pixels; it may reach out of the image",
          unit="pixel", frame="image", invalid="0 0 0 0: farther out than one image"),
    array("label/<camera>/visible_pixels", "<i4", _SLOT, "Pixels in which the object is seen", unit="pixel",
          frame="image"),
    array("label/<camera>/in_frame_pixels", "<i4", _SLOT, "Pixels of the image that the object would cover alone",
          unit="pixel", frame="image"),
    array("label/<camera>/total_pixels", "<i4", _SLOT,
          "Pixels that the object would cover alone, also outside the image, up to one image away", unit="pixel",
          frame="image"),
    array("label/<camera>/visible_fraction", "<f4", _SLOT, "visible_pixels over total_pixels", frame="image",
          invalid="0: nothing visible"),
    array("camera/<camera>/intrinsics", "<f8", ("row", "k_row", "k_column"),
          "Camera matrix K; pixel (0, 0) has its centre at (0, 0)", unit="pixel", frame="camera"),
    array("camera/<camera>/pose_world_camera", "<f8", ("row", *_POSE),
          "Pose that maps camera (x right, y down, z forward) to world", unit="m", frame="world"),
    array("camera/<camera>/nominal_intrinsics", "<f8", ("row", "k_row", "k_column"),
          "Camera matrix K that a calibration believes, where the true one departs from it", unit="pixel",
          frame="camera"),
    array("camera/<camera>/nominal_pose_world_camera", "<f8", ("row", *_POSE),
          "Pose of the camera that a calibration believes, where the true one departs from it", unit="m",
          frame="world"),
    array("object/valid", "|u1", _SLOT, "1 where the slot holds an object"),
    array("object/class", "<i4", _SLOT, "Class id; see the table in the manifest", invalid=_EMPTY),
    array("object/asset", "<i4", _SLOT, "Asset number; see the table in the manifest", invalid="-1: no asset file"),
    array("object/pose_world_object", "<f8", (*_SLOT, *_POSE), "Pose that maps object to world", unit="m",
          frame="world", invalid=_EMPTY),
    array("object/extent", "<f8", (*_SLOT, "xyz"), "Side lengths of the object's box", unit="m", frame="object",
          invalid=_EMPTY),
    array("object/box_center", "<f8", (*_SLOT, "xyz"), "Centre of the object's box", unit="m", frame="object",
          invalid=_EMPTY),
    array("object/box_corners", "<f8", (*_SLOT, "corner", "xyz"), "Corners of the object's box", unit="m",
          frame="world", invalid=_EMPTY),
    array("object/scale", "<f8", (*_SLOT, "xyz"), "Scale of the mesh", frame="object", invalid=_EMPTY),
    array("object/mass", "<f8", _SLOT, "Mass; 0 is a fixed body", unit="kg", invalid=_EMPTY),
    array("object/friction", "<f8", _SLOT, "Lateral friction coefficient", invalid=_EMPTY),
    array("state/joint_position", "<f8", ("row", "joint"), "Joint positions of the robot", unit="rad or m"),
    array("state/joint_velocity", "<f8", ("row", "joint"), "Joint velocities of the robot", unit="rad/s or m/s"),
    array("state/joint_reported", "<f8", ("row", "joint"),
          "Joint positions that the robot reports, where its joints have offsets", unit="rad or m"),
    array("state/time", "<f8", _ROW, "Simulated time since the reset", unit="s"),
    array("state/settle_steps", "<i4", _ROW, "Physics steps until the scene came to rest"),
    array("state/contact_count", "<i4", _ROW, "Number of contacts"),
    array("state/contact_instances", "<i4", (*_CONTACT, "side"), "The two instances in contact",
          invalid=_NO_CONTACT),
    array("state/contact_position", "<f8", (*_CONTACT, "xyz"), "Contact point", unit="m", frame="world",
          invalid=_NO_CONTACT),
    array("state/contact_normal", "<f8", (*_CONTACT, "xyz"), "Contact normal, from the second instance to the first",
          frame="world", invalid=_NO_CONTACT),
    array("state/contact_force", "<f8", _CONTACT, "Normal force", unit="N", invalid=_NO_CONTACT),
    array("state/contact_distance", "<f8", _CONTACT, "Distance; negative is penetration", unit="m",
          invalid=_NO_CONTACT),
    *INSTRUMENT_SPECS,
    *TASK_SPECS,
)  # fmt: skip
"""Every kind of array that a dataset may hold."""


@functools.lru_cache(maxsize=4096)
def find_spec(name: str) -> ArraySpec:
    """Find what an array is by its concrete name.

    Args:
        name: e.g. "sensor/head/rgb".

    Returns:
        Its entry in the registry.

    Raises:
        KeyError: the name is in no entry.

    Example:
        >>> find_spec("sensor/head/depth").unit
        'm'
    """
    for spec in SPECS:
        if spec.expression.fullmatch(name):
            return spec
    raise KeyError(f"{name!r} is no array of a dataset; known are {', '.join(spec.pattern for spec in SPECS)}")


def _scope(spec: ArraySpec, name: str, axis: str) -> str:
    """Name an axis length; image sizes and pads of one parameter are its own, all others are the dataset's."""
    if axis in _OWN_AXES:
        match = spec.expression.fullmatch(name)
        return f"{match.group(1) if match else name}.{axis}"
    return axis


def validate_array(name: str, array: Array, sizes: Mapping[str, int]) -> dict[str, int]:
    """Check one array against the registry.

    Args:
        name: concrete name.
        array: the values, rows leading.
        sizes: lengths that are already settled, by axis name ("row", "slot", "joint", "contact", "dimension") and
            by camera for images ("head.height", "head.width").

    Returns:
        The axis lengths of this array, named as in `sizes`.

    Raises:
        KeyError: no array of a dataset has this name.
        ValueError: dtype, number of axes or a length is wrong; the text says what was given and what is allowed.

    Example:
        >>> validate_array("sample/valid", np.ones(3, np.uint8), {"row": 3})
        {'row': 3}
    """
    spec = find_spec(name)
    if array.dtype.str not in spec.dtypes:
        allowed = " or ".join(f"{dtype!r} ({np.dtype(dtype).name})" for dtype in spec.dtypes)
        raise ValueError(f"{name} has dtype {array.dtype.str!r} and must have {allowed}")
    axes = spec.axes
    if axes[-1].endswith("?"):
        axes = (*axes[:-1], axes[-1][:-1]) if array.ndim == len(axes) else axes[:-1]
    if array.ndim != len(axes):
        raise ValueError(f"{name} has shape {array.shape} and must have the axes ({', '.join(spec.axes)})")
    found: dict[str, int] = {}
    for axis, length in zip(axes, array.shape, strict=True):
        if axis in AXIS_SIZES:
            wanted: int | None = AXIS_SIZES[axis]
        else:
            key = _scope(spec, name, axis)
            wanted = sizes.get(key)
            found[key] = length
        if length == 0:
            raise ValueError(
                f"{name} has shape {array.shape}: axis {axis!r} has length 0, and no axis may; leave it out"
            )
        if wanted is not None and length != wanted:
            raise ValueError(
                f"{name} has shape {array.shape}: axis {axis!r} has length {length} and must have {wanted}"
            )
    return found


def validate_arrays(arrays: Mapping[str, Array], sizes: Mapping[str, int] | None = None) -> dict[str, int]:
    """Check a set of arrays against the registry and against each other.

    Args:
        arrays: the arrays of some rows, by name.
        sizes: lengths that are already settled, as in `validate_array`.

    Returns:
        Every axis length that the arrays settle.

    Raises:
        KeyError: an unknown name.
        ValueError: no array, `sample/index` is missing, or an array that does not fit.
    """
    if "sample/index" not in arrays:
        raise ValueError(f"rows need sample/index; given are {sorted(arrays) or 'no arrays'}")
    settled = dict(sizes or {})
    for name in sorted(arrays):
        settled.update(validate_array(name, arrays[name], settled))
    return settled


def specs_table_markdown() -> str:
    """Make the table of arrays that `docs/dataset.md` shows.

    Returns:
        A Markdown table, one line per entry of the registry, ending in a newline.
    """
    lines = ["| Array | dtype | Axes | Unit | Frame | Invalid | Meaning |", "|---|---|---|---|---|---|---|"]
    for spec in SPECS:
        cells = (
            f"`{spec.pattern}`", " or ".join(np.dtype(dtype).name for dtype in spec.dtypes), ", ".join(spec.axes),
            spec.unit if spec.other is None else f"{spec.unit} or {spec.other.unit}", spec.frame, spec.invalid,
            spec.meaning if spec.other is None else f"{spec.meaning}; {spec.other.note}",
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
