"""A directory belongs to one run, and results/latest to one that has a result."""

import json
import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.refusals import lacking
from tests.wirerace.results import RAW, RESULT
from wirerace.errors import BadInput, SystemFault, TrialFailed
from wirerace.record.reading import read_result
from wirerace.record.result import FILE_NAME, Result
from wirerace.record.writing import write_json
from wirerace.runner.directory import LATEST, RESULTS, RunDirectory, claimed, resumed
from wirerace.system import fault_of

AT_ONCE = 16


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without any run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def same_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make everything start at the same time."""

    class Clock:
        @staticmethod
        def now(zone: object) -> datetime:
            assert zone is UTC
            return datetime(2026, 1, 1, tzinfo=UTC)

    monkeypatch.setattr("wirerace.runner.directory.datetime", Clock)


def new_result() -> Result:
    return msgspec.structs.replace(RESULT, trials=list(RESULT.trials), failures=[], warnings=[])


def refusal_of(out: Path) -> str:
    with pytest.raises(BadInput) as refusal, claimed("x", out):
        pass
    return str(refusal.value)


@pytest.mark.usefixtures("same_second")
def test_runs_that_start_in_one_second_get_a_directory_each() -> None:
    with claimed("first-look") as one, claimed("first-look") as two, claimed("first-look") as three:
        names = [run.path.name for run in (one, two, three)]
    assert ["first-look-20260101T000000Z", "first-look-20260101T000000Z-2", "first-look-20260101T000000Z-3"] == names


@pytest.mark.parametrize("exists", [False, True])
def test_directory_that_many_want_at_once_is_given_to_one(tmp_path: Path, *, exists: bool) -> None:
    out = tmp_path / "out"
    if exists:
        out.mkdir()
    with ExitStack() as held, ThreadPoolExecutor(AT_ONCE) as many:

        def claim(_: int) -> str:
            try:
                held.enter_context(claimed("x", out))
            except BadInput as error:
                return str(error)
            return ""

        refusals = sorted(many.map(claim, range(AT_ONCE)))
    assert ["", *[f"--out {out} holds something already: name a new directory"] * (AT_ONCE - 1)] == refusals


@pytest.mark.parametrize("name", ["result.json", "logs", ".hidden"])
def test_directory_that_holds_something_is_refused_and_left_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")
    assert f"--out {tmp_path / 'out'} holds something already: name a new directory" == refusal_of(tmp_path / "out")
    assert [name] == [entry.name for entry in (tmp_path / "out").iterdir()]


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_file_is_refused_as_a_directory(tmp_path: Path, out: str) -> None:
    (tmp_path / "file").write_text("mine")
    assert f"{tmp_path / out}: Not a directory; name another with --out" == refusal_of(tmp_path / out)


def test_results_that_are_a_file_are_refused(place: Path) -> None:
    (place / RESULTS).write_text("mine")
    with pytest.raises(BadInput, match="results: Not a directory; name another with --out"), claimed("x"):
        pass


def test_run_that_came_to_nothing_leaves_no_directory(place: Path) -> None:
    with pytest.raises(TrialFailed) as failure, claimed("x"):
        raise TrialFailed("it broke")
    assert [] == list((place / RESULTS).iterdir())
    assert not hasattr(failure.value, "__notes__")


def test_empty_directory_that_somebody_gave_stays_when_the_run_came_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with claimed("x", tmp_path / "out"):
        pass
    assert [] == list((tmp_path / "out").iterdir())


def test_run_that_is_ended_early_says_where_what_was_finished_is(tmp_path: Path) -> None:
    def run() -> None:
        with claimed("x", tmp_path / "out") as directory:
            directory.save(new_result())
            raise OSError(28, "no space")

    with pytest.raises(OSError, match="no space") as failure:
        run()
    out = tmp_path / "out"
    assert [f"what was finished is in {out}: continue with --resume {out}"] == failure.value.__notes__


def test_run_that_continues_writes_where_it_began_and_no_other_may_meanwhile(tmp_path: Path) -> None:
    with claimed("x", tmp_path / "out") as directory:
        directory.save(new_result())
        with pytest.raises(BadInput, match="another run is writing to it"), resumed(tmp_path / "out"):
            pass
    with resumed(tmp_path / "out") as again:
        assert again.result_file == directory.result_file


def test_latest_points_at_a_run_from_its_first_trial_on() -> None:
    with claimed("old") as old, claimed("new") as new:
        old.save(new_result())
        new.save(
            Result(wirerace="0", experiment=RESULT.experiment, points=RESULT.points, host=RESULT.host, started_at="")
        )
        assert old.path.resolve() == LATEST.resolve()
        new.save(new_result())
        assert new.path.resolve() == LATEST.resolve()
        old.save(new_result())
        assert new.path.resolve() == LATEST.resolve(), "which began its first trial last"
    assert {LATEST, old.path, new.path} == set(RESULTS.iterdir())
    assert read_result(LATEST).trials == read_result(new.result_file).trials


def test_latest_stays_where_it_is_for_a_run_with_a_directory_of_its_own(tmp_path: Path) -> None:
    with claimed("old") as old, claimed("new", tmp_path / "out") as new:
        old.save(new_result())
        new.save(new_result())
    assert old.path.resolve() == LATEST.resolve()


@pytest.mark.parametrize("mine", ["file", "directory"])
def test_latest_that_belongs_to_the_user_is_left_alone_with_a_warning(mine: str) -> None:
    RESULTS.mkdir()
    if mine == "file":
        LATEST.write_text("mine")
    else:
        LATEST.mkdir()
        (LATEST / "mine").touch()
    result = new_result()
    with claimed("new") as new:
        new.save(result)
    assert ["results/latest does not point at this run: it is no link, and stays as it is"] == result.warnings
    assert not LATEST.is_symlink()
    assert {LATEST, new.path} == set(RESULTS.iterdir())


def test_latest_that_points_nowhere_is_replaced() -> None:
    RESULTS.mkdir()
    LATEST.symlink_to("gone")
    with claimed("new") as new:
        new.save(new_result())
    assert new.path.resolve() == LATEST.resolve()


@pytest.fixture
def small_files() -> Iterator[None]:
    """Let no file become larger than a kilobyte: the portable way to a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("small_files")
def test_write_that_fails_keeps_the_old_file_and_leaves_no_part(tmp_path: Path) -> None:
    write_json(tmp_path / FILE_NAME, {"first": True})
    with pytest.raises(SystemFault) as fault:
        write_json(tmp_path / FILE_NAME, {"second": "x" * 5000})
    cure = "raise the limit on the size of files: ulimit -f"
    assert f"{tmp_path / FILE_NAME}: File too large; {cure}" == str(fault.value)
    assert {"first": True} == json.loads((tmp_path / FILE_NAME).read_bytes())
    assert [tmp_path / FILE_NAME] == list(tmp_path.iterdir())


def test_directory_that_has_gone_is_not_made_again(tmp_path: Path) -> None:
    gone = RunDirectory(tmp_path / "gone")
    with pytest.raises(SystemFault, match=r"gone/result.json: No such file or directory; its directory "):
        gone.save(new_result())
    with pytest.raises(SystemFault, match=r"gone/raw: No such file or directory; its directory "):
        gone.save_raw("1-polling", RAW)
    assert not gone.path.exists()


@pytest.mark.parametrize(
    ("error", "place", "named", "facts"),
    [
        (OSError(28, "x"), "out/a", "out/a", ["No space left on device", "free some space", "another disk"]),
        (OSError(28, "x", "out/b"), None, "out/b", ["No space left on device", "free some space", "another disk"]),
        (OSError(24, "x"), None, "Too many open files", ["ulimit -n"]),
        (OSError(30, "x"), "out", "out", ["Read-only file system", "another directory", "--out"]),
        (OSError("without a number"), "out", "out", ["without a number"]),
        (OSError(99, "x"), None, "Cannot assign requested address", []),
    ],
)
def test_fault_names_the_place_and_the_cure(error: OSError, place: str | None, named: str, facts: list[str]) -> None:
    line = str(fault_of(error, place))
    assert [] == lacking(line, named, facts), line
