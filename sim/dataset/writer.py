"""Write a dataset: open or resume a folder, commit shards in any order, finish."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from .binding import DESCRIPTION, RECIPE, Binding, bind_folder
from .codecs import Codecs, parse_codecs
from .commit import CommitRecord, check_folders, commit_shard, load_commits
from .digest import row_digests, schema_digest
from .errors import DatasetCorruptError, DatasetFolderError, PlatformMismatchError, write_error
from .layout import COMMITS, SHARDS, Layout, record_path
from .lineage import check_lineage
from .manifest import EXTRAS, MANIFEST, SUMS, Manifest, is_complete, remove_derived, write_derived
from .outcomes import Outcomes
from .packing import find_repeats, pack_arrays
from .platform_key import differing_keys, platform_key
from .publish import is_temporary, make_folder, remove_file, sweep_temporaries, sync_folder
from .samples import SAMPLES
from .shard import lay_shard
from .shard_template import ShardTemplate
from .specs import SCHEMA_VERSION, Array, validate_arrays
from .zstd import require_zstd

_OWN_NAMES = frozenset({RECIPE, DESCRIPTION, COMMITS, SHARDS, "review", MANIFEST, SUMS, SAMPLES, *EXTRAS})


class DatasetWriter:
    """Writes the shards of one dataset folder; made by `open`.

    Any number of writers, on one machine or many, may work on one folder: whoever commits a shard second finds it there
    and compares.

    Example:
        >>> writer = DatasetWriter.open("data", "scene: tabletop", rows_wanted=100, rows_per_scenario=8,
        ...                             scenarios_per_shard=4)
        >>> for shard in writer.missing():
        ...     writer.commit_shard(shard, make_rows(writer.shard_rows(shard)))
        >>> writer.finish()
    """

    def __init__(
        self,
        folder: Path,
        binding: Binding,
        *,
        rows_wanted: int,
        platform: Mapping[str, str],
        codecs: Codecs,
        sizes: Mapping[str, int],
        threads: int | None,
    ) -> None:
        self.folder = folder
        self.layout = binding.layout
        self.rows_wanted = rows_wanted
        self._binding = binding
        self._platform = dict(platform)
        self._codecs = codecs
        self._sizes = dict(sizes)
        self._threads = threads or os.cpu_count() or 1
        self._records: dict[str, CommitRecord] = {}
        self._grows = False
        self._template: ShardTemplate | None = None

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike[str],
        recipe_text: str,
        *,
        rows_wanted: int,
        rows_per_scenario: int,
        scenarios_per_shard: int,
        tables: Mapping[str, Any] | None = None,
        platform: Mapping[str, str] | None = None,
        codec: str | Mapping[str, Any] | Codecs = "deflate",
        sizes: Mapping[str, int] | None = None,
        threads: int | None = None,
        allow_mixed: bool = False,
    ) -> DatasetWriter:
        """Create a dataset folder, or open one to resume or to grow it.

        Args:
            folder: Where; created where it is not there.
            recipe_text: The resolved recipe as YAML; the folder is bound to it.
            rows_wanted: Rows of the finished dataset; more than before appends, fewer is refused.
            rows_per_scenario: Steps times views times looks.
            scenarios_per_shard: Scenarios that one shard holds.
            tables: "classes", "assets", "cameras", "parameters", "splits": JSON values that follow from the recipe.
            platform: Platform key; by default this machine's, with device "cpu".
            codec: "deflate", "raw" or "zstd", or one by reading: `{"rgb": "raw", "default": "zstd"}`; may change
                between runs.
            sizes: Pads that the recipe declares ("slot", "contact", "joint", "dimension"), checked on every shard.
            threads: Threads that compress and hash; by default one per core.
            allow_mixed: Resume although the folder holds rows of another platform key.

        Returns:
            The writer.

        Raises:
            DatasetFolderError: No dataset but not empty, fewer rows than before, or another layout.
            RecipeMismatchError: The folder belongs to another recipe.
            PlatformMismatchError: It holds rows of another platform key.
            DatasetCorruptError: It is damaged.
            DatasetWriteError: The operating system refused a write.
            CodecMissingError: zstd is asked for, and zstandard is not installed.
        """
        if rows_wanted < 1:
            raise DatasetFolderError(f"rows_wanted is {rows_wanted}; a dataset has at least one row")
        try:
            codecs = parse_codecs(codec)
        except ValueError as error:
            raise DatasetFolderError(str(error)) from None
        if "zstd" in (codecs.default, *codecs.readings.values()):
            require_zstd("codec 'zstd'")
        root = Path(folder)
        layout = Layout(rows_per_scenario=rows_per_scenario, scenarios_per_shard=scenarios_per_shard)
        _require_own(root)
        check_folders(root)
        for path in (root, root / SHARDS, root / COMMITS):
            make_folder(path)
            sweep_temporaries(path)
        binding = bind_folder(root, recipe_text, tables or {}, layout)
        key = platform_key() if platform is None else platform
        writer = cls(
            root, binding, rows_wanted=rows_wanted, platform=key, codecs=codecs, sizes=sizes or {}, threads=threads
        )
        writer._resume(allow_mixed)
        return writer

    def _resume(self, allow_mixed: bool) -> None:
        records, _ = load_commits(self.folder)
        for name in (SHARDS, COMMITS) if records else ():
            # What another writer has linked but not synced yet is counted as done from here on.
            sync_folder(self.folder / name)
        before = max((record.rows_wanted for record in records), default=0)
        if before > self.rows_wanted:
            raise DatasetFolderError(
                f"{self.folder} was begun with {before} rows and cannot become one of {self.rows_wanted}: "
                f"ask for {before} or more, or take another folder"
            )
        for record in records:
            if record.recipe_sha256 != self._binding.recipe_sha256:
                raise DatasetCorruptError(f"{self.folder / RECIPE} is not the recipe that {record.path} was made from")
            self._check_platform(record, allow_mixed)
            path = self.folder / record.path
            if path.is_symlink() or not path.is_file() or path.stat().st_size != record.size:
                raise DatasetCorruptError(
                    f"{path} is committed but missing or cut: remove it and {record_path(record.stem)}, "
                    "and run the same command again"
                )
            self._records[record.stem] = record
        self._grows = (self.folder / MANIFEST).exists() and bool(self.missing())

    def _check_platform(self, record: CommitRecord, allow_mixed: bool) -> None:
        difference = differing_keys(record.platform, self._platform)
        if difference and not allow_mixed:
            raise PlatformMismatchError(
                f"{self.folder} holds rows made elsewhere ({'; '.join(difference)}): rows made here may differ in the "
                "last bit. --allow-mixed resumes nevertheless"
            )

    @property
    def shard_count(self) -> int:
        """Shards of the finished dataset."""
        return self.layout.shard_count(self.rows_wanted)

    def shard_rows(self, shard_index: int) -> range:
        """List the rows that a shard holds, by their number in the dataset."""
        return self.layout.shard_rows(shard_index, self.rows_wanted)

    def committed(self) -> list[int]:
        """List the shards that this writer knows to be committed."""
        return [index for index in range(self.shard_count) if self._stem(index) in self._records]

    def missing(self) -> list[int]:
        """List the shards that are still to be made; a short last shard of a smaller dataset is among them."""
        return [index for index in range(self.shard_count) if self._stem(index) not in self._records]

    def _stem(self, index: int) -> str:
        return self.layout.stem(index, len(self.shard_rows(index)))

    def commit_shard(
        self, shard_index: int, arrays: Mapping[str, Array], outcomes: Outcomes | None = None
    ) -> CommitRecord:
        """Write one shard; returns when it is durable.

        Args:
            shard_index: Its number.
            arrays: Its rows, as `specs.SPECS` says; `sample/index` must be `shard_rows(shard_index)`.
            outcomes: How often its scenarios failed, and why.

        Returns:
            The record in force.

        Raises:
            KeyError: An unknown array name.
            ValueError: An array does not fit the registry, the pads, or the rows of this shard.
            DeterminismError: The shard was made before with other values.
            DatasetWriteError: The operating system refused a write.
        """
        rows = self.shard_rows(shard_index)
        validate_arrays(arrays, {**self._sizes, "row": len(rows)})
        expected = np.arange(rows.start, rows.stop, dtype=np.int64)
        _require_column(arrays, "sample/index", expected)
        if sources := self._binding.tables["sources"]:
            check_lineage(arrays, len(sources))
        elif "sample/scenario" in arrays:
            _require_column(arrays, "sample/scenario", expected // self.layout.rows_per_scenario)
        schema = schema_digest(arrays)
        for record in self._records.values():
            if record.schema_digest != schema:
                raise ValueError(f"shard {shard_index} has other arrays or other shapes than the shards before it")
            break
        if self._grows:
            remove_derived(self.folder)
            self._grows = False
        attributes: dict[str, str | int] = {
            "simloom_schema": SCHEMA_VERSION,
            "recipe_sha256": self._binding.recipe_sha256,
            "first_row": rows.start,
        }
        arrays = {name: np.ascontiguousarray(arrays[name]) for name in arrays}
        with ThreadPoolExecutor(self._threads) as pool, ThreadPoolExecutor(1) as aside:
            repeats = find_repeats(arrays)
            packed = pack_arrays(arrays, self._codecs, repeats=repeats, executor=pool)
            hashed = aside.submit(row_digests, arrays, repeats=repeats, executor=pool)
            plain = {name: array for name, array in arrays.items() if name not in packed}
            if self._template is None or not self._template.fits(plain):
                self._template = ShardTemplate(plain)
            image = lay_shard(arrays, packed, attributes, self._template)
            record = CommitRecord(
                shard_index=shard_index, first_row=rows.start, row_count=len(rows), rows_wanted=self.rows_wanted,
                layout=self.layout, size=image.size, sha256="0" * 64, content_digest="0" * 64, row_digests=(),
                schema_digest=schema, recipe_sha256=self._binding.recipe_sha256,
                description_sha256=self._binding.description_sha256,
                simloom_version=self._platform.get("simloom", "unknown"), platform=self._platform, host="",
                wall_time="", outcomes=outcomes,
            )  # fmt: skip
            record = commit_shard(self.folder, image.pieces(), record, arrays, digests=hashed.result)
        self._records[record.stem] = record
        return record

    def finish(self, extras: Mapping[str, bytes] | None = None) -> Manifest | None:
        """Write the derived files once every shard is committed, by this writer or by others.

        Args:
            extras: Bytes of "contact_sheet.png" and "croissant.json", where they are made.

        Returns:
            The manifest, or None while shards of other writers are missing.

        Raises:
            DatasetWriteError: The operating system refused a write.
        """
        records, _ = load_commits(self.folder)
        if not is_complete(records):
            return None
        self._drop_orphans(records)
        try:
            return write_derived(self.folder, extras)
        except DatasetFolderError:
            if is_complete(load_commits(self.folder)[0]):
                raise
            return None  # another writer has begun to make it grow, and will finish it

    def _drop_orphans(self, records: list[CommitRecord]) -> None:
        """Remove short shards without a record, left by a writer that died while the dataset was smaller."""
        known = {record.stem for record in records}
        for path in sorted((self.folder / SHARDS).glob("*.part*.h5")):
            if path.stem not in known and not (self.folder / record_path(path.stem)).exists():
                remove_file(path)


def _require_own(folder: Path) -> None:
    """Refuse a folder that holds something and is no dataset.

    Raises:
        DatasetFolderError: It is.
    """
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise DatasetFolderError(f"{folder} is a file; a dataset is a folder") from None
    except OSError as error:
        raise write_error(error, folder) from None
    strange = sorted(name for name in names if name not in _OWN_NAMES and not is_temporary(name))
    if strange and RECIPE not in names:
        raise DatasetFolderError(
            f"{folder} is not empty and no dataset (it holds {', '.join(strange[:5])}): give a new or an empty folder"
        )


def _require_column(arrays: Mapping[str, Array], name: str, expected: Array) -> None:
    if not np.array_equal(arrays[name], expected):
        raise ValueError(f"{name} must be {expected[0]} to {expected[-1]} here, given {arrays[name][:4].tolist()} ...")
