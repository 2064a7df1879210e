"""What the documents promise exists, and what exists is documented."""

import argparse
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from locust.argument_parser import LocustArgumentParser

from loadtests.options import add_options
from wirerace.analysis.figures import FIGURES
from wirerace.analysis.visit_figures import VISIT_FIGURES
from wirerace.experiment.plans import contestants_of
from wirerace.experiment.reading import read_experiment
from wirerace.experiment.reference import markdown, sections
from wirerace.record.checkup import Checkup
from wirerace.record.result import Failure, Host, Result
from wirerace.record.trial import Trial
from wirerace.reproductions.check import Check
from wirerace.reproductions.record import ReproductionRecord
from wirerace.theory.conditions import CONDITIONS
from wirerace.workload.shapes import SHAPES

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


def structs_in(kind: Any) -> set[type[msgspec.Struct]]:
    """Return the structs in a type, in any containers."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {kind}
    return {struct for part in get_args(kind) for struct in structs_in(part)}


def fields_of(struct: type[msgspec.Struct]) -> set[str]:
    """Return the keys of a struct and of the structs in it."""
    names = set()
    for field in msgspec.structs.fields(struct):
        names.add(field.name)
        for inner in structs_in(field.type):
            names |= fields_of(inner)
    return names


@pytest.mark.parametrize("struct", [Result, Trial, Failure, Host])
def test_every_key_of_a_result_is_documented(struct: type[msgspec.Struct]) -> None:
    documented = set(re.findall(r"`([a-z0-9_]+)`", (ROOT / "docs/results.md").read_text()))

    assert set() == fields_of(struct) - fields_of(Checkup) - documented, "a checkup's are in docs/measuring.md"


def test_every_figure_of_the_doctor_is_documented() -> None:
    documented = set(re.findall(r"`([a-z0-9_]+)`", (ROOT / "docs/measuring.md").read_text()))

    assert set() == fields_of(Checkup) - documented


def test_every_key_of_a_reproduction_is_documented() -> None:
    documented = set(re.findall(r"`([a-z0-9_]+)`", (ROOT / "docs/results.md").read_text()))

    assert set() == (fields_of(ReproductionRecord) | fields_of(Check)) - documented


def test_every_figure_of_the_summary_is_documented_as_it_is_declared() -> None:
    rows = re.findall(
        r"^\| `([a-z0-9_.]+)`(, primary)? \| (\w+) \| (less|more) \| (.+) \| (.+) \|$",
        (ROOT / "docs/results.md").read_text(),
        re.MULTILINE,
    )

    assert [
        (figure.id, figure.primary, figure.unit, figure.better, figure.label, figure.about)
        for figure in (*FIGURES, *VISIT_FIGURES)
    ] == [(name, bool(primary), unit, better, label, about) for name, primary, unit, better, label, about in rows]


def test_every_condition_of_theory_is_documented_with_its_limit() -> None:
    rows = re.findall(
        r"^\| `([a-z_]+)` \| .* \| ([\d.]+) \| ([\d.]+|never) \| [^|]+ \|$",
        (ROOT / "docs/theory.md").read_text(),
        re.MULTILINE,
    )

    assert {name: (about.most, about.excuses) for name, about in CONDITIONS.items()} == {
        name: (float(most), None if excuses == "never" else float(excuses)) for name, most, excuses in rows
    }


def test_locustfile_of_the_documents_is_the_example_that_the_tests_run() -> None:
    example = (ROOT / "examples/locustfile.py").read_text().partition("\n\n")[2].partition("\n\n\n# ruff")[0]

    assert f"```python\n{example}\n```\n" in (ROOT / "docs/locust_users.md").read_text()


def test_every_shape_and_each_of_its_keys_is_documented() -> None:
    documented = set(re.findall(r"`([a-z0-9_]+)`", (ROOT / "docs/driving.md").read_text()))
    keys = {field.name for shape in SHAPES.values() for field in msgspec.structs.fields(shape)}

    assert set() == (keys | SHAPES.keys()) - documented


def test_every_experiment_is_in_the_gallery() -> None:
    gallery = set(re.findall(r"`experiments/([a-z0-9-]+\.toml)`", (ROOT / "README.md").read_text()))

    assert {path.name for path in (ROOT / "experiments").glob("*.toml")} == gallery


def test_reference_of_experiment_files_is_what_the_model_says() -> None:
    assert (ROOT / "docs/experiments.md").read_text() == markdown(), "make docs writes it again"


def test_every_key_of_an_experiment_file_says_what_it_is_in_which_unit() -> None:
    for section in sections():
        for key in section.keys:
            assert all(key), f"{section.heading} {key.name}"
            assert key.about.strip(), f"{section.heading} {key.name} has no description"
            assert tomllib.loads(key.example), f"{section.heading} {key.name}"


def test_file_of_the_reference_can_be_run(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", markdown(), re.DOTALL)
    (tmp_path / "experiment.toml").write_text(block)
    study = read_experiment(tmp_path / "experiment.toml")

    assert 3 == len(study.settings)
    assert 3 == len(contestants_of(study.first))


def test_glossary_has_fifteen_words() -> None:
    assert 15 == len(re.findall(r"^\| [a-z]+ \| ", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)) - 1


@pytest.mark.parametrize("folder", ["docs", "docs/answers"])
def test_every_document_is_in_the_index_of_its_folder(folder: str) -> None:
    index = (ROOT / folder / "README.md").read_text()

    pages = [path.name for path in (ROOT / folder).glob("*.md") if path.name != "README.md"]

    assert [] == [page for page in pages if f"({page}" not in index]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())

    assert [] == [link for link in links if not (document.parent / link).exists()]


def test_flags_that_are_documented_exist() -> None:
    parser = LocustArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    text = (ROOT / "docs/driving.md").read_text()
    flags = set(re.findall(r"`(--(?:polling|longpolling|websocket|shape|control)[a-z-]*)", text))

    assert {"--shape", "--control-port"} < flags
    assert set() == flags - set(parser._option_string_actions)
