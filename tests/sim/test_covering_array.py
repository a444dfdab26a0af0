"""Covering arrays, held against a count of their own and against known minimal sizes."""

import itertools
import math

import numpy as np
import pytest

from simloom.sim.sampling.covering_array import (
    LevelSpace,
    find_missing,
    least_size,
    make_covering_array,
    smallest_binary_pairwise,
)

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
