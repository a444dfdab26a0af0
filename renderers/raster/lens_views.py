"""Lens views: those views of a chunk that have a lens, drawn on their faces and warped."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .counts import copy_slot
from .lens_faces import AXES, Face, LensGrid, LensRays, face_cameras
from .lens_warp import WARP_KEYS
from .levels import clear, keep_levels, take_levels
from .resolve import COUNT_VISIBLE
from .tables import Draws, Geometry, Views, Worlds
from .workspace import Workspace


class Passes(Protocol):
    """What lens views need of their chunk."""

    views: Views
    host_views: Views
    worlds: Worlds
    host_worlds: Worlds
    workspace: Workspace
    geometry: Geometry
    drawn: Draws
    largest: int
    width: int
    height: int

    def launch(self, kernel: Any, count: int, *arrays: Any) -> None:
        """Launch a kernel."""

    def take(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Take a buffer."""

    def make(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Make an array of this call."""

    def bands(self, elements: int) -> int:
        """Return into how many bands images are cut."""

    def choose_levels(self, views: Views, width: int, height: int, *, name: str) -> Draws:
        """Choose what views draw."""

    def draw(self, views: Views, drawn: Draws, width: int, height: int, keys: NDArray[Any]) -> NDArray[np.int32]:
        """Draw views into keys."""


class _FaceViews(NamedTuple):
    """One face of some views that share a lens."""

    rays: LensRays
    face: Face
    members: NDArray[np.int64]
    """Rows of the views."""
    views: Views
    """The faces, as cameras."""
    drawn: Draws
    """What they draw."""
    name: str
    """Of its arrays in the workspace."""


@final
class LensViews:
    """The views that have a lens, for one number of samples per pixel side.

    Args:
        grid: Their lenses.
        samples: Samples per pixel side that these were traced for.
        passes: The chunk that they are part of.
    """

    def __init__(self, grid: LensGrid, samples: int, passes: Passes) -> None:
        self._passes = passes
        self._faces: list[_FaceViews] = []
        table, world = passes.host_views.camera, passes.host_views.world
        for group, (rays, members) in enumerate(grid.groups):
            for part in rays.split(members):
                for face in rays.faces:
                    name = f"face {len(self._faces)} of {group} at {samples}"
                    host = Views(camera=face_cameras(table[part], face), world=world[part])
                    views, where = passes.workspace.send(name, (host, part))
                    drawn = passes.choose_levels(views, face.width, face.height, name=name)
                    self._faces.append(
                        _FaceViews(rays=rays, face=face, members=where, views=views, drawn=drawn, name=name)
                    )

    def fill(self, level: NDArray[np.int32], samples: int, keys: NDArray[np.uint64]) -> None:
        """Fill the keys of the views that have a lens; they must be empty before.

        Args:
            level: What all views draw, at their own levels of detail: a key names the same triangle on every face.
            samples: Samples per pixel side.
            keys: Keys of all views.
        """
        passes = self._passes
        columns, rows = passes.width * samples, passes.height * samples
        hold = passes.workspace.hold
        for rays, face, members, views, drawn, name in self._faces:
            shown = take_levels(passes, f"shown {name}", passes.largest, members, level, drawn)
            if not passes.workspace.is_resident and not (shown.level >= 0).any():
                continue
            face_keys = passes.take("face_keys", (len(members) * face.width * face.height,), np.uint64)
            passes.draw(views, shown, face.width, face.height, face_keys)
            bands = min(passes.bands(len(members)), rows)
            passes.launch(
                WARP_KEYS, len(members) * bands, bands, columns, rows, face.number, int(rays.single), face.focal,
                face.cx, face.cy, face.width, face.height, passes.largest, hold("axes", AXES),
                hold(f"ray of {name}", rays.ray), members, passes.views,
                passes.drawn, passes.geometry, face_keys, keys,
            )  # fmt: skip

    def count_amodal(self, total: NDArray[np.int32], box: NDArray[np.float32]) -> None:
        """Count the amodal pixels of the views that have a lens: each instance id is drawn alone.

        Args:
            total: Pixels per instance id, written for these views, shape (V, S).
            box: Their tight boxes, shape (V, S, 4).
        """
        passes, worlds, views = self._passes, self._passes.worlds, self._passes.views
        host = passes.host_worlds
        count = len(views.world)
        owner = np.zeros((count, passes.largest), np.int32)
        for view, world in enumerate(passes.host_views.world):
            first, end = host.start[world], host.start[world + 1]
            owner[view, : end - first] = host.instance[first:end]
        keys = passes.take("amodal_keys", (count * passes.width * passes.height,), np.uint64)
        found = passes.make("lens pixels", total.shape, np.int32)
        found_box = passes.make("lens boxes", box.shape, np.float32)
        members = np.flatnonzero(passes.host_views.ray_start >= 0)
        for slot in range(total.shape[1]):
            clear(passes, keys)
            owned, where = passes.workspace.send("alone", ((owner.reshape(-1) == slot + 1).astype(np.uint8), members))
            self.fill(keep_levels(passes, "alone", passes.drawn, owned).level, 1, keys)
            passes.launch(
                COUNT_VISIBLE, count, passes.width, passes.height, views.world, worlds.start, worlds.instance,
                total.shape[1], keys, found, found_box,
            )  # fmt: skip
            copy_slot(passes, slot, where, found, found_box, total, box)
