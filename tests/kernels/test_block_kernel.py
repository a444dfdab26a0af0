"""Block kernels: the same results from one thread and from many."""

from pathlib import Path

import numpy as np
import pytest

from naive.twin import run_simulated
from simloom.kernels.block_kernel import BlockKernel
from simloom.kernels.device import scalar

CODE = """
import numpy as np
from simloom.kernels import device_cuda
from simloom.kernels.block_kernel import BlockKernel
from simloom.kernels.cooperation import atomic_add, atomic_max, atomic_min, atomic_or, barrier
from simloom.kernels.device import scalar

def measure(block, lane, lanes, found, x_in, found_out):
    if lane == 0:
        found[0], found[1], found[2], found[3] = np.int64(0), np.int64(-99), np.int64(99), np.int64(0)
    barrier()
    for i in range(lane, x_in.shape[1], lanes):
        value = x_in[block, i]
        atomic_add(found, 0, value)
        atomic_max(found, 1, value)
        atomic_min(found, 2, value)
        atomic_or(found, 3, value)
    barrier()
    for i in range(lane, 4, lanes):
        found_out[block, i] = found[i]

found = np.full((3, 4), -1, np.int64)
"""


def _oracle(x):
    return np.stack([x.sum(1), x.max(1), x.min(1), np.bitwise_or.reduce(x, axis=1)], axis=1)


@pytest.fixture
def numbers():
    """Three rows of small whole numbers."""
    return np.random.default_rng(3).integers(0, 50, (3, 21))


def test_a_block_of_one_thread_gives_the_oracle(numbers) -> None:
    """The CPU build, one thread to a block, adds up, and finds extremes and bits."""
    space: dict = {"__name__": "measure"}
    exec(CODE, space)

    BlockKernel(scalar(space["measure"]), shared={"found": (4, np.int64)}).launch(3, numbers, space["found"])

    assert np.array_equal(space["found"], _oracle(numbers))


def test_simulated_blocks_of_four_threads_agree(numbers, tmp_path: Path) -> None:
    """Four threads of the CUDA simulator wait for each other and lose nothing."""
    code = CODE + (
        "device_cuda.SIMULATED_BLOCK = 4\n"
        "BlockKernel(scalar(measure), shared={'found': (4, np.int64)}).launch(3, x, found, device='cuda')\n"
        "out = {'found': found}\n"
    )

    found = run_simulated(code, tmp_path, x=numbers)["found"]

    assert np.array_equal(found, _oracle(numbers))


def test_arrays_that_the_function_does_not_name_are_refused() -> None:
    """A block function names its arrays after the lanes."""

    def element(block, lane, lanes, other, x_out):
        x_out[block] = other[0]

    with pytest.raises(ValueError, match="must name its arrays"):
        BlockKernel(element, shared={"room": (1, np.int64)})
