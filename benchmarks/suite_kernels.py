"""Suite `kernels`: sensor kernels and random words against straightforward NumPy."""

from __future__ import annotations

from typing import Any

import naive_depth
import naive_sensors
import numpy as np
from cases import KernelCase
from numpy.typing import NDArray
from report import CaseResult
from timing import Contestant, measure

from simloom.kernels.depth import apply_depth
from simloom.kernels.develop import apply_camera
from simloom.kernels.device import Kernel, scalar
from simloom.kernels.philox import draw_block, stream_key

NOTES = (
    "ns per pixel of one thread: ours is compiled, NumPy is NumPy. Inputs are float32 in memory, outputs are "
    "allocated in the timed region on both sides.",
    "Both cameras do Poisson shot noise, read noise, gain, quantisation to 12 bits and sRGB to 8 bits at an exposure "
    "time that is given. Ours draws from Philox by address, so that any pixel can be made again alone; NumPy draws "
    "from PCG64, in order. Both depth sensors do disparity noise, quantisation to 1/32 px and a status; ours also "
    "correlates the noise over 7 px and finds occlusion.",
    "Structured light: both jitter, match 9x9 windows of dots, fill, cast shadows and round to 1/8 px; ours also tells "
    "the reason of each pixel without depth.",
    "philox: 32-bit words. Ours are addressed (any word alone), NumPy's Philox is its C generator, in order.",
)


@scalar
def _words(row: Any, key_0: Any, key_1: Any, words_out: Any) -> None:
    for x in range(words_out.shape[1]):
        w0, w1, w2, w3 = draw_block(key_0, key_1, x, row, 0, 0)
        words_out[row, x, 0], words_out[row, x, 1] = np.uint32(w0), np.uint32(w1)
        words_out[row, x, 2], words_out[row, x, 3] = np.uint32(w2), np.uint32(w3)


WORDS = Kernel(_words)


def run_case(case: KernelCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    shape = (case.images, case.height, case.width)
    pixels = case.images * case.height * case.width
    rng = np.random.default_rng(5)
    rows = np.arange(case.images)
    items, unit = float(pixels), "px"
    if case.kernel == "camera":
        radiance = rng.uniform(0.05, 2.0, (*shape, 3)).astype(np.float32)
        exposure = np.full(case.images, 2e-3)
        ours = Contestant(
            name="apply_camera",
            items=items,
            run=lambda: _drop(
                apply_camera(radiance, seed=1, index=rows, exposure_time=exposure, threads=case.threads).rgb
            ),
        )
        theirs = Contestant(
            name="NumPy", items=items, run=lambda: _drop(naive_sensors.photograph(radiance, exposure, rng))
        )
    elif case.kernel == "depth":
        depth, focal = _draw_scene(shape), 0.9 * case.width
        ours = Contestant(
            name="apply_depth",
            items=items,
            run=lambda: _drop(apply_depth(depth, fx=focal, seed=1, index=rows, threads=case.threads).depth),
        )
        theirs = Contestant(
            name="NumPy", items=items, run=lambda: _drop(naive_sensors.measure_depth(depth, focal, rng)[0])
        )
    elif case.kernel == "structured_light":
        depth, focal = _draw_scene(shape), 0.9 * case.width
        ours = Contestant(
            name="apply_depth",
            items=items,
            run=lambda: _drop(
                apply_depth(depth, "kinect_v1", fx=focal, seed=1, index=rows, threads=case.threads).depth
            ),
        )
        theirs = Contestant(
            name="NumPy",
            items=items,
            run=lambda: _drop([naive_depth.measure_structured_light(image, focal, rng) for image in depth]),
        )
    else:
        key_0, key_1 = stream_key(1, "benchmark")
        lines = case.images * case.height
        words = np.empty((lines, case.width, 4), np.uint32)
        items, unit = 4.0 * pixels, "word"
        bits = np.random.Philox(1)
        ours = Contestant(
            name="addressed Philox",
            items=items,
            run=lambda: WORDS.launch(lines, key_0, key_1, words, threads=case.threads),
        )
        theirs = Contestant(name="NumPy Philox", items=items, run=lambda: _drop(bits.random_raw(2 * pixels)))
    measured = measure([ours, theirs], repeats=repeats, warmups=2)
    return CaseResult(
        case=case.name,
        unit=unit,
        settings={"images": case.images, "resolution": [case.width, case.height], "threads": case.threads},
        measurements=measured,
        ratios=[(ours.name, theirs.name)],
        facts={f"ns_per_{'pixel' if unit == 'px' else unit}": {m.name: 1e9 / m.rate for m in measured}},
    )


def _draw_scene(shape: tuple[int, int, int]) -> NDArray[np.float32]:
    # A floor, boxes on it, sky above.
    _, height, width = shape
    depth = np.zeros(shape, np.float32)
    depth[:] = np.linspace(3.0, 0.6, height, dtype=np.float32)[:, None]
    depth[:, height // 3 : height // 2, :: max(width // 8, 1)] = 0.7
    depth[:, : height // 8] = 0.0
    return depth


def _drop(_: Any) -> None:
    return None
