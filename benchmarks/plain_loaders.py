"""Loaders that need nothing but NumPy, h5py and torch: what a user writes, and the memory map that bounds all of them.

Every loader here, in `peer_loaders.py` and in `our_loaders.py` has the same methods, called by `loader_program.py`:
`write` makes its files once from plain `.npy` arrays, `open` gets ready, `batches` gives one epoch in an order of its
own, `close` lets go of every file.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from naive_writer import write_rows
from numpy.typing import NDArray

INDEX = "index"
"""Name of the array that holds the rows' own numbers."""


def open_source(source: Path) -> dict[str, NDArray[Any]]:
    """Map the arrays of a folder of `.npy` files, by name."""
    return {path.stem: np.load(path, mmap_mode="r") for path in sorted(source.glob("*.npy"))}


def shuffle_rows(count: int, epoch: int) -> NDArray[np.int64]:
    """Draw the order of an epoch."""
    return np.random.default_rng(epoch).permutation(count)


def folder_bytes(folder: Path) -> int:
    """Add up the sizes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class MemoryMap:
    """The roofline: rows of mapped `.npy` files copied into arrays that are used again, by one thread or more.

    Args:
        batch: Rows of a batch.
        workers: Threads, each of which fills batches of its own.
    """

    def __init__(self, *, batch: int, workers: int) -> None:
        self._batch = batch
        self._workers = workers
        self._arrays: dict[str, NDArray[Any]] = {}

    def write(self, source: Path, folder: Path) -> None:
        """Copy the files."""
        for path in sorted(source.glob("*.npy")):
            (folder / path.name).write_bytes(path.read_bytes())

    def open(self, folder: Path) -> None:
        """Map them."""
        self._arrays = open_source(folder)

    def stored_bytes(self, folder: Path) -> int:
        """Count what the rows take on disk."""
        return folder_bytes(folder)

    def batches(self, epoch: int) -> Iterator[dict[str, NDArray[Any]]]:
        """Give the batches of an epoch; each is overwritten `workers` + 1 batches later."""
        order = shuffle_rows(len(self._arrays[INDEX]), epoch)
        chosen = [order[first : first + self._batch] for first in range(0, len(order), self._batch)]
        rooms = [
            {name: np.empty((self._batch, *array.shape[1:]), array.dtype) for name, array in self._arrays.items()}
            for _ in range(self._workers + 1)
        ]
        if self._workers == 1:
            for rows in chosen:
                yield self._gather(rows, rooms[0])
            return
        with ThreadPoolExecutor(self._workers) as pool:
            pending = [pool.submit(self._gather, rows, rooms[k]) for k, rows in enumerate(chosen[: self._workers])]
            for k in range(len(chosen)):
                ahead = k + self._workers
                if ahead < len(chosen):
                    pending.append(pool.submit(self._gather, chosen[ahead], rooms[ahead % len(rooms)]))
                yield pending[k].result()

    def _gather(self, rows: NDArray[np.int64], room: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        batch = {name: array[: len(rows)] for name, array in room.items()}
        for name, array in self._arrays.items():
            np.take(array, rows, axis=0, out=batch[name], mode="clip")  # "raise" would go through a buffer
        return batch

    def close(self) -> None:
        """Unmap."""
        self._arrays = {}


class TorchMemoryMap(MemoryMap):
    """The same files in a torch `DataLoader`: what a map costs a user once workers hand batches over."""

    def open(self, folder: Path) -> None:
        """Start the loader; its processes start with the first epoch."""
        super().open(folder)
        self._loader = make_loader(MappedRows(folder), self._batch, self._workers)

    def batches(self, epoch: int) -> Iterator[Any]:
        """Give the batches of an epoch."""
        seed_torch(epoch)
        return iter(self._loader)

    def close(self) -> None:
        """Stop the processes and unmap."""
        super().close()
        del self._loader


class MappedRows:
    """A map-style dataset over `.npy` files that reads a batch at once.

    Args:
        folder: The files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._arrays: dict[str, NDArray[Any]] = {}
        self._count = len(np.load(folder / f"{INDEX}.npy", mmap_mode="r"))

    def __len__(self) -> int:
        return self._count

    def __getitems__(self, rows: list[int]) -> dict[str, Any]:
        import torch

        self._arrays = self._arrays or open_source(self._folder)
        return {name: torch.from_numpy(array[rows]) for name, array in self._arrays.items()}


class NaiveH5py:
    """One HDF5 file by h5py with gzip, a chunk a row; a torch dataset that reads row by row.

    Args:
        batch: Rows of a batch.
        workers: Processes of the loader.
        level: Level of gzip.
        few: Rows of a timed epoch, drawn anew for each; it is slow, and every row costs the same.
    """

    def __init__(self, *, batch: int, workers: int, level: int = 4, few: int | None = None) -> None:
        self._batch = batch
        self._workers = workers
        self._level = level
        self._few = few

    def write(self, source: Path, folder: Path) -> None:
        """Write the file."""
        write_rows(folder / "rows.h5", open_source(source), self._level)

    def open(self, folder: Path) -> None:
        """Start the loader."""
        self._dataset = Hdf5Rows(folder / "rows.h5")
        self._draw = FewRows(len(self._dataset), self._few or len(self._dataset))
        self._loader = make_loader(self._dataset, self._batch, self._workers, self._draw)

    def stored_bytes(self, folder: Path) -> int:
        """Count what the rows take on disk."""
        return folder_bytes(folder)

    def batches(self, epoch: int) -> Iterator[Any]:
        """Give the batches of an epoch; of epoch 0, which is checked, all."""
        self._draw.epoch = epoch
        return iter(self._loader)

    def close(self) -> None:
        """Stop the processes."""
        del self._loader


class FewRows:
    """A torch sampler: so many rows of each epoch's order, of epoch 0 all.

    Args:
        count: Rows that there are.
        few: Rows wanted.
    """

    def __init__(self, count: int, few: int) -> None:
        self._count = count
        self._few = few
        self.epoch = 0

    def __iter__(self) -> Iterator[int]:
        order = shuffle_rows(self._count, self.epoch)
        return iter(order[: self._few if self.epoch else None].tolist())

    def __len__(self) -> int:
        return self._few


class Hdf5Rows:
    """A map-style dataset over an HDF5 file, opened in each worker at the first row.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        import h5py

        self._path = path
        self._file: Any = None
        with h5py.File(path) as file:
            self._names = sorted(file)
            self._count = len(file[INDEX])

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: int) -> dict[str, Any]:
        import h5py

        if self._file is None:
            self._file = h5py.File(self._path)
        return {name: self._file[name][row] for name in self._names}


def make_loader(dataset: Any, batch: int, workers: int, sampler: Any = None) -> Any:
    """Make a `DataLoader` with persistent workers.

    Args:
        dataset: Map-style.
        batch: Rows of a batch.
        workers: Processes.
        sampler: Gives the rows one by one, to be read one by one; by default the dataset reads shuffled batches.
    """
    from torch.utils.data import DataLoader

    options = {"shuffle": True, "collate_fn": as_it_is} if sampler is None else {"sampler": sampler}
    return DataLoader(dataset, batch_size=batch, num_workers=workers, persistent_workers=workers > 0, **options)


def as_it_is(batch: Any) -> Any:
    """Collate what is a batch already."""
    return batch


def seed_torch(epoch: int) -> None:
    """Let an epoch have an order of its own."""
    import torch

    torch.manual_seed(epoch)
