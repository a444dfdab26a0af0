"""Visible counts: what CUDA's threads add up by atomic operations, against NumPy, on the CPU."""

from types import SimpleNamespace

import numpy as np

from simloom.renderers.raster.visible_counts import count_visible


def test_threads_add_up_what_an_element_counts():
    """Runs over the ends of spans and rows, ids beyond those asked for, and views that see nothing."""
    generator = np.random.default_rng(3)
    views, height, width, count = 3, 9, 37, 4
    start = np.array([0, 5, 9], np.int32)
    instance = np.array([1, 2, 2, 4, 6, 3, 1, 0, 4], np.int32)
    draws = generator.integers(-1, 4, (views, height, 5)).repeat(8, axis=2)[:, :, :width]
    draws[2] = -1
    keys = np.where(draws < 0, 0, (draws.astype(np.uint64) << np.uint64(20)) + np.uint64(7)).astype(np.uint64)
    world = np.array([0, 1, 1], np.int32)
    found = {}
    for resident in (False, True):
        chunk = SimpleNamespace(
            views=SimpleNamespace(world=world),
            worlds=SimpleNamespace(start=start, instance=instance),
            workspace=SimpleNamespace(is_resident=resident),
            width=width,
            height=height,
            view_count=views,
            take=lambda name, shape, dtype: np.full(shape, -77, dtype),
            launch=lambda kernel, elements, *arrays: kernel.launch(elements, *arrays),
        )
        pixels, box = np.full((views, count), -1, np.int32), np.full((views, count, 4), np.nan, np.float32)
        count_visible(chunk, keys.reshape(-1), pixels, box, count)
        found[resident] = pixels, box
    seen = np.where(draws < 0, 0, instance[np.minimum(start[world][:, None, None] + np.maximum(draws, 0), 8)])
    for number in range(1, count + 1):
        for view in range(views):
            rows, columns = np.nonzero(seen[view] == number)
            edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) if len(rows) else (0, 0, 0, 0)
            for pixels, box in found.values():
                assert pixels[view, number - 1] == len(rows)
                assert box[view, number - 1].tolist() == list(edges)
