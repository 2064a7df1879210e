"""`wirerace advise`: what it prints, what it writes, and what it refuses."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.wirerace.cost_models import MODEL
from tests.wirerace.results import RESULT
from wirerace.analysis.cost_model.fit import refuse_poor
from wirerace.analysis.cost_model.model import CostModel, Residuals, decode_model
from wirerace.cli import app
from wirerace.cli.advise import SHIPPED, model_from
from wirerace.errors import BadInput
from wirerace.record.result import FILE_NAME
from wirerace.record.writing import write_json
from wirerace.report.model_check import off
from wirerace.transports import TRANSPORTS

ROOT = Path(__file__).parents[3]
HELD_OUT = ROOT / "tests" / "data" / "cost-model" / "held-out-1" / FILE_NAME
NEED = ["--clients", "100000", "--updates-per-second", "0.05", "--fresh-within", "5"]
POOR = Residuals(80, 0.45, 2.0, 0.1)


def refusal_of(*arguments: str) -> str:
    with pytest.raises(BadInput) as refusal:
        advised(*arguments)
    return str(refusal.value)


def advised(*arguments: str) -> None:
    app(["advise", *arguments], standalone_mode=False)


def test_shipped_model_fits_and_has_every_transport() -> None:
    model = model_from([])

    refuse_poor(model)
    assert list(TRANSPORTS) == model.transports


def test_residuals_in_the_documents_are_those_of_the_shipped_model() -> None:
    rows = re.findall(
        r"^\| ([\w ]+) \| (\d+) \| (.+) \| (.+) \| (.+) \|$", (ROOT / "docs/advice.md").read_text(), re.MULTILINE
    )

    assert [
        (
            TRANSPORTS[transport].title,
            str(found["cpu"].trials),
            *(off(found[name]) for name in ("cpu", "bytes", "latency")),
        )
        for transport, found in model_from([]).residuals.items()
    ] == rows


def test_shipped_model_says_where_it_comes_from() -> None:
    provenance = model_from([]).provenance

    assert provenance.revision
    assert provenance.packages
    assert provenance.note
    assert not re.search(r"/(home|root|tmp|work)/", SHIPPED.read_text())


@pytest.mark.long
def test_advice_is_a_sentence_a_table_and_notes(capsys: pytest.CaptureFixture[str]) -> None:
    advised(*NEED)
    lines = capsys.readouterr().out.splitlines()

    assert lines[0].startswith("Take ")
    assert "100,000 clients get 0.05 updates a second within 5 s" in " ".join(lines[:3])
    assert all(len(line) <= 80 for line in lines)
    assert all(any(line[2:].startswith(one.title) for line in lines) for one in TRANSPORTS.values())
    assert 1 == sum(line.startswith(">") for line in lines)


@pytest.mark.long
def test_advice_as_json_has_every_figure_with_its_unit(capsys: pytest.CaptureFixture[str]) -> None:
    advised(*NEED, "--json", "--price-gb", "0.2", "--payload-bytes", "500", "--round-trip", "0.05")
    document: dict[str, Any] = json.loads(capsys.readouterr().out)

    assert {"core_hour": 0.04, "gib_hour": 0.005, "gb": 0.2} == document["prices"]
    assert 500 == document["need"]["payload_bytes"]
    assert set(TRANSPORTS) == {one["transport"] for one in document["estimates"]}
    assert document["take"] in TRANSPORTS
    assert {flip["quantity"] for flip in document["flips"]} <= document["need"].keys()
    assert document["residuals"].keys() == document["measured"].keys() == set(TRANSPORTS)


@pytest.mark.long
def test_page_is_written_where_it_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "advice.html"
    advised("--page", str(place), *NEED)

    assert f"{place}: open it in a browser" in capsys.readouterr().out
    assert '"clients":100000' in place.read_text("utf-8")
    assert len(place.read_bytes()) < 100_000


@pytest.mark.long
def test_model_in_a_file_is_used_in_place_of_the_shipped_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_json(tmp_path / "model.json", MODEL)
    advised(*NEED, "--from", str(tmp_path / "model.json"), "--json")

    assert 80 == json.loads(capsys.readouterr().out)["provenance"]["trials"]


def test_model_that_does_not_fit_is_refused_with_its_error(tmp_path: Path) -> None:
    residuals = MODEL.residuals | {"sse": {**MODEL.residuals["sse"], "cpu": POOR}}
    write_json(tmp_path / "model.json", msgspec.structs.replace(MODEL, residuals=residuals))

    assert (
        "the cost model does not fit: the server's CPU time with SSE is off by 45 % or more in half of the trials, "
        "and 20 % is the most"
    ) in refusal_of(*NEED, "--from", str(tmp_path / "model.json"))


@pytest.mark.long
def test_model_of_ones_own_runs_is_saved_and_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place, runs = str(tmp_path / "model.json"), [str(HELD_OUT), str(HELD_OUT.parents[1] / "held-out-2")]
    advised("--fit", *runs, "--out", place, "--note", "two runs")
    assert f"{place}: a cost model of 60 trials" in capsys.readouterr().out
    advised(*NEED, "--from", place, "--json")
    saved = json.loads(capsys.readouterr().out)
    advised(*NEED, "--from", runs[0], "--from", runs[1], "--json")
    fitted = json.loads(capsys.readouterr().out)

    assert "two runs" == saved["provenance"]["note"]
    assert saved["estimates"] == fitted["estimates"]


@pytest.mark.long
def test_model_that_does_not_fit_is_not_saved(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    document = json.loads(HELD_OUT.read_text())
    for number, trial in enumerate(document["trials"]):
        trial["server"]["cpu_seconds"] *= 1 + 3 * (number % 3)
    other = HELD_OUT.parents[1] / "held-out-2"
    (tmp_path / "run" / FILE_NAME).write_text(json.dumps(document))
    place = tmp_path / "model.json"

    assert "the cost model does not fit: " in refusal_of(
        "--fit", str(tmp_path / "run"), str(other), "--out", str(place)
    )
    assert not place.exists()


@pytest.mark.long
def test_invalid_trials_are_used_only_if_they_are_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(HELD_OUT.read_text())
    for trial in document["trials"]:
        reason = {"weight": "reason", "what": "5 came late", "why": "late polls find more updates", "cure": ""}
        trial["verdict"] |= {"valid": False, "reasons": ["5 came late"], "findings": [reason]}
    (tmp_path / FILE_NAME).write_text(json.dumps(document))
    runs = ["--from", str(tmp_path), "--from", str(HELD_OUT.parents[1] / "held-out-2")]

    assert "trials at 2 settings are too few" in refusal_of(*NEED, *runs)
    assert "none of the 30 trials is valid" in refusal_of(*NEED, *runs[:2])
    advised(*NEED, *runs, "--any-verdict", "--json")
    provenance = json.loads(capsys.readouterr().out)["provenance"]
    assert (60, 30) == (provenance["trials"], provenance["invalid_trials"])
    assert {"late polls find more updates": 30} == provenance["invalid_because"]


def test_check_says_how_far_the_model_is_from_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    advised("--check", str(HELD_OUT))
    lines = capsys.readouterr().out.splitlines()

    assert len(lines) == 2 + len(TRANSPORTS)
    assert all(len(line) <= 80 for line in lines)


def test_run_without_a_usable_trial_is_refused_by_its_name(tmp_path: Path) -> None:
    write_json(tmp_path / FILE_NAME, RESULT)

    assert f"{tmp_path}: there is no trial to fit a cost model to; run a sweep" in refusal_of(
        *NEED, "--from", str(tmp_path)
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "--clients is missing: give --clients, --updates-per-second and --fresh-within"),
        (["--clients", "5", "--fresh-within", "5"], "--updates-per-second is missing"),
        ([*NEED, "--clients", "0"], "--clients must be from 1 to 1e+09, got 0"),
        ([*NEED, "--fresh-within", "nan"], "--fresh-within must be from 0.001 to 86,400, got nan"),
        ([*NEED, "--updates-per-second", "-1"], "--updates-per-second must be from 1e-06 to 100,000, got -1"),
        ([*NEED, "--payload-bytes", "1e9"], "--payload-bytes must be from 0 to"),
        ([*NEED, "--price-gb", "-1"], "--price-gb must be at least 0"),
        ([*NEED, "--from", "nowhere"], "nowhere/result.json: No such file or directory; give the directory of a run"),
        (
            [*NEED, "results"],
            "results: only --fit, --check and --page take a place; name runs to take the model from with --from",
        ),
        ([*NEED, "--out", "model.json"], "--out is the file of the model that --fit makes; give --fit"),
        (["--fit", "--out", "model.json"], "--fit takes the directories of runs, and --out the file of the model"),
        (["--fit", "results"], "--fit takes the directories of runs, and --out the file of the model"),
        (["--check"], "--check takes the directories of runs, and neither --fit nor --page"),
        (["--page", "a", "b"], "--page takes one file"),
    ],
)
def test_bad_input_gets_one_line_with_the_cure(arguments: list[str], line: str) -> None:
    assert line in refusal_of(*arguments)


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "nonsense", '{"schema": 1}', '{"schema": 2}', '{"schema": 1, "coefficients": 5}']
)
def test_damaged_model_is_refused(tmp_path: Path, content: str) -> None:
    place = tmp_path / "model.json"
    place.write_text(content)

    assert f"{place}: no cost model of Wirerace: " in refusal_of(*NEED, "--from", str(place))


def test_shipped_model_is_in_what_is_installed() -> None:
    assert SHIPPED.is_relative_to(ROOT / "wirerace")
    assert isinstance(decode_model(SHIPPED.read_bytes(), "shipped"), CostModel)
