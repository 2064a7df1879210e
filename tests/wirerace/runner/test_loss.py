"""Loss is refused before a run, with what this machine lacks for it."""

import os
from pathlib import Path

import pytest

from tests.wirerace.experiment.files import LEAST, written
from wirerace.errors import BadInput
from wirerace.experiment.reading import read_experiment
from wirerace.runner.network import loss
from wirerace.runner.network.loss import why_no_loss
from wirerace.runner.targets.supported import SUPPORTED
from wirerace.runner.targets.target import refuse_unsupported


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    (tmp_path / "6.1").mkdir()
    (tmp_path / "6.1" / "modules.dep").write_text("kernel/net/sched/sch_netem.ko.xz:\n")
    return tmp_path


def test_kernel_without_netem_is_named_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss, "LOADED", tmp_path / "none")

    assert "sch_netem" in why_no_loss(tmp_path, "6.1", "")


def test_missing_program_root_and_what_is_not_built_are_named(
    modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "the program tc" in why_no_loss(modules, "6.1", "")
    (tmp_path / "tc").write_text("")
    (tmp_path / "tc").chmod(0o755)
    for user, reason in ((1000, "needs root"), (0, "is not available yet")):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        assert reason in why_no_loss(modules, "6.1", str(tmp_path))


def test_experiment_with_loss_is_refused_on_one_line(tmp_path: Path) -> None:
    study = read_experiment(written(tmp_path, LEAST + 'path = "far"\n[paths.far]\nloss = 0.01'))
    with pytest.raises(BadInput, match=r"the path of polling: loss (needs|is not).*: leave loss out") as refusal:
        refuse_unsupported(study, SUPPORTED)

    assert "\n" not in str(refusal.value)
