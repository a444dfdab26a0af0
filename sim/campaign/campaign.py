"""Campaigns: from a recipe to a finished dataset, with physics in processes and rendering in batches."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...kernels.device import use_sleeping_threads
from ..dataset.binding import load_binding
from ..dataset.manifest import MANIFEST
from ..dataset.outcomes import Outcomes
from ..dataset.platform_key import platform_key
from ..dataset.reader import Dataset, open_dataset
from ..dataset.writer import DatasetWriter
from ..errors import PassingError, UsageError
from ..recipe import Recipe
from .gpus import check_gpus, visible_gpus
from .plan import Plan, choose_recipe, make_plan
from .progress import Estimate, Progress, StageTimes
from .replay_collector import ReplayCollector
from .resources import Resources
from .shard_pipeline import ShardPipeline
from .share import Share, sum_times
from .share_supervisor import ShareSupervisor
from .sheet_rows import choose_sheet_rows

_LEAST_COMPRESSION = 4


class Campaign:
    """Makes the rows of one dataset; the same campaign again resumes it.

    Args:
        recipe: The recipe.
        out: Folder of the dataset.
        samples: Rows of the finished dataset; None where the sampler is a design.
        workers: Physics processes; None for one per core, 0 for none (physics in this process).
        device: Where rendering and sensing run.
        batch: Scenarios rendered at once; None chooses by their size. Without influence on any value.
        snapshots: File to save the rendered snapshots to, for replay; None for no file.
        shard_index: Which part of the shards this machine makes, [0, shard_count).
        shard_count: Machines that share the work.
        scenarios_per_shard: Scenarios that one shard of a new folder holds; None fills `SHARD_BYTES`. Without influence
            on any value.
        processes: Processes that share the shards, each with a GPU of its own on "cuda"; None for one per visible GPU.
        threads: CPU threads that compress; None for one per core.
        allow_code: Whether the recipe may name a scene as `module:Class`.
        allow_mixed: Resume although the folder holds rows of another platform key.

    Raises:
        UsageError: If an argument cannot be.

    Example:
        >>> campaign = Campaign(load_recipe("tabletop"), "data", samples=1000)
        >>> dataset = campaign.run()
    """

    def __init__(
        self,
        recipe: Recipe,
        out: str | os.PathLike[str],
        *,
        samples: int | None,
        workers: int | None = None,
        device: str = "cpu",
        batch: int | None = None,
        snapshots: str | os.PathLike[str] | None = None,
        shard_index: int = 0,
        shard_count: int = 1,
        scenarios_per_shard: int | None = None,
        processes: int | None = None,
        threads: int | None = None,
        allow_code: bool = False,
        allow_mixed: bool = False,
    ) -> None:
        self._begun = time.perf_counter()
        if not 0 <= shard_index < shard_count:
            raise UsageError(f"--shard-index must be in [0, {shard_count}), got {shard_index}")
        if scenarios_per_shard is not None and scenarios_per_shard < 1:
            raise UsageError(f"scenarios_per_shard must be at least 1, got {scenarios_per_shard}")
        self._resources = Resources(workers=workers, device=device, batch=batch, processes=processes, threads=threads)
        self.plan: Plan = make_plan(recipe, allow_code=allow_code)
        self.out = Path(out)
        self.times = StageTimes()
        self.rows_made = 0
        """Rows that the run made."""
        self.outcomes = Outcomes()
        """How often scenarios of the run failed, and why."""
        self.draws = 0
        """Scenarios that were proposed."""
        self.examples: dict[str, str] = {}
        """Reason to what was said of one scenario that failed for it."""
        self._asked_samples, self._samples = samples, self.plan.rows_wanted(samples)
        self._snapshots = None if snapshots is None else Path(snapshots)
        self._share = (shard_index, shard_count)
        self._asked_layout = scenarios_per_shard
        self._allow_code, self._allow_mixed = allow_code, allow_mixed

    def estimate(self) -> Estimate:
        """Say what a run would do, without making the folder or any row."""
        rows, plan = self._samples, self.plan
        per_scenario = plan.recipe.rows_per_scenario
        there = 0
        if self.out.exists() and not (self.out.is_dir() and not any(self.out.iterdir())):
            writer = self._open_writer()
            there = sum(len(writer.shard_rows(shard)) for shard in writer.committed())
        left = rows - there
        per_shard = per_scenario * self._scenarios_per_shard()
        return Estimate(
            rows_wanted=rows,
            rows_there=there,
            rows_to_make=left,
            scenarios_to_make=-(-left // per_scenario),
            shards=-(-rows // per_shard),
            row_bytes=plan.row_bytes,
            arrays=tuple(sorted(plan.capturer().shapes)),
            notes=plan.notes,
        )

    def run(self, progress: Callable[[Progress], None] | None = None) -> Dataset:
        """Make what is missing.

        Args:
            progress: Called after every batch and every commit, the latter from a thread of its own.

        Returns:
            The dataset, open for reading, rejected rows skipped.

        Raises:
            DatasetError: If the folder, its contents or a write is in the way; see its subclasses.
            PassingError: If the disk is too small for what is to be made.
        """
        writer = self._open_writer()
        index, count = self._share
        shards = [shard for shard in writer.missing() if shard % count == index]
        if shards:
            use_sleeping_threads()
            self._check_disk(sum(len(writer.shard_rows(shard)) for shard in shards))
            tell = self._teller(writer, shards, progress)
            if self._resources.process_count > 1 and len(shards) > 1:
                self._share_out(shards, tell)
                writer = self._open_writer()  # which knows what they have committed
            else:
                self._make_shards(writer, shards, tell)
        if not writer.missing() and (shards or not (self.out / MANIFEST).exists()):
            writer.finish(self._draw_sheet())
        elif shards:
            writer.finish()
        self.times.total = time.perf_counter() - self._begun
        return open_dataset(self.out)

    def make_share(self, shards: Sequence[int], tell: Callable[[int, int], None]) -> None:
        """Make some shards and leave the dataset to whoever shared them out.

        Args:
            shards: Their numbers.
            tell: Called with the rows made and the rows committed so far, the latter from a thread of its own.

        Raises:
            DatasetError: As `run`.
        """
        use_sleeping_threads()
        self._make_shards(self._open_writer(), shards, tell)
        self.times.total = time.perf_counter() - self._begun

    def _open_writer(self) -> DatasetWriter:
        plan = self.plan
        return DatasetWriter.open(
            self.out,
            plan.resolved_yaml,
            rows_wanted=self._samples,
            rows_per_scenario=plan.recipe.rows_per_scenario,
            scenarios_per_shard=self._scenarios_per_shard(),
            tables=plan.tables,
            platform=platform_key(self._resources.device),
            codec=plan.recipe.codec,
            sizes=plan.sizes,
            threads=self._resources.threads,
            allow_mixed=self._allow_mixed,
        )

    def _scenarios_per_shard(self) -> int:
        if self._asked_layout is not None:
            return self._asked_layout
        # A folder keeps the layout that it was begun with.
        binding = load_binding(self.out) if self.out.is_dir() else None
        return self.plan.scenarios_per_shard if binding is None else binding.layout.scenarios_per_shard

    def _check_disk(self, rows: int) -> None:
        # Images shrink by 2 to 4: less space than a quarter cannot be enough.
        needed = rows * self.plan.row_bytes // _LEAST_COMPRESSION
        free = shutil.disk_usage(self.out).free
        if free < needed:
            raise PassingError(
                f"{self.out} has {free / 1e9:.2f} GB free and {rows} rows need some {needed / 1e9:.2f} GB or more; "
                "free some space, or ask for fewer rows. Nothing committed is lost."
            )

    def _teller(
        self, writer: DatasetWriter, shards: Sequence[int], progress: Callable[[Progress], None] | None
    ) -> Callable[[int, int], None]:
        to_make = sum(len(writer.shard_rows(shard)) for shard in shards)
        there = sum(len(writer.shard_rows(shard)) for shard in writer.committed())

        def tell(made: int, committed: int) -> None:
            self.times.first_row = self.times.first_row or time.perf_counter() - self._begun
            if progress is not None:
                progress(
                    Progress(
                        rows_made=made,
                        rows_committed=there + committed,
                        rows_to_make=to_make,
                        rows_wanted=self._samples,
                        seconds=time.perf_counter() - self._begun,
                    )
                )

        return tell

    def _share_out(self, shards: Sequence[int], tell: Callable[[int, int], None]) -> None:
        count = min(self._resources.process_count, len(shards))
        gpus = visible_gpus()[:count] if self._resources.device == "cuda" else ()
        shares = []
        for number in range(count):
            workers, threads = self._resources.share(number, count)
            shares.append(
                Share(
                    recipe=self.plan.recipe,
                    out=str(self.out),
                    samples=self._asked_samples,
                    shards=tuple(shards[number::count]),
                    workers=workers,
                    threads=threads,
                    device=self._resources.device,
                    gpu=gpus[number] if number < len(gpus) else None,
                    batch=self._resources.batch,
                    # A replay file holds some thousand views at most: one process has enough.
                    snapshots=None if self._snapshots is None or number else str(self._snapshots),
                    scenarios_per_shard=self._asked_layout,
                    allow_code=self._allow_code,
                    allow_mixed=self._allow_mixed,
                )
            )
        self.times.start = time.perf_counter() - self._begun
        results = ShareSupervisor(shares, tell=tell).run()
        sum_times(results, self.times)
        for result in results:
            self.outcomes += result.outcomes
            self.rows_made += result.rows_made
            self.draws += result.draws
            self.examples = {**result.examples, **self.examples}

    def _make_shards(self, writer: DatasetWriter, shards: Sequence[int], tell: Callable[[int, int], None]) -> None:
        per_scenario = self.plan.recipe.rows_per_scenario
        rows_of = {shard: writer.shard_rows(shard) for shard in shards}
        to_make = sum(len(rows) for rows in rows_of.values())
        counts = {"made": 0, "committed": 0}

        def captured(scenarios: int) -> None:
            counts["made"] = min(counts["made"] + scenarios * per_scenario, to_make)
            tell(counts["made"], counts["committed"])

        def committed(shard: int) -> None:
            counts["committed"] += len(rows_of[shard])
            tell(counts["made"], counts["committed"])

        replay = None if self._snapshots is None else ReplayCollector(self._snapshots, self.plan)
        pipeline = ShardPipeline(
            self.plan,
            self._resources,
            writer,
            {
                shard: range(rows.start // per_scenario, -(-rows.stop // per_scenario))
                for shard, rows in rows_of.items()
            },
            times=self.times,
            replay=replay,
            on_batch=captured,
            on_commit=committed,
        )
        self.times.start = time.perf_counter() - self._begun
        pipeline.run()
        self.outcomes += pipeline.outcomes
        self.rows_made, self.draws, self.examples = counts["made"], pipeline.source.draws, pipeline.source.examples
        if replay is not None:
            replay.save()

    def _draw_sheet(self) -> dict[str, bytes]:
        from ..contact_sheet import draw_contact_sheet, row_tiles
        from ..drawing import encode_png

        with open_dataset(self.out) as kept, open_dataset(self.out, skip_rejected=False) as everything:
            dataset = kept if len(kept) else everything
            recipe = self.plan.recipe
            positions = choose_sheet_rows(
                dataset, rows_per_scenario=recipe.rows_per_scenario, has_episodes=recipe.episode is not None
            )
            rows = [dataset[position] for position in positions]
        if not any(row_tiles(row) for row in rows):
            return {}  # outputs without an image
        title = f"simloom  {recipe.scene}  seed {recipe.seed}  {self._samples} rows"
        return {"contact_sheet.png": encode_png(draw_contact_sheet(rows, title=title))}


def generate(
    recipe: Recipe | str | Path | Mapping[str, Any],
    samples: int | None = None,
    out: str | os.PathLike[str] = "data",
    *,
    seed: int | None = None,
    workers: int | None = None,
    device: str = "cpu",
    batch: int | None = None,
    snapshots: str | os.PathLike[str] | None = None,
    shard_index: int = 0,
    shard_count: int = 1,
    scenarios_per_shard: int | None = None,
    gpus: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    allow_code: bool = False,
    allow_mixed: bool = False,
) -> Dataset:
    """Make a dataset, or resume one: the same call again finishes what was interrupted.

    Args:
        recipe: A recipe, or what `load_recipe` takes.
        samples: Rows of the finished dataset; None where the sampler is a design.
        out: Folder of the dataset.
        seed: Replaces the recipe's seed.
        workers: Physics processes; None for one per core, 0 for none.
        device: Where rendering and sensing run.
        batch: Scenarios rendered at once; None chooses by their size.
        snapshots: File to save the rendered snapshots to, for replay.
        shard_index: Which part of the shards this call makes, [0, shard_count).
        shard_count: Calls, on any machines, that share the work.
        scenarios_per_shard: Scenarios that one shard of a new folder holds; None chooses by their size.
        gpus: GPUs that share the shards on "cuda", with a process each; None for all that are visible.
        progress: Called after every batch and every commit.
        allow_code: Whether the recipe may name a scene as `module:Class`.
        allow_mixed: Resume although the folder holds rows of another platform key.

    Returns:
        The dataset, open for reading, rejected rows skipped.

    Raises:
        SimloomError: If something asked for cannot be; its `exit_code` is the command line's.
        DatasetError: If the folder, its contents or a write is in the way; likewise.

    Example:
        >>> dataset = generate("tabletop", samples=1000, out="data/tabletop")
    """
    campaign = Campaign(
        choose_recipe(recipe, seed),
        out,
        samples=samples,
        workers=workers,
        device=device,
        batch=batch,
        snapshots=snapshots,
        shard_index=shard_index,
        shard_count=shard_count,
        scenarios_per_shard=scenarios_per_shard,
        processes=check_gpus(gpus, device),
        allow_code=allow_code,
        allow_mixed=allow_mixed,
    )
    return campaign.run(progress)
