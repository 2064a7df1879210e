"""Plans: the trials of a repeat, their seeds, their order, their contestants and paths."""

from pathlib import Path

from tests.wirerace.experiment.files import LEAST, written
from tests.wirerace.trials import plan_of
from wirerace.experiment.plans import Plan, plans_of
from wirerace.experiment.reading import read_experiment
from wirerace.transports.polling import PollingOptions
from wirerace.transports.websocket import WebSocketOptions


def by_name(found: list[Plan]) -> list[Plan]:
    return sorted(found, key=lambda plan: plan.name)


def test_transports_of_a_repeat_share_its_seed_and_repeats_do_not(tmp_path: Path) -> None:
    experiment = read_experiment(written(tmp_path, LEAST + "repeats = 2\nseed = 7")).first

    for repeat, seed in ((1, 7), (2, 8)):
        expected = [plan_of(name, repeat, seed, experiment=experiment) for name in ("polling", "websocket")]
        assert expected == by_name(plans_of(experiment, repeat))


def test_order_within_a_repeat_is_shuffled_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    experiment = read_experiment(written(tmp_path, LEAST + "repeats = 20\nseed = 7")).first
    orders = [[plan.transport.name for plan in plans_of(experiment, repeat)] for repeat in range(1, 21)]

    assert {("polling", "websocket"), ("websocket", "polling")} == set(map(tuple, orders))
    assert orders == [[plan.transport.name for plan in plans_of(experiment, repeat)] for repeat in range(1, 21)]


def test_contestants_run_beside_the_shorthand_and_differ_in_their_options_alone(tmp_path: Path) -> None:
    tables = """
    [polling]
    interval_seconds = 0.5
    [[contestants]]
    id = "polling-closed"
    transport = "polling"
    options = { keep_alive = false }
    [[contestants]]
    id = "pinged"
    title = "WebSocket with pings"
    transport = "websocket"
    options = { ping_interval_seconds = 5 }
    """
    found = by_name(plans_of(read_experiment(written(tmp_path, LEAST + tables)).settings[0], 1))

    assert ["1-pinged", "1-polling", "1-polling-closed", "1-websocket"] == [plan.name for plan in found]
    assert ["WebSocket with pings", "Polling", "Polling (closed)", "WebSocket"] == [plan.title for plan in found]
    assert [
        WebSocketOptions(ping_interval_seconds=5.0),
        PollingOptions(interval_seconds=0.5),
        PollingOptions(interval_seconds=0.5, keep_alive=False),
        WebSocketOptions(),
    ] == [plan.options for plan in found]


def test_override_of_a_transports_table_holds_for_its_contestants_too(tmp_path: Path) -> None:
    contestant = '[[contestants]]\nid = "closed"\ntransport = "polling"\noptions = { keep_alive = false }'
    study = read_experiment(written(tmp_path, LEAST + contestant), ["polling.interval_seconds=0.5"])
    options = {plan.contestant.id: plan.options for plan in plans_of(study.settings[0], 1)}

    assert PollingOptions(interval_seconds=0.5, keep_alive=False) == options["closed"]


def test_contestants_may_be_declared_without_any_shorthand(tmp_path: Path) -> None:
    text = 'title = "t"\n[[contestants]]\nid = "only"\ntransport = "longpolling"'

    assert ["only"] == [plan.contestant.id for plan in plans_of(read_experiment(written(tmp_path, text)).first, 1)]


def test_path_is_the_contestants_own_or_that_of_the_experiment(tmp_path: Path) -> None:
    text = """
    path = "far"
    [paths.far]
    delay_seconds = 0.2
    [paths.near]
    delay_seconds = 0.01
    [[contestants]]
    id = "near"
    transport = "polling"
    path = "near"
    """
    plans = plans_of(read_experiment(written(tmp_path, LEAST + text)).first, 1)

    assert {"polling": 0.2, "websocket": 0.2, "near": 0.01} == {
        plan.contestant.id: plan.path.delay_seconds for plan in plans
    }
