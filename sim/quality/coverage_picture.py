"""A picture of pair coverage."""

from __future__ import annotations

import io

import numpy as np

from ..errors import UsageError
from .coverage import Coverage, pair_shares


def draw_coverage(coverage: Coverage) -> bytes:
    """Draw the occupied share of every pair of parameters as a heat map.

    Args:
        coverage: Of strength 2.

    Returns:
        A PNG.

    Raises:
        UsageError: If it is not of pairs, or matplotlib is not installed.

    Example:
        >>> Path("coverage.png").write_bytes(draw_coverage(dataset_coverage("data/tabletop")))
    """
    try:
        names, shares = pair_shares(coverage)
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ValueError as error:
        raise UsageError(str(error)) from error
    except ImportError as error:
        raise UsageError("a picture needs the package matplotlib: pip install 'simloom[calibrate]'") from error
    count = len(names)
    side = max(4.5, 0.27 * count + 2.6)
    figure = Figure(figsize=(side + 0.8, side), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(shares, vmin=0.0, vmax=1.0, cmap="viridis", interpolation="nearest")
    axes.set_xticks(range(count), names, rotation=90, fontsize=8)
    axes.set_yticks(range(count), names, fontsize=8)
    if count <= 12:
        for row, column in np.argwhere(np.isfinite(shares)):
            value = float(shares[row, column])
            axes.text(
                column,
                row,
                f"{100 * value:.0f}",
                ha="center",
                va="center",
                fontsize=8,
                color="white" if value < 0.6 else "black",
            )
    figure.colorbar(image, ax=axes, shrink=0.8, label="occupied share of cells (diagonal: of levels)")
    pairs = len(coverage.tuples)
    axes.set_title(f"{coverage.rows} rows: {100 * coverage.share:.1f} % of the cells of {pairs} pairs", fontsize=10)
    sink = io.BytesIO()
    figure.set_canvas(FigureCanvasAgg(figure))
    figure.savefig(sink, format="png")
    return sink.getvalue()
