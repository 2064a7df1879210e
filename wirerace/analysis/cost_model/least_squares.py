"""Least squares with few parameters, none of them negative."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

MOST_PARAMETERS = 8
"""All subsets of the parameters are tried, so the result is exact. With 8 there are 255."""


class Fitted(NamedTuple):
    """Parameters, and the sum of the squared relative residuals."""

    values: list[float]
    loss: float


def non_negative(
    rows: Sequence[Sequence[float]], measured: Sequence[float], sizes: Sequence[float] | None = None
) -> Fitted:
    """Return the parameters x ≥ 0 with the least Σ((row · x − y)/size)². Sizes are those of the values unless given.

    So a small value counts as much as a large one. What has no size above 0 is left out. Among equal results, the one
    with fewer parameters is taken. Without any value, all parameters are 0.
    """
    used = [(row, value, size) for row, value, size in zip(rows, measured, sizes or measured, strict=True) if size > 0]
    width = len(rows[0]) if rows else 0
    if width > MOST_PARAMETERS:
        raise ValueError(f"at most {MOST_PARAMETERS} parameters, got {width}")
    scaled = [[cell / size for cell in row] for row, _, size in used]
    aims = [value / size for _, value, size in used]
    best = Fitted([0.0] * width, sum(aim**2 for aim in aims))
    for count in range(1, width + 1):
        for columns in combinations(range(width), count):
            found = _solved(scaled, aims, columns)
            if found is None or min(found) < 0:
                continue
            values = [0.0] * width
            for column, value in zip(columns, found, strict=True):
                values[column] = value
            loss = sum((_product(row, values) - aim) ** 2 for row, aim in zip(scaled, aims, strict=True))
            if loss < best.loss * (1 - 1e-9) - 1e-15:
                best = Fitted(values, loss)
    return best


def _product(row: Sequence[float], values: Sequence[float]) -> float:
    return sum(cell * value for cell, value in zip(row, values, strict=True))


def _solved(rows: Sequence[Sequence[float]], aims: Sequence[float], columns: Sequence[int]) -> list[float] | None:
    """Return the solution of the normal equations for some columns; None when they depend on each other."""
    sizes = [sum(row[column] ** 2 for row in rows) ** 0.5 for column in columns]
    if not all(sizes):
        return None
    unit = [[row[column] / size for column, size in zip(columns, sizes, strict=True)] for row in rows]
    span = range(len(columns))
    system = [
        [sum(row[i] * row[j] for row in unit) for j in span] + [_product([row[i] for row in unit], aims)] for i in span
    ]
    found = _eliminated(system)
    return None if found is None else [value / size for value, size in zip(found, sizes, strict=True)]


def _eliminated(system: list[list[float]]) -> list[float] | None:
    """Return the solution of linear equations by Gauss's elimination; None when there is not exactly one."""
    count = len(system)
    for column in range(count):
        pivot = max(range(column, count), key=lambda row: abs(system[row][column]))
        if abs(system[pivot][column]) < 1e-9:
            return None
        system[column], system[pivot] = system[pivot], system[column]
        head = system[column]
        for row in range(count):
            if row != column:
                factor = system[row][column] / head[column]
                system[row] = [cell - factor * above for cell, above in zip(system[row], head, strict=True)]
    return [system[index][count] / system[index][index] for index in range(count)]
