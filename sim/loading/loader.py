"""The loader that `dataset.torch` returns: batches of tensors in a known order, made ahead, resumable."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, final

import numpy as np
import torch  # noqa: TID253 (with `torch_rows`, `device_copy` and `augmentation` its home in this room)

from ..errors import UsageError
from .augmentation import Augmentation
from .batch_sampler import BatchSampler, is_count
from .collapse import Lineage
from .device_copy import DeviceCopy
from .mix_report import MixReport, SourceReport
from .order import BatchRows
from .prefetch import prefetch
from .torch_rows import Batch, TorchRows, keep_batch

_READERS: Final = 2
"""Batches read at the same time: while the last rows of one are decoded, the next has begun."""


@final
class Loader:
    """Batches of a dataset or a mixture; made by `open_loader` or `dataset.torch`.

    Going through it is one epoch; going through it again is the next. Only one iteration is open at a time: a new one,
    a state that is loaded or another epoch that is set ends the one before.

    Example:
        >>> loader = dataset.torch(batch_size=64, arrays=["sensor/head/rgb", "label/head/class"])
        >>> for epoch in range(10):
        ...     for batch in loader:
        ...         train(batch["sensor/head/rgb"], batch["label/head/class"])
    """

    def __init__(
        self,
        rows: TorchRows,
        sampler: BatchSampler,
        *,
        lineages: Mapping[str, Lineage],
        forced: tuple[str, ...] = (),
        augmentation: Augmentation | None = None,
        kept: Collection[str] | None = None,
        workers: int = 0,
        prefetched: int = 4,
        start_method: str | None = None,
        is_pinned: bool = False,
        device: torch.device | None = None,
    ) -> None:
        self.rows, self.sampler = rows, sampler
        self._lineages, self._forced = lineages, forced
        self._augmentation, self._kept = augmentation, kept
        self._workers, self._prefetched, self._start_method = workers, prefetched, start_method
        self._is_pinned, self._device = is_pinned, device
        self._seen = np.zeros(len(rows.source_names), np.int64)
        self._ahead = BatchSampler(sampler.order, rank=sampler.rank, world_size=sampler.world_size)
        self._processes: Any = None
        self._iteration: object = None

    def __len__(self) -> int:
        return len(self.sampler)

    @property
    def epoch(self) -> int:
        """Number of the epoch that is under way, or comes next."""
        return self.sampler.epoch

    @property
    def source_names(self) -> tuple[str, ...]:
        """Names that the numbers in `source` stand for."""
        return self.rows.source_names

    def __iter__(self) -> Iterator[Batch]:
        epoch, first = self.sampler.begin()
        iteration = self._iteration = object()
        for number, batch in enumerate(self._make(epoch, first), first):
            self._seen += self._drawn(epoch, number)
            self.sampler.hand_out(epoch, number)
            yield batch
            if self._iteration is not iteration:  # the workers serve another one now
                raise UsageError("this iteration of the loader was ended: another one began, or its place was changed")
        self.sampler.end(epoch)

    def _drawn(self, epoch: int, number: int) -> Any:
        order = self.sampler.order
        return order.draws(epoch, number + 1) - order.draws(epoch, number)

    def _make(self, epoch: int, first: int) -> Iterator[Batch]:
        """Make the batches of an epoch, some of them ahead."""
        steps = [(epoch, number) for number in range(first, len(self))]
        made: Iterator[tuple[Batch, Any]]
        if self._workers:
            made = self._collect(steps)
        else:
            made = prefetch(self._load, steps, depth=self._prefetched, threads=_READERS)
        if self._device is not None:
            made = DeviceCopy(self._device).ahead(made)
        for batch, (rows, host) in made:
            yield self._finish(batch, rows, host)

    def _load(self, step: tuple[int, int]) -> tuple[Batch, Any]:
        """Read a batch in this process, and measure it where that happens on the host."""
        rows = self.sampler.rows(*step)
        batch = self.rows.__getitems__(self.sampler.indices(rows).tolist())
        host = self._keep_on_host(batch)
        if self._augmentation is not None and not self._is_measured_late:
            batch = self._augmentation.apply(batch, rows, host or {})
        return batch, (rows, host)

    def _collect(self, steps: Sequence[tuple[int, int]]) -> Iterator[tuple[Batch, Any]]:
        """Take batches from worker processes."""
        if not steps:
            return
        if self._processes is None:
            each = -(-self._prefetched // self._workers)
            self._processes = torch.utils.data.DataLoader(
                self.rows, batch_sampler=self._ahead, collate_fn=keep_batch, num_workers=self._workers,
                pin_memory=self._is_pinned, prefetch_factor=max(1, each), persistent_workers=True,
                multiprocessing_context=self._start_method,
            )  # fmt: skip
        self._ahead.seek(*steps[0])
        try:
            for step, batch in zip(steps, self._processes, strict=True):
                yield batch, (self.sampler.rows(*step), self._keep_on_host(batch))
        except Exception:
            self._processes = None  # a worker may be gone: others start with the next iteration
            raise

    @property
    def _is_measured_late(self) -> bool:
        """Whether sensors are applied to what is handed out, and not while it is read."""
        return self._workers > 0 or (self._device is not None and self._device.type != "cpu")

    def _keep_on_host(self, batch: Batch) -> Any:
        return None if self._augmentation is None else self._augmentation.keep_on_host(batch)

    def _finish(self, batch: Batch, rows: BatchRows, host: Any) -> Batch:
        if self._augmentation is not None and self._is_measured_late:
            batch = self._augmentation.apply(batch, rows, host)
        if self._kept is None:
            return batch
        return {name: tensor for name, tensor in batch.items() if name in self._kept or name.startswith("present/")}

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that comes next; one that a state was loaded for goes on where it was.

        Raises:
            UsageError: The epoch is negative.
        """
        self.sampler.set_epoch(epoch)
        self._iteration = None

    def state_dict(self) -> dict[str, Any]:
        """Give the place in training, as JSON values: what was handed out counts, not what was made ahead."""
        return {**self.sampler.state_dict(), "rows_seen": self._seen.tolist()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken; ranks, workers and device may be others.

        Raises:
            UsageError: It is no state, or one of another order or of other rows.
        """
        self.sampler.load_state_dict(state)
        seen = state.get("rows_seen", [0] * len(self._seen))
        if not (isinstance(seen, list) and len(seen) == len(self._seen) and all(map(is_count, seen))):
            raise UsageError(f"rows_seen of a state is a list with a count for each source, got {seen!r:.80}")
        self._seen = np.array(seen, np.int64)
        self._iteration = None

    def report(self) -> MixReport:
        """Tell what was handed out of each source, by all ranks together."""
        order = self.sampler.order
        total = max(1, int(self._seen.sum()))
        weights = [float(weight) for weight in order.weights] or [1.0]
        return MixReport(
            sources={
                name: SourceReport(
                    wanted_ratio=weight, ratio=int(seen) / total, rows_seen=int(seen), row_count=lineage.row_count,
                    real_count=lineage.real_count, made_count=lineage.made_count,
                )
                for (name, lineage), weight, seen in zip(self._lineages.items(), weights, self._seen, strict=True)
            },
            forced=self._forced,
        )  # fmt: skip
