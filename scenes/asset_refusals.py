"""Asset refusals: all files of users' folders that cannot be used, told at once."""

from __future__ import annotations

from collections.abc import Mapping

from .asset_check import check_asset
from .asset_folder import AssetFile

_MOST = 20


def refuse_assets(files: Mapping[str, AssetFile], found: Mapping[str, str], passed: int = 0) -> ValueError:
    """Return an error that names every file that cannot be used.

    Args:
        files: Assets by name, in order.
        found: What is wrong with some of them, by name.
        passed: How many of them, from the first on, need no look since they are known.

    Returns:
        The error, to be raised; others are checked as `simloom assets check` does it, without cutting them.

    Example:
        >>> raise refuse_assets(files, {"folder0/mug.obj": "holds no triangles"})
    """
    wrong = {name: found[name] for name in files if name in found}
    for name in [*files][passed:]:
        if name not in wrong:
            finding = check_asset(files[name]).findings[:1]  # the worst is the first
            if finding and finding[0].level == "refused":
                wrong[name] = str(finding[0])
    names = [name for name in files if name in wrong]
    folders = " ".join(dict.fromkeys(str(files[name].root) for name in names))
    lines = [f"object {name}: {wrong[name]}" for name in names]
    more = [f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    hint = f"simloom assets check {folders}"
    if len(lines) == 1:
        return ValueError(f"{lines[0]}; mend or remove it, see {hint}")
    count = f"{len(lines)} of {len(files)} files of object_folders cannot be used; mend or remove them, see {hint}"
    return ValueError("\n".join([count, *lines[:_MOST], *more]))
