"""Plans: the trials of a repeat, their seeds and their order, and the variants of a transport."""

from pathlib import Path

from tests.wirerace.experiment.files import LEAST, written
from tests.wirerace.trials import plan_of
from wirerace.experiment.model import Plan, plans_of
from wirerace.experiment.reading import read_experiment
from wirerace.transports.polling import PollingOptions
from wirerace.transports.websocket import WebSocketOptions


def by_name(found: list[Plan]) -> list[Plan]:
    return sorted(found, key=lambda plan: plan.name)


def test_transports_of_a_repeat_share_its_seed_and_repeats_do_not(tmp_path: Path) -> None:
    experiment = read_experiment(written(tmp_path, LEAST + "repeats = 2\nseed = 7"))

    for repeat, seed in ((1, 7), (2, 8)):
        expected = [plan_of("polling", repeat, seed), plan_of("websocket", repeat, seed)]
        assert expected == by_name(plans_of(experiment, repeat))


def test_order_within_a_repeat_is_shuffled_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    experiment = read_experiment(written(tmp_path, LEAST + "repeats = 20\nseed = 7"))
    orders = [[plan.transport.name for plan in plans_of(experiment, repeat)] for repeat in range(1, 21)]

    assert {("polling", "websocket"), ("websocket", "polling")} == set(map(tuple, orders))
    assert orders == [[plan.transport.name for plan in plans_of(experiment, repeat)] for repeat in range(1, 21)]


def test_variants_run_beside_the_plain_setting_and_differ_in_their_keys_alone(tmp_path: Path) -> None:
    tables = """
    [polling]
    interval_seconds = 0.5
    [variants.closed]
    polling = { keep_alive = false }
    longpolling = { keep_alive = false }
    """
    found = by_name(plans_of(read_experiment(written(tmp_path, LEAST + tables)), 1))

    assert ["1-polling", "1-polling-closed", "1-websocket"] == [plan.name for plan in found]
    assert ["Polling", "Polling (closed)", "WebSocket"] == [plan.title for plan in found]
    assert [
        PollingOptions(interval_seconds=0.5),
        PollingOptions(interval_seconds=0.5, keep_alive=False),
        WebSocketOptions(),
    ] == [plan.options for plan in found]


def test_override_of_a_plain_table_is_one_of_its_variants_too(tmp_path: Path) -> None:
    path = written(tmp_path, LEAST + "[variants.closed]\npolling = { keep_alive = false }")
    found = by_name(plans_of(read_experiment(path, ["polling.interval_seconds=0.5"]), 1))

    assert PollingOptions(interval_seconds=0.5, keep_alive=False) == found[1].options
