"""What the reader does not take on trust, and what it says when the system refuses."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from naive.dataset_rows import make_dataset
from simloom.sim.dataset.binding import load_binding
from simloom.sim.dataset.errors import DatasetCorruptError, DatasetError, UnreadableError
from simloom.sim.dataset.plain_file import check_plain, parse_json, read_plain
from simloom.sim.dataset.reader import open_dataset
from simloom.sim.dataset.verify import verify_dataset


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty rows."""
    path = tmp_path_factory.mktemp("data")
    make_dataset(path)
    return path


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return shutil.copytree(sound, tmp_path / "data")


def test_a_shard_in_anothers_place_is_an_error(folder: Path) -> None:
    """Rows are never taken from a shard that holds other ones."""
    shutil.copyfile(folder / "shards" / "000000.h5", folder / "shards" / "000001.h5")
    with open_dataset(folder, skip_rejected=False) as dataset:
        assert len(dataset[:8]["sample/index"]) == 8
        with pytest.raises(DatasetCorruptError, match=r"000001\.h5: holds other rows than 8 to 15"):
            dataset[8]


def test_an_exchanged_description_is_an_error(folder: Path) -> None:
    """Class names are those that the dataset was made with, with a manifest and without."""
    path = folder / "description.json"
    path.write_text(path.read_text().replace('"box"', '"cat"'))
    for name in ("manifest.json", "SHA256SUMS"):
        with pytest.raises(DatasetCorruptError, match=r"description\.json is not the file"):
            open_dataset(folder)
        (folder / name).unlink()


@pytest.mark.parametrize("harm", ["flipped", "missing"])
def test_an_exchanged_sample_table_is_an_error(harm: str, folder: Path) -> None:
    """Which rows are skipped does not follow from a damaged table."""
    path = folder / "samples.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.unlink() if harm == "missing" else path.write_bytes(data)
    with pytest.raises(DatasetCorruptError, match=r"samples\.parquet"):
        len(open_dataset(folder))


@pytest.mark.parametrize("text", ['{"a": 1e999}', '{"a": "\\ud800"}', "[" * 40 + "]" * 40])
def test_json_that_cannot_be_written_is_refused(text: str) -> None:
    """Numbers beyond all bounds, halves of characters, and deep nesting are no values of a dataset."""
    with pytest.raises(DatasetCorruptError, match=r"^here: "):
        check_plain(parse_json(text.encode(), "here"), "here")


def test_tables_of_wrong_kinds_are_refused(folder: Path) -> None:
    """A description's tables hold what their readers expect."""
    path = folder / "description.json"
    path.write_text(path.read_text().replace('"box"', "5"))
    with pytest.raises(DatasetCorruptError, match="'4' in the table 'classes' is of the wrong kind"):
        load_binding(folder)


@pytest.mark.parametrize("number, error", [(errno.EMFILE, UnreadableError), (errno.EIO, DatasetCorruptError)])
def test_a_refused_read_is_told_as_what_it_is(
    number: int, error: type[DatasetError], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many open files pass, a failing disk does not; neither is a traceback."""

    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(error, match="cannot read"):
        read_plain(folder / "recipe.yaml")


def test_linked_folders_are_not_looked_into(folder: Path) -> None:
    """`verify` reads nothing outside of the dataset."""
    (folder / "commits").rename(folder.parent / "elsewhere")
    (folder / "commits").symlink_to(folder.parent / "elsewhere")
    with pytest.raises(DatasetCorruptError, match="no folder of the dataset itself"):
        verify_dataset(folder)


def test_messages_do_not_command_a_terminal(folder: Path) -> None:
    """Control characters of hostile names are written out, and long ones cut."""
    (folder / "\x1b[2J\u202eevil").touch()
    report = verify_dataset(folder)
    assert [finding.kind for finding in report.problems] == ["extra"]
    assert all(line.isprintable() for line in report.lines())
    assert len(str(DatasetError("a" * 100_000))) < 4000
