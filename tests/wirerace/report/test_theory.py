import msgspec

from tests.wirerace.report.made_up import result_of, text_of, trial
from wirerace.record.trial import Cell
from wirerace.report.theory import theory_of


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
