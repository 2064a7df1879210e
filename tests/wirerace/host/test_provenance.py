"""Where a result comes from: revision, processor and the experiment's file."""

import hashlib
import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from wirerace.host import limits
from wirerace.host.limits import cpu_model
from wirerace.host.provenance import experiment_file, host, revision_of
from wirerace.runner.parts.process import ROOT

pytestmark = pytest.mark.processes

INTEL = "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Processor\n\nprocessor\t: 1\nmodel name\t: another\n"
BOARD = "processor\t: 0\nBogoMIPS\t: 108.00\n\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n"


def git(directory: Path, *arguments: str) -> str:
    options = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", "-C", str(directory), *options, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "code.py").write_text("1\n")
    git(tmp_path, "add", "code.py")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    git(tmp_path, "tag", "v1")
    return tmp_path


@pytest.mark.processes
def test_revision_is_the_commit_whatever_tags_there_are(checkout: Path) -> None:
    assert git(checkout, "rev-parse", "HEAD") == revision_of(checkout)


@pytest.mark.processes
def test_revision_says_that_files_were_changed_since(checkout: Path) -> None:
    (checkout / "code.py").write_text("2\n")

    assert f"{git(checkout, 'rev-parse', 'HEAD')}-dirty" == revision_of(checkout)


@pytest.mark.processes
def test_package_below_somebody_elses_checkout_is_not_of_its_revision(checkout: Path) -> None:
    (checkout / "site-packages").mkdir()

    assert revision_of(checkout / "site-packages") is None


@pytest.mark.processes
def test_revision_is_unknown_outside_a_checkout_and_without_git(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert revision_of(tmp_path / "other") is None
    monkeypatch.setenv("PATH", str(tmp_path / "other"))
    assert revision_of(checkout) is None


@pytest.mark.processes
def test_variables_of_git_that_name_another_repository_do_not_count(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = revision_of(checkout)
    monkeypatch.setenv("GIT_DIR", "/nowhere")

    assert found == revision_of(checkout)


@pytest.mark.parametrize(
    ("cpuinfo", "model"), [(INTEL, "Intel(R) Xeon(R) Processor"), (BOARD, "Raspberry Pi 4 Model B Rev 1.4")]
)
def test_processor_is_what_it_calls_itself(
    cpuinfo: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(limits, "PROC", tmp_path)

    assert model == cpu_model()


def test_processor_that_does_not_report_its_name_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PROC", tmp_path)
    monkeypatch.setattr("platform.processor", lambda: "")

    assert cpu_model() is None


def test_experiments_file_is_known_by_name_and_by_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("title = 1\n")
    found = experiment_file(tmp_path / "mine.toml")

    assert found is not None
    assert ("mine.toml", hashlib.sha256(b"title = 1\n").hexdigest()) == (found.name, found.sha256)


@pytest.mark.parametrize("path", ["/dev/null", "gone.toml"])
def test_what_is_no_file_has_neither(path: str) -> None:
    assert experiment_file(Path(path)) is None


@pytest.mark.processes
def test_host_of_this_checkout_has_its_revision_if_it_is_one() -> None:
    commit = git(ROOT, "rev-parse", "HEAD") if (ROOT / ".git").exists() else None

    assert host().revision in ({None} if commit is None else {commit, f"{commit}-dirty"})


def test_name_of_an_experiment_file_that_is_no_text_can_be_written(tmp_path: Path) -> None:
    """A file's name is bytes, and Python has those that are no UTF-8 as half of a surrogate pair."""
    file = tmp_path / os.fsdecode(b"mine\xff.toml")
    file.write_text("")

    found = experiment_file(file)

    assert found is not None
    assert rb"mine\udcff.toml" in msgspec.json.decode(msgspec.json.encode(found.name)).encode()
