"""Digests of decoded rows."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from naive.dataset_rows import make_rows
from simloom.sim.dataset.digest import combine_digests, repeated_rows, row_digests
from simloom.sim.dataset.specs import Array


def naive_row_digest(arrays: dict[str, Array], row: int) -> str:
    """The definition, written out."""
    names = sorted(arrays)
    schema = json.dumps([[n, arrays[n].dtype.str, list(arrays[n].shape[1:])] for n in names], separators=(",", ":"))
    text = b"simloom row 1" + hashlib.sha256(schema.encode()).digest()
    for name in names:
        data = arrays[name][row].tobytes()
        text += data if len(data) <= 4096 else hashlib.sha256(data).digest()
    return hashlib.sha256(text).hexdigest()


def test_digests_follow_their_definition() -> None:
    """Small and big arrays, with and without known repeats, give what the definition gives."""
    arrays = make_rows(range(6))
    arrays["sensor/head/rgb"] = arrays["sensor/head/rgb"].repeat(2, axis=1)
    assert arrays["sensor/head/rgb"][0].nbytes > 4096
    wanted = [naive_row_digest(arrays, row) for row in range(6)]
    assert row_digests(arrays) == wanted
    repeats = {name: repeated_rows(array) for name, array in arrays.items()}
    assert row_digests(arrays, repeats=repeats) == wanted


def test_digests_do_not_depend_on_company_or_layout() -> None:
    """A row has the same digest alone, in another batch, and in another memory order."""
    arrays = make_rows(range(6))
    wanted = row_digests(arrays)
    assert [row_digests(make_rows(range(row, row + 1)))[0] for row in range(6)] == wanted
    assert row_digests({name: np.asfortranarray(array) for name, array in arrays.items()}) == wanted


def test_every_bit_counts() -> None:
    """A flipped bit, a negative zero, another NaN, another name and another shape all change the digest."""
    base = {"state/time": np.array([0.0, 1.0]), "sample/index": np.arange(2)}
    seen = {row_digests(base)[0]}
    for value in (-0.0, np.nan, 5e-324):
        seen.add(row_digests({**base, "state/time": np.array([value, 1.0])})[0])
    seen.add(row_digests({"param/time": base["state/time"], "sample/index": base["sample/index"]})[0])
    seen.add(row_digests({**base, "state/time": base["state/time"][:, None]})[0])
    assert len(seen) == 6


def test_the_root_does_not_know_of_shards() -> None:
    """Row digests of two halves give the root digest of the whole."""
    whole = row_digests(make_rows(range(6)))
    halves = row_digests(make_rows(range(4))) + row_digests(make_rows(range(4, 6)))
    assert combine_digests(whole) == combine_digests(halves)
    assert combine_digests(whole) != combine_digests(whole[::-1])


@pytest.mark.parametrize("shape", [(5, 3), (5, 8), (5, 100, 7)])
def test_repeats_are_exact(shape: tuple[int, ...]) -> None:
    """Only rows that equal the one before in every byte are repeats, however late they differ."""
    array = np.zeros(shape, np.uint8)
    array[2].flat[-1] = 1
    array[4] = array[3]
    assert repeated_rows(array) == [False, True, False, False, True]
    assert repeated_rows(np.full((2, 4), np.nan)) == [False, True]


def test_unequal_row_counts_are_refused() -> None:
    """Arrays of different lengths have no rows."""
    with pytest.raises(ValueError, match="one number of rows"):
        row_digests({"sample/index": np.arange(2), "state/time": np.zeros(3)})
