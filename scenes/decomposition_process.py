"""The process that runs CoACD: its crashes, threads and messages stay out of ours.

Run as `python -m simloom.scenes.decomposition_process IN.npz OUT.npz`.
"""

from __future__ import annotations

import json
import sys

import numpy as np


def main(source: str, target: str) -> None:
    """Decompose every mesh of a file.

    Args:
        source: Arrays `vertices<k>` (N, 3) and `triangles<k>` (T, 3), and `settings`, JSON bytes.
        target: File to write: the parts' points `part<k>_<i>`.
    """
    import coacd

    coacd.set_log_level("error")
    with np.load(source, allow_pickle=False) as file:
        settings = json.loads(bytes(file["settings"]).decode())
        count = sum(name.startswith("vertices") for name in file.files)
        meshes = [(file[f"vertices{k}"], file[f"triangles{k}"]) for k in range(count)]
    found = {}
    for k, (vertices, triangles) in enumerate(meshes):
        parts = coacd.run_coacd(coacd.Mesh(vertices, triangles.astype(np.int32)), **settings)
        for i, (points, _) in enumerate(parts):
            found[f"part{k}_{i}"] = np.asarray(points, np.float64)
    np.savez(target, allow_pickle=False, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
