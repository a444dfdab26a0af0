"""Fresh sensor readings for batches of ideal arrays."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch  # noqa: TID253 (with `torch_rows`, `device_copy` and `loader` its home in this room)

from ...kernels.incidence import cosine_of_incidence
from ..errors import UsageError
from .order import BatchRows
from .remeasurement import COLOUR, Remeasurement, plan_remeasurements
from .torch_rows import Batch

if TYPE_CHECKING:
    from ..dataset.dataset import Dataset

_MILLIMETRE: Final = 1e-3


class Augmentation:
    """Makes `sensor/...` anew from `ideal/...`, with noise addressed by seed, pass over the source, and row.

    Args:
        sources: Datasets by name.
        wanted: See `plan_remeasurements`. A row of a mixture without ideal arrays keeps its readings.
        seed: Seed of the noise, [0, 2^64).

    Raises:
        UsageError: A profile is unknown or of another sensor, or ideal arrays are missing.
    """

    def __init__(self, sources: Mapping[str, Dataset], wanted: Any, *, seed: int) -> None:
        self._source_names = tuple(sources)
        self._lock = threading.Lock()
        steps = plan_remeasurements(sources, wanted, seed=seed)
        self.steps = tuple(steps)
        self._unread: dict[str, set[str]] = {}
        for step in steps:
            blind = {name for name, dataset in sources.items() if step.intrinsics not in dataset.shapes}
            if blind & step.modules.keys():
                raise UsageError(f"augment needs {step.intrinsics}, which {sorted(blind)} does not hold")
            self._unread[step.intrinsics] = blind
            self._unread[step.ideal] = set(sources) - set(step.modules)
            if step.normal:
                self._unread[step.normal] = {n for n, dataset in sources.items() if step.normal not in dataset.shapes}
            self._unread.update({name: set(step.modules) for name in step.made})

    @property
    def inputs(self) -> frozenset[str]:
        """Arrays that are read for it."""
        return frozenset(name for step in self.steps for name in step.inputs)

    @property
    def made(self) -> frozenset[str]:
        """Arrays that it makes."""
        return frozenset(name for step in self.steps for name in step.made)

    @property
    def unread(self) -> Mapping[str, set[str]]:
        """Sources that an array is not read from: made ones where they are made, ideal ones elsewhere."""
        return self._unread

    def keep_on_host(self, batch: Batch) -> dict[str, np.ndarray[Any, Any]]:
        """Give what addresses the noise; it is read on the host, so a device need not be waited for."""
        names = {"sample/index", *(step.intrinsics for step in self.steps)}
        return {name: batch[name].numpy() for name in names}

    def apply(self, batch: Batch, rows: BatchRows, host: Mapping[str, np.ndarray[Any, Any]]) -> Batch:
        """Give a batch with readings.

        Args:
            batch: It holds `inputs`; on any device.
            rows: Its rows.
            host: See `keep_on_host`.

        Returns:
            The batch and what is `made`, on the device of the ideal arrays; depth is float32, in metres.
        """
        batch = dict(batch)
        with self._lock:  # a module knows one epoch at a time
            for step in self.steps:
                batch.update(self._measure(step, batch, rows, host))
        return batch

    def _measure(
        self, step: Remeasurement, batch: Batch, rows: BatchRows, host: Mapping[str, np.ndarray[Any, Any]]
    ) -> dict[str, torch.Tensor]:
        groups = [
            (name, turn, np.flatnonzero((rows.source == number) & (rows.turn == turn)))
            for number, name in enumerate(self._source_names)
            if name in step.modules
            for turn in np.unique(rows.turn[rows.source == number]).tolist()
        ]
        ideal, k = batch[step.ideal], host[step.intrinsics]
        normal = batch.get(step.normal)
        if not ideal.is_floating_point():
            ideal = _in_metres(ideal)
        # What other sources would have to give, and nobody asked for, is left out.
        whole = len(step.modules) == len(self._source_names)
        results: dict[str, torch.Tensor] = {}
        for name in step.made if not whole else ():
            if name in batch:
                results[name] = _in_metres(batch[name]) if name.endswith("/depth") else batch[name].clone()
        for name, turn, places in groups:
            if len(places) == len(ideal):
                made = _call(step, name, turn, ideal, normal, host["sample/index"], k)
                return {key: made[key] for key in (made if whole else results)}
            at = torch.from_numpy(places).to(ideal.device)
            leaning = None if normal is None else normal[at]
            made = _call(step, name, turn, ideal[at], leaning, host["sample/index"][places], k[places])
            for key, readings in made.items():
                if whole and key not in results:
                    shape = (len(ideal), *readings.shape[1:])
                    results[key] = torch.zeros(shape, dtype=readings.dtype, device=readings.device)
                if key in results:
                    results[key][at] = readings
        return results


def _in_metres(depth: torch.Tensor) -> torch.Tensor:
    """Give depth as metres in float32, which some datasets hold as whole millimetres."""
    if depth.is_floating_point():
        return depth.clone()
    return depth.to(torch.float32) * _MILLIMETRE


def _call(
    step: Remeasurement,
    source: str,
    turn: int,
    ideal: torch.Tensor,
    normal: torch.Tensor | None,
    index: Any,
    k: np.ndarray[Any, Any],
) -> dict[str, torch.Tensor]:
    module = step.modules[source]
    module.set_epoch(turn)
    fx, fy, center = k[:, 0, 0].copy(), k[:, 1, 1].copy(), np.ascontiguousarray(k[:, :2, 2])
    if step.signal == COLOUR:
        return dict(zip(step.made, [module(ideal, index=index, fx=fx, center=center, unit=step.unit)], strict=True))
    cosine = None if normal is None else cosine_of_incidence(normal.float(), fx=fx, fy=fy, center=center)
    return dict(zip(step.made, module(ideal, index=index, fx=fx, fy=fy, center=center, cosine=cosine), strict=True))
