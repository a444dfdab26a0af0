"""The tables of a source's description, checked before ids are taken from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..dataset.errors import DatasetCorruptError
from ..dataset.plain_file import Fields

if TYPE_CHECKING:
    from ..dataset.dataset import Dataset

_MOST_DIGITS = 9


@dataclass(frozen=True, kw_only=True)
class SourceTables:
    """Tables as a description holds them.

    Args:
        classes: Class name by id.
        assets: SHA-256 by the name of an asset file.
        cameras: Settings by camera.
        parameters: Parameters by name.
        splits: Fractions by split; empty for the default.
        objects: What users say of their assets, by asset number.
    """

    classes: Mapping[str, str]
    assets: Mapping[str, str]
    cameras: Mapping[str, Any]
    parameters: Mapping[str, Mapping[str, Any]]
    splits: Mapping[str, float]
    objects: Mapping[str, Mapping[str, Any]]


def read_tables(dataset: Dataset) -> SourceTables:
    """Read the tables of a dataset, which need not be trusted.

    Raises:
        DatasetCorruptError: One is not what it should be.
    """

    def table(name: str, is_good: Callable[[Any], bool], *, numbered: bool = False) -> dict[str, Any]:
        where = f"{dataset.folder}: table {name!r}"
        value = Fields(dataset.tables[name], where).value
        for key, item in value.items():
            if (numbered and not (key.isascii() and key.isdigit() and len(key) <= _MOST_DIGITS)) or not is_good(item):
                raise DatasetCorruptError(f"{where}: the entry {key!r:.80} is not what it should be")
        return value

    return SourceTables(
        classes=table("classes", _is_text, numbered=True),
        assets=table("assets", _is_text),
        cameras=table("cameras", lambda item: isinstance(item, dict)),
        parameters=table("parameters", lambda item: isinstance(item, dict)),
        splits=table("splits", lambda item: type(item) in (int, float) and 0 <= item <= 1),
        objects=table("objects", _is_object, numbered=True),
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    if not isinstance(value, dict) or not _is_text(value.get("name")):
        return False
    meshes = value.get("visual_sha256") or []
    return isinstance(meshes, list) and all(map(_is_text, meshes)) and _is_text(value.get("content_sha256", ""))
