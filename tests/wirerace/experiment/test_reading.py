from pathlib import Path

import pytest

from tests.wirerace.experiment.bad_files import BAD_FILES, LEAST
from tests.wirerace.trials import plan_of
from wirerace.errors import BadInput
from wirerace.experiment.model import Experiment, Link, Plan, Stall, plans_of, schedule_of
from wirerace.experiment.reading import read_experiment
from wirerace.schedule import Source
from wirerace.shapes import Stage, Steps
from wirerace.trace import Event
from wirerace.transports import TRANSPORTS, LongPollingOptions, PollingOptions, WebSocketOptions

EXPERIMENTS = Path(__file__).parents[3] / "experiments"


def written(directory: Path, text: str) -> Path:
    path = directory / "experiment.toml"
    path.write_text(text, "utf-8")
    return path


def refusal_of(path: Path, *overrides: str) -> str:
    with pytest.raises(BadInput) as refusal:
        read_experiment(path, overrides)
    return str(refusal.value)


def by_name(found: list[Plan]) -> list[Plan]:
    return sorted(found, key=lambda plan: plan.name)


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_experiment_can_be_run(path: Path) -> None:
    experiment = read_experiment(path)

    plans = plans_of(experiment, 1)
    assert set(experiment.transports) == {plan.transport.name for plan in plans}
    assert len(plans) == len({plan.name for plan in plans})


def test_there_are_experiments_to_start_from() -> None:
    assert EXPERIMENTS / "first-look.toml" in set(EXPERIMENTS.glob("*.toml"))


def test_title_and_transports_are_enough(tmp_path: Path) -> None:
    assert Experiment("Least", ["polling", "websocket"]) == read_experiment(written(tmp_path, LEAST))


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
    link = { delay_seconds = 0.05 }
    stall = { at_seconds = 11.1, lasts_seconds = 1.4 }
    """
    experiment = read_experiment(written(tmp_path, text))

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
    assert [
        PollingOptions(interval_seconds=8.5),
        LongPollingOptions(hold_seconds=9.5, repoll_delay_seconds=10.0, keep_alive=False),
        WebSocketOptions(),
    ] == [getattr(experiment, transport) for transport in TRANSPORTS]
    assert 3 == experiment.load.processes
    assert (Link(0.05), Stall(11.1, 1.4)) == (experiment.link, experiment.stall)


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


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_refused_on_one_line_that_names_file_key_and_cure(name: str, tmp_path: Path) -> None:
    text, line = BAD_FILES[name]
    path = written(tmp_path, text)

    assert f"{path}: {line}" == refusal_of(path)


def test_unknown_key_of_a_table_without_keys_is_refused_with_a_cure(tmp_path: Path) -> None:
    """WebSocket has no options: there is no list to choose from."""
    line = refusal_of(written(tmp_path, LEAST + "[websocket]\nx = 1"))

    assert "x is no key of [websocket]" in line
    assert not line.rstrip().endswith("there are")


@pytest.mark.parametrize("key", ["two words", "two\nlines"])
def test_unknown_key_in_quotes_is_named_whole_and_on_one_line(key: str, tmp_path: Path) -> None:
    quoted = key.replace("\n", "\\n")
    line = refusal_of(written(tmp_path, f'{LEAST}"{quoted}" = 1'))

    assert quoted in line
    assert [line] == line.splitlines()


def test_file_that_is_not_there_is_refused_with_a_place_to_look(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"

    assert f"{path}: No such file or directory; experiments/ has some to start from" == refusal_of(path)


def test_directory_is_refused(tmp_path: Path) -> None:
    assert f"{tmp_path}: Is a directory; experiments/ has some to start from" == refusal_of(tmp_path)


@pytest.mark.parametrize("content", [b"title =", b"seed = 1\nseed = 2", b"[clients\n", b"seed = " + b"9" * 5000])
def test_file_that_is_no_toml_is_refused_on_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_bytes(content)

    line = refusal_of(path)
    assert line.startswith(f"{path}: not TOML: ")
    assert [line] == line.splitlines()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'\ntitle = "\xff"', ":2: not UTF-8; save the file as UTF-8"),
        (b"title = 1\n\x00", ":2: a NUL byte, so this is no text; save the file as UTF-8"),
        (LEAST.encode("utf-16"), ": UTF-16, as its byte order mark says; save it as UTF-8"),
    ],
)
def test_file_in_another_encoding_is_refused_with_its_name(content: bytes, line: str, tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_bytes(content)

    assert f"{path}{line}" == refusal_of(path)


def test_byte_order_mark_of_utf8_is_passed_over(tmp_path: Path) -> None:
    assert Experiment("Least", ["polling", "websocket"]) == read_experiment(written(tmp_path, "\ufeff" + LEAST))


@pytest.mark.parametrize("name", ["a\0b.toml", "none\x1b[2J.toml", "none\udcff.toml"])
def test_name_that_no_file_has_is_refused_on_a_line_that_any_terminal_may_get(name: str, tmp_path: Path) -> None:
    line = refusal_of(tmp_path / name)

    assert line.startswith(str(tmp_path))
    assert line.endswith("; experiments/ has some to start from")
    assert line.isprintable()


@pytest.mark.parametrize(
    ("directory", "trace_file", "line"),
    [
        ("plain", r"a\u0000b", "/a\\x00b: embedded null byte; name a trace with producer.trace_file"),
        ("\udcff", "trace.csv", " is no UTF-8; rename the file or its directory"),
    ],
)
def test_trace_whose_name_cannot_be_used_is_refused(directory: str, trace_file: str, line: str, tmp_path: Path) -> None:
    (tmp_path / directory).mkdir()
    path = written(tmp_path / directory, f'{LEAST}[producer]\narrivals = "trace"\ntrace_file = "{trace_file}"')

    assert refusal_of(path).endswith(line)


@pytest.mark.parametrize(("interval_seconds", "measure_seconds"), [(2, 10), (0.1, 0.5), (0.07, 0.35), (0.55, 2.75)])
def test_window_of_five_polls_is_long_enough(interval_seconds: float, measure_seconds: float, tmp_path: Path) -> None:
    tables = f"[polling]\ninterval_seconds = {interval_seconds}\n[window]\nmeasure_seconds = {measure_seconds}"

    assert measure_seconds == read_experiment(written(tmp_path, LEAST + tables)).window.measure_seconds


def test_window_may_be_short_where_nobody_polls(tmp_path: Path) -> None:
    text = 'title = "t"\ntransports = ["websocket"]\nwindow.measure_seconds = 0.1'

    assert 0.1 == read_experiment(written(tmp_path, text)).window.measure_seconds


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("repeats=3", {"repeats": 3}),
        ("title=two words", {"title": "two words"}),
        ('title="3"', {"title": "3"}),
        ("title=a=b", {"title": "a=b"}),
        (" seed = 5 ", {"seed": 5}),
        ("title=1\nseed=2", {"title": "1\nseed=2"}),
        ('transports=["longpolling"]', {"transports": ["longpolling"]}),
    ],
)
def test_override_sets_a_key_as_toml_does(override: str, expected: dict[str, object], tmp_path: Path) -> None:
    experiment = read_experiment(written(tmp_path, LEAST), [override])

    assert expected == {key: getattr(experiment, key) for key in expected}


def test_override_reaches_into_a_table_with_or_without_one_in_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, LEAST + "[clients]\ncount = 5\nspawn_per_second = 6")
    experiment = read_experiment(path, ["clients.count=7", "window.warmup_seconds=0.5"])

    assert (7, 6.0, 0.5) == (
        experiment.clients.count,
        experiment.clients.spawn_per_second,
        experiment.window.warmup_seconds,
    )


def test_later_override_wins(tmp_path: Path) -> None:
    assert 3 == read_experiment(written(tmp_path, LEAST), ["seed=2", "seed=3"]).seed


@pytest.mark.parametrize("override", ["seed", "", "=3", ".seed=3", "clients.=3", "clients..count=3"])
def test_override_of_another_form_is_refused_with_an_example(override: str, tmp_path: Path) -> None:
    expected = f"--set takes key=value such as clients.count=500, got {override!r}"

    assert expected == refusal_of(written(tmp_path, LEAST), override)


def test_override_that_is_no_text_is_refused_before_it_is_found_in_a_result(tmp_path: Path) -> None:
    assert r"--set takes UTF-8, got 'title=\udcff'" == refusal_of(written(tmp_path, LEAST), "title=\udcff")


def test_override_into_what_is_no_table_is_refused(tmp_path: Path) -> None:
    assert "--set title.x=1: title is no table" == refusal_of(written(tmp_path, LEAST), "title.x=1")


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("clients.count=many", "clients.count must be a whole number, got 'many'"),
        ("clients.count=" + "9" * 5000, f"clients.count must be a whole number, got '{'9' * 80}…"),
        ("clients.count=" + "[" * 5000, f"clients.count must be a whole number, got '{'[' * 80}…"),
        ("clients.count=2026-01-01", "clients.count must be a whole number, got datetime.date(2026, 1, 1)"),
        ("clients.count=\x1b[2J", r"clients.count must be a whole number, got '\x1b[2J'"),
        ("clients.count=", "clients.count must be a whole number, got ''"),
        ("clients=5", "clients must be a table, got 5"),
        (
            "clients.number=5",
            "number is no key of [clients]; there are count, spawn_per_second, shape, steps, spike, ramp, storm",
        ),
    ],
)
def test_override_is_checked_like_the_file(override: str, line: str, tmp_path: Path) -> None:
    path = written(tmp_path, LEAST)

    assert f"{path}: {line}" == refusal_of(path, override)


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
    clients = read_experiment(written(tmp_path, LEAST + tables)).clients

    assert Steps(stages=(Stage(5, 2), Stage(200, 3))) == clients.shape_options
    assert (5, 200) == (clients.count_at_start, clients.count)


def test_file_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "x = " + "[" * 5000)

    assert f"{path}: nested too deeply to be an experiment" == refusal_of(path)


def test_trace_is_the_same_for_all_trials_whatever_becomes_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text("time_ms,payload\n0,a\n500,b\n", "utf-8")
    tables = '[producer]\narrivals = "trace"\ntrace_file = "trace.csv"'
    experiment = read_experiment(written(tmp_path, LEAST + tables))
    (tmp_path / "trace.csv").unlink()

    assert [Event(0.0, "a"), Event(0.5, "b")] == schedule_of(experiment, 1, 0).trace


def test_trace_that_cannot_be_read_is_refused_by_both_names(tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text("1\n0\n", "utf-8")
    tables = '[producer]\narrivals = "trace"\ntrace_file = "trace.csv"'
    path = written(tmp_path, LEAST + tables)

    line = f"{path}: {tmp_path / 'trace.csv'}:2: time goes back by 1 s; sort the events by time"
    assert line == refusal_of(path)
