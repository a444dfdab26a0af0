"""Mixtures that must not be trained on in silence: starved real data, and models that feed on themselves.

The laws: data replaced in each generation let the error grow without bound, data added to what was there keep it below
pi^2/6 of one generation's, and sampling a fixed number of what has gathered lies between. Simulated rows are
generation 0: the laws speak of rows that a learned model made.

Source: Gerstgrasser et al., arXiv 2404.01413, theorems 1 and 2; Kazdan et al., arXiv 2410.16713.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..dataset.query import QueryError
from ..errors import UsageError
from .mixture import Mixture
from .order import Order
from .row_digest import find_root_digest
from .row_origins import Kept, find_shared, read_row_origins

if TYPE_CHECKING:
    from ..dataset.dataset import Dataset


class MixtureRefusedError(UsageError):
    """A mixture that would starve real data or train a model on its own rows; `force=True` takes it nevertheless."""


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """Where the rows of a source come from.

    Args:
        row_count: Its rows.
        real_count: Rows from a real sensor.
        made_count: Rows that a learned model took part in: generation 1 or later.
        root_digest: Digest of its dataset; empty where it cannot be told.
        origins: Which rows of which recipe they were first made as; see `read_row_origins`.
    """

    row_count: int
    real_count: int
    made_count: int
    root_digest: str = ""
    origins: Kept = field(default_factory=dict)

    @property
    def original_count(self) -> int:
        """Rows of generation 0: from a real sensor or from physics."""
        return self.row_count - self.made_count


def read_lineage(dataset: Dataset) -> Lineage:
    """Count where a dataset's rows come from; a dataset that does not tell is generation 0 and not real."""
    return Lineage(
        row_count=len(dataset),
        real_count=_count(dataset, "sample.is_real > 0"),
        made_count=_count(dataset, "sample.generation > 0"),
        root_digest=find_root_digest(dataset),
        origins=read_row_origins(dataset),
    )


def _count(dataset: Dataset, condition: str) -> int:
    try:
        return len(dataset.where(condition))
    except QueryError:  # no such column
        return 0


def find_refusals(mixture: Mixture, lineages: Mapping[str, Lineage], order: Order) -> list[str]:
    """List why a mixture should not be trained on.

    Args:
        mixture: The mixture.
        lineages: Where the rows of each source come from.
        order: Its order, which tells how often each source is gone through.

    Returns:
        One sentence a reason, with the way out; none where all is well.
    """
    weights = dict(zip(mixture.sources, map(float, mixture.weights), strict=True))
    draws = dict(zip(mixture.sources, order.draws(0, order.batches).tolist(), strict=True))
    return [
        *_find_starved(mixture, lineages, weights, draws),
        *_find_repeats(mixture, lineages, draws),
        *_find_self_feeding(mixture, lineages),
    ]


def _find_starved(
    mixture: Mixture, lineages: Mapping[str, Lineage], weights: Mapping[str, float], draws: Mapping[str, int]
) -> list[str]:
    found = []
    share = sum(weights[name] * line.real_count / line.row_count for name, line in lineages.items())
    if any(line.real_count for line in lineages.values()) and share < mixture.real_floor:
        found.append(
            f"real rows are {share:.3g} of each batch, below real_floor={mixture.real_floor:g}: give the real source "
            "more weight, or lower real_floor on purpose"
        )
    for name, line in lineages.items():
        if line.real_count and draws[name] < line.row_count:
            found.append(
                f"an epoch takes {draws[name]} of the {line.row_count} rows of the real source {name!r}, so some are "
                "never seen in it: raise its weight or epoch_rows"
            )
    return found


def _find_repeats(mixture: Mixture, lineages: Mapping[str, Lineage], draws: Mapping[str, int]) -> list[str]:
    return [
        f"an epoch goes {draws[name] / line.row_count:.3g} times through {name!r}, over max_repeats="
        f"{mixture.max_repeats:g}: lower its weight, set a smaller epoch_rows, or raise max_repeats on purpose"
        for name, line in lineages.items()
        if draws[name] > mixture.max_repeats * line.row_count
    ]


def _find_self_feeding(mixture: Mixture, lineages: Mapping[str, Lineage]) -> list[str]:
    found = []
    if not any(line.original_count for line in lineages.values()):
        found.append(
            "every row was made by a learned model (generation 1 or later), with neither real rows nor rows of physics "
            "beside them: errors grow from generation to generation; add a source of generation 0"
        )
    names = list(lineages)
    for one, other in itertools.combinations(names, 2):
        shared = find_shared(lineages[one].origins, lineages[other].origins)
        if shared:
            found.append(f"{one!r} and {other!r} hold the same rows, {len(shared)} of them: they would count twice")
    for name in names:
        for parent in _ancestors(name, mixture, lineages):
            if parent == name:
                found.append(f"{name!r} is an ancestor of itself: its rows would train the model that made them")
            elif lineages[parent].made_count and lineages[name].made_count:
                found.append(
                    f"{name!r} was made by a model that trained on {parent!r}, itself made by a model: the later "
                    "generation feeds on the earlier one; leave one of them out"
                )
    return found


def _ancestors(name: str, mixture: Mixture, lineages: Mapping[str, Lineage]) -> list[str]:
    """List the sources of the mixture that a source descends from, itself where it goes in a circle."""
    by_digest = {line.root_digest: source for source, line in lineages.items() if line.root_digest}
    found: list[str] = []
    waiting = list(mixture.sources[name].parents)
    while waiting:
        source = by_digest.get(waiting.pop())
        if source is not None and source not in found:
            found.append(source)
            waiting.extend(mixture.sources[source].parents)
    return found


def check_mixture(mixture: Mixture, lineages: Mapping[str, Lineage], order: Order) -> tuple[str, ...]:
    """Refuse a mixture that should not be trained on.

    Returns:
        What was forced; empty where all is well.

    Raises:
        MixtureRefusedError: It should not, and `force` is not set; the text gives every reason.
    """
    reasons = find_refusals(mixture, lineages, order)
    if reasons and not mixture.force:
        raise MixtureRefusedError(
            f"the mixture is refused: {'. '.join(reasons)}. Mixture(..., force=True) takes it as it is"
        )
    return tuple(reasons)
