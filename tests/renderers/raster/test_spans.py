"""Spans: every label is the same whether an element takes a row or a pixel, as it does on CUDA."""

import numpy as np
import pytest

from naive.full_scene import full_camera, full_library, full_snapshot
from naive.still_life import FLOWS, LABELS
from simloom.renderers import Raster
from simloom.renderers.raster import chunk, display, flow
from simloom.renderers.raster.spans import locate_span

NAMES = ("srgb", *LABELS, "transparent_instance", "transparent_depth", "coverage")


@pytest.mark.parametrize("lens", [False, True])
def test_an_element_may_take_a_row_or_a_pixel(monkeypatch, lens):
    """With soft suns, lamps and glass, of pinholes and lenses: the same bytes."""
    raster = Raster(full_library(), shadow_resolution=64)
    scene, view = full_snapshot(soft=True), full_camera(37, 29, lens=lens)
    outputs = NAMES if lens else NAMES + FLOWS
    rows = raster.render([scene], [view], outputs=outputs)
    for module in (chunk, display, flow):
        monkeypatch.setattr(module, "share_out", lambda runner, lines, width: (lines * width, 1))
    pixels = raster.render([scene], [view], outputs=outputs)
    assert rows.transparent_instance.any()
    for name in outputs:
        assert np.array_equal(getattr(pixels, name), getattr(rows, name)), name


def test_spans_cover_every_column_once():
    """Also where the last span of a row is shorter."""
    for span in (1, 3, 7, 20):
        seen = np.zeros((4, 7), int)
        for index in range(4 * -(-7 // span)):
            line, begin, end = locate_span(index, span, 7)
            seen[line, begin:end] += 1
        assert (seen == 1).all()
