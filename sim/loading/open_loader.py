"""Make the loader of a dataset or a mixture from what a training program says."""

from __future__ import annotations

import multiprocessing
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import torch  # noqa: TID253 (loaded lazily, with the others of this room)

from ..errors import UsageError
from .array_choice import ALWAYS, MIXED
from .augmentation import Augmentation
from .batch_sampler import BatchSampler
from .class_tables import check_classes
from .collapse import check_mixture, read_lineage
from .loader import Loader
from .mixture import Mixture, read_mixture
from .order import Order
from .ranks import find_ranks
from .row_digest import digest_rows
from .torch_rows import SOURCE, TorchRows

if TYPE_CHECKING:
    from ..dataset.dataset import Dataset

_ONE = "data"
"""Name of the source where there is one."""


def open_loader(
    dataset: Dataset,
    *,
    batch_size: int = 64,
    arrays: Sequence[str] | None = None,
    shuffle: bool = True,
    seed: int = 0,
    drop_last: bool | None = None,
    rank: int | None = None,
    world_size: int | None = None,
    workers: int = 0,
    threads: int | None = None,
    prefetched: int = 4,
    start_method: str | None = None,
    pin_memory: bool | None = None,
    device: str | torch.device | None = None,
    augment: Any = None,
    mix: Any = None,
) -> Loader:
    """Make a loader of batches for training.

    Args:
        dataset: The dataset, or a view of some of its rows and arrays.
        batch_size: Rows of a global batch: those of all ranks together.
        arrays: Names or patterns such as "label/head/*"; None for all that torch can hold.
        shuffle: Whether rows come in random order.
        seed: Chooses the order and the noise of `augment`, [0, 2^64).
        drop_last: Whether to leave out a last batch that is not full; None for: where rows are shuffled.
        rank: Which part of each batch is ours; None to ask torch.distributed, where it is in use.
        world_size: Number of parts; None likewise.
        workers: Worker processes; 0 reads ahead in threads of this process, which is faster unless Python code of
            yours runs on every row.
        threads: Threads that decode a batch; None for one per core, or one in each worker.
        prefetched: Batches made ahead; 0 for none.
        start_method: How workers start: "fork", "spawn" or "forkserver"; None for Python's own choice.
        pin_memory: Whether batches lie in page-locked memory; None for: where the device is CUDA.
        device: Where batches go; None leaves them on the host.
        augment: Sensors that measure `ideal/<camera>/...` anew in each epoch; see `plan_remeasurements`.
        mix: Other datasets and the shares of all; see `Mixture` and `read_mixture`.

    Returns:
        The loader.

    Raises:
        UsageError: Something asked for cannot be.
        MixtureRefusedError: The mixture starves real data or feeds a model with its own rows.

    Example:
        >>> loader = open_loader(dataset, batch_size=64, arrays=["sensor/head/rgb"], device="cuda")
    """
    if workers < 0 or prefetched < 0 or (threads is not None and threads < 1):
        raise UsageError(
            f"workers and prefetched must be at least 0 and threads at least 1, got {workers}, {prefetched}, {threads}"
        )
    if start_method is not None and start_method not in (known := multiprocessing.get_all_start_methods()):
        raise UsageError(f"start_method must be one of {', '.join(known)}, got {start_method!r}")
    mixture: Mixture | None = None if mix is None else read_mixture(mix, dataset)
    sources = {_ONE: dataset} if mixture is None else mixture.datasets
    augmentation = None if augment is None else Augmentation(sources, augment, seed=seed)
    place = _find_place(device)
    on_cuda = place is not None and place.type == "cuda"
    is_pinned = on_cuda if pin_memory is None else pin_memory
    if is_pinned and not torch.cuda.is_available():
        raise UsageError("pin_memory needs a CUDA device, and none is here: leave it out")
    rows = TorchRows(
        sources,
        _names_to_read(sources, arrays, augmentation),
        missing="error" if mixture is None else mixture.missing,
        unread=None if augmentation is None else augmentation.unread,
        threads=threads or (1 if workers else None),
        is_pinned=is_pinned and not workers,
    )
    kept = _names_to_keep(rows, arrays, augmentation)
    check_classes(sources, rows.shapes.keys() if kept is None else rows.shapes.keys() & set(kept))
    order = _make_order(sources, mixture, batch_size, seed, shuffle, drop_last)
    lineages = {name: read_lineage(source) for name, source in sources.items()}
    sampler = _make_sampler(order, rank, world_size)
    return Loader(
        rows,
        sampler,
        lineages=lineages,
        forced=() if mixture is None else check_mixture(mixture, lineages, order),
        augmentation=augmentation,
        kept=kept,
        workers=workers,
        prefetched=prefetched,
        start_method=start_method,
        is_pinned=is_pinned,
        device=place,
    )


def open_sampler(
    dataset: Dataset,
    *,
    batch_size: int = 64,
    shuffle: bool = True,
    seed: int = 0,
    drop_last: bool | None = None,
    rank: int | None = None,
    world_size: int | None = None,
) -> BatchSampler:
    """Make the batch sampler for a DataLoader of one's own; the arguments are those of `open_loader`.

    Example:
        >>> loader = StatefulDataLoader(dataset.torch_dataset(), batch_sampler=open_sampler(dataset, batch_size=64),
        ...                             collate_fn=keep_batch, num_workers=2)
    """
    order = _make_order({_ONE: dataset}, None, batch_size, seed, shuffle, drop_last)
    return _make_sampler(order, rank, world_size)


def _make_order(
    sources: Mapping[str, Dataset],
    mixture: Mixture | None,
    batch_size: int,
    seed: int,
    shuffle: bool,
    drop_last: bool | None,
) -> Order:
    more: dict[str, Any] = {}
    if mixture is not None:
        more = {"weights": mixture.weights}
        if mixture.epoch_rows is not None and batch_size >= 1:
            more["epoch_batches"] = -(-mixture.epoch_rows // batch_size)
    return Order(
        sizes=tuple(len(source) for source in sources.values()),
        names=tuple(sources),
        digests=tuple(map(digest_rows, sources.values())),
        batch_size=batch_size,
        seed=seed,
        shuffle=shuffle,
        drop_last=shuffle if drop_last is None else drop_last,
        **more,
    )


def _make_sampler(order: Order, rank: int | None, world_size: int | None) -> BatchSampler:
    rank, world_size = find_ranks(rank, world_size)
    return BatchSampler(order, rank=rank, world_size=world_size)


def _find_place(device: str | torch.device | None) -> torch.device | None:
    """Understand where batches shall go, and refuse a device that is not here."""
    try:
        place = None if device is None else torch.device(device)
    except (RuntimeError, TypeError):
        raise UsageError(
            f"device {device!r} is none that PyTorch knows: write 'cuda', 'cuda:1', 'mps' or 'cpu'"
        ) from None
    if place is not None and place.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"device {str(device)!r}: PyTorch finds no CUDA device here; leave it out for the host")
    return place


def _names_to_read(
    sources: Mapping[str, Dataset], arrays: Sequence[str] | None, augmentation: Augmentation | None
) -> Sequence[str] | None:
    if arrays is None or isinstance(arrays, str) or augmentation is None:
        return arrays
    made = {name for name in augmentation.made if len(augmentation.unread[name]) == len(sources)}
    known = {*augmentation.made, *(name for source in sources.values() for name in source.shapes)}
    wanted = [name for name in arrays if not (found := _match(name, known)) or not found <= made]
    return [*wanted, *sorted(augmentation.inputs)]


def _names_to_keep(
    rows: TorchRows, arrays: Sequence[str] | None, augmentation: Augmentation | None
) -> Collection[str] | None:
    if arrays is None or augmentation is None:
        return None
    asked = {name for pattern in arrays for name in _match(pattern, rows.shapes)}
    return {*asked, *augmentation.made, *ALWAYS, *MIXED, SOURCE}


def _match(pattern: str, names: Iterable[str]) -> set[str]:
    return {name for name in names if name == pattern or fnmatchcase(name, pattern)}
