"""Results with little more than the values of a test."""

import functools
import io
from typing import Any

import msgspec
from rich.console import Console, RenderableType

from tests.wirerace.trials import contestants_in, plan_of, trial_of
from wirerace.experiment.model import Experiment, document_of
from wirerace.observe.account import AccountRecord, Window
from wirerace.record.result import Discarded, Host, Point, Result
from wirerace.record.trial import Trial, Verdict
from wirerace.workload.truth import Truth

GOOD = Verdict(valid=True)


def trial(transport: str = "polling", repeat: int = 1, **changes: Any) -> Trial:
    return msgspec.structs.replace(bare_trial(transport, repeat), **{"verdict": GOOD, **changes})


@functools.cache
def bare_trial(transport: str, repeat: int) -> Trial:
    """Return a trial in which nothing happened. To compute one takes milliseconds, and properties need thousands."""
    return trial_of(plan_of(transport, repeat), Window(0, 100), AccountRecord(), Truth(0, complete=True, epochs=[]))


def result_of(*trials: Trial, discarded: tuple[int, ...] = ()) -> Result:
    experiment = document_of(Experiment("t", ["polling", "longpolling", "websocket"]))
    host = Host(1, "Linux", "3.11.7", {})
    return Result(
        wirerace="0.1.0",
        experiment=experiment,
        host=host,
        started_at="",
        contestants=contestants_in(*trials),
        points=[Point()],
        trials=list(trials),
        discarded=[Discarded(0, repeat) for repeat in discarded],
    )


def lines_of(*parts: RenderableType | None) -> list[str]:
    """Return the printed lines, without a table's padding."""
    console = Console(file=io.StringIO(), width=100)
    for part in parts:
        assert part is not None
        console.print(part)
    printed: str = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.rstrip() for line in printed.splitlines()]


def text_of(*parts: RenderableType | None) -> str:
    """Return the printed text on one line."""
    return " ".join(" ".join(lines_of(*parts)).split())
