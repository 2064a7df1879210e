"""Files that people write or edit: experiments, overrides, traces, results."""

import copy
import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from tests.fuzz.fuzzing import as_json, damaged, damaged_or_edited, damaged_text, fuzzed, refuses_by_errors_of_its_own
from tests.wirerace.cost_models import MODEL
from tests.wirerace.results import RAW, RESULT, TRIAL, with_objects
from wirerace.analysis.cost_model.estimate import HostSize, Need, Prices, advised
from wirerace.cli import report, show
from wirerace.cli.advise import model_from
from wirerace.decoding import Misfit, decode_json
from wirerace.experiment.model import Experiment
from wirerace.experiment.reading import read_experiment
from wirerace.record.reading import read_raw
from wirerace.record.result import FILE_NAME
from wirerace.record.trial import Cell, Trial, Verdict
from wirerace.report.recommendation import lines_of
from wirerace.reproductions.check import Check
from wirerace.reproductions.record import RECORD_NAME, ReproductionRecord
from wirerace.runner.directory import RAW as RAW_FOLDER
from wirerace.workload.moments import moment_of
from wirerace.workload.trace import read_trace

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
EXPERIMENTS = [path.read_bytes() for path in sorted((ROOT / "experiments").glob("*.toml"))]
LEAST = b'title = "t"\ntransports = ["polling", "websocket"]\n'
TABLES: dict[str, Any] = msgspec.to_builtins(Experiment("t", []))
KEYS = [*TABLES, *(f"{name}.{key}" for name, table in TABLES.items() if isinstance(table, dict) for key in table)]
CSVS = (
    b"time,payload\n1,a\n2.5,b\n3,\n",
    b'# made by hand\n0;"a\nb"\n0,5;c\n\n1,5;"d""e"\n',
    b"1700000000000,a\n1700000000500,b\n1700000001000,c\n",
    b"ts_us\n0\n500\n1000\n",
    b'2026-01-01T00:00:00.5Z,a\n2026-01-01T01:00:01+01:00,"b,c"\n',
    b'"2026-01-01 00:00:00,123",a\n"2026-01-01 00:00:01,123",b\n',
    b"\xef\xbb\xbf0\ta\r\n1\tb\r\n",
)
JSON_LINES = (
    b'{"time": 1, "payload": "a"}\n{"time": 2.5}\n{"payload": null, "time": 3}\n',
    '{"time": "2026-01-01 00:00:00,5", "payload": "ä"}\n\n{"time": "2026-01-02"}\n'.encode(),
    b'{"time": 1700000000000, "x": [1, {"y": 2}]}\r\n{"time": 1700000000001}\r\n',
)
CELL = Cell("latency_seconds", 0.5, 0.4, 0.45, 0.1, 1.25, 0.05, within=False)
VERDICT = Verdict(valid=False, reasons=["5 of 10 requests failed"], doubts=["1 came late"], unchecked=["the clock"])


def filled(place: Any, whole: Any) -> None:
    """Replace every unknown value of a trial by a number, if it may be one."""
    for key in list(place) if isinstance(place, dict) else range(len(place)):
        if isinstance(place[key], dict | list):
            filled(place[key], whole)
        elif place[key] is None:
            place[key] = 1
            try:
                decode_json(as_json(whole), Trial)
            except Misfit:
                place[key] = None


def results() -> list[Any]:
    """Return a small result, and one of two contestants in three repeats, all of whose figures are known."""
    small, large = (msgspec.json.decode(msgspec.json.encode(RESULT)) for _ in range(2))
    known = msgspec.structs.replace(TRIAL, arrived=5, theory=[CELL], verdict=VERDICT)
    trial = msgspec.json.decode(msgspec.json.encode(known))
    filled(trial, trial)
    contestants = [(repeat, name) for repeat in (1, 2, 3) for name in ("polling", "websocket")]
    large["trials"] = [copy.deepcopy(trial) | {"repeat": repeat, "transport": name} for repeat, name in contestants]
    return [small, large]


RESULTS = results()
RAWS: list[Any] = [msgspec.json.decode(msgspec.json.encode(RAW)), with_objects(RAW)]
CHECK = Check("x", "seconds", "1 s", 1.5, 1.0, 2.0, "± 50 %", passed=True)
RECORD = ReproductionRecord("0.1.0", "kaazing", "a source", "a setup", "words", valid=True, passed=True, checks=[CHECK])
MODELS: list[Any] = [msgspec.json.decode(msgspec.json.encode(MODEL))]
RECORDS: list[Any] = [msgspec.json.decode(msgspec.json.encode(RECORD))]


@pytest.fixture(scope="module", autouse=True)
def _trace(directory: Path) -> None:
    """Write the trace that the experiments play."""
    (directory / "traces").mkdir()
    (directory / "traces" / "test-run.csv").write_bytes(CSVS[0])


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@fuzzed
def test_experiment(directory: Path, random: Random) -> None:
    path = directory / "experiment.toml"
    refuses_by_errors_of_its_own(lambda content: read_experiment(write(path, content)), damaged(random, EXPERIMENTS))


def override(random: Random) -> str:
    """Return an argument of --set: a known key with any value, or a damaged argument."""
    if random.random() < 0.3:
        return damaged_text(random, [f"{key}=1".encode() for key in KEYS])
    value = damaged_text(random, [b"[1, 2]", b"{ a = 1 }", b"'x'", b"1.5", b"true"])
    return f"{random.choice(KEYS)}={value}"


@fuzzed
def test_overrides(directory: Path, random: Random) -> None:
    path = write(directory / "least.toml", LEAST)
    overrides = [override(random) for _ in range(random.randint(1, 3))]
    refuses_by_errors_of_its_own(lambda given: read_experiment(path, given), overrides)


@pytest.mark.parametrize("seeds", [CSVS, JSON_LINES], ids=["csv", "json-lines"])
@fuzzed
def test_trace(directory: Path, seeds: tuple[bytes, ...], random: Random) -> None:
    path, speed = directory / "trace", random.choice([1.0, 0.5, 1e6, 1e-300])
    content = damaged(random, seeds)
    refuses_by_errors_of_its_own(lambda given: read_trace(write(path, given), speed).summary(speed), content)


@fuzzed
def test_moment(random: Random) -> None:
    text = damaged_text(random, [b"1700000000.5", b"-1", b"2026-01-01T00:00:00.123456789+01:00", b"20260101T000000Z"])
    refuses_by_errors_of_its_own(moment_of, text)


def shown(path: Path, content: bytes) -> None:
    """Call wirerace show for a file."""
    write(path, content)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        show.command(path)


@pytest.mark.long
@fuzzed
def test_result(directory: Path, random: Random) -> None:
    path = directory / FILE_NAME
    refuses_by_errors_of_its_own(lambda content: shown(path, content), damaged_or_edited(random, RESULTS))


def told(path: Path, content: bytes) -> None:
    """Call wirerace report for a file."""
    write(path, content)
    with redirect_stdout(io.StringIO()):
        report.command([path])


@pytest.mark.long
@fuzzed
def test_report(directory: Path, random: Random) -> None:
    path = directory / FILE_NAME
    refuses_by_errors_of_its_own(lambda content: told(path, content), damaged_or_edited(random, RESULTS))


@pytest.mark.long
@fuzzed
def test_report_with_raw_records(directory: Path, random: Random) -> None:
    (directory / RAW_FOLDER).mkdir(exist_ok=True)
    raw, result = directory / RAW_FOLDER / "1-websocket.json", as_json(RESULTS[0])

    def both(content: bytes) -> None:
        write(raw, content)
        told(directory / FILE_NAME, result)

    refuses_by_errors_of_its_own(both, damaged_or_edited(random, RAWS))


def advice_from(path: Path, content: bytes) -> None:
    """Call wirerace advise with a model, or with the result of a run."""
    model = model_from([write(path, content)])
    need, prices = Need(1000, 1.0, 5.0), Prices()
    lines_of(model, need, advised(model, need, prices), [], HostSize())


@fuzzed
def test_cost_model(directory: Path, random: Random) -> None:
    path = directory / "model.json"
    refuses_by_errors_of_its_own(lambda content: advice_from(path, content), damaged_or_edited(random, MODELS))


@fuzzed
def test_result_for_a_cost_model(directory: Path, random: Random) -> None:
    path = directory / FILE_NAME
    refuses_by_errors_of_its_own(lambda content: advice_from(path, content), damaged_or_edited(random, RESULTS))


@fuzzed
def test_raw_record(directory: Path, random: Random) -> None:
    path = directory / "raw.json"
    refuses_by_errors_of_its_own(lambda content: read_raw(write(path, content)), damaged_or_edited(random, RAWS))


@pytest.mark.long
@fuzzed
def test_reproduction(directory: Path, random: Random) -> None:
    write(directory / FILE_NAME, as_json(RESULTS[0]))
    path = directory / RECORD_NAME
    refuses_by_errors_of_its_own(lambda content: shown(path, content), damaged_or_edited(random, RECORDS))


def test_what_is_damaged_was_whole(directory: Path) -> None:
    for document in RESULTS:
        shown(directory / FILE_NAME, as_json(document))
    shown(directory / RECORD_NAME, as_json(RECORDS[0]))
    for content in (*CSVS, *JSON_LINES):
        read_trace(write(directory / "trace", content))
    advice_from(directory / "model.json", as_json(MODELS[0]))
    for document in RAWS:
        assert RAW == read_raw(write(directory / "raw.json", as_json(document)))
