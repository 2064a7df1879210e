"""The main job, end to end: real processes, real sockets, a whole result."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.race.running import SMALL, Race
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.judge import judged
from wirerace.experiment.plans import plans_of
from wirerace.experiment.reading import read_experiment
from wirerace.record.checkup import Checkup
from wirerace.record.result import SCHEMA, Result
from wirerace.record.trial import Trial
from wirerace.report.spelling import UNITS
from wirerace.theory.recorded import Recorded
from wirerace.transports import TRANSPORTS

pytestmark = pytest.mark.processes

TRIES = 5
MEASURING = Path("docs/measuring.md")
TRIAL_KEYS = {
    "transport", "repeat", "clients", "window_seconds", "updates", "expected", "delivered", "lost", "duplicated",
    "reordered", "reach", "latency_seconds", "age_seconds", "requests", "responses", "late_polls", "connect_seconds",
    "bytes", "server", "load", "producer",
}  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Race:
    """Return a run whose costs are known: a machine that is busy with other things may sample them too late."""
    for _ in range(TRIES):
        race = Race(tmp_path_factory.mktemp("race"), SMALL)
        assert race.wait() == 0, race.said
        if all(trial["server"]["cpu_seconds"] is not None for trial in race.result["trials"]):
            return race
    pytest.fail(f"in none of {TRIES} runs were the costs sampled in time")


def trials_of(race: Race) -> dict[str, dict[str, Any]]:
    return {trial["transport"]: trial for trial in race.result["trials"]}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_update_reaches_every_client_once_and_in_order(finished: Race, transport: str) -> None:
    trial = trials_of(finished)[transport]
    assert trial["reach"] == 1.0
    assert (trial["lost"], trial["duplicated"], trial["reordered"]) == (0, 0, 0)
    assert trial["expected"] == trial["updates"] * trial["clients"] == trial["delivered"] > 0


def test_all_transports_receive_the_same_schedule(finished: Race) -> None:
    made = []
    for transport in TRANSPORTS:
        raw = finished.raw(transport)
        (epoch,) = raw.truth.epochs
        made.append([ts - raw.window.from_ns for ts in epoch.ts if raw.window.has(ts)])
        assert len(made[-1]) == finished.trial(transport).updates
    assert [made[0]] * len(TRANSPORTS) == made
    assert len(made[0]) > 20


def test_polling_is_half_an_interval_late_and_push_is_not(finished: Race) -> None:
    """The waiting of producer and server for a core, on a busy machine, is allowed for."""
    trials = trials_of(finished)
    medians = {name: trial["latency_seconds"]["p50"] for name, trial in trials.items()}
    waited = {
        name: trial["producer"]["late_seconds_p99"] + trial["server"]["waited_seconds"]
        for name, trial in trials.items()
    }
    assert 0.08 < medians["polling"] < 0.15 + waited["polling"]
    assert all(medians[name] < 0.05 + waited[name] for name in TRANSPORTS.keys() - {"polling"})


def test_empty_polls_are_as_many_as_the_producers_record_predicts(finished: Race) -> None:
    """Polls that left late, on a busy machine, are allowed for."""
    raw, trial = finished.raw("polling"), trials_of(finished)["polling"]
    made = [ts for epoch in raw.truth.epochs for ts in epoch.ts]
    predicted = Recorded(raw.window, made).empty_fraction(0.2)
    answered = trial["responses"]["data"] + trial["responses"]["empty"]
    assert abs(trial["responses"]["empty"] / answered - predicted) < 0.05 + late_part(finished)
    assert trial["requests"] == 20 * 2.0 / 0.2
    at_either_end = 20  # one of each client
    assert abs(answered - trial["requests"]) <= at_either_end + trial["late_polls"], "answers count by their arrival"


def late_part(race: Race) -> float:
    trial = race.trial("polling")
    return trial.late_polls / trial.requests


def test_one_connection_for_each_client_suffices(finished: Race) -> None:
    assert [20] * len(TRANSPORTS) == [finished.raw(transport).account.connects for transport in TRANSPORTS]


def test_pushed_updates_are_no_responses(finished: Race) -> None:
    pushed = [trial for name, trial in trials_of(finished).items() if not TRANSPORTS[name].asks]
    assert {0} == {trial["responses"]["data"] for trial in pushed}


def test_result_keeps_its_promise_to_other_programs(finished: Race) -> None:
    result = finished.result
    assert SCHEMA == result["schema"]
    assert "small.toml" == result["experiment_file"]["name"]
    assert {"schema", "wirerace", "experiment", "host", "started_at", "trials"} <= result.keys()
    assert all(trial.keys() >= TRIAL_KEYS for trial in result["trials"])
    assert TRANSPORTS.keys() == trials_of(finished).keys()
    assert len(TRANSPORTS) == len(msgspec.json.decode(json.dumps(result), type=Result).trials)
    assert result["experiment"]["clients"]["spawn_per_second"] == 200
    assert all(trial["server"]["bytes_per_client"] is None for trial in result["trials"])


def test_costs_are_measured(finished: Race) -> None:
    """The payload is at least that of the deliveries certainly made between two samples: 100 bytes each."""
    for name, trial in trials_of(finished).items():
        raw = finished.raw(name)
        assert raw.measured.server is not None
        first, last = raw.measured.server
        made_at = raw.truth.made_at
        surely = [
            update.clients
            for key, update in raw.account.spread_of.items()
            if first.ended_ns < made_at[key] < last.began_ns - update.most_ns
        ]
        assert 0 < 100 * sum(surely) <= trial["bytes"]["payload"] < trial["bytes"]["application_out"]
        assert trial["load"]["processes"] == 1
    assert trials_of(finished)["websocket"]["bytes"]["application_in"] == 0


def test_progress_comes_in_plain_lines_without_a_terminal(finished: Race) -> None:
    assert re.search(r"\[\d/5\] Long polling: measuring · 20/20 clients", finished.stderr)
    assert "\x1b" not in finished.stderr


@pytest.fixture(scope="module")
def overridden(tmp_path_factory: pytest.TempPathFactory) -> Race:
    """Return two repeats whose clients close their connections."""
    keys = (
        *("clients.count=3", "repeats=2", "window.measure_seconds=1"),
        *('transports=["longpolling"]', "longpolling.keep_alive=false"),
    )
    race = Race(tmp_path_factory.mktemp("overridden"), SMALL, *(part for key in keys for part in ("--set", key)))
    assert race.wait() == 0, race.said
    return race


def test_overrides_are_in_the_result(overridden: Race) -> None:
    trials = overridden.result["trials"]
    assert [(trial["clients"], trial["repeat"]) for trial in trials] == [(3, 1), (3, 2)]
    assert len({trial["seed"] for trial in trials}) == 2


def test_closed_connections_are_opened_for_every_request(overridden: Race) -> None:
    trial = overridden.trials("longpolling")[0]
    assert trial.reach == 1.0
    assert overridden.raw("longpolling").account.connects > trial.requests > 20


def test_every_figure_can_be_computed_again_from_the_raw_record(finished: Race) -> None:
    study = read_experiment(finished.file)
    for plan in plans_of(study.settings[0], 1):
        raw, trial = finished.raw(plan.transport.name), finished.trial(plan.transport.name)
        assert judged(plan, raw) == trial


def script_of(document: str, race: Race, transport: str) -> str:
    """Return the script of docs/measuring.md, which knows nothing of Wirerace."""
    (script,) = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    return str(script).replace("results/latest", str(race.out)).replace("1-polling", f"1-{transport}")


def test_a_sceptics_script_finds_the_same(finished: Race, capsys: pytest.CaptureFixture[str]) -> None:
    exec(script_of(MEASURING.read_text(), finished, "polling"), {})  # noqa: S102 -- what the document says to do
    latency = finished.trial("polling").latency_seconds
    mean, p99, lost = (line.split()[1] for line in capsys.readouterr().out.splitlines())
    assert latency.mean is not None
    assert latency.p99 is not None
    assert pytest.approx((latency.mean * 1000, latency.p99 * 1000)) == (float(mean), float(p99))
    assert "0" == lost


def test_every_row_of_the_table_computes_the_trials_own_figure(finished: Race) -> None:
    """Each expression of docs/measuring.md, on each transport that has the figure."""
    document, evaluated = MEASURING.read_text(), set()
    rows = re.findall(r"^\| `([a-z0-9_.]+)` \| (\w+) \| `([^`]+)`.* \|$", document, re.MULTILINE)
    for transport in TRANSPORTS:
        trial, names = finished.trial(transport), dict[str, Any]()
        exec(script_of(document, finished, transport), names)  # noqa: S102
        for name, unit, expression in rows:
            figure = value_of(trial, name)
            if figure is not None:
                evaluated.add(name)
                assert pytest.approx(figure, rel=1e-6, abs=1e-12) == eval(expression, names), name  # noqa: S307
                assert unit in UNITS
    left_out = {name for name, _, expression in rows if "server" in expression and unknown_costs(finished)}
    assert {name for name, _, _ in rows} - left_out <= evaluated
    assert 40 <= len(rows)


def unknown_costs(race: Race) -> bool:
    """Return whether no server's costs are known: this machine was too busy to sample any of them in time."""
    return all(race.trial(transport).server.cpu_seconds is None for transport in TRANSPORTS)


def value_of(trial: Trial, name: str) -> float | None:
    """Return a figure by its id, or by its key in a trial."""
    if name in BY_ID:
        return BY_ID[name].of(trial)
    value: Any = msgspec.to_builtins(trial)
    for key in name.split("."):
        value = None if value is None else value[key]
    assert value is None or isinstance(value, int | float)
    return value


def test_report_lies_beside_the_result_and_its_path_is_printed(finished: Race) -> None:
    page = (finished.out / "report.html").read_text("utf-8")

    assert str(finished.out / "report.html") in finished.said
    assert page.count("<svg") > 10
    assert "The raw records are missing" not in page


def test_freshness_is_known_and_falls_with_the_age(finished: Race) -> None:
    for transport in TRANSPORTS:
        fresh = finished.trial(transport).age_seconds.fresh_fraction
        assert ["0.1", "1", "5"] == list(fresh)
        assert 0 <= fresh["0.1"] < fresh["1"] <= fresh["5"] == 1.0


def test_theory_stands_beside_every_transport(finished: Race) -> None:
    """How near they are shows only on a quiet machine; polls are even on every machine."""
    for transport in TRANSPORTS:
        cells = {cell.quantity: cell for cell in finished.trial(transport).theory}
        assert {"latency_seconds", "age_seconds", "responses_per_client_second"} <= cells.keys()
        assert all(cell.given is not None and cell.closed is not None for cell in cells.values())
    polling = {cell.quantity: cell for cell in finished.trial("polling").theory}
    late = late_part(finished)
    assert polling["responses_per_client_second"].ratio == pytest.approx(1.0, abs=0.03 + late)
    assert polling["empty_fraction"].measured == pytest.approx(polling["empty_fraction"].given, abs=0.05 + late)


def test_machine_at_rest_is_in_the_result(finished: Race) -> None:
    checkup = finished.result["checkup"]
    assert set(Checkup.__struct_fields__) == checkup.keys()
    assert finished.result["host"]["cores"] >= checkup["cores"] >= 1
