"""Derive a dataset: copy chosen rows of other datasets, with lineage, into one of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeAlias

import numpy as np

from ..dataset.errors import DatasetFolderError
from ..dataset.lineage import number_scenarios
from ..dataset.samples import DEFAULT_SPLITS
from ..dataset.specs import Array
from ..errors import UsageError, nearest_name
from .row_writer import RowPlan
from .source_rows import SourceRows, whole_rows
from .source_tables import read_tables
from .tables import Renumbering, merge_assets, merge_classes, merge_objects, merge_parameters

Arrays: TypeAlias = Sequence[str] | Literal["common"] | None
"""Arrays that are kept: names or patterns; "common", those that all have alike; None, all."""

MOST_INPUTS = 1024
"""Datasets that one call takes."""

_OWN = ("sample/index", "sample/scenario", "sample/source", "sample/source_index")
_Shapes: TypeAlias = Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]


def plan_derivation(
    sources: Sequence[SourceRows],
    operation: Mapping[str, Any],
    *,
    arrays: Arrays = None,
    splits: Mapping[str, float] | None = None,
    title: str,
) -> RowPlan:
    """Plan a dataset of rows of others, those of the first source first.

    Args:
        sources: The rows.
        operation: What is done, for the recipe: "operation" and its arguments.
        arrays: Arrays that are kept; `sample/` arrays that all have are kept always.
        splits: Fractions by split; by default those of the sources.
        title: First line of the contact sheet.

    Returns:
        The plan.

    Raises:
        DatasetFolderError: The sources do not fit together; the text says in what and how to mend it.
    """
    if not 1 <= len(sources) <= MOST_INPUTS:
        raise UsageError(f"between 1 and {MOST_INPUTS} datasets can be taken together, got {len(sources)}")
    names, shapes = choose_arrays(sources, arrays)
    origins = list(dict.fromkeys(origin.recipe_sha256 for source in sources for origin in source.origins))
    number = {sha256: place for place, sha256 in enumerate(origins)}
    origin_of = [np.array([number[o.recipe_sha256] for o in source.origins], np.int32) for source in sources]
    numbered = [table[source.origin] for table, source in zip(origin_of, sources, strict=True)]
    require_once(sources, numbered)
    tables, renumberings = _merge_tables(sources, names, splits)
    described = {origin.recipe_sha256: origin for source in reversed(sources) for origin in reversed(source.origins)}
    tables["sources"] = {str(place): described[sha256].to_json() for sha256, place in number.items()}
    starts = np.cumsum([0, *(len(source.rows) for source in sources)])
    copied = [name for name in names if name not in _OWN]

    def make(rows: range) -> dict[str, Array]:
        out = {name: np.empty((len(rows), *shape), dtype) for name, (dtype, shape) in shapes.items()}
        for name, dtype in (("scenario", np.int64), ("source", np.int32), ("source_index", np.int64)):
            out[f"sample/{name}"] = np.empty(len(rows), dtype)
        for place, source in enumerate(sources):
            first, last = max(rows.start, int(starts[place])), min(rows.stop, int(starts[place + 1]))
            if first >= last:
                continue
            theirs = slice(first - int(starts[place]), last - int(starts[place]))
            ours = slice(first - rows.start, last - rows.start)
            piece = {name: out[name][ours] for name in copied}
            whole_rows(source.dataset).read_rows(source.rows[theirs], copied, out=piece)
            renumberings[place].apply(piece, source.name)
            out["sample/source"][ours] = numbered[place][theirs]
            out["sample/source_index"][ours] = source.origin_index[theirs]
            out["sample/scenario"][ours] = number_scenarios(numbered[place][theirs], source.scenario[theirs])
        return out

    return RowPlan(
        recipe={
            "simloom": 1,
            "derived": {
                **operation,
                "arrays": arrays if arrays is None or isinstance(arrays, str) else [str(name) for name in arrays],
                "sources": [source.to_json() for source in sources],
            },
        },
        tables=tables,
        row_count=int(starts[-1]),
        read_from=tuple(source.dataset.folder for source in sources),
        row_bytes=sum(dtype.itemsize * int(np.prod(shape)) for dtype, shape in shapes.values()) + 24,
        make=make,
        title=title,
    )


def choose_arrays(sources: Sequence[SourceRows], arrays: Arrays) -> tuple[list[str], _Shapes]:
    """Choose the arrays of a derived dataset.

    Returns:
        Their names, and dtype and shape of a row of those that are copied.

    Raises:
        DatasetFolderError: The datasets differ in arrays that were not left out.
        UsageError: A name matches nothing.
    """
    stored = [whole_rows(source.dataset).shapes for source in sources]
    # A view shows fewer arrays; the addresses of its rows are copied all the same.
    seen: list[_Shapes] = [
        {name: shapes[name] for name in shapes if name in source.dataset.names or name.startswith("sample/")}
        for shapes, source in zip(stored, sources, strict=True)
    ]
    common = [name for name in seen[0] if all(shapes.get(name) == seen[0][name] for shapes in seen)]
    if arrays is None:
        wanted = list(dict.fromkeys(name for shapes in seen for name in shapes if name not in _OWN))
    elif isinstance(arrays, str):
        if arrays != "common":
            raise UsageError(f"arrays must be a list of names or patterns, or 'common', got {arrays!r}")
        wanted = common
    else:
        wanted = [name for name in common if name.startswith("sample/")]
        for pattern in arrays:
            every = list(dict.fromkeys(name for shapes in seen for name in shapes))
            found = [name for name in every if name == pattern or fnmatchcase(name, pattern)]
            if not found:
                raise UsageError(f"no array {pattern!r} here{nearest_name(pattern, every)}")
            wanted.extend(found)
    names = sorted({*wanted} - {*_OWN})
    _require_alike(sources, seen, [name for name in names if name not in common])
    return names, {name: seen[0][name] for name in names}


def _require_alike(sources: Sequence[SourceRows], seen: Sequence[_Shapes], differing: Sequence[str]) -> None:
    if not differing:
        return
    lines = []
    for name in differing[:6]:
        there = [f"{_spell(shapes.get(name))} in {source.name}" for source, shapes in zip(sources, seen, strict=True)]
        lines.append(f"{name} is {', '.join(list(dict.fromkeys(there))[:3])}")
    more = f"; and {len(differing) - 6} more" if len(differing) > 6 else ""
    raise DatasetFolderError(
        f"the datasets hold different arrays: {'; '.join(lines)}{more}. Name those to keep, e.g. --arrays "
        "'sensor/*,label/*', or take all that they have alike: --arrays common"
    )


def _spell(shape: tuple[np.dtype[Any], tuple[int, ...]] | None) -> str:
    return "absent" if shape is None else f"{shape[0].name} {' x '.join(map(str, shape[1])) or 'scalar'}"


def require_once(sources: Sequence[SourceRows], numbered: Sequence[Array]) -> None:
    """Refuse the same row twice, from whichever datasets.

    Args:
        sources: The rows.
        numbered: Number of each row's origin, the same for all sources.

    Raises:
        DatasetFolderError: A row is there twice.
    """
    origin = np.concatenate(list(numbered))
    index = np.concatenate([source.origin_index for source in sources])
    order = np.lexsort((index, origin))
    twice = (np.diff(origin[order]) == 0) & (np.diff(index[order]) == 0)
    if not twice.any():
        return
    place = int(np.flatnonzero(twice)[0])
    starts = np.cumsum([0, *(len(source.rows) for source in sources)])

    def spell(position: int) -> str:
        owner = int(np.searchsorted(starts, position, side="right")) - 1
        return f"row {int(sources[owner].rows[position - starts[owner]])} of {sources[owner].name}"

    one, other = sorted(int(order[place + step]) for step in (0, 1))
    raise DatasetFolderError(
        f"{int(twice.sum())} rows would be there twice: {spell(one)} and {spell(other)} are both row "
        f"{int(index[order[place]])} of one recipe; take them from one dataset alone"
    )


def _merge_tables(
    sources: Sequence[SourceRows], names: Sequence[str], splits: Mapping[str, float] | None
) -> tuple[dict[str, Any], list[Renumbering]]:
    tables = [read_tables(source.dataset) for source in sources]
    classes, class_changes = merge_classes([table.classes for table in tables])
    objects, asset_changes = merge_objects([table.objects for table in tables])
    if splits is None:
        divided = [dict(table.splits) or dict(DEFAULT_SPLITS) for table in tables]
        for fractions, source in zip(divided, sources, strict=True):
            if list(fractions.items()) != list(divided[0].items()):
                raise DatasetFolderError(
                    f"{sources[0].name} and {source.name} divide their rows differently ({divided[0]} and "
                    f"{fractions}): together no row would be sure to keep its split. Merge what was not divided, or "
                    "give both to the loader"
                )
        splits = tables[0].splits
    cameras: dict[str, Any] = {}
    for table in tables:
        for name, settings in table.cameras.items():
            cameras.setdefault(name, settings)
    merged = {
        "classes": classes,
        "assets": merge_assets([table.assets for table in tables]),
        "cameras": cameras,
        "parameters": merge_parameters(
            [table.parameters for table in tables], names, [source.name for source in sources]
        ),
        "splits": dict(splits),
        **({"objects": objects} if objects else {}),
    }
    changes = zip(class_changes, asset_changes, strict=True)
    return merged, [Renumbering(classes=classes, assets=assets) for classes, assets in changes]
