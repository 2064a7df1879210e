"""What a checkup means: advice if something should be changed, none if nothing should, or nothing is known."""

from typing import Any

import msgspec
import pytest

from tests.wirerace.checkups import WELL, checkup, unknown
from wirerace.analysis.advice import FIGURES, advice
from wirerace.record.checkup import Checkup


def test_machine_on_which_all_is_well_gets_no_advice() -> None:
    assert [] == advice(WELL)


def test_what_is_unknown_gives_no_advice() -> None:
    assert [] == advice(unknown())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cores": 1}, "give Wirerace 2 or more"),
        ({"cores": 2, "others_cores": 1.3}, "Others use 1.3 of 2 cores: close them"),
        ({"stolen_cores": 0.5}, "The hypervisor took 0.50 cores"),
        ({"cpu_quota_cores": 1.5}, "may use 1.5 of 4 cores' time"),
        ({"cpu_governor": "powersave"}, "cpupower frequency-set --governor performance"),
        ({"memory_stalled_fraction": 0.2}, "wait for memory"),
        ({"clock_source": "hpet", "clock_reading_seconds": 3e-6}, "clock (hpet) takes more than 1 µs to read"),
        ({"clock_source": None, "clock_step_seconds": 1e-3}, "The clock moves in steps of more than 10 µs"),
        ({"sleep_late_seconds_p99": 2e-3}, "wake more than 1 ms late"),
        ({"producer_late_seconds_p99": 20e-3}, "updates more than 10 ms late"),
        ({"round_trip_seconds_p99": 2e-3}, "Loopback takes more than 1 ms"),
        ({"kernel_stamps": False}, "stamps no arrivals"),
        ({"reader_lag_seconds_p99": 2e-3}, "A reader wakes more than 1 ms after arrivals"),
        ({"polls_per_second": 900.0}, "drives 900 polls/s before it distorts results: set load.processes (up to 3)"),
        ({"cores": 2, "messages_per_second": 900.0}, "drives 900 messages/s before it distorts results: use fewer"),
        ({"open_files_hard": 256}, "256 open files allow fewer than 1,000 clients: raise the hard limit, as root"),
        ({"shared_ports": 5}, "5 ports go to servers and to outgoing connections"),
        ({"connections_per_second": 100.0}, "Ports last for 100 new connections/s (keep_alive = false): widen"),
        ({"connections_per_second": 470.5, "port_reuse_seconds": 60.0}, "sysctl -w net.ipv4.tcp_tw_reuse=2"),
        ({"listen_backlog": 128}, "sysctl -w net.core.somaxconn=4096"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_what_is_to_be_changed_is_said_with_the_cure(changes: dict[str, Any], words: str) -> None:
    (sentence,) = advice(checkup(**changes))

    assert words in sentence
    assert sentence.endswith(".")


def test_every_figure_of_a_checkup_is_in_the_table() -> None:
    shown = {field for figure in FIGURES for field in figure.fields.values()}

    assert {"took_seconds", "shared_ports"} == set(Checkup.__struct_fields__) - shown
    assert shown <= {field.name for field in msgspec.structs.fields(Checkup)}
