"""Experiment files that are read: every key, every shipped experiment, and what may be left out."""

from pathlib import Path

import pytest

from tests.wirerace.experiment.files import LEAST, written
from wirerace.analysis.objectives import check_objectives
from wirerace.experiment.contestants import ContestantTable
from wirerace.experiment.faults import Fault
from wirerace.experiment.model import Experiment
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.plans import plans_of, schedule_of
from wirerace.experiment.reading import read_experiment
from wirerace.transports.longpolling import LongPollingOptions
from wirerace.transports.polling import PollingOptions
from wirerace.workload.schedule import Source
from wirerace.workload.shapes import StepsShape, StepsStage
from wirerace.workload.trace import Event

EXPERIMENTS = Path(__file__).parents[3] / "experiments"


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_experiment_can_be_run(path: Path) -> None:
    study = read_experiment(path)
    check_objectives(study)

    plans = [plan for setting in study.settings for plan in plans_of(setting, 1)]
    assert set(study.first.transports) <= {plan.transport.name for plan in plans}
    assert len(plans) == len({plan.name for plan in plans})


def test_there_are_experiments_to_start_from() -> None:
    assert EXPERIMENTS / "first-look.toml" in set(EXPERIMENTS.glob("*.toml"))


def test_title_and_transports_are_enough(tmp_path: Path) -> None:
    assert Experiment("Least", ["polling", "websocket"]) == read_experiment(written(tmp_path, LEAST)).first


def test_every_key_of_a_file_is_read(tmp_path: Path) -> None:
    text = """
    title = "All"
    transports = ["longpolling"]
    repeats = 2
    seed = 3
    producer = { rate_per_second = 4, arrivals = "periodic", payload_bytes = 5 }
    clients = { count = 6, spawn_per_second = 7.5 }
    polling = { interval_seconds = 8.5 }
    longpolling = { hold_seconds = 9.5, repoll_delay_seconds = 10, keep_alive = false }
    load = { pin_cores = false, processes = 3 }
    window = { warmup_seconds = 11, measure_seconds = 12.5 }
    path = "mobile"
    paths = { mobile = { delay_seconds = 0.05 } }
    faults = [{ kind = "stall", on = "server", at_seconds = 11.1, lasts_seconds = 1.4 }]
    contestants = [{ id = "own", transport = "websocket", title = "Own", options = { ping_interval_seconds = 9 } }]
    """
    experiment = read_experiment(written(tmp_path, text)).first

    assert ("All", ["longpolling"], 2, 3) == (
        experiment.title,
        experiment.transports,
        experiment.repeats,
        experiment.seed,
    )
    assert Source(rate_per_second=4.0, arrivals="periodic", payload_bytes=5) == experiment.producer
    assert (6, 7.5, False) == (
        experiment.clients.count,
        experiment.clients.spawn_per_second,
        experiment.load.pin_cores,
    )
    assert (11.0, 12.5) == (experiment.window.warmup_seconds, experiment.window.measure_seconds)
    assert {
        "polling": PollingOptions(interval_seconds=8.5),
        "longpolling": LongPollingOptions(hold_seconds=9.5, repoll_delay_seconds=10.0, keep_alive=False),
    } == experiment.options
    assert 3 == experiment.load.processes
    assert ("mobile", {"mobile": NetworkPath(0.05)}) == (experiment.path, experiment.paths)
    assert [Fault(kind="stall", on="server", at_seconds=11.1, lasts_seconds=1.4)] == experiment.faults
    own = {"ping_interval_seconds": 9}
    assert [ContestantTable(id="own", transport="websocket", title="Own", options=own)] == experiment.contestants


def test_byte_order_mark_of_utf8_is_skipped(tmp_path: Path) -> None:
    assert Experiment("Least", ["polling", "websocket"]) == read_experiment(written(tmp_path, "\ufeff" + LEAST)).first


@pytest.mark.parametrize(("interval_seconds", "measure_seconds"), [(2, 10), (0.1, 0.5), (0.07, 0.35), (0.55, 2.75)])
def test_window_of_five_polls_is_long_enough(interval_seconds: float, measure_seconds: float, tmp_path: Path) -> None:
    tables = f"[polling]\ninterval_seconds = {interval_seconds}\n[window]\nmeasure_seconds = {measure_seconds}"

    assert measure_seconds == read_experiment(written(tmp_path, LEAST + tables)).first.window.measure_seconds


def test_window_may_be_short_without_polling_clients(tmp_path: Path) -> None:
    text = 'title = "t"\ntransports = ["websocket"]\nwindow.measure_seconds = 0.1'

    assert 0.1 == read_experiment(written(tmp_path, text)).first.window.measure_seconds


def test_shape_has_its_own_table(tmp_path: Path) -> None:
    tables = """
    [clients]
    shape = "steps"
    [[clients.steps.stages]]
    clients = 5
    seconds = 2
    [[clients.steps.stages]]
    clients = 200
    seconds = 3
    """
    clients = read_experiment(written(tmp_path, LEAST + tables)).first.clients

    assert StepsShape(stages=(StepsStage(5, 2), StepsStage(200, 3))) == clients.shape_options
    assert (5, 200) == (clients.count_at_start, clients.count)


def test_trace_is_the_same_for_all_trials_even_if_its_file_changes(tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text("time_ms,payload\n0,a\n500,b\n", "utf-8")
    tables = '[producer]\narrivals = "trace"\ntrace_file = "trace.csv"'
    experiment = read_experiment(written(tmp_path, LEAST + tables)).first
    (tmp_path / "trace.csv").unlink()

    assert [Event(0.0, "a"), Event(0.5, "b")] == schedule_of(experiment, 1, 0).trace
