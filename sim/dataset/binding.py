"""What binds a folder to one dataset: recipe.yaml and description.json, each written once, before any row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...scenes.yaml_text import YamlError, parse_yaml
from .errors import DatasetCorruptError, DatasetFolderError, RecipeMismatchError
from .layout import Layout
from .plain_file import Fields, check_plain, dump_json, parse_json, read_plain
from .publish import publish_file
from .specs import SCHEMA_VERSION

RECIPE = "recipe.yaml"
"""The resolved recipe."""

DESCRIPTION = "description.json"
"""What the recipe resolved to: classes, assets, cameras, parameters; and the layout of the rows."""

TABLES = ("classes", "assets", "cameras", "parameters", "splits", "acceptance", "objects", "sources")
"""Tables of the description, which the manifest repeats."""

OPTIONAL_TABLES = ("acceptance", "objects", "sources")
"""Tables of datasets with requirements, with users' assets that say something of themselves, and with lineage."""

_MAX_RECIPE_BYTES = 1 << 20
_MAX_DESCRIPTION_BYTES = 64 << 20


@dataclass(frozen=True, kw_only=True)
class Binding:
    """The recipe and the description that a folder holds.

    Args:
        recipe_sha256: SHA-256 of recipe.yaml.
        description_sha256: SHA-256 of description.json.
        layout: How rows are spread over shards.
        tables: classes, assets, cameras, parameters, splits, acceptance, objects and sources, as given by the writer.
    """

    recipe_sha256: str
    description_sha256: str
    layout: Layout
    tables: Mapping[str, Any]


def load_binding(folder: Path) -> Binding | None:
    """Read what a folder is bound to; None where it is not bound yet.

    Raises:
        DatasetCorruptError: A file is damaged.
    """
    try:
        recipe = read_plain(folder / RECIPE, limit=_MAX_RECIPE_BYTES)
        data = read_plain(folder / DESCRIPTION, limit=_MAX_DESCRIPTION_BYTES)
    except FileNotFoundError:
        return None
    source = folder / DESCRIPTION
    fields = Fields(parse_json(data, source), source)
    fields.count("simloom_description", SCHEMA_VERSION, SCHEMA_VERSION)
    tables = {name: fields.value.get(name, {}) for name in TABLES}
    _check_tables(tables, source)
    return Binding(
        recipe_sha256=hashlib.sha256(recipe).hexdigest(),
        description_sha256=hashlib.sha256(data).hexdigest(),
        layout=Layout(
            rows_per_scenario=fields.count("rows_per_scenario", 1, 1 << 40),
            scenarios_per_shard=fields.count("scenarios_per_shard", 1, 1 << 40),
        ),
        tables=tables,
    )


def _check_tables(tables: Mapping[str, Any], source: object) -> None:
    check_plain(tables, source)
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise DatasetCorruptError(f"{source}: the table {name!r} is no object")
    kinds: tuple[tuple[str, type | tuple[type, ...]], ...] = (
        ("classes", str), ("splits", (int, float)), ("parameters", dict), ("objects", dict),
    )  # fmt: skip
    for name, kind in kinds:
        for key, item in tables[name].items():
            if not isinstance(item, kind) or isinstance(item, bool):
                raise DatasetCorruptError(f"{source}: {key!r} in the table {name!r} is of the wrong kind")
    if any(fraction < 0 for fraction in tables["splits"].values()):
        raise DatasetCorruptError(f"{source}: a split has a negative fraction")


def bind_folder(folder: Path, recipe_text: str, tables: Mapping[str, Any], layout: Layout) -> Binding:
    """Bind a folder to a recipe, or check that it is bound to this one.

    Args:
        folder: An existing folder.
        recipe_text: The resolved recipe, YAML.
        tables: Some of "classes", "assets", "cameras", "parameters", "splits",
            "acceptance": JSON values that follow from it.
        layout: How rows are spread over shards.

    Returns:
        What the folder is bound to.

    Raises:
        RecipeMismatchError: It is bound to something else; the text names the differing keys.
        DatasetFolderError: Another layout, or an unknown table.
        DatasetWriteError: The operating system refused a write.
    """
    unknown = sorted(set(tables) - set(TABLES))
    if unknown:
        raise DatasetFolderError(f"unknown tables {', '.join(unknown)}; a description has {', '.join(TABLES)}")
    value = {
        "simloom_description": SCHEMA_VERSION,
        "rows_per_scenario": layout.rows_per_scenario,
        "scenarios_per_shard": layout.scenarios_per_shard,
        **tables,
    }
    data = dump_json(value)
    if publish_file(folder / RECIPE, recipe_text.encode(), kind="recipe") is None:
        _compare_recipes(folder / RECIPE, recipe_text)
    if publish_file(folder / DESCRIPTION, data, kind="description") is None:
        _compare_descriptions(folder / DESCRIPTION, value)
    binding = load_binding(folder)
    if binding is None:
        raise DatasetCorruptError(f"{folder}: {RECIPE} or {DESCRIPTION} vanished while it was being opened")
    return binding


def _compare_recipes(path: Path, wanted_text: str) -> None:
    text = read_plain(path, limit=_MAX_RECIPE_BYTES).decode("utf-8", "replace")
    if text == wanted_text:
        return
    try:
        found = parse_yaml(text, source=str(path)).value
    except YamlError as error:
        raise DatasetCorruptError(f"{error}: the file is damaged, or no recipe of a dataset") from None
    wanted = parse_yaml(wanted_text, source="the recipe").value
    difference = _difference(found, wanted)
    # Comments and spacing may differ; the order of keys may not, since coordinates of u follow it.
    if difference or json.dumps(found, default=repr) != json.dumps(wanted, default=repr):
        listed = "; ".join(difference) or "the order of the keys"
        raise RecipeMismatchError(f"{path} is another recipe: {listed}. Take another folder, or the same recipe")


def _compare_descriptions(path: Path, wanted: Mapping[str, Any]) -> None:
    found = parse_json(read_plain(path, limit=_MAX_DESCRIPTION_BYTES), path)
    check_plain(found, path)
    difference = _difference(found, json.loads(dump_json(wanted)))
    if not difference:
        return
    if any(line.startswith(("scenarios_per_shard", "rows_per_scenario")) for line in difference):
        raise DatasetFolderError(f"{path.parent} was begun with another layout: {'; '.join(difference)}")
    raise RecipeMismatchError(
        f"{path} tells that assets or tables have changed since the dataset was begun: {'; '.join(difference)}"
    )


def _difference(found: Any, wanted: Any) -> list[str]:
    """List the keys in which two nested values differ, as "key: there X, asked Y"."""
    one, other = dict(_flatten(found, "")), dict(_flatten(wanted, ""))
    lines = []
    for key in sorted({*one, *other}):
        there, asked = one.get(key, "nothing"), other.get(key, "nothing")
        if there != asked:
            lines.append(f"{key}: there {there:.80}, asked {asked:.80}")
    if len(lines) > 12:
        lines = [*lines[:12], f"and {len(lines) - 12} more"]
    return lines


def _flatten(value: Any, prefix: str) -> list[tuple[str, str]]:
    if isinstance(value, dict) and value:
        items = value.items()
    elif isinstance(value, list) and value and isinstance(value[0], dict | list):
        items = dict(enumerate(value)).items()
    else:
        return [(prefix, repr(value))]
    return [pair for key, item in items for pair in _flatten(item, f"{prefix}.{key}" if prefix else str(key))]
