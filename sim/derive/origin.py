"""Origins: the datasets, generated or imported, that the rows of a derived dataset were first made in."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..dataset.errors import DatasetCorruptError
from ..dataset.lineage import MOST_SOURCES
from ..dataset.plain_file import Fields, read_plain
from ..errors import SimloomError
from .source_tables import read_tables

if TYPE_CHECKING:
    from ..dataset.dataset import Dataset

_MAX_RECIPE_BYTES = 1 << 20
_HOST_PATH = re.compile(r"(?:[/~\\]|[A-Za-z]:[/\\]|file:)")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A dataset that rows were first made in; the same recipe is the same origin, however many rows were made of it.

    Args:
        recipe_sha256: SHA-256 of its recipe.yaml.
        kind: "generated" or "imported".
        facts: What a person would ask first: scene and seed, or the format.
        recipe: Text of its recipe.yaml; None where it tells folders of the machine that it was made on.
        cameras: Its table of cameras.
    """

    recipe_sha256: str
    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    recipe: str | None = None
    cameras: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the entry of the table `sources`."""
        return {
            "recipe_sha256": self.recipe_sha256,
            "kind": self.kind,
            "facts": dict(self.facts),
            "recipe": self.recipe,
            "cameras": dict(self.cameras),
        }

    @classmethod
    def from_json(cls, value: Any, source: object) -> Origin:
        """Read an entry that need not be trusted.

        Raises:
            DatasetCorruptError: It is damaged.
        """
        fields = Fields(value, source)
        recipe = fields.value.get("recipe")
        return cls(
            recipe_sha256=fields.sha256("recipe_sha256"),
            kind=fields.text("kind"),
            facts=fields.mapping("facts"),
            recipe=None if recipe is None else fields.text("recipe"),
            cameras=fields.mapping("cameras"),
        )


def find_origins(dataset: Dataset) -> tuple[Origin, ...]:
    """List the origins of a dataset, by their number in `sample/source`; of a generated one that is itself.

    Raises:
        DatasetCorruptError: The table of sources or the recipe is damaged.
    """
    sources, where = dataset.tables["sources"], f"{dataset.folder}: table 'sources'"
    if not sources:
        return (_describe(dataset),)
    table = Fields(sources, where)
    if len(sources) > MOST_SOURCES or set(sources) != {str(number) for number in range(len(sources))}:
        raise DatasetCorruptError(f"{where} does not number its entries from 0")
    return tuple(Origin.from_json(table.value[str(number)], where) for number in range(len(sources)))


def _describe(dataset: Dataset) -> Origin:
    """Describe a dataset that is an origin itself."""
    from ..yaml_text import parse_yaml

    path = dataset.folder / "recipe.yaml"
    data = read_plain(path, limit=_MAX_RECIPE_BYTES)
    text = data.decode("utf-8", "replace")
    try:
        value = parse_yaml(text, source=str(path)).value
    except SimloomError as error:
        raise DatasetCorruptError(f"{path} is damaged: {error}") from None
    value = value if isinstance(value, dict) else {}
    facts = {name: value[name] for name in ("scene", "seed") if isinstance(value.get(name), str | int)}
    return Origin(
        recipe_sha256=hashlib.sha256(data).hexdigest(),
        kind="generated",
        facts={} if names_host(facts) else facts,
        recipe=None if names_host(value) else text,
        cameras=read_tables(dataset).cameras,
    )


def names_host(value: Any) -> bool:
    """Tell whether a value holds the path of a folder outside of where simloom runs."""
    return any(_HOST_PATH.match(text) or ".." in text.split("/") for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
