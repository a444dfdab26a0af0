"""Which arrays a batch holds: names and patterns settled against what the sources have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import UsageError, nearest_name

if TYPE_CHECKING:
    from ..dataset.dataset import Dataset

Shape = tuple[np.dtype[Any], tuple[int, ...]]
"""Dtype and shape of one row."""

Missing = Literal["error", "mask"]
"""What becomes of an array that a source lacks."""

ALWAYS = ("sample/index",)
"""Arrays of every batch."""

MIXED = ("sample/is_real", "sample/generation")
"""Arrays that every batch of a mixture has besides; 0 in sources without them."""

IMPORTED_CAMERA = "camera"
"""What an import calls its camera where no other name is given."""

_TENSORS = frozenset({"b1", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "c8", "c16"})


def is_tensor(dtype: np.dtype[Any]) -> bool:
    """Tell whether torch has this type."""
    return dtype.str[1:] in _TENSORS and dtype.isnative


def choose_arrays(
    sources: Mapping[str, Dataset],
    arrays: Sequence[str] | None,
    *,
    missing: Missing = "error",
    unread: Mapping[str, Collection[str]] | None = None,
) -> dict[str, Shape]:
    """Settle which arrays a batch holds.

    Args:
        sources: Datasets by name.
        arrays: Names, or patterns such as "label/head/*"; None for all that torch can hold.
        missing: With "mask", an array that a source lacks is 0 in its rows, and `present/<name>` says so.
        unread: Sources that an array is not read from, by array name: it is 0 in their rows, for others to fill.

    Returns:
        Dtype and shape of a row by name, sorted.

    Raises:
        UsageError: A name is unknown or of a type that torch lacks, or the sources do not fit together.
    """
    if missing not in ("error", "mask"):
        raise UsageError(f"missing must be 'error' or 'mask', got {missing!r}")
    if isinstance(arrays, str):
        raise UsageError(f"arrays is a list of names, got the text {arrays!r}; write [{arrays!r}]")
    unread = unread or {}
    there: dict[str, dict[str, Shape]] = {}
    for source, dataset in sources.items():
        for name, shape in dataset.shapes.items():
            if source not in unread.get(name, ()):
                there.setdefault(name, {})[source] = shape
    tensors = sorted(name for name, shapes in there.items() if all(is_tensor(dtype) for dtype, _ in shapes.values()))
    chosen = set(tensors)
    if arrays is not None:
        chosen = {name for wanted in arrays for name in _match(wanted, tensors, there)}
    defaults: dict[str, Shape] = {}
    if len(sources) > 1:
        defaults = {name: (np.dtype(kind), ()) for name, kind in zip(MIXED, ("u1", "<i4"), strict=True)}
    chosen |= {*ALWAYS, *defaults}
    lacking = {
        name: [source for source in sources if source not in {*there.get(name, {}), *unread.get(name, ())}]
        for name in chosen - {*defaults}
    }
    lacking = {name: lacks for name, lacks in sorted(lacking.items()) if lacks}
    if lacking and missing == "error":
        raise UsageError(f"{_tell_lacking(lacking, arrays)}{_tell_camera(lacking, sources)}")
    return {name: _one_shape(name, there[name]) if name in there else defaults[name] for name in sorted(chosen)}


def _match(wanted: str, tensors: Sequence[str], there: Mapping[str, Any]) -> list[str]:
    found = [name for name in tensors if name == wanted or fnmatchcase(name, wanted)]
    if found:
        return found
    if wanted in there:
        dtypes = sorted({dtype.str for dtype, _ in there[wanted].values()})
        raise UsageError(f"torch has no type for {wanted!r} ({', '.join(dtypes)}): leave it out")
    raise UsageError(f"no array {wanted!r} here{nearest_name(wanted, there)}; `dataset.names` lists them")


def _tell_lacking(lacking: Mapping[str, Sequence[str]], arrays: Sequence[str] | None) -> str:
    by_source: dict[str, list[str]] = {}
    for name, sources in lacking.items():
        for source in sources:
            by_source.setdefault(source, []).append(name)
    listed = "; ".join(
        f"{source!r} lacks {', '.join(names[:6])}{f' and {len(names) - 6} more' if len(names) > 6 else ''}"
        for source, names in by_source.items()
    )
    way = "leave them out of `arrays`" if arrays is not None else "name in `arrays` what is wanted"
    return f"{listed}: {way}, or pass missing='mask' to fill them with 0 and get `present/<name>`"


def _tell_camera(lacking: Mapping[str, Sequence[str]], sources: Mapping[str, Dataset]) -> str:
    """Propose the name of a camera, where only that keeps an import from having an array."""
    for name, (source, *_) in lacking.items():
        kind, _, rest = name.partition("/")
        camera, _, what = rest.partition("/")
        imported = f"{kind}/{IMPORTED_CAMERA}/{what}"
        if what and imported in sources[source].shapes:
            return (
                f". {source!r} has {imported} instead: `simloom import ... --camera {camera}` gives an imported camera "
                "that name"
            )
    return ""


def _one_shape(name: str, shapes: Mapping[str, Shape]) -> Shape:
    (first, one), *others = shapes.items()
    for other, shape in others:
        if shape != one:
            raise UsageError(
                f"{name} is {one[0].name} of shape {one[1]} in {first!r} and {shape[0].name} of shape {shape[1]} in "
                f"{other!r}; a batch has one type and size: make both alike, or leave it out of `arrays`"
            )
    return one
