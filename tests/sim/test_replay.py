"""Replay files: points and named values come back as what they were; bad files are answered and never run."""

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from simloom.scenes.distribution import Distribution
from simloom.scenes.distributions import Choice, Integer, LogUniform, Normal, TruncatedNormal, Uniform
from simloom.scenes.space import Axis, Parameter, ParameterSpace
from simloom.sim.sampling import RandomSampler, ReplaySampler
from simloom.sim.sampling.inverse import find_coordinates, find_interval


def _parameter(name: str, distribution: Distribution, varies: Axis = "scenario", count: int = 1) -> Parameter:
    return Parameter(name=name, distribution=distribution, unit="1", meaning="test", varies=varies, count=count)


SPACE = ParameterSpace(
    parameters=(
        _parameter("kind", Choice(options=("box", "ball", "2"), weights=(0.5, 0.2, 0.3))),
        _parameter("count", Integer(low=3, high=15)),
        _parameter("size", LogUniform(low=0.1, high=0.4), count=3),
        _parameter("camera", Normal(mean=1.0, deviation=0.2), "view"),
        _parameter("sun", Uniform(low=0.0, high=1.0), "look"),
    )
)
SHARED: dict[str, Any] = {"space": SPACE, "seed": 7, "views": 2, "looks": 2}
COUNT = 6


def _replay(path: Path, **more: Any) -> list[dict[str, Any]]:
    sampler = ReplaySampler(**{**SHARED, **more}, path=path)
    assert sampler.scenario_count is not None
    found = [sampler.propose(index) for index in range(sampler.scenario_count)]
    return [sampler._layout.space.resolve(p.u_scenario, p.u_view, p.u_look) for p in found]


def _drawn() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Points and values of the random sampler."""
    found = [RandomSampler(**SHARED).propose(index) for index in range(COUNT)]
    u = np.array([[*p.u_scenario, *p.u_view.ravel(), *p.u_look.ravel()] for p in found])
    values = [SPACE.resolve(p.u_scenario, p.u_view, p.u_look) for p in found]
    return u, {name: np.array([value[name] for value in values]) for name in SPACE.names}


@pytest.mark.parametrize(
    "distribution",
    [
        Uniform(low=-1.0, high=3.0),
        LogUniform(low=0.2, high=1.2),
        Normal(mean=2.0, deviation=3.0),
        TruncatedNormal(mean=0.0, deviation=1.0, low=0.5, high=2.0),
        Integer(low=-4, high=900),
        Choice(options=("a", "b", "c"), weights=(0.2, 0.0, 0.8)),
    ],
)
def test_coordinates_are_found_from_values(distribution: Distribution) -> None:
    """A value's coordinate gives the value again; continuous ones give the coordinate they came from."""
    u = np.linspace(0.0005, 0.9995, 400)
    values = distribution.ppf(u)
    found = find_coordinates(distribution, values)

    assert np.allclose(distribution.ppf(found), values, rtol=1e-13, atol=1e-14)
    if isinstance(distribution, Integer | Choice):
        low, high = find_interval(distribution, values)
        assert ((low <= u) & (u < high)).all()
    else:
        assert np.abs(found - u).max() < 1e-12


def test_the_ends_of_a_support_are_reached() -> None:
    """A value at either end, as a person writes it, is found; one outside is not."""
    ends = Uniform(low=0.1, high=0.7)
    found = find_coordinates(ends, [0.1, 0.7])

    assert ends.ppf(found).tolist() == pytest.approx([0.1, 0.7], abs=1e-15)
    assert (found > 0).all()
    assert (found < 1).all()
    with pytest.raises(ValueError, match=r"0\.71 is no value"):
        find_coordinates(ends, [0.71])


def test_a_distribution_without_an_inverse_asks_for_u() -> None:
    """Where no value can be traced back, whole points are asked for."""
    odd: Any = SimpleNamespace(kind="odd", coordinate_count=3, value_count=4)

    with pytest.raises(ValueError, match="odd has no inverse: give u"):
        find_coordinates(odd, [[0.0, 0.0, 0.0, 1.0]])


def _write_npz(path: Path, columns: dict[str, np.ndarray]) -> None:
    np.savez(path, **columns)  # type: ignore[arg-type]


def _write_json(path: Path, columns: dict[str, np.ndarray]) -> None:
    path.write_text(json.dumps({name: values.tolist() for name, values in columns.items()}))


def _write_records(path: Path, columns: dict[str, np.ndarray]) -> None:
    count = len(next(iter(columns.values())))
    path.write_text(json.dumps([{name: values[i].tolist() for name, values in columns.items()} for i in range(count)]))


def _write_parquet(path: Path, columns: dict[str, np.ndarray]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({name: values.tolist() for name, values in columns.items()}), path)


def _write_csv(path: Path, columns: dict[str, np.ndarray]) -> None:
    flat = {}
    for name, values in columns.items():
        if values.ndim == 1:
            flat[name] = values.tolist()
        else:
            flat |= {f"{name}[{i}]": column.tolist() for i, column in enumerate(values.T)}
    lines = [",".join(flat), *(",".join(map(str, line)) for line in zip(*flat.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")


WRITERS: list[tuple[str, Callable[[Path, dict[str, np.ndarray]], None]]] = [
    ("p.npz", _write_npz),
    ("p.json", _write_json),
    ("r.json", _write_records),
    ("p.parquet", _write_parquet),
    ("p.csv", _write_csv),
]


@pytest.mark.parametrize("name, write", WRITERS)
def test_points_come_back_to_the_bit_from_every_kind_of_file(tmp_path: Path, name: str, write: Any) -> None:
    """What was written as u is proposed as u."""
    u, values = _drawn()
    write(tmp_path / name, {"u": u})
    replayed = _replay(tmp_path / name)

    assert len(replayed) == COUNT
    for parameter in SPACE.names:
        assert np.array_equal(np.array([value[parameter] for value in replayed]), values[parameter])


@pytest.mark.parametrize("name, write", WRITERS)
def test_values_come_back_from_every_kind_of_file(tmp_path: Path, name: str, write: Any) -> None:
    """Named values are met; options go by their names; what is not named is random."""
    _, values = _drawn()
    kinds = np.array(["box", "ball", "2"])[values["kind"].astype(int)]
    write(tmp_path / name, {"kind": kinds, "count": values["count"], "size": values["size"]})
    replayed = _replay(tmp_path / name)

    for parameter in ("kind", "count"):
        assert np.array_equal([value[parameter] for value in replayed], values[parameter])
    assert np.allclose([value["size"] for value in replayed], values["size"], rtol=1e-13, atol=1e-14)
    assert np.array_equal([value["camera"] for value in replayed], values["camera"])  # the same seed's draw


def test_views_and_looks_share_a_value_or_have_their_own(tmp_path: Path) -> None:
    """One number a scenario is every look's; an array may hold one for each view and look."""
    _, values = _drawn()
    np.savez(tmp_path / "one.npz", sun=values["sun"][:, 0, 0], camera=values["camera"])
    np.savez(tmp_path / "all.npz", sun=values["sun"])
    one, every = _replay(tmp_path / "one.npz"), _replay(tmp_path / "all.npz")

    assert all((one[i]["sun"] == one[i]["sun"][0, 0]).all() for i in range(COUNT))
    assert np.allclose([value["camera"] for value in one], values["camera"], rtol=1e-13, atol=1e-14)
    assert np.allclose([value["sun"] for value in every], values["sun"], rtol=0.0, atol=1e-15)


def test_a_datasets_table_replays_by_its_indices(tmp_path: Path) -> None:
    """Columns named param/ hold a choice's index, and what a row is beside them is left out."""
    _write_parquet(
        tmp_path / "samples.parquet",
        {"index": np.arange(2), "verdict": np.zeros(2, int), "param/kind": np.array([2.0, 0.0])},
    )

    assert [float(value["kind"]) for value in _replay(tmp_path / "samples.parquet")] == [2.0, 0.0]


def test_single_elements_are_replayed(tmp_path: Path) -> None:
    """name[i] is one element of a vector; the others are left open."""
    (tmp_path / "p.csv").write_text("size[2]\n0.25\n")
    (value,) = _replay(tmp_path / "p.csv")

    assert (np.abs(value["size"] - 0.25) < 1e-12).tolist() == [False, False, True]


class _Bomb:
    """Leaves a trace if it is ever unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_files_are_data_and_never_run(tmp_path: Path) -> None:
    """A pickle within an .npz, a pickle by another name, and code in a table are refused, and nothing happens."""
    trace = tmp_path / "trace"
    np.savez(tmp_path / "a.npz", u=np.array([_Bomb(trace)], object))
    (tmp_path / "b.npz").write_bytes(pickle.dumps(_Bomb(trace)))
    (tmp_path / "b.parquet").write_bytes(pickle.dumps(_Bomb(trace)))
    (tmp_path / "c.csv").write_text("count\n\"__import__('os').mkdir('trace')\"\n")
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        archive.writestr("count.pkl", pickle.dumps(_Bomb(trace)))
    for name, words in (
        ("a.npz", "never read"),
        ("b.npz", "not an .npz"),
        ("b.parquet", "not a Parquet file"),
        ("c.csv", "finite numbers"),
        ("d.npz", "something else than arrays"),
    ):
        with pytest.raises(ValueError, match=words):
            _replay(tmp_path / name)
    assert not trace.exists()


@pytest.mark.parametrize(
    "name, text, words",
    [
        ("p.txt", "1", "ends in .csv, .json, .npz, .parquet"),
        ("p.csv", "count\n", "at least one of values"),
        ("p.csv", "count,kind\n3\n", "line 2: 1 values for 2 names"),
        ("p.csv", "count,count\n3,3\n", "stands twice"),
        ("p.csv", "cuont\n3\n", "did you mean 'count'"),
        ("p.csv", "count\n3\n99\n", "99 is no value of"),
        ("p.csv", "count\n3\nmany\n", "got 'many'"),
        ("p.csv", "count\nnan\n", "finite"),
        ("p.csv", "kind\nbax\n", "did you mean 'box'"),
        ("p.csv", "size\n0.2\n", "3 numbers a value"),
        ("p.csv", "size[3]\n0.2\n", "has 3 elements"),
        ("p.csv", "u[0],count\n0.5,3\n", "give the one or the other"),
        ("p.csv", "u[0],u[2]\n0.5,0.5\n", "there is no u[1]"),
        ("p.csv", "u[0]\n0.5\n", "must have 11 coordinates a scenario (5 of the scenario, 2 views x 1, 4 looks x 1)"),
        ("p.json", "{", "not JSON"),
        ("p.json", "[" * 100000, "not JSON"),
        ("p.json", '{"count": [' + "9" * 5000 + "]}", "not JSON"),
        ("p.json", "3", "a mapping of names to lists"),
        ("p.json", '[{"count": 3}, {"kind": "box"}]', "one mapping of the same names"),
        ("p.json", '{"count": [3, 4], "kind": ["box"]}', "as many scenarios"),
        ("p.json", '{"count": [3, [4]]}', "all of one shape"),
        ("p.json", '{"count": [true]}', "finite numbers"),
        ("p.json", '{"camera": [[1, 1, 1]]}', "one value a scenario"),
        ("p.json", '{"u": [[1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]]}', "inside (0, 1)"),
    ],
)
def test_files_that_cannot_be_are_answered(tmp_path: Path, name: str, text: str, words: str) -> None:
    """The file, what was found there and what is allowed."""
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the words are checked)
        _replay(tmp_path / name)

    assert words in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("shape", [(10**13,), (10**6, 100), (1 << 62, 8)])
def test_headers_that_say_more_than_there_is_are_answered(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """No room is made for an array that its file cannot hold."""
    with zipfile.ZipFile(tmp_path / "p.npz", "w") as archive, archive.open("count.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})
        file.write(bytes(16))
    with pytest.raises(ValueError, match=r"p\.npz: .* says that it holds"):
        _replay(tmp_path / "p.npz")


def test_what_memory_does_not_hold_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file for which there is no memory is named."""

    def fail(path: Path) -> None:
        raise MemoryError

    monkeypatch.setattr("simloom.sim.sampling.replay_file._read_csv", fail)
    (tmp_path / "p.csv").write_text("count\n3\n")
    with pytest.raises(ValueError, match=r"p\.csv: needs more memory"):
        _replay(tmp_path / "p.csv")


def test_a_datasets_table_of_several_views_is_not_taken_for_scenarios(tmp_path: Path) -> None:
    """A line per view or look is refused; the lines of the first are a scenario each."""
    columns = {
        "scenario": np.array([0, 0, 1, 1]),
        "view": np.array([0, 1, 0, 1]),
        "param/count": np.array([3.0, 3, 4, 4]),
    }
    _write_parquet(tmp_path / "samples.parquet", columns)
    with pytest.raises(ValueError, match="a line per view, and a replay a line per scenario"):
        _replay(tmp_path / "samples.parquet")
    _write_parquet(tmp_path / "first.parquet", {name: values[::2] for name, values in columns.items()})

    assert [float(value["count"]) for value in _replay(tmp_path / "first.parquet")] == [3.0, 4.0]


def test_missing_files_and_too_large_ones_are_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no such file; an archive that unpacks to too much is not unpacked."""
    with pytest.raises(ValueError, match="no such file"):
        _replay(tmp_path / "none.csv")
    np.savez_compressed(tmp_path / "p.npz", count=np.full(100000, 3.0))
    monkeypatch.setattr("simloom.sim.sampling.replay_file.MAX_FILE_BYTES", 100000)
    with pytest.raises(ValueError, match="unpacks to more than"):
        _replay(tmp_path / "p.npz")


def test_the_digest_of_the_points_follows_the_file(tmp_path: Path) -> None:
    """What binds a dataset to its replay changes with any value, and with nothing else."""
    (tmp_path / "a.csv").write_text("count\n3\n4\n")
    (tmp_path / "b.csv").write_text("count\n3.0\n4.0\n")
    (tmp_path / "c.csv").write_text("count\n3\n5\n")
    a, b, c = (ReplaySampler(**SHARED, path=tmp_path / f"{name}.csv").provenance["points_sha256"] for name in "abc")

    assert a == b
    assert a != c
