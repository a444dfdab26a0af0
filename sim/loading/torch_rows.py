"""Rows of one or more datasets as a map-style torch dataset that gives whole batches."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch  # noqa: TID253 (with `device_copy` and `loader` its home in this room)

from .array_choice import MIXED, Missing, choose_arrays

if TYPE_CHECKING:
    from ..dataset.dataset import Dataset

Batch = dict[str, torch.Tensor]
"""Tensors by array name, leading axis the rows of the batch."""

SOURCE = "source"
"""Number of each row's source in a mixture, int64."""


def keep_batch(batch: Any) -> Any:
    """Leave a batch as it is: the `collate_fn` for rows that come as whole batches."""
    return batch


@final
class TorchRows(torch.utils.data.Dataset[Batch]):
    """Rows for a DataLoader: `__getitems__` reads a whole batch, straight into its tensors.

    A row's number is its position in the dataset; the sources of a mixture stand one after the other. Types are those
    of the file: uint16 and uint64 become torch.uint16 and torch.uint64, with which torch can do little but convert them
    (`.long()`). It is small when pickled, and works in workers that are forked, spawned or started by a fork server.

    Args:
        sources: Dataset by name; one alone, or those of a mixture.
        arrays: Names or patterns such as "label/head/*"; None for all that torch can hold.
        missing: See `choose_arrays`; likewise unread.
        unread: See there.
        threads: Threads that decode a batch; None for one per core.
        is_pinned: Whether to decode into page-locked memory; not in workers.

    Raises:
        UsageError: The arrays cannot be chosen so.

    Example:
        >>> rows = dataset.torch_dataset(["sensor/head/rgb", "label/head/class"])
        >>> loader = torch.utils.data.DataLoader(rows, batch_size=64, collate_fn=keep_batch, num_workers=2)
    """

    def __init__(
        self,
        sources: Mapping[str, Dataset],
        arrays: Sequence[str] | None = None,
        *,
        missing: Missing = "error",
        unread: Mapping[str, Collection[str]] | None = None,
        threads: int | None = None,
        is_pinned: bool = False,
    ) -> None:
        self.shapes = choose_arrays(sources, arrays, missing=missing, unread=unread)
        self.source_names = tuple(sources)
        self.threads, self.is_pinned = threads, is_pinned
        self._datasets = tuple(sources.values())
        self._stops = np.cumsum([len(dataset) for dataset in self._datasets])
        left: Mapping[str, Collection[str]] = unread or {}
        self._names = [
            [name for name in self.shapes if name in dataset.shapes and source not in left.get(name, ())]
            for source, dataset in sources.items()
        ]
        self._masked = sorted(
            name for name in self.shapes.keys() - {*MIXED, *left} if any(name not in names for names in self._names)
        )

    def __len__(self) -> int:
        return int(self._stops[-1])

    def __getitem__(self, index: int) -> Batch:
        return {name: tensor[0] for name, tensor in self.__getitems__([index]).items()}

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """Read a batch.

        Args:
            indices: Numbers of the rows.

        Returns:
            Its tensors: the arrays, in a mixture `source`, and where arrays are masked `present/<name>` (bool).
        """
        wanted = np.asarray(indices, np.int64)
        if wanted.size and not (wanted.min() >= -len(self) and wanted.max() < len(self)):
            raise IndexError(f"row {wanted.max()} is not there: there are {len(self)}")
        wanted = np.where(wanted < 0, wanted + len(self), wanted)
        count = len(wanted)
        batch = {name: self._room((count, *shape), dtype) for name, (dtype, shape) in self.shapes.items()}
        present = {name: self._room((count,), np.dtype(bool)) for name in self._masked}
        source = np.searchsorted(self._stops, wanted, "right")
        views = {name: tensor.numpy() for name, tensor in batch.items()}
        masks = {name: tensor.numpy() for name, tensor in present.items()}
        for number, dataset in enumerate(self._datasets):
            mine = np.flatnonzero(source == number)
            if not mine.size:
                continue
            first = int(self._stops[number]) - len(dataset)
            self._read(number, dataset.rows[wanted[mine] - first], mine, views)
            for name in self.shapes.keys() - set(self._names[number]):
                views[name][mine] = 0
            for name in self._masked:
                masks[name][mine] = name in self._names[number]
        if len(self._datasets) > 1:
            batch[SOURCE] = torch.from_numpy(source.astype(np.int64))
        return batch | {f"present/{name}": mask for name, mask in present.items()}

    def _read(self, number: int, rows: Any, places: Any, views: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Decode rows of one source to their places in the batch."""
        dataset, names = self._datasets[number], self._names[number]
        first, last = int(places[0]), int(places[-1])
        if last - first + 1 == len(places):  # as the loader's batches have it: no copy
            room = {name: views[name][first : last + 1] for name in names}
            dataset.read_rows(rows, names, out=room, threads=self.threads)
            return
        for name, values in dataset.read_rows(rows, names, threads=self.threads).items():
            views[name][places] = values

    def _room(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> torch.Tensor:
        return torch.empty(shape, dtype=_tensor_type(dtype), pin_memory=self.is_pinned)


@functools.cache
def _tensor_type(dtype: np.dtype[Any]) -> torch.dtype:
    return torch.from_numpy(np.empty(0, dtype)).dtype
