"""Our own loaders, with the methods that `plain_loaders.py` lists, and the datasets that they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from plain_loaders import shuffle_rows

from simloom.sim.dataset import Dataset, DatasetWriter, ShardFile, open_dataset

ARRAYS: Mapping[str, str] = {
    "index": "sample/index",
    "rgb": "sensor/head/rgb",
    "depth": "sensor/head/depth",
    "instance": "label/head/instance",
    "boxes": "label/head/box_visible",
}
"""What is loaded, by the short names that all loaders use."""


def recode(source: Path, folder: Path, codec: Any) -> None:
    """Write the rows of a dataset again, stored by another codec.

    Args:
        source: A complete dataset.
        folder: Where; new or empty.
        codec: As `DatasetWriter.open` takes it.
    """
    with open_dataset(source, skip_rejected=False) as dataset:
        manifest = dataset.manifest
        if manifest is None:
            raise RuntimeError(f"{source} is {dataset.status}")
        writer = DatasetWriter.open(
            folder,
            (source / "recipe.yaml").read_text(encoding="utf-8"),
            rows_wanted=manifest.rows,
            rows_per_scenario=manifest.layout.rows_per_scenario,
            scenarios_per_shard=manifest.layout.scenarios_per_shard,
            tables=dataset.tables,
            codec=codec,
        )
        for shard in writer.missing():
            writer.commit_shard(shard, dataset.read_rows(list(writer.shard_rows(shard))))
        writer.finish()


def export(source: Path, folder: Path) -> None:
    """Write the arrays that are loaded as `.npy` files, from which the other loaders make theirs."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_dataset(source, skip_rejected=False) as dataset:
        rows = dataset.read_rows(dataset.rows, list(ARRAYS.values()))
    for name, array in ARRAYS.items():
        np.save(folder / f"{name}.npy", rows[array])


class Rows:
    """`Dataset.read_rows` in this process, in threads, into arrays that are used again.

    Args:
        batch: Rows of a batch.
        workers: Threads.
        codec: How the dataset is stored.
    """

    def __init__(self, *, batch: int, workers: int, codec: Any = "deflate") -> None:
        self._batch = batch
        self._workers = workers
        self._codec = codec
        self._dataset: Dataset | None = None

    def write(self, source: Path, folder: Path) -> None:
        """Store the dataset that lies beside the plain arrays by this loader's codec."""
        recode(source / "dataset", folder, self._codec)

    def open(self, folder: Path) -> None:
        """Open the dataset; shards are opened where they are read."""
        self._dataset = open_dataset(folder, skip_rejected=False)

    def stored_bytes(self, folder: Path) -> int:
        """Count the stored bytes of the arrays that are loaded; the dataset holds others too."""
        total = 0
        for path in sorted((folder / "shards").glob("*.h5")):
            with ShardFile(path) as shard:
                for name in ARRAYS.values():
                    stored = shard.arrays[name]
                    total += int(stored.lengths.sum()) if stored.filters else shard.rows * stored.row_bytes
        return total

    def batches(self, epoch: int) -> Iterator[dict[str, NDArray[Any]]]:
        """Give the batches of an epoch; each is overwritten by the next."""
        assert self._dataset is not None
        order = self._dataset.rows[shuffle_rows(len(self._dataset), epoch)]
        names = list(ARRAYS.values())
        room: dict[str, NDArray[Any]] = {}
        for first in range(0, len(order), self._batch):
            rows = order[first : first + self._batch]
            room = room or self._dataset.read_rows(rows, names, threads=self._workers)
            out = {name: array[: len(rows)] for name, array in room.items()}
            found = self._dataset.read_rows(rows, names, out=out, threads=self._workers)
            yield {name: found[array] for name, array in ARRAYS.items()}

    def close(self) -> None:
        """Close the files."""
        if self._dataset is not None:
            self._dataset.close()


class TorchLoader(Rows):
    """`Dataset.torch` as it is by default: batches are read ahead in threads of this process."""

    def open(self, folder: Path) -> None:
        """Open the dataset and make the loader."""
        super().open(folder)
        assert self._dataset is not None
        self._loader = self._dataset.torch(
            batch_size=self._batch, arrays=list(ARRAYS.values()), threads=self._workers, drop_last=False
        )

    def batches(self, epoch: int) -> Iterator[dict[str, Any]]:
        """Give the batches of the next epoch, as tensors."""
        for batch in self._loader:
            yield {name: batch[array] for name, array in ARRAYS.items()}
