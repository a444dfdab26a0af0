"""Whether the sources of a mixture mean the same by a class id."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from ..derive.tables import is_class_array
from ..errors import UsageError

if TYPE_CHECKING:
    from ..dataset.dataset import Dataset

_WAY = (
    "`simloom merge` renumbers classes by their names, so mix datasets that were merged; or leave the class arrays out "
    "of `arrays`"
)


def check_classes(sources: Mapping[str, Dataset], arrays: Collection[str]) -> None:
    """Refuse to mix class ids of which two sources mean different things.

    An id or a class that one table lacks is no contradiction.

    Args:
        sources: Datasets by name.
        arrays: Names of the arrays that a batch holds.

    Raises:
        UsageError: An id has two names, or a name two ids; the text gives the first.

    Example:
        >>> check_classes({"real": real, "sim": simulated}, ["label/head/class"])
    """
    for array in sorted(filter(is_class_array, arrays)):
        names: dict[int, tuple[str, str]] = {}
        ids: dict[str, tuple[int, str]] = {}
        for source, dataset in sources.items():
            if array not in dataset.shapes:
                continue
            for number, name in sorted((int(number), str(name)) for number, name in dataset.classes.items()):
                known, first = names.setdefault(number, (name, source))
                if known != name:
                    raise UsageError(
                        f"{array} cannot be mixed: class {number} is {known!r} in {first!r} and {name!r} in "
                        f"{source!r}; {_WAY}"
                    )
                same, first = ids.setdefault(name, (number, source))
                if same != number and first != source:
                    raise UsageError(
                        f"{array} cannot be mixed: {name!r} is class {same} in {first!r} and {number} in {source!r}; "
                        f"{_WAY}"
                    )
