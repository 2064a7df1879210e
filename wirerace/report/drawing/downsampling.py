"""Largest-Triangle-Three-Buckets (Steinarsson, 2013): few points of a curve that look like all of them."""

from collections.abc import Sequence

from wirerace.report.charts.values import Dot


def downsampled(dots: Sequence[Dot], most: int) -> Sequence[Dot]:
    """Return at most `most` of the dots, at least 3: the ends, and from each bucket the one that matters most.

    That is the dot that spans the largest triangle with the one kept before it and the mean of the next bucket. Its
    band is widened to that of all dots of its bucket, so that no extreme is lost.
    """
    if len(dots) <= most:
        return dots
    buckets = most - 2
    bounds = [1 + number * (len(dots) - 2) // buckets for number in range(buckets + 1)]
    kept = [dots[0]]
    for number in range(buckets):
        following = dots[bounds[number + 1] : bounds[number + 2]] if number + 2 <= buckets else dots[-1:]
        x = sum(dot.x for dot in following) / len(following)
        y = sum(dot.y for dot in following) / len(following)
        bucket = dots[bounds[number] : bounds[number + 1]]
        kept.append(_widened(max(bucket, key=lambda dot: _area(kept[-1], dot, x, y)), bucket))
    return [*kept, dots[-1]]


def _area(before: Dot, dot: Dot, x: float, y: float) -> float:
    """Return twice the area of a triangle."""
    return abs((before.x - x) * (dot.y - before.y) - (before.x - dot.x) * (y - before.y))


def _widened(dot: Dot, bucket: Sequence[Dot]) -> Dot:
    lows = [other.low for other in bucket if other.low is not None]
    highs = [other.high for other in bucket if other.high is not None]
    return dot._replace(low=min(lows, default=None), high=max(highs, default=None))
