"""Coverage: shares and holes, held against a count by hand."""

import itertools

import numpy as np
import pytest

from simloom.scenes.distributions import Choice, Integer, Normal, Uniform
from simloom.scenes.space import Parameter, ParameterSpace
from simloom.sim.quality.coverage import measure_coverage, pair_shares
from simloom.sim.sampling.covering_array import LevelSpace
from simloom.sim.sampling.factors import bin_parameter

SPACE = ParameterSpace(
    parameters=(
        Parameter(name="kind", distribution=Choice(options=("box", "ball")), unit="1", meaning="test"),
        Parameter(name="count", distribution=Integer(low=1, high=9), unit="1", meaning="test"),
        Parameter(name="size", distribution=Uniform(low=0.0, high=1.0), unit="m", meaning="test", count=2),
        Parameter(name="drift", distribution=Normal(mean=0.0, deviation=1.0), unit="m", meaning="test"),
    )
)
FACTORS = [bin_parameter(SPACE, name, 4) for name in ("kind", "count", "size[1]", "drift")]


def _values(count: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(5)
    return {
        "kind": generator.integers(0, 2, count).astype(float),
        "count": generator.integers(1, 10, count).astype(float),
        "size": generator.random((count, 2)),
        "drift": generator.standard_normal(count),
    }


def test_levels_are_named_by_value() -> None:
    """Options keep their names, whole numbers are grouped, ranges have edges of equal probability and the unit."""
    assert [factor.texts for factor in FACTORS] == [
        ["box", "ball"],
        ["1 to 2", "3 to 4", "5 to 6", "7 to 9"],
        ["0 to 0.25 m", "0.25 to 0.5 m", "0.5 to 0.75 m", "0.75 to 1 m"],
        ["below -0.6745 m", "-0.6745 to 0 m", "0 to 0.6745 m", "above 0.6745 m"],
    ]


def test_shares_and_holes_are_those_counted_by_hand() -> None:
    """Every pair's cells, by a dictionary of rows."""
    values = _values(12)
    coverage = measure_coverage(values, FACTORS)
    cells = np.stack(
        [
            values["kind"],
            np.digitize(values["count"], [3, 5, 7]),
            np.floor(values["size"][:, 1] * 4),
            np.digitize(values["drift"], [-0.6744897501960817, 0.0, 0.6744897501960817]),
        ],
        axis=1,
    ).astype(int)
    sizes = (2, 4, 4, 4)
    texts = [factor.texts for factor in FACTORS]
    names = [factor.name for factor in FACTORS]

    assert len(coverage.tuples) == 6
    found, possible = 0, 0
    for each in coverage.tuples:
        a, b = (names.index(factor.name) for factor in each.factors)
        seen = {(row[a], row[b]) for row in cells.tolist()}
        wanted = set(itertools.product(range(sizes[a]), range(sizes[b])))
        holes = {(hole[names[a]], hole[names[b]]) for hole in each.holes()}
        assert each.share == pytest.approx(len(seen) / len(wanted))
        assert holes == {(texts[a][i], texts[b][j]) for i, j in wanted - seen}
        assert each.counts.sum() == 12
        found, possible = found + len(seen), possible + len(wanted)
    assert coverage.share == pytest.approx(found / possible)
    assert [each.share for each in coverage.tuples] == sorted(each.share for each in coverage.tuples)
    names_drawn, shares = pair_shares(coverage)
    assert names_drawn == names
    assert (shares == shares.T).all()


def test_what_cannot_occur_is_no_hole() -> None:
    """An excluded cell counts neither as there nor as missing."""
    values = {"kind": np.array([0.0, 0.0, 1.0]), "count": np.array([1.0, 9.0, 1.0])}
    factors = [bin_parameter(SPACE, "kind", 2), bin_parameter(SPACE, "count", 2)]
    excluded = LevelSpace(counts=(2, 2), forbidden=({0: frozenset({1}), 1: frozenset({1})},))

    assert measure_coverage(values, factors).share == 0.75
    assert measure_coverage(values, factors, level_space=excluded).share == 1.0
    assert measure_coverage(values, factors, level_space=excluded).to_json()["hole_count"] == 0


def test_a_whole_vector_is_at_a_level_where_all_its_elements_are() -> None:
    """Rows whose elements differ in level are in no cell."""
    values = {"size": np.array([[0.1, 0.2], [0.1, 0.9], [0.6, 0.7]])}
    coverage = measure_coverage(values, [bin_parameter(SPACE, "size", 2)], strength=1)

    assert coverage.singles[0].counts.tolist() == [1, 1]


def test_too_many_combinations_are_refused() -> None:
    """Strength and bins are bounded, in words."""
    with pytest.raises(ValueError, match="strength must be 1 to the number of parameters, 4"):
        measure_coverage(_values(3), FACTORS, strength=5)
    factors = [bin_parameter(SPACE, name, 1000) for name in ("size[0]", "size[1]")]
    with pytest.raises(ValueError, match="more than 262144"):
        measure_coverage(_values(3), factors)
