"""Cores: what a quota beyond them means, and whether there are enough."""

import pytest

from tests.refusals import lacking
from wirerace.errors import BadInput
from wirerace.experiment.capacity import Servers
from wirerace.experiment.model import Experiment
from wirerace.experiment.settings import Study, alone
from wirerace.host.cores import cautions, refuse_quota_beyond


def with_quota(cpus: float | None) -> Study:
    return alone(Experiment("t", ["polling"], servers=Servers(cpus)))


@pytest.mark.parametrize(("cpus", "cores", "said"), [(5, 2, "the 2 cores"), (1.5, 1, "the 1 core")])
def test_quota_of_more_cores_than_there_are_is_refused(cpus: float, cores: int, said: str) -> None:
    with pytest.raises(BadInput) as refusal:
        refuse_quota_beyond(with_quota(cpus), cores)

    assert [] == lacking(
        str(refusal.value), "servers.cpus", [f"{said} of this machine", f"got {cpus:g}", "leave it out"]
    )


@pytest.mark.parametrize("cpus", [None, 0.1, 1, 2])
def test_quota_of_the_cores_that_there_are_is_not_refused(cpus: float | None) -> None:
    refuse_quota_beyond(with_quota(cpus), 2)


@pytest.mark.parametrize("on_this_machine", [True, False])
def test_quota_that_limits_nothing_is_said(*, on_this_machine: bool) -> None:
    said = "servers.cpus = 2 limits nothing: a server uses one core at most"

    assert said in cautions(with_quota(2), on_this_machine=on_this_machine)
    assert [] == [line for cpus in (None, 0.1, 1) for line in cautions(with_quota(cpus)) if "servers.cpus" in line]
