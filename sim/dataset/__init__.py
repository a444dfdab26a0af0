"""Datasets on disk: write, read and check them.

Names are resolved when they are first used (PEP 562), so that reading loads no more than it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .array_spec import ArraySpec as ArraySpec
    from .commit import CommitRecord as CommitRecord
    from .dataset import Dataset as Dataset
    from .depth_format import depth_in_metres as depth_in_metres
    from .digest import combine_digests as combine_digests
    from .digest import row_digests as row_digests
    from .errors import DatasetCorruptError as DatasetCorruptError
    from .errors import DatasetError as DatasetError
    from .errors import DatasetFolderError as DatasetFolderError
    from .errors import DatasetWriteError as DatasetWriteError
    from .errors import DeterminismError as DeterminismError
    from .errors import PlatformMismatchError as PlatformMismatchError
    from .errors import RecipeMismatchError as RecipeMismatchError
    from .findings import VerifyReport as VerifyReport
    from .manifest import Manifest as Manifest
    from .manifest import write_derived as write_derived
    from .platform_key import platform_key as platform_key
    from .reader import open_dataset as open_dataset
    from .shard import build_shard as build_shard
    from .shard_file import ShardFile as ShardFile
    from .shard_file import read_shard as read_shard
    from .specs import SPECS as SPECS
    from .specs import find_spec as find_spec
    from .specs import specs_table_markdown as specs_table_markdown
    from .specs import validate_array as validate_array
    from .specs import validate_arrays as validate_arrays
    from .verify import verify_dataset as verify_dataset
    from .writer import DatasetWriter as DatasetWriter

_HOMES = {
    "ArraySpec": "array_spec",
    "CommitRecord": "commit",
    "Dataset": "dataset",
    "DatasetCorruptError": "errors",
    "DatasetError": "errors",
    "DatasetFolderError": "errors",
    "DatasetWriteError": "errors",
    "DatasetWriter": "writer",
    "DeterminismError": "errors",
    "Manifest": "manifest",
    "PlatformMismatchError": "errors",
    "RecipeMismatchError": "errors",
    "SPECS": "specs",
    "ShardFile": "shard_file",
    "VerifyReport": "findings",
    "build_shard": "shard",
    "combine_digests": "digest",
    "depth_in_metres": "depth_format",
    "find_spec": "specs",
    "open_dataset": "reader",
    "platform_key": "platform_key",
    "read_shard": "shard_file",
    "row_digests": "digest",
    "specs_table_markdown": "specs",
    "validate_array": "specs",
    "validate_arrays": "specs",
    "verify_dataset": "verify",
    "write_derived": "manifest",
}

__all__ = [
    "SPECS",
    "ArraySpec",
    "CommitRecord",
    "Dataset",
    "DatasetCorruptError",
    "DatasetError",
    "DatasetFolderError",
    "DatasetWriteError",
    "DatasetWriter",
    "DeterminismError",
    "Manifest",
    "PlatformMismatchError",
    "RecipeMismatchError",
    "ShardFile",
    "VerifyReport",
    "build_shard",
    "combine_digests",
    "find_spec",
    "open_dataset",
    "platform_key",
    "read_shard",
    "row_digests",
    "specs_table_markdown",
    "validate_array",
    "validate_arrays",
    "verify_dataset",
    "write_derived",
]


def __getattr__(name: str) -> Any:
    """Resolve a public name on first use and remember it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
