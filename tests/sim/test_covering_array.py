"""Covering arrays, held against a count of their own and against known minimal sizes."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from simloom.sim.sampling.covering_array import (
    LevelSpace,
    find_missing,
    is_of_library,
    least_size,
    make_covering_array,
    smallest_binary_pairwise,
)
from simloom.sim.sampling.covering_growth import grow_covering_array

KATONA = {3: 4, 4: 5, 10: 6, 15: 7, 35: 8, 100: 10}


def _covers(rows: np.ndarray, counts: tuple[int, ...], strength: int) -> bool:
    """Count by hand: whether every combination of levels of any t columns is there."""
    for chosen in itertools.combinations(range(len(counts)), strength):
        found = {tuple(int(row[i]) for i in chosen) for row in rows}
        if len(found) != math.prod(counts[i] for i in chosen):
            return False
    return True


def test_katonas_numbers_are_the_known_ones() -> None:
    """The least sizes of binary pairwise arrays are those of the literature."""
    assert {k: smallest_binary_pairwise(k) for k in KATONA} == KATONA


@pytest.mark.parametrize("factors", [3, 4, 10, 15, 35])
def test_binary_arrays_cover_and_reach_the_least_size(factors: int) -> None:
    """Every pair is there; no array is below Katona's number, and with the usual effort these reach it."""
    space = LevelSpace(counts=(2,) * factors)
    greedy, annealed = make_covering_array(space, 2, effort=0), make_covering_array(space, 2)

    assert _covers(greedy, space.counts, 2)
    assert _covers(annealed, space.counts, 2)
    assert KATONA[factors] <= len(greedy) <= 2 * KATONA[factors]
    assert len(annealed) == KATONA[factors]


def test_more_effort_changes_nothing_once_the_least_size_is_reached() -> None:
    """Annealing stops there, at the same array."""
    few, many = (make_covering_array(LevelSpace(counts=(2,) * 4), 2, effort=effort) for effort in (20, 4000))

    assert few.tolist() == many.tolist()


@pytest.mark.parametrize("strength", [1, 2, 3])
def test_mixed_levels_are_covered(strength: int) -> None:
    """Factors of unlike numbers of levels; one of a single level as well."""
    counts = (4, 1, 3, 2, 5)
    rows = make_covering_array(LevelSpace(counts=counts), strength)

    assert _covers(rows, counts, strength)
    assert len(rows) >= least_size(LevelSpace(counts=counts), strength)


def test_arrays_are_the_same_for_a_salt_and_differ_between_salts() -> None:
    """Which array it is follows from the salt alone."""
    space = LevelSpace(counts=(3, 3, 3, 3))
    first, second, other = (make_covering_array(space, 2, salt=salt).tolist() for salt in ("a", "a", "b"))

    assert first == second
    assert first != other


def _random_clauses(generator: np.random.Generator, counts: tuple[int, ...]) -> tuple[dict[int, frozenset[int]], ...]:
    clauses = []
    for _ in range(4):
        chosen = generator.choice(len(counts), size=2, replace=False).tolist()
        picked = {f: frozenset(generator.integers(0, counts[f], size=2).tolist()) for f in chosen}
        clauses.append(picked)
    return tuple(clauses)


def test_constraints_are_kept_and_every_feasible_tuple_is_covered() -> None:
    """Over twenty random sets of constraints: a count over all whole rows says what can be, and exactly that occurs."""
    counts = (3, 4, 2, 3)
    generator = np.random.default_rng(11)
    for turn in range(20):
        forbidden = _random_clauses(generator, counts)
        whole = [
            row
            for row in itertools.product(*map(range, counts))
            if not any(all(row[f] in banned for f, banned in clause.items()) for clause in forbidden)
        ]
        if not whole:
            continue
        space = LevelSpace(counts=counts, forbidden=forbidden)
        rows = make_covering_array(space, 2, effort=turn % 2)
        assert len(rows) >= least_size(space, 2)
        assert {tuple(row) for row in rows.tolist()} <= set(whole)
        for chosen in itertools.combinations(range(4), 2):
            feasible = {tuple(row[i] for i in chosen) for row in whole}
            assert {tuple(row[i] for i in chosen) for row in rows.tolist()} == feasible


def test_missing_combinations_are_found() -> None:
    """A row less, and what it alone held is named."""
    space = LevelSpace(counts=(2, 2))
    rows = np.array([[0, 0], [0, 1], [1, 1]])

    assert list(find_missing(rows, space, 2)) == [{0: 1, 1: 0}]


@pytest.mark.parametrize(
    "counts, strength, most", [((4,) * 60, 2, 60), ((3,) * 15, 3, 90), ((9, 2, 30, 1, 25, 7, 40), 2, 1200)]
)
def test_large_arrays_are_grown_and_cover(counts: tuple[int, ...], strength: int, most: int) -> None:
    """Beyond the library's limit arrays are complete, without doubles, and about as short as was measured."""
    space = LevelSpace(counts=counts)
    assert not is_of_library(space, strength)
    rows = make_covering_array(space, strength, salt="a")

    assert _covers(rows, counts, strength)
    assert least_size(space, strength) <= len(rows) <= most
    assert np.unique(rows, axis=0).shape == rows.shape


def test_arrays_of_all_factors_are_their_product() -> None:
    """Where every combination is asked for, each is a row, once."""
    space = LevelSpace(counts=(70, 70))
    assert not is_of_library(space, 2)
    rows = make_covering_array(space, 2, salt="a")

    assert sorted(map(tuple, rows.tolist())) == [(a, b) for a in range(70) for b in range(70)]


def test_grown_arrays_follow_from_their_salt() -> None:
    """The same salt gives the same array."""
    space = LevelSpace(counts=(3,) * 8)
    first, second, other = (grow_covering_array(space, 2, salt=salt).tolist() for salt in ("a", "a", "b"))

    assert first == second
    assert first != other


def test_grown_arrays_keep_constraints_and_cover_what_can_be() -> None:
    """As for the library's, over random sets of constraints."""
    counts = (3, 4, 2, 3)
    generator = np.random.default_rng(12)
    for _ in range(10):
        space = LevelSpace(counts=counts, forbidden=_random_clauses(generator, counts))
        whole = [row for row in itertools.product(*map(range, counts)) if space.allows(dict(enumerate(row)))]
        rows = grow_covering_array(space, 2, salt="a")
        assert {tuple(row) for row in rows.tolist()} <= set(whole)
        for chosen in itertools.combinations(range(4), 2):
            feasible = {tuple(row[i] for i in chosen) for row in whole}
            assert {tuple(row[i] for i in chosen) for row in rows.tolist()} == feasible


def test_hard_questions_are_given_up_and_huge_arrays_are_refused() -> None:
    """The search for what is left is counted, and so are rows; the message says what to do."""
    levels = 9  # ten factors that must all differ: nothing is left, and to see that takes all their orders
    forbidden = tuple(
        {a: frozenset({level}), b: frozenset({level})}
        for a in range(levels + 1)
        for b in range(a)
        for level in range(levels)
    )
    with pytest.raises(ValueError, match=r"exclude: after 16384 tries .* exclude fewer"):
        make_covering_array(LevelSpace(counts=(levels,) * (levels + 1), forbidden=forbidden), 2)
    with pytest.raises(ValueError, match="has 40000 scenarios or more, and at most 32768"):
        make_covering_array(LevelSpace(counts=(200, 200, 2)), 2)


def test_the_librarys_arrays_are_kept_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second process finds them; what was damaged there is made again."""
    monkeypatch.setenv("SIMLOOM_CACHE_DIR", str(tmp_path))
    space = LevelSpace(counts=(3, 3, 2), forbidden=({0: frozenset({1}), 2: frozenset({0})},))
    made = make_covering_array(space, 2, salt="a")
    kept = make_covering_array(space, 2, salt="a", cache=True)
    (path,) = (tmp_path / "designs").iterdir()
    monkeypatch.setattr("simloom.sim.sampling.covering_array._ask_library", lambda *_: pytest.fail("asked again"))
    found = make_covering_array(space, 2, salt="a", cache=True)
    monkeypatch.undo()
    monkeypatch.setenv("SIMLOOM_CACHE_DIR", str(tmp_path))
    path.write_text(path.read_text().replace("1", "0"))
    again = make_covering_array(space, 2, salt="a", cache=True)

    assert made.tolist() == kept.tolist() == found.tolist() == again.tolist()
