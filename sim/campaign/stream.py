"""Streams: rows for PyTorch that are made while a model trains on them, without a dataset on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, cast, final

import numpy as np
import torch  # noqa: TID253 (its home in this package, which is loaded when a stream is asked for)
from numpy.typing import NDArray

from ..dataset.platform_key import platform_key
from ..dataset.samples import kept_rows
from ..errors import UsageError
from ..loading.array_choice import choose_arrays
from ..loading.ranks import find_ranks
from ..recipe import Recipe
from .plan import Plan, choose_recipe, make_plan
from .resources import Resources
from .ring_cache import RingCache
from .row_maker import RowMaker, Rows
from .stream_engine import StreamEngine
from .stream_order import StreamOrder, StreamPlace, read_state, write_state
from .stream_times import StreamTimes

Tensors = dict[str, torch.Tensor]
"""Tensors by array name: of one row, or with the rows of a batch leading."""

AHEAD_BYTES = 256 << 20
"""Rows that wait to be taken, where nothing else is asked for [byte]."""

CACHE_BYTES = 16 << 30
"""Bound of a cache, where nothing else is asked for [byte]."""


@final
class RowStream(torch.utils.data.IterableDataset[Tensors]):
    """The rows that `generate` would write, made while they are taken; made by `stream`.

    An iteration goes on behind the last row that was handed out: after one that was broken off, or after a state was
    loaded. Where it comes to the end, the next one is another pass over the same rows. Only one iteration is open at a
    time: a new one ends the one before. Processes end with the iteration.

    Example:
        >>> rows = simloom.stream("tabletop", batch_size=32, arrays=["sensor/head/rgb", "label/head/class"])
        >>> for batch in rows:
        ...     train(batch["sensor/head/rgb"], batch["label/head/class"])
    """

    def __init__(
        self,
        plan: Plan,
        order: StreamOrder,
        resources: Resources,
        *,
        arrays: Sequence[str] | None = None,
        ahead: int | None = None,
        batch_size: int | None = None,
        drop_last: bool = False,
        skip_rejected: bool = True,
        cache: str | os.PathLike[str] | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        if ahead is not None and ahead < 1:
            raise UsageError(f"ahead must be at least 1 row, got {ahead}")
        if batch_size is not None and batch_size < 1:
            raise UsageError(f"batch_size must be at least 1 row, got {batch_size}; None gives single rows")
        maker = RowMaker(plan, resources)
        chosen = choose_arrays({"the stream": cast(Any, maker)}, arrays)
        self.plan, self.order = plan, order
        self._maker = RowMaker(plan, resources, names=chosen) if len(chosen) < len(maker.shapes) else maker
        self._names = tuple(chosen)
        self._workers = resources.worker_count
        self._ahead = ahead or max(1, AHEAD_BYTES // self._maker.row_bytes)
        self._batch_size, self._drop_last, self._skip_rejected = batch_size, drop_last, skip_rejected
        self._recipe_sha256 = hashlib.sha256(plan.resolved_yaml.encode()).hexdigest()
        self._cache = None if cache is None else RingCache(
            cache, max_bytes=cache_bytes, recipe_sha256=self._recipe_sha256, platform=platform_key(resources.device),
            shapes=self._maker.shapes, rows_per_scenario=order.rows_per_scenario, codec=plan.recipe.codec,
            cycle=None if order.stop is None else -(-order.stop // order.rows_per_scenario),
        )  # fmt: skip
        self._place = StreamPlace(position=order.start)
        self._engine: StreamEngine | None = None
        self._rows_given = 0
        self._before = StreamTimes()

    def __reduce__(self) -> NoReturn:
        _refuse_workers()

    @property
    def shapes(self) -> Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]:
        """Dtype and shape of one row, by array name."""
        return {name: self._maker.shapes[name] for name in self._names}

    @property
    def epoch(self) -> int:
        """Passes gone through."""
        return self._place.epoch

    @property
    def position(self) -> int:
        """Number of the row behind the last that was handed out."""
        return self._place.position

    @property
    def times(self) -> StreamTimes:
        """Where the time goes, over all iterations so far."""
        before, engine, seconds = self._before, self._engine, self._maker.seconds
        if engine is None:
            return before
        return StreamTimes(
            physics=before.physics + engine.seconds["physics"],
            render=seconds["render"], sensors=seconds["sensors"], gather=seconds["gather"],
            cache_read=before.cache_read + engine.seconds["read"],
            cache_write=before.cache_write + engine.seconds["keep"],
            consumer=before.consumer + engine.full_seconds,
            rows=before.rows + engine.empty_seconds,
            rows_made=before.rows_made + engine.rows_made,
            rows_read=before.rows_read + engine.rows_read,
            rows_given=self._rows_given,
        )  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        """Return where this rank stands, as JSON values."""
        return write_state(self._place, self.order, self._recipe_sha256)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken; an iteration that is open ends.

        Args:
            state: From `state_dict` of the same rank among as many ranks, or from `join_states` for any number of them.
                Workers, batch sizes, device and cache may be others.

        Raises:
            UsageError: It is of another recipe, seed or rank.
        """
        place = read_state(state, self.order, self._recipe_sha256)
        self.close()
        self._place = place

    def close(self) -> None:
        """End the iteration that is open, and its processes."""
        if self._engine is not None:
            self._engine.close()

    def __iter__(self) -> Iterator[Tensors]:
        if torch.utils.data.get_worker_info() is not None:
            _refuse_workers()
        return self._pass()

    def _pass(self) -> Iterator[Tensors]:
        yield from self._each_row() if self._batch_size is None else self._each_batch(self._batch_size)
        self._place = StreamPlace(epoch=self._place.epoch + 1, position=self.order.start)

    def _blocks(self) -> Iterator[tuple[StreamEngine, Rows, NDArray[np.int64], NDArray[np.int64]]]:
        """Yield who made them, arrays, the places in them of the rows to hand out, and the numbers of these rows."""
        self.close()
        self._before = self.times
        if self._cache is not None:
            self._cache.refresh()
        engine = self._engine = StreamEngine(
            self.plan, self._maker, self.order.scenarios(self._place), workers=self._workers, ahead=self._ahead,
            cache=self._cache,
        )  # fmt: skip
        try:
            for rows in engine.blocks():
                picks = self._pick(rows)
                yield engine, {name: rows[name] for name in self._names}, picks, rows["sample/index"][picks]
                del rows
            engine.check_open()
        finally:
            engine.close()

    def _pick(self, rows: Rows) -> NDArray[np.int64]:
        place, stop = self._place, self.order.stop
        numbers, scenarios = rows["sample/index"].tolist(), rows["sample/scenario"].tolist()
        wanted = [
            not place.is_done(row, scenario) and (stop is None or row < stop)
            for row, scenario in zip(numbers, scenarios, strict=True)
        ]
        kept = np.asarray(wanted, bool)
        if self._skip_rejected:
            kept &= kept_rows({"valid": rows["sample/valid"], "verdict": rows["sample/verdict"]})
        return np.flatnonzero(kept)

    def _hand_out(self, last_row: int, count: int) -> None:
        self._place = self._place.at(last_row + 1)
        self._rows_given += count

    def _each_row(self) -> Iterator[Tensors]:
        for engine, rows, picks, numbers in self._blocks():
            tensors = {name: torch.from_numpy(array) for name, array in rows.items()}
            del rows
            for pick, number in zip(picks.tolist(), numbers.tolist(), strict=True):
                engine.check_open()
                self._hand_out(number, 1)
                yield {name: tensor[pick] for name, tensor in tensors.items()}

    def _each_batch(self, size: int) -> Iterator[Tensors]:
        parts: list[Rows] = []
        have = last = 0
        for engine, rows, picks, numbers in self._blocks():
            while len(picks):
                engine.check_open()
                taken, picks = picks[: size - have], picks[size - have :]
                last, numbers = int(numbers[len(taken) - 1]), numbers[len(taken) :]
                have += len(taken)
                parts.append({name: array[taken] for name, array in rows.items()})
                if have == size:
                    self._hand_out(last, have)
                    yield _join(parts)
                    parts, have = [], 0
        if have and not self._drop_last:
            self._hand_out(last, have)
            yield _join(parts)


def _join(parts: Sequence[Rows]) -> Tensors:
    if len(parts) == 1:
        return {name: torch.from_numpy(array) for name, array in parts[0].items()}
    return {name: torch.from_numpy(np.concatenate([part[name] for part in parts])) for name in parts[0]}


def _refuse_workers() -> NoReturn:
    raise UsageError(
        "a stream has worker processes of its own, which a DataLoader's workers would multiply: use "
        "DataLoader(..., num_workers=0), or iterate over the stream itself; simloom.stream(workers=...) sets how many"
    )


def stream(
    recipe: Recipe | str | Path | Mapping[str, Any],
    samples: int | None = None,
    *,
    seed: int | None = None,
    start: int = 0,
    arrays: Sequence[str] | None = None,
    batch_size: int | None = None,
    drop_last: bool = False,
    skip_rejected: bool = True,
    workers: int | None = None,
    device: str = "cpu",
    batch: int | None = None,
    ahead: int | None = None,
    rank: int | None = None,
    world_size: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    cache_bytes: int = CACHE_BYTES,
    allow_code: bool = False,
) -> RowStream:
    """Open a stream of the rows that `generate` would write, made while a model trains on them.

    Args:
        recipe: A recipe, or what `load_recipe` takes.
        samples: Rows of a pass, counted from row 0; None for no end, or for all of a design.
        seed: Replaces the recipe's seed.
        start: First row of each pass.
        arrays: Names or patterns such as "label/head/*"; None for all. Outputs that only others need are not rendered.
        batch_size: Rows of a batch; None gives single rows, for a DataLoader that makes batches.
        drop_last: Whether a last batch that is not full is left out.
        skip_rejected: Leave out tombstones and rows that the checks rejected, as `open_dataset` does.
        workers: Physics processes of this rank; None for one per core, 0 for none.
        device: Where rendering and sensing run; the tensors are on the host.
        batch: Scenarios rendered at once; None chooses by their size.
        ahead: Rows that may wait to be taken, beside those under way; None for `AHEAD_BYTES`.
        rank: Which part of the scenarios is ours, [0, world_size); None takes torch.distributed's where it is set up.
        world_size: Parts.
        cache: Folder to keep rows in, so that another pass reads them; None for none.
        cache_bytes: Bound of that folder [byte].
        allow_code: Whether the recipe may name a scene as `module:Class`.

    Returns:
        A torch `IterableDataset` of tensors by array name, with `state_dict` and `load_state_dict`.

    Raises:
        SimloomError: If something asked for cannot be.

    Example:
        >>> rows = stream("tabletop", batch_size=32, arrays=["sensor/head/rgb", "label/head/class"])
        >>> batch = next(iter(rows))
    """
    resources = Resources(workers=workers, device=device, batch=batch)
    plan = make_plan(choose_recipe(recipe, seed), allow_code=allow_code)
    is_endless = samples is None and plan.sampler.scenario_count is None
    rank, world_size = find_ranks(rank, world_size)
    order = StreamOrder(
        rows_per_scenario=plan.recipe.rows_per_scenario, start=start, rank=rank, world_size=world_size,
        stop=None if is_endless else plan.rows_wanted(samples),
    )  # fmt: skip
    return RowStream(
        plan, order, resources, arrays=arrays, ahead=ahead, batch_size=batch_size, drop_last=drop_last,
        skip_rejected=skip_rejected, cache=cache, cache_bytes=cache_bytes,
    )  # fmt: skip
