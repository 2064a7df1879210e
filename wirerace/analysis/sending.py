"""The cost of sending: a sweep with a rate of 0 among others shows what messages take, and what they do to updates."""

from collections.abc import Iterator, Mapping

from wirerace.analysis.aggregate import interval
from wirerace.record.result import Interval, Result, SendingCost
from wirerace.record.trial import Trial

RATE = "upstream.rate_per_second"
"""The swept key whose effect is looked for."""
US = 1e-6


def sending_of(result: Result) -> list[SendingCost]:
    """Return what sending costs at each rate above 0, for each contestant and other setting; empty without a rate of 0.

    With fan-out nothing is said: what a message costs cannot be told from what its deliveries cost.
    """
    return [
        cost
        for contestant in result.present
        for setting, idle, sending in _pairs(result)
        if (cost := _cost(result, contestant.id, setting, idle, sending)) is not None
    ]


def _pairs(result: Result) -> Iterator[tuple[dict[str, object], int, int]]:
    """Yield each setting with a rate above 0: its keys, the index of the point without messages, and its own."""
    points = [point.setting for point in result.points]
    silent = {_others(setting): index for index, setting in enumerate(points) if setting.get(RATE) == 0}
    for index, setting in enumerate(points):
        if setting.get(RATE) and (idle := silent.get(_others(setting))) is not None:
            yield setting, idle, index


def _others(setting: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    return tuple((key, repr(value)) for key, value in setting.items() if key != RATE)


def _cost(result: Result, contestant: str, setting: dict[str, object], idle: int, sending: int) -> SendingCost | None:
    without, trials = (_by_repeat(result, contestant, index) for index in (idle, sending))
    repeats = sorted(without.keys() & trials.keys())
    pairs = [(without[repeat], trials[repeat]) for repeat in repeats]
    if not pairs or any(with_messages.messages is None for _, with_messages in pairs):
        return None
    if any(with_messages.messages.relayed is not None for _, with_messages in pairs if with_messages.messages):
        return None
    return SendingCost(
        contestant=contestant,
        setting=setting,
        cpu_us=_interval([_cpu_us(*pair) for pair in pairs]),
        later_seconds=_interval([_later_seconds(*pair) for pair in pairs]),
    )


def _by_repeat(result: Result, contestant: str, index: int) -> dict[int, Trial]:
    return {trial.repeat: trial for trial in result.at(index).counted if trial.contestant == contestant}


def _cpu_us(without: Trial, with_messages: Trial) -> float | None:
    """Return the server's CPU time for a message: what it took more than without any."""
    before, after, messages = without.server.cpu_seconds, with_messages.server.cpu_seconds, with_messages.messages
    if before is None or after is None or messages is None or not messages.received:
        return None
    scale = with_messages.window_seconds / without.window_seconds
    return (after - before * scale) / messages.received / US


def _later_seconds(without: Trial, with_messages: Trial) -> float | None:
    before, after = without.latency_seconds.mean, with_messages.latency_seconds.mean
    return None if before is None or after is None else after - before


def _interval(values: list[float | None]) -> Interval:
    known = [value for value in values if value is not None]
    return interval(known) if known and len(known) == len(values) else Interval(None, None, None)
