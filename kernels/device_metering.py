"""Metering on CUDA: a block of threads looks at each image, where the CPU gives it one thread.

Each thread sums its own pixels in their order, and the threads' sums are added two by two, so that the exposure of a
row depends on nothing but the row; it differs from the CPU's by the rounding of another order. The histogram counts
whole numbers, whose order does not matter.
"""

from __future__ import annotations

from typing import Any, Final

from numba import config, float64, int32

from .device_cuda import as_argument, cuda, current_stream
from .exposure import positive
from .metering import BINS, brightest_cell, choose_time, luminance

_THREADS: Final = 4 if config.ENABLE_CUDASIM else 512
"""Threads of a block, a power of two; few in the simulator, which has a system thread for each."""


def meter_on_device(radiance: Any, which: Any, parameters: Any, height: int, times: Any) -> None:
    """Queue the metering of some images.

    Args:
        radiance: Scene-linear radiance per sRGB primary, float32, on the device, shape (N H, 3 W).
        which: Profile of each image, int64, on the device, shape (N,).
        parameters: Numbers of the profiles, float64, on the device, shape (K, 5).
        height: Lines of an image.
        times: Gets the exposure times [s], float64, on the device, shape (N,).
    """
    count = which.shape[0]
    if count:
        stream = current_stream()
        arrays = (as_argument(array, stream) for array in (radiance, which, parameters))
        _meter_block[count, _THREADS, stream](*arrays, height, as_argument(times, stream))


if cuda is not None:

    @cuda.jit  # type: ignore[untyped-decorator]
    def _meter_block(radiance_in: Any, which_in: Any, parameter_in: Any, height: Any, exposure_time_out: Any) -> None:
        histogram = cuda.shared.array((1, BINS), int32)
        sums = cuda.shared.array(_THREADS, float64)
        image, thread = cuda.blockIdx.x, cuda.threadIdx.x
        for cell in range(thread, BINS, _THREADS):
            histogram[0, cell] = 0
        cuda.syncthreads()
        width = radiance_in.shape[1] // 3
        pixels = width * height
        total = 0.0
        for pixel in range(thread, pixels, _THREADS):
            y = pixel // width
            line, at = image * height + y, 3 * (pixel - y * width)
            red, green = positive(radiance_in[line, at]), positive(radiance_in[line, at + 1])
            blue = positive(radiance_in[line, at + 2])
            total += float64(luminance(red, green, blue))
            cuda.atomic.add(histogram, (0, int32(brightest_cell(red, green, blue))), 1)
        sums[thread] = total
        cuda.syncthreads()
        half = _THREADS // 2
        while half > 0:
            if thread < half:
                sums[thread] += sums[thread + half]
            cuda.syncthreads()
            half //= 2
        if thread == 0:
            which = which_in[image]
            exposure_time_out[image] = choose_time(
                sums[0], pixels, 0, histogram, parameter_in[which, 0], parameter_in[which, 1], parameter_in[which, 2],
                parameter_in[which, 3], parameter_in[which, 4],
            )  # fmt: skip
