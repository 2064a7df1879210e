import io
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from tests.wirerace.trials import plan_of, trial_of
from wirerace.account import AccountRecord, Window
from wirerace.experiment.model import Experiment
from wirerace.experiment.record import Host, Interval, Result
from wirerace.experiment.trial import Cell, Trial, Verdict
from wirerace.report.judgement import comparison_of, theory_of, verdict_of
from wirerace.report.spelling import spell_interval, spell_spread
from wirerace.report.terminal import parts_of
from wirerace.schedule import Truth

GOOD = Verdict(valid=True)


def trial(transport: str = "polling", repeat: int = 1, **changes: Any) -> Trial:
    bare = trial_of(plan_of(transport, repeat), Window(0, 100), AccountRecord(), Truth(0, complete=True, epochs=[]))
    return msgspec.structs.replace(bare, **{"verdict": GOOD, **changes})


def result_of(*trials: Trial, discarded: tuple[int, ...] = ()) -> Result:
    experiment = msgspec.to_builtins(Experiment("t", ["polling", "websocket"]))
    host = Host(1, "Linux", "3.11.7", {})
    return Result(
        wirerace="0.1.0",
        experiment=experiment,
        host=host,
        started_at="",
        trials=list(trials),
        discarded=list(discarded),
    )


def text_of(table: Table | None) -> str:
    assert table is not None
    console = Console(file=io.StringIO(), width=100)
    console.print(table)
    printed: str = console.file.getvalue()  # type: ignore[attr-defined]
    return " ".join(printed.split())


def latency(*, within: bool = True, ratio: float = 1.0) -> Cell:
    return Cell("latency_seconds", 0.5 * ratio, 0.5, 0.4, 0.02, ratio, 0.01, within)


def test_theory_stands_beside_measurement_with_ratio_and_deviation() -> None:
    text = text_of(theory_of(result_of(trial(theory=[latency()]), trial("websocket"))))

    assert "Polling mean latency 500 ms 500 ms 1.000 400 ± 20 ms" in text
    assert "WebSocket" not in text, "nothing is predicted of it"


def test_what_theory_does_not_allow_is_flagged_in_the_mean_of_repeats() -> None:
    trials = (trial(theory=[latency()]), trial(repeat=2, theory=[latency(within=False, ratio=1.2)]))

    assert "550 ms 500 ms 1.100 !" in text_of(theory_of(result_of(*trials)))


def test_fit_is_called_one() -> None:
    fitted = msgspec.structs.replace(latency(), kind="fit")

    assert "mean latency (fit) 500 ms" in text_of(theory_of(result_of(trial(theory=[fitted]))))


def test_no_theory_is_no_table() -> None:
    assert theory_of(result_of(trial())) is None


def with_age(transport: str, repeat: int, mean: float) -> Trial:
    return trial(transport, repeat, age_seconds=msgspec.structs.replace(trial().age_seconds, mean=mean))


def test_transports_are_compared_over_repeats() -> None:
    trials = [with_age(name, repeat, age) for repeat in (1, 2, 3) for name, age in (("polling", 1), ("websocket", 0.5))]
    text = text_of(comparison_of(result_of(*trials)))

    assert "Compared with Polling" in text
    assert "WebSocket mean age 0.5 [0.5, 0.5] -500 ms" in text
    assert "95 % intervals" in text


def test_two_repeats_say_that_they_have_no_intervals() -> None:
    trials = [with_age(name, repeat, 1.0) for repeat in (1, 2) for name in ("polling", "websocket")]

    assert "fewer than 3 repeats: no intervals" in text_of(comparison_of(result_of(*trials)))


def test_one_repeat_is_not_compared() -> None:
    assert comparison_of(result_of(with_age("polling", 1, 1.0), with_age("websocket", 1, 1.0))) is None


def test_valid_run_says_so_first() -> None:
    assert ["VALID: 2 of 2 trials"] == verdict_of(result_of(trial(), trial("websocket")))


def test_invalid_run_names_reasons_doubts_and_what_was_not_checked() -> None:
    bad = Verdict(valid=False, reasons=["1 % late: it is why"], doubts=["2 % others: caches"], unchecked=["steal"])

    assert [
        "INVALID: only 1 of 2 trials can be believed",
        "  ✗ 1 % late: it is why (Polling)",
        "  ? 2 % others (Polling)",
        "  · not checked: steal (Polling)",
    ] == verdict_of(result_of(trial(verdict=bad), trial("websocket")))


def test_findings_that_differ_in_numbers_alone_are_told_once() -> None:
    doubts = [Verdict(valid=True, doubts=[f"{part} % of polls left late: why"]) for part in (2.5, 3)]
    trials = (trial(repeat=2, verdict=doubts[0]), trial(repeat=1, verdict=doubts[1]), trial("websocket", 2))

    assert ["VALID: 3 of 3 trials", "  ? 2.5 % of polls left late (Polling 1, 2)"] == verdict_of(result_of(*trials))


def test_discarded_repeats_are_listed_and_their_reasons_told() -> None:
    bad = Verdict(valid=False, reasons=["it was late: always"])
    result = result_of(trial(verdict=bad), trial(repeat=2), discarded=(1,))

    assert ["VALID: 1 of 1 trials", "  discarded repeats: 1", "  ✗ it was late: always (Polling 1)"] == verdict_of(
        result
    )


def test_run_without_a_valid_repeat_has_a_verdict_and_no_table() -> None:
    bad = Verdict(valid=False, reasons=["it was late: always"])
    (verdict,) = parts_of(result_of(trial(verdict=bad), discarded=(1,)))

    assert str(verdict).startswith("INVALID: only 0 of 0 trials can be believed")


def test_spread_is_spelled_in_the_unit_of_the_value() -> None:
    assert "501 ± 2 ms" == spell_spread(0.501, 0.0019, "seconds")
    assert "2.54 ± 0.09 ms" == spell_spread(0.00254, 0.000091, "seconds")
    assert "5 ± 0.71" == spell_spread(5.0, 0.708, "ratio")
    assert "0 ± 1.58 %" == spell_spread(0.0, 0.0158, "fraction")
    assert "501 ± 0.05 ms" == spell_spread(0.501, 0.00005, "seconds")
    assert "717 ± 146 ms" == spell_spread(0.717, 0.146, "seconds")
    assert "500 ms" == spell_spread(0.5, 0.0, "seconds")
    assert "501 ± 2 ms" == spell_interval(Interval(0.501, 0.499, 0.503), "seconds")
    assert "100 %" == spell_interval(Interval(1.0, 1.0, 1.0), "fraction")
    assert "–" == spell_interval(Interval(None, None, None), "fraction")
