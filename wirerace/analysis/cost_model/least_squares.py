"""Least squares with few parameters, none of them negative."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

TURNS = 8
"""How often the sizes are taken from the last fit; after four, nothing changes in the third digit."""
MOST_PARAMETERS = 8
"""All subsets of the parameters are tried, so the result is exact. With 8 there are 255."""


class Fitted(NamedTuple):
    """Parameters, and how far they are from what was measured: the less, the better."""

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
    normal = _normal_equations([[cell / size for cell in row] + [value / size] for row, value, size in used], width)
    whole = sum((value / size) ** 2 for _, value, size in used)
    best = Fitted([0.0] * width, whole)
    for count in range(1, width + 1):
        for columns in combinations(range(width), count):
            found = _solved(normal, columns)
            if found is None or min(found) < 0:
                continue
            values = [0.0] * width
            for column, value in zip(columns, found, strict=True):
                values[column] = value
            loss = max(0.0, whole - sum(values[column] * normal[column][width] for column in columns))
            if loss < best.loss * (1 - 1e-9) - 1e-12 * whole:
                best = Fitted(values, loss)
    return best


def proportional(rows: Sequence[Sequence[float]], measured: Sequence[float], bases: Sequence[float]) -> Fitted:
    """Return the parameters x ≥ 0 of values that are a base + row · x, with errors in proportion to what is expected.

    Sizes are those of the fit, found in turns. Divided by what was measured, a value that is low by chance would count
    for more than one that is high, and everything would be predicted too low. `loss` is the sum of squared logarithms.
    """
    beyond = [value - base for value, base in zip(measured, bases, strict=True)]
    sizes, values = list(measured), list[float]()
    for _ in range(TURNS):
        values = non_negative(rows, beyond, sizes).values
        sizes = [base + _product(row, values) for row, base in zip(rows, bases, strict=True)]
    pairs = [(value, size) for value, size in zip(measured, sizes, strict=True) if value > 0 and size > 0]
    return Fitted(values, sum(math.log(value / size) ** 2 for value, size in pairs))


def _product(row: Sequence[float], values: Sequence[float]) -> float:
    return sum(cell * value for cell, value in zip(row, values, strict=True))


def _normal_equations(rows: Sequence[Sequence[float]], width: int) -> list[list[float]]:
    """Return the products of each column with every column; the last one has the aims."""
    columns = list(zip(*rows, strict=True))
    return [[_product(columns[i], columns[j]) for j in range(width + 1)] for i in range(width)] if rows else []


def _solved(normal: Sequence[Sequence[float]], columns: Sequence[int]) -> list[float] | None:
    """Return the solution of the normal equations for some columns; None when they depend on each other."""
    sizes = [normal[column][column] ** 0.5 for column in columns]
    if not all(sizes):
        return None
    pairs = list(zip(columns, sizes, strict=True))
    system = [[normal[i][j] / a / b for j, b in pairs] + [normal[i][-1] / a] for i, a in pairs]
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
