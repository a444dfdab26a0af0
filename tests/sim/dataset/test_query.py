"""Queries on the rows of a dataset."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from naive.dataset_rows import make_dataset, make_rows
from simloom.sim.dataset.query import Query, QueryError
from simloom.sim.dataset.reader import Dataset, open_dataset
from simloom.sim.dataset.samples import split_of


@pytest.fixture(scope="module", params=["complete", "commits"])
def dataset(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Dataset:
    """Forty rows, rejected ones too; with a sample table and without."""
    path = tmp_path_factory.mktemp("data")
    make_dataset(path, 40)
    if request.param == "commits":
        for name in ("manifest.json", "SHA256SUMS", "samples.parquet"):
            (path / name).unlink()
    return open_dataset(path, skip_rejected=False)


def test_rows_that_meet_it(dataset: Dataset) -> None:
    """Columns, parameters, vectors, small arrays and words, against the same conditions in NumPy."""
    rows = make_rows(range(40))
    split = np.array([split_of(index // 4) for index in range(40)])
    position, friction = rows["param/position"], rows["param/friction"]
    cases = {
        "param.friction > 0.5": friction > 0.5,
        "param.friction > 0.5 and not (weight < 1)": (friction > 0.5) & ~(rows["sample/weight"] < 1),
        "param.position[1] < 0.3 or valid == 0": (position[:, 1] < 0.3) | (rows["sample/valid"] == 0),
        "max(param.position) > 0.8": position.max(axis=1) > 0.8,
        "split == 'train'": split == "train",
        "split != \"train\" and 'val' == split": split == "val",
        "sample.index >= 3 and index < 9": (np.arange(40) >= 3) & (np.arange(40) < 9),
        "10 <= index < 12": (np.arange(40) >= 10) & (np.arange(40) < 12),
    }
    for text, wanted in cases.items():
        assert dataset.where(text).rows.tolist() == np.flatnonzero(wanted).tolist(), text


def test_numbered_words(dataset: Dataset) -> None:
    """Reasons and verdicts go by their words and by their numbers."""
    verdict = make_rows(range(40))["sample/verdict"]
    assert dataset.where("verdict == 'rejected'").rows.tolist() == np.flatnonzero(verdict == 1).tolist()
    assert dataset.where("verdict == 1").rows.tolist() == np.flatnonzero(verdict == 1).tolist()
    with pytest.raises(QueryError, match="did you mean 'rejected'"):
        dataset.where("verdict == 'reject'")


def test_views_are_narrowed(dataset: Dataset) -> None:
    """A query on a view keeps the view's order, and never adds a row."""
    view = dataset.select([30, 2, 17, 2, 5])
    friction = make_rows(range(40))["param/friction"]
    wanted = [row for row in (30, 2, 17, 2, 5) if friction[row] > 0.4]
    assert view.where("param.friction > 0.4").rows.tolist() == wanted
    assert view.where("param.friction > 0.4").where("index < 3").rows.tolist() == [row for row in wanted if row < 3]


@pytest.mark.parametrize(
    "text, told",
    [
        ("param.frction > 0.5", "did you mean 'param.friction'"),
        ("param.friction", "no condition"),
        ("param.position > 0", "answers a row"),
        ("split > 'train'", "only be compared"),
        ("split == 3", "holds words"),
        ("weight == 'heavy'", "holds numbers"),
        ("sensor.head.rgb > 3", "images cannot"),
        ("split == 'trian'", "did you mean 'train'"),
        ("split == train", "stands in quotes, as in split == 'train'"),
        ("verdict == rejected", "stands in quotes, as in verdict == 'rejected'"),
        ("__import__('os') == 1", "unknown function"),
        ("weight.__class__ == 1", "there is no"),
        ("quoted_word_0 == 'a'", "cannot begin"),
        ("weight > 0.1; 2", "means nothing"),
        ("(" * 40 + "1 > 0" + ")" * 40, "nested deeper"),
        ("weight > " + "1 + " * 200 + "1", "at most 500"),
        ("'a' == 'b'", "only be compared"),
        ("", "expected"),
        (3, "is text"),
    ],
)
def test_what_cannot_be_is_told(dataset: Dataset, text: str, told: str) -> None:
    """Misspelt names, words where numbers are, and anything but a condition get one sentence; nothing is run."""
    with pytest.raises(QueryError, match=told) as found:
        dataset.where(text)
    assert "quoted_word" not in str(found.value) or "quoted_word" in str(text)


def test_numbers_that_floats_cannot_tell_apart() -> None:
    """Seeds beyond 2^53 are refused, since neighbours would compare equal."""
    seeds = np.array([2**60, 2**60 + 1], np.uint64)
    with pytest.raises(QueryError, match=r"beyond 2\^53"):
        Query("seed == 1152921504606846977").find({"seed": seeds}.__getitem__, ["seed"], 2)


def test_a_query_travels(tmp_path: Path) -> None:
    """It is pickled as its text."""
    query = pickle.loads(pickle.dumps(Query("split == 'train' and weight > 0")))
    assert query.names == ("split", "weight")
