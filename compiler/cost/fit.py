"""Least squares: the straight line that measured times lie on, and how far off they lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Line(NamedTuple):
    """``y = base + slope * x``, both at least 0; ``residual`` is the root mean square of what is
    left, relative to the mean of y, ``worst`` the largest part left of any single point."""

    base: float
    slope: float
    residual: float
    worst: float

    def at(self, x: float) -> float:
        """The value of the line at ``x``."""
        return self.base + self.slope * x


def fit_line(points: Sequence[tuple[float, float]]) -> Line:
    """Fit a line to points (x, y).

    Where the best line would have a negative part, that is 0 and the other one is fitted alone:
    no time is negative.

    Raises:
        ValueError: fewer than two different x, or a number that is not finite.
    """
    if len({x for x, _ in points}) < 2:
        raise ValueError("a line needs points at two different places")
    if not all(math.isfinite(number) for point in points for number in point):
        raise ValueError("a line needs finite numbers")
    count = len(points)
    mean_x = math.fsum(x for x, _ in points) / count
    mean_y = math.fsum(y for _, y in points) / count
    spread = math.fsum((x - mean_x) ** 2 for x, _ in points)
    slope = math.fsum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    base = mean_y - slope * mean_x
    if slope < 0:
        slope, base = 0.0, max(mean_y, 0.0)
    elif base < 0:
        base = 0.0
        slope = max(math.fsum(x * y for x, y in points) / math.fsum(x * x for x, _ in points), 0.0)
    left = [y - (base + slope * x) for x, y in points]
    scale = abs(mean_y) or 1.0
    residual = math.sqrt(math.fsum(r * r for r in left) / count) / scale
    worst = max(abs(r) / (abs(y) or scale) for r, (_, y) in zip(left, points, strict=True))
    return Line(base, slope, residual, worst)
