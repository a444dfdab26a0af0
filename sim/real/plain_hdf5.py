"""Arrays of somebody else's HDF5 file, walked without trust before a value is read."""

from __future__ import annotations

import math
from typing import Any

from ..dataset.errors import DatasetCorruptError

MAX_OBJECTS = 1 << 20
"""Most groups and arrays of a file."""

_DEPTH = 6
_SMALL_BYTES = 256 << 20
# Deflate never expands more than 1032 times; a file that declares more does not hold what it declares.
_MAX_EXPANSION = 1100
_FILTERS = frozenset({1, 2, 3, 32000})  # deflate, shuffle, fletcher32, lzf: what h5py brings


def find_arrays(file: Any, name: str, size: int, top: str) -> dict[str, Any]:
    """List the plain arrays below a group.

    Args:
        file: An open h5py file.
        name: What to call it in messages.
        size: Bytes of the file.
        top: The group.

    Returns:
        h5py datasets by path below the group.

    Raises:
        DatasetCorruptError: The group is not there; or it holds soft or external links, one object twice, texts,
            references, external or virtual storage, unknown filters, or more than the file can hold.
    """
    import h5py

    if not isinstance(file.get(top, getlink=True), h5py.HardLink) or not isinstance(file[top], h5py.Group):
        raise DatasetCorruptError(f"{name}: holds no group {top!r}")
    found: dict[str, Any] = {}
    seen: set[int] = set()
    declared = 0
    pending = [("", file[top])]
    while pending:
        prefix, group = pending.pop()
        for key in group:
            path = prefix + str(key)
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise DatasetCorruptError(f"{name}: {top}/{path} is a soft or external link")
            item = group[key]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen or len(seen) > MAX_OBJECTS:
                raise DatasetCorruptError(f"{name}: {top}/{path} is a second link to one object, or there are too many")
            seen.add(address)
            if isinstance(item, h5py.Group):
                if path.count("/") >= _DEPTH:
                    raise DatasetCorruptError(f"{name}: {top}/{path} is nested too deep")
                pending.append((path + "/", item))
            elif isinstance(item, h5py.Dataset):
                declared += _check_array(item, f"{name}: {top}/{path}")
                found[path] = item
            else:
                raise DatasetCorruptError(f"{name}: {top}/{path} is neither a group nor an array")
    if declared > max(_SMALL_BYTES, _MAX_EXPANSION * size):
        raise DatasetCorruptError(f"{name}: declares {declared} bytes of arrays in a file of {size} bytes")
    return found


def _check_array(array: Any, where: str) -> int:
    """Refuse what is no plain array of numbers; returns the bytes that it declares."""
    import h5py

    plist = array.id.get_create_plist()
    if array.dtype.kind not in "uifb" or array.dtype.hasobject:
        raise DatasetCorruptError(f"{where} holds something else than numbers")
    if plist.get_external_count() or plist.get_layout() == h5py.h5d.VIRTUAL:
        raise DatasetCorruptError(f"{where} keeps its values in another file")
    filters = {plist.get_filter(index)[0] for index in range(plist.get_nfilters())}
    if filters - _FILTERS:
        raise DatasetCorruptError(f"{where} has unknown filters {sorted(filters - _FILTERS)}")
    if array.shape is None or len(array.shape) > 5:
        raise DatasetCorruptError(f"{where} has the shape {array.shape}")
    chunk = array.chunks
    if chunk is not None and math.prod(chunk) * array.dtype.itemsize > 1 << 30:
        raise DatasetCorruptError(f"{where} declares chunks of {chunk}")
    return int(math.prod(array.shape)) * int(array.dtype.itemsize)
