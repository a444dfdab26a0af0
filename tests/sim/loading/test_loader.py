"""Batches for training: their rows, their types, their order after a restart."""

from __future__ import annotations

import json
import pickle
import threading
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

from naive.dataset_rows import make_dataset, make_rows
from naive.training_rows import make_source
from simloom.sim.dataset.dataset import Dataset
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.errors import UsageError
from simloom.sim.loading import keep_batch, open_sampler
from simloom.sim.loading.loader import Loader

ARRAYS = ["sensor/head/rgb", "label/head/*", "sample/index"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Forty rows in five shards, of which some are skipped."""
    folder = tmp_path_factory.mktemp("data")
    make_dataset(folder, 40)
    return open_dataset(folder)


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    """The rows as they were written."""
    return make_rows(range(40))


def indices(batches: Any) -> list[list[int]]:
    """Numbers of the rows of some batches."""
    return [batch["sample/index"].tolist() for batch in batches]


def test_batches_hold_the_rows(dataset: Dataset, truth: dict[str, Any]) -> None:
    """An epoch gives each row that is not skipped once, as it was written, types and all."""
    loader = dataset.torch(batch_size=8, seed=3, drop_last=False)
    seen: list[int] = []
    for batch in loader:
        rows = batch["sample/index"].numpy()
        seen += rows.tolist()
        assert batch.keys() == truth.keys()
        for name, tensor in batch.items():
            assert tensor.numpy().dtype == truth[name].dtype
            np.testing.assert_array_equal(tensor.numpy(), truth[name][rows])
    assert sorted(seen) == dataset.rows.tolist()
    assert seen != sorted(seen)
    assert len(loader) == -(-len(dataset) // 8)


def test_some_arrays_are_chosen(dataset: Dataset) -> None:
    """Names and patterns choose; the row numbers come always; unshuffled rows come in order, the last batch too."""
    loader = dataset.torch(batch_size=30, arrays=["label/*/normal"], shuffle=False)
    batches = list(loader)
    assert [sorted(batch) for batch in batches] == [["label/head/normal", "sample/index"]] * 2
    assert list(chain(*indices(batches))) == dataset.rows.tolist()


def test_tensors_lie_where_rows_were_decoded(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is copied between decoding and the batch."""
    decoded: list[Any] = []
    plain = Dataset.read_rows

    def watched(self: Dataset, *arguments: Any, **named: Any) -> Any:
        decoded.append(named["out"])
        return plain(self, *arguments, **named)

    monkeypatch.setattr(Dataset, "read_rows", watched)
    (batch,) = (dataset.torch(batch_size=8, arrays=["sensor/head/rgb"], prefetched=0).rows.__getitems__([3, 1]),)
    assert decoded[0]["sensor/head/rgb"].ctypes.data == batch["sensor/head/rgb"].data_ptr()


@pytest.mark.parametrize(
    "settings",
    [
        {"prefetched": 0},
        {"prefetched": 3, "threads": 1},
        {"workers": 1},
        {"workers": 2, "start_method": "fork"},
        {"workers": 2, "start_method": "forkserver"},
        {"workers": 1, "start_method": "spawn"},
    ],
    ids=str,
)
def test_workers_change_nothing(dataset: Dataset, settings: dict[str, Any]) -> None:
    """Whoever reads, in threads or processes however started, gives the same batches in the same order, two epochs."""
    plain = dataset.torch(batch_size=8, arrays=ARRAYS, seed=1)
    wanted = [batch for _ in range(2) for batch in plain]
    loader = dataset.torch(batch_size=8, arrays=ARRAYS, seed=1, **settings)
    found = [batch for _ in range(2) for batch in loader]
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_rows_fit_a_loader_of_ones_own(dataset: Dataset, truth: dict[str, Any]) -> None:
    """The map-style dataset gives single rows, whole batches in any order, and is small when pickled."""
    rows = dataset.torch_dataset(["label/head/instance"])
    assert isinstance(rows, torch.utils.data.Dataset)
    assert len(rows) == len(dataset)
    last = rows[-1]
    assert last["sample/index"].item() == dataset.rows[-1]
    np.testing.assert_array_equal(last["label/head/instance"].numpy(), truth["label/head/instance"][dataset.rows[-1]])
    several = rows.__getitems__([7, 2, 2, -1])
    assert several["sample/index"].tolist() == dataset.rows[[7, 2, 2, -1]].tolist()
    np.testing.assert_array_equal(
        several["label/head/instance"].numpy(), truth["label/head/instance"][dataset.rows[[7, 2, 2, -1]]]
    )
    loader = DataLoader(rows, batch_size=5, shuffle=True, collate_fn=keep_batch)
    found = np.concatenate([batch["sample/index"].numpy() for batch in loader])
    np.testing.assert_array_equal(np.sort(found), dataset.rows)
    assert len(pickle.dumps(rows)) < 4096
    with pytest.raises(IndexError, match="row 999"):
        rows[999]


def test_views_are_loaded(dataset: Dataset) -> None:
    """A view of some rows and arrays is loaded like a dataset."""
    view = dataset.where("split == 'train' and param.friction > 0.3").columns(["sensor/head/rgb", "sample/index"])
    loader = view.torch(batch_size=4, drop_last=False)
    assert sorted(chain(*indices(loader))) == view.rows.tolist()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_goes_on_where_it_was(dataset: Dataset, workers: int) -> None:
    """A state holds what was handed out, not what was made ahead, and goes on exactly, through JSON and workers."""
    straight = dataset.torch(batch_size=6, arrays=["sample/index"], seed=2)
    wanted = [step for _ in range(3) for step in indices(straight)]
    for done in (0, 2, len(straight), len(straight) + 3):
        first = dataset.torch(batch_size=6, arrays=["sample/index"], seed=2, prefetched=4)
        count = 0
        while count < done:
            for _ in first:
                count += 1
                if count == done:
                    break
        state = json.loads(json.dumps(first.state_dict()))
        second = dataset.torch(batch_size=6, arrays=["sample/index"], seed=2, workers=workers)
        second.load_state_dict(state)
        going_on = [step for _ in range(3) for step in indices(second)]
        assert going_on[: len(wanted) - done] == wanted[done:]
        assert second.report().sources["data"].rows_seen == (done + len(going_on)) * 6


def test_a_state_of_other_rows_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    """Another dataset with as many rows, and other rows of the same one, are not gone on with; a copy is."""
    other, view = make_source(tmp_path / "other", len(dataset), first=40), dataset.select(dataset.rows[:12])
    settings: dict[str, Any] = {"batch_size": 4, "arrays": ["sample/index"]}
    for one, elsewhere in (
        (dataset, other),
        (view, dataset.select(dataset.rows[12:24])),
        (view, other.select(range(12))),
    ):
        state = one.torch(**settings).state_dict()
        for wanting in (elsewhere.torch(**settings), open_sampler(elsewhere, batch_size=4)):
            with pytest.raises(UsageError, match="the state belongs to other rows, though as many: data is another"):
                wanting.load_state_dict(state)
        again = open_dataset(dataset.folder).select(one.rows) if one is view else open_dataset(dataset.folder)
        again.torch(**settings).load_state_dict(state)
    loader = dataset.torch(**settings)
    for nothing in (None, {**loader.state_dict(), "rows_seen": None}):
        with pytest.raises(UsageError, match="state"):
            loader.load_state_dict(nothing)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")
@pytest.mark.parametrize("workers", [0, 2])
def test_torchdata_resumes_it(dataset: Dataset, workers: int) -> None:
    """The StatefulDataLoader of torchdata saves and resumes the sampler, in mid-epoch and on into the next epoch."""

    def make() -> Any:
        return StatefulDataLoader(
            dataset.torch_dataset(["sample/index"]), batch_sampler=open_sampler(dataset, batch_size=6, seed=4),
            collate_fn=keep_batch, num_workers=workers, multiprocessing_context="fork" if workers else None,
        )  # fmt: skip

    straight = make()
    wanted = [step for _ in range(2) for step in indices(straight)]
    assert wanted[: len(wanted) // 2] == indices(dataset.torch(batch_size=6, arrays=["sample/index"], seed=4))
    first = make()
    seen = indices(islice(first, 2))
    state = json.loads(json.dumps(first.state_dict()))
    second = make()
    second.load_state_dict(state)
    assert seen + [step for _ in range(2) for step in indices(second)] == wanted


def test_ranks_come_from_torch_distributed(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ranks, told or found, hand out the two halves of the global batch."""
    whole = indices(dataset.torch(batch_size=8, arrays=["sample/index"]))
    parts = [indices(dataset.torch(batch_size=8, arrays=["sample/index"], rank=rank, world_size=2)) for rank in (0, 1)]
    for batch, one, other in zip(whole, *parts, strict=True):
        assert sorted(batch) == sorted(one + other)
        assert len(one) == len(other) == 4
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    assert indices(dataset.torch(batch_size=8, arrays=["sample/index"])) == parts[1]


def test_ranks_that_are_not_set_up_are_not_overlooked(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under torchrun each of several processes would train on all rows."""
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="init_process_group"):
        dataset.torch(batch_size=8)
    assert dataset.torch(batch_size=8, rank=0, world_size=1).sampler.world_size == 1
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert dataset.torch(batch_size=8).sampler.world_size == 1


def test_a_loader_left_early_ends_its_threads(dataset: Dataset) -> None:
    """Leaving an epoch, by break or by an error in reading, leaves no thread behind that reads on."""
    loader = dataset.torch(batch_size=2, prefetched=4)
    iterator = iter(loader)
    next(iterator)
    iterator.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("simloom-load")]


@pytest.mark.parametrize("workers", [0, 1])
def test_one_iteration_is_open_at_a_time(dataset: Dataset, workers: int) -> None:
    """A new one, a state or an epoch ends the one before, which never gives batches of another one."""
    plain = dataset.torch(batch_size=8, arrays=["sample/index"])
    wanted = [step for _ in range(2) for step in indices(plain)]
    loader = dataset.torch(batch_size=8, arrays=["sample/index"], workers=workers)
    stale = iter(loader)
    next(stale)
    walk = iter(loader)
    seen = indices([next(walk)])
    with pytest.raises(UsageError, match="was ended"):
        next(stale)
    assert seen + indices(walk) == wanted[len(loader) :]
    for change in (lambda: loader.set_epoch(0), lambda: loader.load_state_dict(plain.state_dict())):
        stale = iter(loader)
        next(stale)
        change()
        place = loader.state_dict()
        with pytest.raises(UsageError, match="was ended"):
            next(stale)
        assert loader.state_dict() == place


@pytest.mark.parametrize("device", [None, "cpu"])
def test_an_error_comes_in_its_place(dataset: Dataset, monkeypatch: pytest.MonkeyPatch, device: str | None) -> None:
    """What reading a batch raised comes when that batch is due; the state still counts those handed out."""
    loader = dataset.torch(batch_size=4, arrays=["sample/index"], prefetched=3, device=device)
    bad = loader.sampler.indices(loader.sampler.rows(0, 2)).tolist()
    plain = type(loader.rows).__getitems__

    def read(self: Any, wanted: Any) -> Any:
        if list(wanted) == bad:
            raise OSError("gone")
        return plain(self, wanted)

    monkeypatch.setattr(type(loader.rows), "__getitems__", read)
    seen: list[Any] = []
    with pytest.raises(OSError, match="gone"):
        seen.extend(loader)
    assert len(seen) == loader.state_dict()["position"] == 2


def test_a_worker_that_died_is_replaced(dataset: Dataset) -> None:
    """The error arrives; the next iteration has workers of its own."""
    loader = dataset.torch(batch_size=2, arrays=["sample/index"], workers=1, prefetched=1)
    wanted = indices(dataset.torch(batch_size=2, arrays=["sample/index"]))
    state = loader.state_dict()
    walk = iter(loader)
    next(walk)
    worker = loader._processes._iterator._workers[0]
    worker.kill()
    worker.join()
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(walk)
    loader.load_state_dict(state)
    assert indices(loader) == wanted


def test_batches_go_to_the_device(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """On CUDA, batches are pinned, and copied one ahead on a stream that the computing one waits for."""
    log: list[str] = []

    class Stream:
        def __init__(self, name: str) -> None:
            self.name = name

        def __enter__(self) -> None:
            log.append(f"on {self.name}")

        def __exit__(self, *_: object) -> None:
            log.append("off")

        def record_event(self) -> str:
            log.append("copied")
            return "event"

        def wait_event(self, event: str) -> None:
            log.append(f"wait {event}")

    empty = torch.empty
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: Stream("copies"))
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream("computing"))
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda tensor, stream: log.append("held"))
    monkeypatch.setattr(
        torch.Tensor, "to", lambda tensor, device, non_blocking=False: tensor if non_blocking else tensor.clone()
    )

    def pinned(*arguments: Any, pin_memory: bool = False, **named: Any) -> torch.Tensor:
        log.append("pinned") if pin_memory else None
        return empty(*arguments, **named)

    monkeypatch.setattr(torch, "empty", pinned)
    loader = dataset.torch(batch_size=8, arrays=["sample/index"], device="cuda", prefetched=0)
    seen = []
    for batch in loader:
        log.append("used")
        seen.append(batch["sample/index"].tolist())
    assert seen == indices(dataset.torch(batch_size=8, arrays=["sample/index"]))
    step = ["pinned", "on copies", "copied", "off", "wait event", "held", "used"]
    assert log == [*step[:4], *step * (len(loader) - 1), *step[4:]]


def test_a_wrong_wish_is_named(dataset: Dataset) -> None:
    """What cannot be is answered in one sentence."""
    for settings, message in (
        ({"batch_size": 1000}, "drop_last=False"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"arrays": ["sensor/head/rbg"]}, "did you mean 'sensor/head/rgb'"),
        ({"arrays": "sensor/head/rgb"}, r"write \['sensor/head/rgb'\]"),
        ({"seed": -1}, "seed must be"),
        ({"workers": -1}, "workers and prefetched"),
        ({"rank": 0}, "together or not at all"),
        ({"rank": 0, "world_size": 3, "batch_size": 8}, "multiple of 3"),
        ({"pin_memory": True}, "needs a CUDA device"),
        ({"device": "cuda"}, "device 'cuda': PyTorch finds no CUDA device"),
        ({"device": "gpu"}, "^device 'gpu' is none that PyTorch knows: write 'cuda', 'cuda:1', 'mps' or 'cpu'$"),
        ({"start_method": "thread"}, "start_method must be one of"),
        ({"mix": 0.5}, "mix must be a Mixture"),
        ({"augment": "realsense_d435"}, r"outputs: \[..., ideal/colour, ideal/depth\]"),
    ):
        with pytest.raises(UsageError, match=message):
            dataset.torch(**{"batch_size": 8, **settings})
    assert isinstance(dataset.torch(batch_size=8), Loader)
