"""Clients played event by event, in seconds: the oracle for theory, which imports only names from it."""

import itertools
import math
import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from wirerace.record.trial import QUANTITIES
from wirerace.theory.prediction import Prediction

GOLDEN_RATIO = (math.sqrt(5) - 1) / 2


class Answer(NamedTuple):
    """When a client was answered, and with which updates, by making time."""

    at: float
    received: list[float]


Draw = Callable[[], float]


def poisson(rate: float, seconds: float, seed: int) -> list[float]:
    gap = random.Random(seed).expovariate
    times = itertools.accumulate(iter(lambda: gap(rate), None))
    return list(itertools.takewhile(lambda at: at < seconds, times))


def polls(made: list[float], interval: float, phase: float, end: float) -> list[Answer]:
    """Play a client that asks at `phase`, and every interval after it."""
    waiting = deque(made)
    answers: list[Answer] = []
    while (at := phase + len(answers) * interval) < end:
        received = []
        while waiting and waiting[0] <= at:
            received.append(waiting.popleft())
        answers.append(Answer(at, received))
    return answers


def all_phases(made: list[float], interval: float, end: float, clients: int = 400) -> list[list[Answer]]:
    """Play pollers whose phases fill the interval evenly."""
    return [polls(made, interval, client * GOLDEN_RATIO % 1 * interval, end) for client in range(clients)]


def pushes(made: list[float]) -> list[Answer]:
    return [Answer(at, [at]) for at in made]


def long_polls(made: list[float], gap: Draw, hold: float, end: float) -> list[Answer]:
    """Play a client whose first answer brings the first update."""
    return list(itertools.takewhile(lambda answer: answer.at < end + hold, _long_polls(made, gap, hold)))


def _long_polls(made: list[float], gap: Draw, hold: float) -> Iterator[Answer]:
    waiting = deque(made)
    now = waiting.popleft()
    yield Answer(now, [now])
    while True:
        now += gap()
        if not (waiting and waiting[0] <= now):
            now = min(now + hold, max(now, waiting[0]) if waiting else math.inf)
        received = []
        while waiting and waiting[0] <= now:
            received.append(waiting.popleft())
        if not waiting and not received and math.isinf(hold):
            return
        yield Answer(now, received)


def seen(clients: list[list[Answer]], start: float, end: float, delay: float = 0.0) -> Prediction:
    """Return what clients see in a window: answers that reach them in it, updates that are made in it."""
    latencies, answered = [], []
    area = aged = 0.0
    for answers in clients:
        latencies += [at + delay - made for at, received in answers for made in received if start <= made < end]
        answered += [len(received) for at, received in answers if start <= at + delay < end]
        for since, until, newest in known(answers, delay):
            low, high = max(since, start), min(until, end)
            if low < high:
                area += (high - low) * ((high + low) / 2 - newest)
                aged += high - low
    full = [count for count in answered if count]
    return Prediction(
        latency_seconds=mean(latencies),
        age_seconds=area / aged if aged else None,
        empty_fraction=1 - len(full) / len(answered) if answered else None,
        updates_per_response=mean(full),
        responses_per_client_second=len(answered) / (end - start) / len(clients),
    )


def known(answers: list[Answer], delay: float) -> Iterator[tuple[float, float, float]]:
    """Yield the stretches of time with the newest update that a client has in each, by making time."""
    newest = itertools.accumulate((max(received) if received else -math.inf for _, received in answers), max)
    times = [at + delay for at, _ in answers]
    for since, until, made in zip(times, [*times[1:], math.inf], newest, strict=False):
        if not math.isinf(made):
            yield since, until, made


def mean(values: list[float] | list[int]) -> float | None:
    return sum(values) / len(values) if values else None


def agree(found: Prediction, predicted: Prediction, rel: float = 0.01, absolute: float = 1e-9) -> None:
    """Assert that every figure that was found was predicted, and no other."""
    for name in QUANTITIES:
        value = getattr(found, name)
        wanted = None if value is None else pytest.approx(value, rel=rel, abs=absolute)
        assert wanted == getattr(predicted, name), name
