"""Snapshots of a campaign, collected for a replay file."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

from ...renderers.replay import save_replay
from ...renderers.snapshot import Snapshot
from ...renderers.view import Camera
from ...scenes.stage import Stage
from ..errors import UsageError
from .plan import Plan


class ReplayCollector:
    """Collects snapshots for a replay file, up to a limit that keeps memory bounded."""

    LIMIT = 4096
    """Views that are kept at most."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self._path = path
        self._library = plan.scene.library
        self._snapshots: list[Snapshot] = []
        self._cameras: list[Camera] = []
        self._views: list[int] = []

    def add(self, stages: Sequence[Stage]) -> None:
        """Keep the snapshots and cameras of valid stages, of all instants of their episodes."""
        for stage in stages:
            for instant in stage.instants or (stage,):
                self._add(instant)

    def _add(self, stage: Stage) -> None:
        if not stage.valid or len(self._views) >= self.LIMIT:
            return
        first = len(self._snapshots)
        # Copied: a stage from a worker lies in a slot of shared memory, which the next one needs.
        snapshots, cameras_by_name = copy.deepcopy((stage.snapshots, dict(stage.cameras)))
        self._snapshots += snapshots
        for cameras in cameras_by_name.values():
            self._cameras += cameras
            self._views += range(first, first + len(cameras))

    def save(self) -> None:
        """Write the file, where anything was collected.

        Raises:
            UsageError: If it cannot be written.
        """
        if not self._snapshots:
            return
        try:
            save_replay(self._path, self._library, self._snapshots, self._cameras, self._views)
        except OSError as error:
            raise UsageError(f"cannot write {self._path}: {error.strerror}") from error
