"""Shard templates: copied arrays are those made one by one, and bytes do not depend on who made them first."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np

from naive.dataset_rows import make_rows
from simloom.sim.dataset.array_writer import ArrayWriter
from simloom.sim.dataset.codecs import parse_codecs
from simloom.sim.dataset.packing import pack_arrays
from simloom.sim.dataset.shard import lay_shard
from simloom.sim.dataset.shard_template import CHECKSUMS, ShardTemplate
from simloom.sim.dataset.specs import find_spec


def test_copied_arrays_are_those_made_one_by_one() -> None:
    """Names, types, shapes, creation options and attributes are equal."""
    rows = make_rows(range(3))
    copied, made = h5py.File(io.BytesIO(), "w"), h5py.File(io.BytesIO(), "w")
    ShardTemplate(rows).copy_into(copied)
    writer = ArrayWriter(made)
    for name, array in rows.items():
        texts = find_spec(name).attributes(array.dtype.str)
        writer.describe(writer.create(name, array), texts, {CHECKSUMS: np.zeros(3, np.uint32)})

    for name in rows:
        ours, theirs = copied[name], made[name]
        assert (theirs.dtype, theirs.shape, theirs.chunks) == (ours.dtype, ours.shape, ours.chunks)
        assert dict(theirs.attrs).keys() == dict(ours.attrs).keys()
        for key, value in theirs.attrs.items():
            assert np.array_equal(value, ours.attrs[key]), key
            assert type(value) is type(ours.attrs[key])


def test_a_template_leaves_no_trace_of_earlier_shards() -> None:
    """A shard has the same bytes with a template that was used for other rows, and without any."""
    first, second = make_rows(range(3)), make_rows(range(4, 7))
    with ThreadPoolExecutor(2) as pool:
        packed = [
            pack_arrays(rows, parse_codecs("deflate"), repeats={}, executor=pool) for rows in (first, second, second)
        ]
        plain = {name: array for name, array in first.items() if name not in packed[0]}
        template = ShardTemplate(plain)
        lay_shard(first, packed[0], {}, template)
        with_template = b"".join(lay_shard(second, packed[1], {}, template).pieces())
        alone = b"".join(lay_shard(second, packed[2], {}).pieces())

    assert alone == with_template


def test_another_number_of_rows_does_not_fit() -> None:
    """The last, shorter shard needs a template of its own."""
    template = ShardTemplate(make_rows(range(3)))

    assert template.fits(make_rows(range(6, 9)))
    assert not template.fits(make_rows(range(2)))
    assert not template.fits({"sample/index": np.arange(3)})
