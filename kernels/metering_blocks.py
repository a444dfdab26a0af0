"""Metering on CUDA: blocks of threads look at runs of each image, where the CPU gives an image one thread.

Pixels are summed in slots, each in its order, and slots are added two by two and runs one by one, so that the exposure
of a row depends on nothing but the row and its size; it differs from the CPU's by the rounding of another order. The
histogram counts whole numbers, whose order does not matter.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .block_kernel import BlockKernel
from .cooperation import atomic_add, barrier
from .device import Kernel, allocate, scalar
from .exposure import positive
from .exposure_choice import BINS, brightest_cell, choose_time, luminance

_SLOTS: Final = 128
_RUN: Final = 1 << 15
_FEWEST: Final = np.int32(0)
_ONE: Final = np.int32(1)


@scalar
def _count_run(
    block: Any, lane: Any, lanes: Any, sums: Any, cells: Any, radiance_in: Any, height: Any, runs: Any, total_out: Any,
    histogram_out: Any,
) -> None:  # fmt: skip
    """Sum the luminance of a run of an image's pixels, and count its brightest channels."""
    block = np.int64(block)
    image = block // runs
    width = radiance_in.shape[1] // 3
    first = (block - image * runs) * _RUN
    last = min(first + _RUN, width * height)
    for cell in range(lane, BINS, lanes):
        cells[cell] = _FEWEST
    barrier()
    for slot in range(lane, _SLOTS, lanes):
        total = 0.0
        for pixel in range(first + slot, last, _SLOTS):
            y = pixel // width
            line, at = image * height + y, 3 * (pixel - y * width)
            red, green = positive(radiance_in[line, at]), positive(radiance_in[line, at + 1])
            blue = positive(radiance_in[line, at + 2])
            total += np.float64(luminance(red, green, blue))
            atomic_add(cells, np.int64(brightest_cell(red, green, blue)), _ONE)
        sums[slot] = total
    barrier()
    half = _SLOTS // 2
    while half > 0:
        for slot in range(lane, half, lanes):
            sums[slot] += sums[slot + half]
        barrier()
        half //= 2
    if lane == 0:
        total_out[block] = sums[0]
    for cell in range(lane, BINS, lanes):
        histogram_out[block, cell] = cells[cell]


@scalar
def _merge_cell(index: Any, histogram_in: Any, runs: Any, merged_out: Any) -> None:
    """Add up a cell of the histograms of an image's runs."""
    index = np.int64(index)
    image = index // BINS
    cell = index - image * BINS
    count = _FEWEST
    for run in range(runs):
        count += histogram_in[image * runs + run, cell]
    merged_out[image, cell] = count


@scalar
def _choose_image(
    image: Any, total_in: Any, histogram_in: Any, which_in: Any, parameter_in: Any, pixels: Any, runs: Any,
    exposure_time_out: Any,
) -> None:  # fmt: skip
    image = np.int64(image)
    total = 0.0
    for run in range(runs):
        total += total_in[image * runs + run]
    which = which_in[image]
    exposure_time_out[image] = choose_time(
        total, pixels, image, histogram_in, parameter_in[which, 0], parameter_in[which, 1], parameter_in[which, 2],
        parameter_in[which, 3], parameter_in[which, 4],
    )  # fmt: skip


_COUNT_RUNS: Final = BlockKernel(_count_run, shared={"sums": (_SLOTS, np.float64), "cells": (BINS, np.int32)})
_MERGE_CELLS: Final = Kernel(_merge_cell)
_CHOOSE_IMAGES: Final = Kernel(_choose_image)


def meter_in_blocks(
    radiance: Any, which: Any, parameters: Any, height: int, times: Any, *, device: str = "cuda"
) -> None:
    """Meter some images.

    Args:
        radiance: Scene-linear radiance per sRGB primary, float32, shape (N H, 3 W), where the kernels run.
        which: Profile of each image, int64, shape (N,).
        parameters: Numbers of the profiles, float64, shape (K, 5).
        height: Lines of an image.
        times: Gets the exposure times [s], float64, shape (N,).
        device: "cuda", or "cpu" for tests.
    """
    count, pixels = which.shape[0], height * (radiance.shape[1] // 3)
    runs, there = -(-pixels // _RUN), device == "cuda"
    totals = allocate((count * runs,), np.float64, there)
    histograms = allocate((count * runs, BINS), np.int32, there)
    _COUNT_RUNS.launch(count * runs, radiance, height, runs, totals, histograms, device=device)
    merged = histograms
    if runs > 1:
        merged = allocate((count, BINS), np.int32, there)
        _MERGE_CELLS.launch(count * BINS, histograms, runs, merged, device=device)
    _CHOOSE_IMAGES.launch(count, totals, merged, which, parameters, pixels, runs, times, device=device)
