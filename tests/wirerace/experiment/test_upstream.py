"""Experiments in which clients send: what their file says is what is run, and can be read again."""

from pathlib import Path

import msgspec
import pytest

from tests.wirerace.experiment.bad_upstream import SEND
from tests.wirerace.experiment.files import LEAST, written
from wirerace.experiment.plans import plans_of
from wirerace.experiment.reading import read_experiment, study_of
from wirerace.runner.targets.locust import order_flags, page_flags
from wirerace.workload.order import LoadOrder
from wirerace.workload.upstream import Upstream


def test_clients_are_silent_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    study = read_experiment(written(tmp_path, LEAST))

    assert not study.first.upstream.is_on
    assert {"rate_per_second": 0.0} == study.document["upstream"]


def test_load_is_told_what_to_send(tmp_path: Path) -> None:
    study = read_experiment(written(tmp_path, LEAST + SEND + 'fan_out = true\nconnection = "own"\npayload_bytes = 7'))
    plan = plans_of(study.settings[0], 1)[0]
    told = Upstream(rate_per_second=10.0, payload_bytes=7, fan_out=True, connection="own")

    assert told == msgspec.json.decode(str(order_flags(plan, "http://h:1")["contestant"]), type=LoadOrder).upstream
    fields = page_flags(plan, "http://h:1")
    assert (10.0, 7, True, "own") == tuple(
        fields[f"upstream_{name}"] for name in ("rate_per_second", "payload_bytes", "fan_out", "connection")
    )


@pytest.mark.parametrize(
    "keys",
    ["rate_per_second = [0, 2, 10]", 'rate_per_second = 1\nconnection = ["same", "own"]\nfan_out = [false, true]'],
)
def test_sweep_of_messages_can_be_read_again(tmp_path: Path, keys: str) -> None:
    study = read_experiment(written(tmp_path, LEAST + f"[upstream]\n{keys}"))
    again = study_of(study.document, tmp_path)

    assert len(study.settings) > 2
    assert len(study.settings) == len(again.settings)
    for setting in study.settings:
        (same,) = (one for one in again.settings if one.values == setting.values)
        assert setting.experiment.upstream == same.experiment.upstream


def test_own_values_survive_a_sweep_that_begins_without_messages(tmp_path: Path) -> None:
    study = read_experiment(written(tmp_path, LEAST + "[upstream]\nrate_per_second = [0, 5]\npayload_bytes = 7"))
    again = study_of(study.document, tmp_path)

    assert Upstream(rate_per_second=5.0, payload_bytes=7) == again.settings[1].experiment.upstream
