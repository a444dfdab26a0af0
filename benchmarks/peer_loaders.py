"""Loaders of other projects as their own pages show them; each runs where it is installed (see docs/benchmarks.md).

No JPEG: it would not give the same arrays back. Each is measured twice: arrays as raw bytes, its fastest, and packed
without loss, as its page advises for images.
"""

from __future__ import annotations

import functools
import io
import itertools
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from plain_loaders import INDEX, folder_bytes, open_source, seed_torch

SHARDS, MOST_SHARD_BYTES = 16, 1 << 26
"""Every peer gets as many shards, so that workers have equal parts; of a large dataset more, of 64 MiB."""
IMAGES = ("rgb", "instance")
"""Arrays that PNG can hold; depth is float32."""


class WebDatasetLoader:
    """WebDataset: tar files read in sequence, shuffled in a buffer, put together in the workers.

    Args:
        batch: Rows of a batch.
        workers: Processes of the loader.
        packed: Whether images are PNG; else everything is `.npy`.
    """

    def __init__(self, *, batch: int, workers: int, packed: bool = False) -> None:
        self._batch = batch
        self._workers = workers
        self._packed = packed

    def write(self, source: Path, folder: Path) -> None:
        """Write the tar files."""
        import webdataset

        arrays = open_source(source)
        row_bytes = _row_bytes(source)
        pattern = str(folder / "rows-%06d.tar")
        with webdataset.ShardWriter(pattern, maxcount=max(1, _shard_bytes(source) // row_bytes), verbose=0) as writer:
            for row in range(len(arrays[INDEX])):
                sample: dict[str, Any] = {"__key__": f"{row:08d}"}
                for name, array in arrays.items():
                    image = self._packed and name in IMAGES
                    sample[f"{name}.{'png' if image else 'npy'}"] = _png(array[row]) if image else array[row]
                writer.write(sample)

    def open(self, folder: Path) -> None:
        """Build the pipeline."""
        import webdataset

        shards = sorted(str(path) for path in folder.glob("*.tar"))
        with tarfile.open(shards[0]) as tar:
            members = list(itertools.islice(tar, 64))
        key = members[0].name.split(".")[0]
        endings = [member.name[len(key) + 1 :] for member in members if member.name.startswith(f"{key}.")]
        rows = max(1, os.path.getsize(shards[0]) // sum(member.size for member in members[: len(endings)]))
        pipeline = (
            webdataset.WebDataset(shards, shardshuffle=len(shards), empty_check=False)
            # A buffer of a shard, at least: what is shuffled is bytes, decoding comes after.
            .shuffle(max(2 * self._batch, rows))
            .decode(*([webdataset.autodecode.imagehandler("rgb8", ["rgb.png"]), _from_png] if self._packed else []))
            .to_tuple(*endings)
            .batched(self._batch)
        )
        self._names = [ending.split(".")[0] for ending in endings]
        self._loader = webdataset.WebLoader(
            pipeline, batch_size=None, num_workers=self._workers, persistent_workers=self._workers > 0
        )

    def stored_bytes(self, folder: Path) -> int:
        """Count what the rows take on disk."""
        return folder_bytes(folder)

    def batches(self, epoch: int) -> Iterator[dict[str, Any]]:
        """Give the batches of an epoch."""
        for batch in self._loader:
            yield dict(zip(self._names, batch, strict=True))

    def close(self) -> None:
        """Stop the processes."""
        del self._loader


class LitDataLoader:
    """LitData: chunks made by `optimize`, read by `StreamingDataset` and `StreamingDataLoader`.

    Args:
        batch: Rows of a batch.
        workers: Processes of the loader.
        packed: Whether chunks are compressed by zstd.
    """

    def __init__(self, *, batch: int, workers: int, packed: bool = False) -> None:
        self._batch = batch
        self._workers = workers
        self._packed = packed

    def write(self, source: Path, folder: Path) -> None:
        """Write the chunks."""
        import litdata

        count = len(open_source(source)[INDEX])
        litdata.optimize(
            fn=functools.partial(_read_row, source), inputs=list(range(count)), output_dir=str(folder),
            chunk_bytes=_shard_bytes(source), compression="zstd" if self._packed else None, num_workers=1,
            verbose=False,
        )  # fmt: skip

    def open(self, folder: Path) -> None:
        """Start the loader."""
        import litdata

        dataset = litdata.StreamingDataset(str(folder), shuffle=True)
        self._loader = litdata.StreamingDataLoader(
            dataset, batch_size=self._batch, num_workers=self._workers, persistent_workers=self._workers > 0
        )

    def stored_bytes(self, folder: Path) -> int:
        """Count what the rows take on disk."""
        return folder_bytes(folder)

    def batches(self, epoch: int) -> Iterator[Any]:
        """Give the batches of an epoch."""
        return iter(self._loader)

    def close(self) -> None:
        """Stop the processes."""
        del self._loader


class MosaicLoader:
    """MosaicML streaming: MDS shards on the local disk, read by `StreamingDataset` in a `DataLoader`.

    Args:
        batch: Rows of a batch.
        workers: Processes of the loader.
        packed: Whether colour is PNG; else everything is `ndarray`.
    """

    def __init__(self, *, batch: int, workers: int, packed: bool = False) -> None:
        self._batch = batch
        self._workers = workers
        self._packed = packed

    def write(self, source: Path, folder: Path) -> None:
        """Write the shards."""
        from PIL import Image
        from streaming import MDSWriter

        arrays = open_source(source)
        columns = {
            name: "int"
            if name == INDEX
            else ":".join(["ndarray", array.dtype.name, ",".join(map(str, array.shape[1:]))])
            for name, array in arrays.items()
        }
        if self._packed:
            columns["rgb"] = "png"
        with MDSWriter(out=str(folder), columns=columns, size_limit=_shard_bytes(source), exist_ok=True) as writer:
            for row in range(len(arrays[INDEX])):
                sample: dict[str, Any] = {name: array[row] for name, array in arrays.items()}
                sample[INDEX] = int(sample[INDEX])
                if self._packed:
                    sample["rgb"] = Image.fromarray(sample["rgb"])
                writer.write(sample)

    def open(self, folder: Path) -> None:
        """Start the loader."""
        import streaming
        from torch.utils.data import DataLoader

        streaming.base.util.clean_stale_shared_memory()
        dataset = streaming.StreamingDataset(local=str(folder), shuffle=True, batch_size=self._batch)
        options: dict[str, Any] = {"collate_fn": _collate_images} if self._packed else {}
        self._loader = DataLoader(
            dataset, batch_size=self._batch, num_workers=self._workers, persistent_workers=self._workers > 0, **options
        )

    def stored_bytes(self, folder: Path) -> int:
        """Count what the rows take on disk."""
        return folder_bytes(folder)

    def batches(self, epoch: int) -> Iterator[Any]:
        """Give the batches of an epoch."""
        seed_torch(epoch)
        return iter(self._loader)

    def close(self) -> None:
        """Stop the processes."""
        del self._loader


def _row_bytes(source: Path) -> int:
    return sum(array[:1].nbytes for array in open_source(source).values())


def _shard_bytes(source: Path) -> int:
    total = sum(array.nbytes for array in open_source(source).values())
    return min(MOST_SHARD_BYTES, max(_row_bytes(source), total // SHARDS))


def _read_row(source: Path, row: int) -> dict[str, NDArray[Any]]:
    return {name: np.array(array[row]) for name, array in open_source(source).items()}


def _png(image: NDArray[Any]) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png")
    return stream.getvalue()


def _from_png(key: str, data: bytes) -> Any:
    """Decode images of one channel, which WebDataset's own handlers would make colour."""
    if not key.endswith(".png"):
        return None
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)))


def _collate_images(rows: list[dict[str, Any]]) -> Any:
    from torch.utils.data import default_collate

    return default_collate([{**row, "rgb": np.asarray(row["rgb"])} for row in rows])
