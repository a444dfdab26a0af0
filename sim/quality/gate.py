"""The gate: does a finished dataset look and touch as the world does? Measured, with the numbers printed."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..dataset.reader import Dataset, open_dataset
from .appearance import Appearance, measure_appearance

PENETRATION_LIMIT: Final = 0.002
"""Deepest interpenetration allowed [m]."""
FLOATING_LIMIT: Final = 0.002
"""Largest gap between a resting object's drawn mesh and what it rests on [m]."""
CLIPPED_LIMIT: Final = 0.05
"""Largest fraction of clipped pixels over the dataset [1]."""
TEXTURED_LIMIT: Final = 0.9
"""Least fraction of seen surface with a texture or a pattern [1]."""
CRACK_LIMIT: Final = 2e-5
"""Largest fraction of lone pixels of another instance inside a surface [1]."""
ACNE_LIMIT: Final = 1e-3
"""Largest fraction of lone shadow or light pixels inside smooth surfaces [1]."""
SHADOW_LIMIT: Final = 0.95
"""Least fraction of decidable shadows that begin where their object ends [1]."""

_MOST_IMAGES = 2048


@dataclass(frozen=True, kw_only=True)
class GateLine:
    """One line of the gate."""

    name: str
    """What was judged."""
    passed: bool
    """Whether it is as it should be."""
    text: str
    """The numbers."""


def run_gate(folder: str | os.PathLike[str], *, scenarios: int = 12) -> list[GateLine]:
    """Judge a dataset.

    What rows hold is measured over the accepted rows. What only a scene can tell (where shadows begin, whether the
    drawn meshes touch) is measured on scenarios that are made again from the dataset's own recipe.

    Args:
        folder: The dataset.
        scenarios: Scenarios to make again, spread over the dataset.

    Returns:
        One line per question.

    Raises:
        DatasetError: If the folder is no dataset, or is damaged.
        RecipeError: If its scene cannot be made here.

    Example:
        >>> all(line.passed for line in run_gate("data/demo"))
        True
    """
    with open_dataset(folder) as dataset:
        chosen = np.unique(dataset.array("sample/scenario"))
        picks = np.unique(chosen[np.linspace(0, len(chosen) - 1, min(scenarios, len(chosen))).astype(int)])
        appearance = measure_appearance(Path(folder), [int(index) for index in picks])
        return [
            _shadows(appearance),
            _acne(appearance),
            _cracks(dataset),
            _penetration(dataset),
            _floating(dataset, appearance),
            _textured(appearance),
            _clipped(dataset),
            _repeats(dataset),
        ]


def _shadows(appearance: Appearance) -> GateLine:
    decided, touching = appearance.shadows_decided, appearance.shadows_touching
    return GateLine(
        name="shadows touch objects",
        passed=touching >= SHADOW_LIMIT * decided,
        text=f"{touching} of {decided} decidable shadows begin at their object (at least {SHADOW_LIMIT:.0%})"
        if decided
        else "no shadow can be decided here: the scene has none, or none that is seen whole",
    )


def _acne(appearance: Appearance) -> GateLine:
    fraction = appearance.acne_pixels / max(appearance.smooth_pixels, 1)
    return GateLine(
        name="no shadow acne",
        passed=appearance.smooth_pixels > 0 and fraction <= ACNE_LIMIT,
        text=f"{appearance.acne_pixels} lone pixels in {appearance.smooth_pixels} of smooth surface: {fraction:.2e} "
        f"(at most {ACNE_LIMIT:.0e})",
    )


def _cracks(dataset: Dataset) -> GateLine:
    names = _images(dataset, "label/", "/instance")
    lone = pixels = 0
    for row in _spread(dataset):
        for name, ids in dataset.row(row, names).items():
            del name
            lone += count_lone_pixels(ids)
            pixels += ids.size
    fraction = lone / max(pixels, 1)
    return GateLine(
        name="no cracks",
        passed=pixels > 0 and fraction <= CRACK_LIMIT,
        text=f"{lone} lone pixels in {pixels}: {fraction:.2e} (at most {CRACK_LIMIT:.0e})"
        if names
        else "not known: the recipe's outputs have no instance",
    )


def count_lone_pixels(ids: NDArray[Any]) -> int:
    """Count pixels whose eight neighbours all show one other instance that is no background.

    Args:
        ids: Instance map, shape (height, width).

    Returns:
        The number of such pixels: what a crack between triangles looks like.
    """
    centre = ids[1:-1, 1:-1]
    first = ids[:-2, :-2]
    alike = np.ones(centre.shape, bool)
    for y in range(3):
        for x in range(3):
            if (y, x) != (1, 1):
                alike &= ids[y : y + centre.shape[0], x : x + centre.shape[1]] == first
    return int(np.count_nonzero(alike & (first != centre) & (first != 0)))


def _penetration(dataset: Dataset) -> GateLine:
    if "state/contact_distance" not in dataset.names:
        return GateLine(
            name="no interpenetration", passed=False, text="not known: the recipe's outputs have no contacts"
        )
    deepest = float(-dataset.array("state/contact_distance").min())
    return GateLine(
        name="no interpenetration",
        passed=deepest <= PENETRATION_LIMIT,
        text=f"deepest contact {max(deepest, 0) * 1e3:.2f} mm over {len(dataset)} rows "
        f"(at most {PENETRATION_LIMIT * 1e3:.0f} mm)",
    )


def _floating(dataset: Dataset, appearance: Appearance) -> GateLine:
    untouched = objects = 0
    if {"state/contact_instances", "object/valid"} <= set(dataset.names):
        valid, pairs = dataset.array("object/valid"), dataset.array("state/contact_instances")
        counts = dataset.array("state/contact_count")
        for row in range(len(valid)):
            touched = set(pairs[row, : counts[row]].ravel().tolist())
            slots = np.nonzero(valid[row])[0]
            objects += len(slots)
            untouched += sum(int(slot) + 1 not in touched for slot in slots if int(slot) + 1 not in appearance.fixed)
    gap, low = appearance.largest_gap, appearance.deepest_mesh
    return GateLine(
        name="nothing floats",
        passed=objects > 0 and untouched == 0 and gap <= FLOATING_LIMIT and -low <= FLOATING_LIMIT,
        text=f"{untouched} of {objects} objects without a contact; {appearance.resting_objects} drawn meshes on the "
        f"support are {low * 1e3:+.2f} to {gap * 1e3:+.2f} mm from it (within {FLOATING_LIMIT * 1e3:.0f} mm)",
    )


def _textured(appearance: Appearance) -> GateLine:
    fraction = appearance.textured_pixels / max(appearance.surface_pixels, 1)
    return GateLine(
        name="textured surfaces",
        passed=fraction >= TEXTURED_LIMIT,
        text=f"{fraction:.1%} of the surface seen has a texture or pattern (at least {TEXTURED_LIMIT:.0%}); "
        f"{appearance.textured_surfaces} of {appearance.surfaces} surfaces placed",
    )


def _clipped(dataset: Dataset) -> GateLine:
    names = _images(dataset, "sensor/", "/rgb")
    fractions = [
        np.count_nonzero((image == 255).any(axis=-1)) / (image.shape[0] * image.shape[1])
        for row in _spread(dataset)
        for image in dataset.row(row, names).values()
    ]
    if not fractions:
        return GateLine(name="few clipped pixels", passed=False, text="not known: the recipe's outputs have no rgb")
    mean = float(np.mean(fractions))
    return GateLine(
        name="few clipped pixels",
        passed=mean < CLIPPED_LIMIT,
        text=f"{mean:.2%} of pixels, worst image {max(fractions):.2%} (less than {CLIPPED_LIMIT:.0%})",
    )


def _repeats(dataset: Dataset) -> GateLine:
    """Look for a picture, a camera pose or an arrangement of objects that comes twice."""
    found = []
    pictures: list[bytes] = []
    names = _images(dataset, "sensor/", "/rgb")
    for row in _spread(dataset):
        digest = hashlib.sha256()
        for image in dataset.row(row, names).values():
            digest.update(image.tobytes())
        pictures.append(digest.digest())
    found.append(("pictures", len(pictures), len(set(pictures))))
    scenario, view = dataset.array("sample/scenario"), dataset.array("sample/view")
    places = np.stack([scenario, view], axis=1)
    poses = [dataset.array(name) for name in _images(dataset, "camera/", "/pose_world_camera")]
    joined = np.concatenate([pose.reshape(len(pose), -1) for pose in poses], axis=1)
    found.append(("camera poses", *_distinct(places, joined)))
    if "object/pose_world_object" in dataset.names:
        arrangement = dataset.array("object/pose_world_object").reshape(len(scenario), -1)
        found.append(("arrangements", *_distinct(scenario[:, None], arrangement)))
    looks = [f"param/{name}" for name, entry in dataset.tables["parameters"].items() if entry["varies"] == "look"]
    if looks:
        drawn = np.concatenate([dataset.array(name).reshape(len(scenario), -1) for name in looks], axis=1)
        found.append(("looks", *_distinct(dataset.rows[:, None], drawn)))
    return GateLine(
        name="nothing twice",
        passed=all(count == distinct for _, count, distinct in found),
        text=", ".join(f"{distinct} of {count} {what} differ" for what, count, distinct in found),
    )


def _distinct(keys: NDArray[Any], values: NDArray[Any]) -> tuple[int, int]:
    """Count distinct keys, and distinct values of them."""
    _, first = np.unique(keys, axis=0, return_index=True)
    return len(first), len(np.unique(values[first], axis=0))


def _images(dataset: Dataset, start: str, end: str) -> list[str]:
    return [name for name in dataset.names if name.startswith(start) and name.endswith(end)]


def _spread(dataset: Dataset) -> list[int]:
    count = min(_MOST_IMAGES, len(dataset))
    return [int(dataset.rows[i * len(dataset) // count]) for i in range(count)]
