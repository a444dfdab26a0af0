"""Create and describe arrays by HDF5's low-level calls.

A shard has some 150 arrays with six attributes each. h5py's `create_dataset` and `attrs` would take as long for them as
compressing the images of twenty rows; the calls below leave the same file in a third of the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np

from . import deflate, zstd
from .chunk import DEFLATE, SHUFFLE, ZSTD, Filters
from .specs import Array


@final
class ArrayWriter:
    """Creates arrays in a file; what they share is made once.

    Args:
        file: An `h5py.File` open for writing.
    """

    def __init__(self, file: Any) -> None:
        import h5py

        self._file = file
        self._links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
        self._links.set_create_intermediate_group(True)
        self._links.set_char_encoding(h5py.h5t.CSET_UTF8)
        self._text = h5py.h5t.py_create(h5py.string_dtype(), logical=True)
        self._scalar = h5py.h5s.create(h5py.h5s.SCALAR)
        self._texts: dict[str, Array] = {}

    def create(self, name: str, array: Array, filters: Filters = ()) -> Any:
        """Create an array; its values are still to be written.

        Args:
            name: Its name, with its groups.
            array: Its values, for dtype and shape.
            filters: What its rows are encoded by: one chunk a row. Without filters its rows lie one after the other.

        Returns:
            An `h5py.h5d.DatasetID`.
        """
        import h5py

        options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        options.set_obj_track_times(False)
        if filters:
            options.set_chunk((1, *array.shape[1:]))
        if SHUFFLE in filters:
            options.set_shuffle()
        if DEFLATE in filters:
            options.set_deflate(deflate.LEVEL)
        if ZSTD in filters:
            # Optional, so that HDF5 need not have the filter itself; no chunk is ever left without it.
            options.set_filter(ZSTD, h5py.h5z.FLAG_OPTIONAL, (zstd.LEVEL,))
        kind, space = h5py.h5t.py_create(array.dtype, logical=True), h5py.h5s.create_simple(array.shape)
        return h5py.h5d.create(self._file.id, name.encode(), kind, space, dcpl=options, lcpl=self._links)

    def write(self, dataset: Any, array: Array) -> None:
        """Write all values of an array without filters."""
        import h5py

        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, array)

    def describe(self, dataset: Any, texts: Mapping[str, str], numbers: Mapping[str, Array]) -> None:
        """Give an array its attributes.

        Args:
            dataset: What `create` returned.
            texts: Texts by name.
            numbers: Arrays of one axis by name.
        """
        import h5py

        for key, text in texts.items():
            if text not in self._texts:
                self._texts[text] = np.array(text, h5py.string_dtype())
            h5py.h5a.create(dataset, key.encode(), self._text, self._scalar).write(self._texts[text])
        for key, values in numbers.items():
            kind, space = h5py.h5t.py_create(values.dtype, logical=True), h5py.h5s.create_simple(values.shape)
            h5py.h5a.create(dataset, key.encode(), kind, space).write(values)
