"""Mixtures of datasets: how much of each, and what is asked of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .array_choice import Missing
from .quota import exact_weights

if TYPE_CHECKING:
    from ..dataset.dataset import Dataset

_SHAPE = 'mix={"real": (real_dataset, 0.25), "sim": 0.75}'


@dataclass(frozen=True, kw_only=True)
class Source:
    """One dataset of a mixture.

    Args:
        dataset: The dataset, or a view of it.
        weight: Its share of every batch, (0, 1).
        parents: Root digests of the datasets that trained the model which made its rows, where a model did.
    """

    dataset: Dataset
    weight: float | Fraction
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Datasets to train on together, each with its share of every batch.

    Args:
        sources: By name; the name chooses the order of a source's rows and stands in the report.
        real_floor: Share of real rows below which a mixture that has any is refused, [0, 1].
        max_repeats: How often an epoch may go through a source before the mixture is refused, at least 1.
        epoch_rows: Rows in an epoch, rounded up to whole batches; None for one pass over the source that takes longest.
        missing: What becomes of an array that some source lacks: "error", or "mask" to fill it with 0 and tell by
            `present/<name>`.
        force: Train on a mixture that would be refused; the report keeps the reasons.

    Raises:
        UsageError: A value is out of range.

    Example:
        >>> mixture = Mixture(sources={
        ...     "real": Source(dataset=real, weight=0.25), "sim": Source(dataset=simulated, weight=0.75)})
    """

    sources: Mapping[str, Source]
    real_floor: float = 0.1
    max_repeats: float = 10.0
    epoch_rows: int | None = None
    missing: Missing = "error"
    force: bool = False

    def __post_init__(self) -> None:
        if not self.sources:
            raise UsageError(f"a mixture needs sources, such as {_SHAPE}")
        for name in self.sources:
            if not name or "/" in name:
                raise UsageError(f"the name of a source is a text without '/', got {name!r}")
        if not 0 <= self.real_floor <= 1:
            raise UsageError(f"real_floor must be in [0, 1], got {self.real_floor}")
        if not self.max_repeats >= 1:
            raise UsageError(f"max_repeats must be at least 1, got {self.max_repeats}")
        if self.epoch_rows is not None and self.epoch_rows < 1:
            raise UsageError(f"epoch_rows must be at least 1, got {self.epoch_rows}")
        try:
            exact_weights([source.weight for source in self.sources.values()])
        except (ValueError, TypeError) as error:
            raise UsageError(f"mix: {error}") from None

    @property
    def weights(self) -> tuple[Fraction, ...]:
        """The weights as fractions that sum to 1."""
        return exact_weights([source.weight for source in self.sources.values()])

    @property
    def datasets(self) -> dict[str, Dataset]:
        """The datasets by name."""
        return {name: source.dataset for name, source in self.sources.items()}


def read_mixture(mix: Any, dataset: Dataset) -> Mixture:
    """Understand the `mix` of `dataset.torch`.

    Args:
        mix: A `Mixture` of which the dataset is part, or a mapping of names to `(dataset, weight)`, a `Source`, or, for
            the dataset itself, a weight.
        dataset: The dataset whose loader is made.

    Raises:
        UsageError: It is none of these.
    """
    if not isinstance(mix, Mixture | Mapping):
        raise UsageError(f"mix must be a Mixture or a mapping such as {_SHAPE}, got {mix!r:.80}")
    mixture = (
        mix
        if isinstance(mix, Mixture)
        else Mixture(sources={str(name): _read_source(name, given, dataset) for name, given in mix.items()})
    )
    own = [name for name, source in mixture.sources.items() if source.dataset is dataset]
    if len(own) != 1:
        raise UsageError(
            f"the dataset itself must be one source of the mixture, and is {len(own)}: give its weight alone, as in "
            f"{_SHAPE}"
        )
    return mixture


def _read_source(name: str, given: Any, dataset: Dataset) -> Source:
    if isinstance(given, Source):
        return given
    if isinstance(given, float | int | Fraction):
        return Source(dataset=dataset, weight=given)
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], float | int | Fraction):
        return Source(dataset=given[0], weight=given[1])
    raise UsageError(
        f"the source {name!r} must be (dataset, weight), a Source or a weight, got {given!r:.80}; see {_SHAPE}"
    )
