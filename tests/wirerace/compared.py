"""Results to be compared: each contestant's primary figures in each repeat are as a test says."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tests.wirerace.report.made_up import result_of, trial
from wirerace.analysis.between import Options
from wirerace.analysis.comparison import Given, RunComparison, compared
from wirerace.analysis.gates import conditions_in
from wirerace.record.result import Result
from wirerace.record.trial import Trial, Verdict

SOME = (100.0, 102.0, 98.0, 101.0, 99.0)
"""A figure in five repeats, as a quiet machine varies."""
INVALID = Verdict(valid=False)


def measured(
    value: float, transport: str = "websocket", repeat: int = 1, seed: int | None = None, **more: Any
) -> Trial:
    """Return a trial whose primary figures are all the same multiple of what is usual."""
    plain = trial(transport, repeat, arrived=100)
    return msgspec.structs.replace(
        plain,
        seed=repeat if seed is None else seed,
        latency_seconds=msgspec.structs.replace(plain.latency_seconds, mean=value * 1e-5, p99=value * 2e-5),
        age_seconds=msgspec.structs.replace(plain.age_seconds, mean=value * 1e-3),
        server=msgspec.structs.replace(plain.server, cpu_us_per_delivery=value / 10),
        bytes=msgspec.structs.replace(plain.bytes, application_in=0, application_out=round(value * 100)),
        **more,
    )


def run_of(values: Sequence[float] = SOME, transport: str = "websocket", **more: Any) -> Result:
    """Return a result with a repeat for each value."""
    return result_of(*(measured(value, transport, number, **more) for number, value in enumerate(values, 1)))


def comparison(a: Result, b: Result, *conditions: str, **options: Any) -> RunComparison:
    """Return B compared with A."""
    return compared(Given("before", a), Given("after", b), conditions_in(conditions), Options(**options))


def times(factor: float, values: Sequence[float] = SOME) -> list[float]:
    """Return values, each of them a multiple of it and a little different, as in another run."""
    return [factor * value * (1 + 0.001 * (number % 3)) for number, value in enumerate(values)]
