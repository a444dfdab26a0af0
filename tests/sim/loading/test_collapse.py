"""The laws of training on one's own output, and the mixtures that are refused because of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from naive.collapse import Keeping, train_generations
from naive.training_rows import make_source
from simloom.sim.errors import UsageError
from simloom.sim.loading import Lineage, Mixture, MixtureRefusedError, Order, Source, find_refusals

GENERATIONS, DIMENSIONS, SAMPLES, RUNS = 10, 10, 60, 200
UNIT = DIMENSIONS / (SAMPLES - DIMENSIONS - 1)
"""Error of one generation of least squares with unit noise."""


def _errors(keeping: Keeping) -> tuple[Any, Any]:
    errors = train_generations(
        keeping, generations=GENERATIONS, dimensions=DIMENSIONS, samples=SAMPLES, runs=RUNS, seed=11
    )
    return errors.mean(axis=0), errors.std(axis=0, ddof=1) / np.sqrt(RUNS)


def test_the_laws_of_collapse_hold() -> None:
    """Replacing adds one unit of error a generation; accumulating stays below pi^2/6; subsampling lies between."""
    generation = np.arange(1, GENERATIONS + 1)
    replaced, replaced_deviation = _errors("replace")
    assert (abs(replaced - UNIT * generation) < 5 * replaced_deviation).all()
    gathered, gathered_deviation = _errors("accumulate")
    bound = UNIT * np.cumsum(1.0 / generation**2)
    assert (gathered < bound + 5 * gathered_deviation).all()
    assert gathered[-1] < UNIT * np.pi**2 / 6
    sampled, _ = _errors("subsample")
    last = -1
    assert gathered[last] < sampled[last] < replaced[last]
    # Slow growth: the tenth generation adds well under half a unit, where replacing adds one.
    assert sampled[last] - sampled[last - 3] < 3 * 0.5 * UNIT


def _refuse(parts: dict[str, tuple[Lineage, float, tuple[str, ...]]], **settings: Any) -> list[str]:
    nothing: Any = None  # the rules read lineages alone
    mixture = Mixture(
        sources={
            name: Source(dataset=nothing, weight=weight, parents=parents)
            for name, (_, weight, parents) in parts.items()
        },
        **settings,
    )
    order = Order(
        sizes=tuple(line.row_count for line, _, _ in parts.values()), names=tuple(parts), weights=mixture.weights,
        batch_size=10, epoch_batches=-(-(mixture.epoch_rows or 0) // 10),
    )  # fmt: skip
    return find_refusals(mixture, {name: line for name, (line, _, _) in parts.items()}, order)


def _line(rows: int, *, real: int = 0, made: int = 0, digest: str = "") -> Lineage:
    return Lineage(row_count=rows, real_count=real, made_count=made, root_digest=digest)


def test_good_mixtures_pass() -> None:
    """Real and simulated rows, and a model's rows beside what it was trained on, are all right."""
    real, sim = _line(100, real=100, digest="r"), _line(400, digest="s")
    assert _refuse({"real": (real, 0.25, ()), "sim": (sim, 0.75, ())}) == []
    made = _line(200, made=200, digest="m")
    assert _refuse({"real": (real, 0.5, ()), "made": (made, 0.5, ("r",))}) == []


@pytest.mark.parametrize(
    "parts, settings, reason",
    [
        ({"real": (_line(100, real=100), 0.05, ()), "sim": (_line(900), 0.95, ())}, {}, "below real_floor=0.1"),
        (
            {"real": (_line(100, real=100), 0.2, ()), "sim": (_line(400), 0.8, ())},
            {"epoch_rows": 100},
            "takes 20 of the 100 rows of the real source 'real'",
        ),
        (
            {"real": (_line(10, real=10), 0.5, ()), "sim": (_line(200), 0.5, ())},
            {},
            "20 times through 'real', over max_repeats=10",
        ),
        ({"a": (_line(50, made=50), 0.5, ()), "b": (_line(50, made=50), 0.5, ())}, {}, "neither real rows nor rows of"),
        (
            {
                "sim": (_line(50, digest="s"), 0.4, ()),
                "first": (_line(50, made=50, digest="f"), 0.3, ("s",)),
                "second": (_line(50, made=50, digest="g"), 0.3, ("f",)),
            },
            {},
            "'second' was made by a model that trained on 'first'",
        ),
        (
            {"sim": (_line(50, digest="s"), 0.5, ()), "made": (_line(50, made=50, digest="m"), 0.5, ("m",))},
            {},
            "'made' is an ancestor of itself",
        ),
    ],
    ids=["diluted", "unseen", "oversampled", "no origin", "own parents", "circle"],
)
def test_bad_mixtures_are_refused(parts: Any, settings: Any, reason: str) -> None:
    """Each way to starve real data or to feed a model with itself is told, and nothing else is."""
    (found,) = _refuse(parts, **settings)
    assert reason in found


def test_force_keeps_the_reasons(tmp_path: Path) -> None:
    """A refused mixture is an error; forced, the loader runs and its report says why it should not have."""
    real = make_source(tmp_path / "real", 8, real=True)
    sim = make_source(tmp_path / "sim", 16, first=40)
    with pytest.raises(MixtureRefusedError, match=r"0\.05 of each batch.*force=True"):
        sim.torch(batch_size=4, mix={"real": (real, 0.05), "sim": 0.95})
    sources = {"real": Source(dataset=real, weight=0.05), "sim": Source(dataset=sim, weight=0.95)}
    loader = sim.torch(batch_size=4, mix=Mixture(sources=sources, force=True))
    list(loader)
    (reason, *_) = loader.report().forced
    assert "real_floor" in reason
    made = make_source(tmp_path / "made", 8, first=80, generation=1)
    with pytest.raises(MixtureRefusedError, match="generation 1 or later"):
        made.torch(batch_size=4, mix={"made": 1.0})


def test_wrong_mixtures_are_named(tmp_path: Path) -> None:
    """Weights, names and limits that cannot be are told."""
    sim = make_source(tmp_path / "sim", 8)
    other = make_source(tmp_path / "other", 8, first=40)
    for mix, message in (
        ({"sim": 0.5, "other": (other, 0.6)}, "sum to 1"),
        ({"sim": (sim, 0.5), "other": (other, "half")}, "must be .dataset, weight."),
        ({"other": (other, 1.0)}, "the dataset itself must be one source"),
        ({}, "needs sources"),
        ({"a/b": 1.0}, "without '/'"),
    ):
        with pytest.raises(UsageError, match=message):
            sim.torch(batch_size=4, mix=mix)
    sources = {"sim": Source(dataset=sim, weight=Fraction(1))}
    for settings, message in (
        ({"real_floor": 2.0}, "real_floor must be"),
        ({"max_repeats": 0.5}, "max_repeats must be"),
        ({"epoch_rows": 0}, "epoch_rows must be"),
    ):
        with pytest.raises(UsageError, match=message):
            Mixture(sources=sources, **settings)  # type: ignore[arg-type]
