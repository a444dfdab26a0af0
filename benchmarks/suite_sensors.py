"""Suite `sensors`: sensor models and random words against NumPy, OpenCV and augmentation libraries."""

from __future__ import annotations

from typing import Any

import naive_depth_stereo
import naive_sensors
import naive_structured_light
import naive_time_of_flight
import numpy as np
from cases import SensorCase
from peer_cameras import find_peers
from report import CaseResult

from simloom.kernels.camera import apply_camera
from simloom.kernels.depth import apply_depth
from simloom.kernels.device import Kernel, scalar
from simloom.kernels.philox import draw_block, stream_key
from simloom.sim.bench.timing import Contestant, measure

NOTES = (
    "ns per pixel of one thread: ours is compiled, NumPy is NumPy. Inputs are float32 in memory, outputs are "
    "allocated in the timed region on both sides.",
    "camera: ours and NumPy do vignetting, Bayer mosaic, fixed patterns, shot, row and read noise, gain, 12 bits, "
    "demosaicing (Malvar's; OpenCV's bilinear one for NumPy), white balance and sRGB to 8 bits, at a given exposure "
    "time. Ours draws from Philox by address, so that any pixel can be made again alone; NumPy draws in order.",
    "cv2.randn + add: nothing but a normal deviate added to each of three float32 channels, OpenCV on one thread.",
    "Albumentations: ShotNoise and GaussNoise on sRGB bytes, image by image. Kornia: linear light, mosaic, Poisson, "
    "Gaussian, demosaic, sRGB on batches. Neither has a fixed pattern, a converter or noise that can be addressed.",
    "Both stereo sensors correlate disparity noise over 7 px, find occlusion in the second view, quantise to 1/32 px "
    "and give a status. Both time-of-flight sensors sum phasors over 3 x 3 pixels and do four taps with shot and read "
    "noise at three frequencies, unwrapping and a status.",
    "Both structured-light sensors jitter, cast shadows, match 9 x 9 windows of dots, fill and round to 1/8 px; ours "
    "gives each pixel's reason too.",
    "philox: 32-bit words. Ours are addressed (any word alone), NumPy's Philox is its C generator, in order.",
)

DEPTH_SENSORS: dict[str, tuple[str, Any]] = {
    "depth": ("realsense_d435", naive_depth_stereo),
    "structured_light": ("kinect_v1", naive_structured_light),
    "time_of_flight": ("azure_kinect", naive_time_of_flight),
}
"""Built-in profile and NumPy twin of each."""


@scalar
def _words(row: Any, key_0: Any, key_1: Any, words_out: Any) -> None:
    for x in range(words_out.shape[1]):
        w0, w1, w2, w3 = draw_block(key_0, key_1, x, row, 0, 0)
        words_out[row, x, 0], words_out[row, x, 1] = np.uint32(w0), np.uint32(w1)
        words_out[row, x, 2], words_out[row, x, 3] = np.uint32(w2), np.uint32(w3)


WORDS = Kernel(_words)


def run_case(case: SensorCase, *, repeats: int) -> CaseResult:
    """Measure one case."""
    shape = (case.images, case.height, case.width)
    pixels = case.images * case.height * case.width
    rng = np.random.default_rng(5)
    rows = np.arange(case.images)
    items, unit = float(pixels), "px"
    others: list[Contestant] = []
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
        others = [Contestant(name="cv2.randn + add", items=items, run=lambda: _add_normal(radiance))]
        bytes_ = rng.integers(8, 247, (*shape, 3), dtype=np.uint8)
        for name, make in find_peers().items():
            others.append(Contestant(name=name, items=items, run=lambda make=make: _drop(make(bytes_))))
    elif case.kernel in DEPTH_SENSORS:
        depth = np.zeros(shape, np.float32)
        depth[:] = np.linspace(3.0, 0.6, case.height, dtype=np.float32)[:, None]  # a floor, boxes on it, sky above
        depth[:, case.height // 3 : case.height // 2, :: max(case.width // 8, 1)] = 0.7
        depth[:, : case.height // 8] = 0.0
        focal = 0.9 * case.width
        profile, naive = DEPTH_SENSORS[case.kernel]
        ours = Contestant(
            name="apply_depth",
            items=items,
            run=lambda: _drop(apply_depth(depth, profile, fx=focal, seed=1, index=rows, threads=case.threads).depth),
        )
        theirs = Contestant(name="NumPy", items=items, run=lambda: _drop(naive.measure(depth, focal, rng)[0]))
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
    measured = measure([ours, theirs, *others], repeats=repeats, warmups=2)
    return CaseResult(
        case=case.name,
        unit=unit,
        settings={"images": case.images, "resolution": [case.width, case.height], "threads": case.threads},
        measurements=measured,
        ratios=[(ours.name, other.name) for other in (theirs, *others)],
        facts={f"ns_per_{'pixel' if unit == 'px' else unit}": {m.name: 1e9 / m.rate for m in measured}},
    )


def _drop(_: Any) -> None:
    return None


def _add_normal(images: Any) -> None:
    import cv2

    cv2.setNumThreads(1)
    for image in images:
        noise = np.empty_like(image)
        cv2.randn(noise, 0.0, 0.05)
        cv2.add(image, noise)
