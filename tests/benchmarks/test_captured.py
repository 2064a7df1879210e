"""What `python -m benchmarks.captured` counts in packets, and what it says about a run whose figures differ."""

import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import captured
from benchmarks.packet_figures import Row, clients_of, rows_of
from benchmarks.packets import BadCapture
from tests.benchmarks.packets import Talk, Wire, answer, read, request, update
from tests.benchmarks.polls import FROM_NS, HEADS, MS, SECOND, TO_NS, Polls


def test_foreign_connections_are_left_out() -> None:
    """Those of the runner, of another run, of another time, and one whose beginning was not captured."""
    polls = Polls()
    wire = polls.wire
    earlier = Talk(wire, SECOND, client=40_005, server=9003)
    earlier.up(SECOND + 2, request())
    earlier.down(SECOND + 3, answer(update(2, FROM_NS)))
    health = Talk(wire, FROM_NS, client=40_001)
    health.up(FROM_NS + 1, request("/health"))
    health.down(FROM_NS + 2, answer())
    foreign = Talk(wire, FROM_NS, client=40_002, server=9001)
    foreign.up(FROM_NS + 1, request())
    foreign.down(FROM_NS + 2, answer(update(2, FROM_NS, epoch="zz"), epoch="zz"))
    later = Talk(wire, TO_NS + 1, client=40_003, server=9002)
    later.up(TO_NS + 2, request())
    later.down(TO_NS + 3, answer(update(2, FROM_NS)))
    older = Wire()
    Talk(older, FROM_NS, client=40_004).up(FROM_NS + 1, request())
    wire.frames += older.frames[2:]

    assert all(row.wirerace == row.capture for row in polls.rows().values())


def test_two_servers_of_one_trial_are_refused() -> None:
    polls = Polls()
    proxy = Talk(polls.wire, FROM_NS, client=40_001, server=9001)
    proxy.up(FROM_NS + 1, request())
    proxy.down(FROM_NS + 2, answer(update(2, FROM_NS)))

    with pytest.raises(BadCapture, match="2 servers answer /poll"):
        polls.rows()


def test_clients_of_a_proxied_path_are_those_at_the_port_that_the_record_names() -> None:
    polls = Polls()
    behind = Talk(polls.wire, FROM_NS, client=40_001, server=9001)
    behind.up(FROM_NS + 1, request())
    behind.down(FROM_NS + 2, answer(update(2, FROM_NS)))
    raw = polls.raw()
    raw["measured"] = raw["measured"] | {"client_port": polls.talk.ports[1], "reverse_proxy": {"program": "nginx"}}
    rows = polls.rows(raw)

    assert all(row.wirerace == row.capture for row in rows.values())
    assert "bytes, as the server counts" not in rows, "it counts what it exchanges with the proxy"


def test_each_client_has_its_own_deliveries() -> None:
    polls = Polls()
    other = Talk(polls.wire, FROM_NS + 1, client=40_001)
    other.up(FROM_NS + 2, request())
    other.down(FROM_NS + 101 * MS, polls.first)
    rows = polls.rows()

    assert (4, 0) == (rows["deliveries"].capture, rows["delivered again"].capture)


def test_bytes_to_clients_that_were_sent_again_count_once_as_in_their_kernel() -> None:
    """On the wire they are bytes at the IP layer, which the clients' kernels do not know."""
    polls = Polls()
    polls.talk.at(FROM_NS + 1700 * MS, polls.second, polls.talk.sent[False] - len(polls.second))
    polls.ip_bytes["ip_out"] += HEADS
    raw = polls.raw()
    raw["account"]["traffic"][1]["segments_in"] += 1
    row, *more = [row for row in polls.rows(raw).values() if not row.agrees]

    assert not more
    assert ("IP bytes to clients", -len(polls.second)) == (row.figure, row.wirerace - row.capture)
    assert row.cause.startswith(f"{len(polls.second)} payload bytes were sent again, ")


def test_latency_that_is_an_upper_bound_is_named_as_the_cause() -> None:
    latencies = {"sum_ns": 3 * 900 * MS, "recorded": 3}
    row = Polls().rows(Polls().raw(upper_bounds=2, latencies=latencies))["mean latency, ms"]

    assert (False, "2 are upper bounds, as Wirerace says") == (row.agrees, row.cause)


def test_update_that_came_twice_counts_once() -> None:
    polls = Polls()
    polls.exchange(FROM_NS + 1900 * MS, polls.first)
    rows = polls.rows(polls.raw(duplicated=1))

    assert (3, 1) == (rows["deliveries"].capture, rows["delivered again"].capture)
    assert rows["mean latency, ms"].agrees


@pytest.mark.parametrize(
    ("account", "figure"),
    [
        ({"delivered": 4}, "deliveries"),
        ({"duplicated": 1}, "delivered again"),
        ({"arrived": 2}, "arrived in the window"),
        ({"requests": 3}, "requests"),
        ({"latencies": {"sum_ns": 3 * 702 * MS, "recorded": 3}}, "mean latency, ms"),
    ],
)
def test_each_figure_that_differs_is_found(account: dict[str, Any], figure: str) -> None:
    polls = Polls()

    assert [figure] == [row.figure for row in polls.rows(polls.raw(**account)).values() if not row.agrees]


@pytest.mark.parametrize("key", ["bytes_out", "bytes_in", "segments_out", "segments_in"])
def test_bytes_and_segments_that_differ_are_found(key: str) -> None:
    polls = Polls()
    raw = polls.raw()
    raw["account"]["traffic"][1][key] += 1

    assert 1 == sum(not row.agrees for row in polls.rows(raw).values())


def test_bytes_of_ip_that_differ_are_found() -> None:
    polls = Polls()
    polls.ip_bytes["ip_in"] += 8

    assert ["IP bytes to the server"] == [row.figure for row in polls.rows().values() if not row.agrees]


@pytest.mark.parametrize(("off_ns", "agrees"), [(-50_000, True), (50_000, True), (200_000, False)])
@pytest.mark.parametrize(("edge_ns", "more"), [(FROM_NS, -1), (TO_NS, 1)])
def test_segment_at_an_edge_may_count_on_either_side(off_ns: int, agrees: bool, edge_ns: int, more: int) -> None:
    """A segment that passed when TCP_INFO was read may be in it."""
    polls = Polls()
    off_ns *= more  # 200 µs on the side of the edge where it cannot have been counted otherwise
    polls.talk.up(edge_ns + off_ns, b"more")
    is_inside = FROM_NS <= edge_ns + off_ns < TO_NS
    counts = 1 - is_inside  # Wirerace says the opposite
    polls.ip_bytes["ip_in"] += (HEADS + 4) * counts
    raw = polls.raw()
    raw["account"]["traffic"][1]["bytes_out"] += 4 * counts
    raw["account"]["traffic"][1]["segments_out"] += counts

    assert agrees == all(row.agrees for row in polls.rows(raw).values())


def test_request_that_was_due_in_the_window_may_leave_after_it() -> None:
    polls = Polls()
    raw = polls.raw(requests=3)
    polls.talk.up(TO_NS + 2 * MS, request())

    assert polls.rows(raw)["requests"] == Row("requests", 3, 2, 2, 3)


def test_bytes_that_the_server_counts_are_those_of_both_directions() -> None:
    polls = Polls()
    raw = polls.raw()
    samples = [{"began_ns": at_ns, "ended_ns": at_ns, "heartbeat_bytes": 0} for at_ns in (FROM_NS, TO_NS)]
    samples[0] |= {"received_bytes": 10, "sent_bytes": 20}
    samples[1] |= {
        "received_bytes": 10 + 2 * len(request()),
        "sent_bytes": 20 + len(polls.first) + len(polls.second),
    }
    raw["measured"]["server"] = samples

    row = polls.rows(raw)["bytes, as the server counts"]
    assert row.wirerace == row.capture > 0


def test_run_without_readable_updates_is_refused() -> None:
    wire = Wire()
    talk = Talk(wire, SECOND)
    talk.up(SECOND + 10, request("/ws"))
    talk.down(TO_NS, b"101 Wirerace-Cursor: k3f9-1\r\n\r\n\x41\x10compressed")
    raw = Polls().raw()

    with pytest.raises(BadCapture, match="no update of the window can be read"):
        rows_of({}, raw, clients_of(read(wire), "/ws", raw))


def run_again(directory: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["captured", "--read", str(directory)])
    return captured.main()


def test_run_whose_figures_agree_ends_with_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    polls = Polls()
    polls.save(tmp_path, polls.raw())

    assert 0 == run_again(tmp_path, monkeypatch)
    said = capsys.readouterr().out
    assert "near, setting 0, repeat 1: 1 connections" in said
    assert "all figures agree" in said


def test_run_with_a_figure_that_differs_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    polls = Polls()
    polls.save(tmp_path, polls.raw(delivered=4))

    assert 1 == run_again(tmp_path, monkeypatch)
    said = capsys.readouterr().out
    assert ["deliveries 4 3 +1 DIFFERS"] == [" ".join(line.split()) for line in said.splitlines() if "DIFFERS" in line]
    assert "NOT ALL FIGURES AGREE" in said


@pytest.mark.parametrize("said", ["3 packets dropped by kernel\n", "tcpdump: listening on lo\n"])
def test_capture_that_lacks_packets_ends_with_2(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    polls = Polls()
    polls.save(tmp_path, polls.raw())
    (tmp_path / "tcpdump.log").write_text(said)

    assert 2 == run_again(tmp_path, monkeypatch)
    assert f"captured: tcpdump lost packets, or did not end in order: {said.strip()}\n" == capsys.readouterr().err


def test_run_without_a_trial_ends_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Polls().save(tmp_path, Polls().raw())
    (tmp_path / "run" / "result.json").write_text('{"points": [{}], "trials": []}')

    assert 2 == run_again(tmp_path, monkeypatch)
    assert "captured: no trial was completed: there is nothing to compare\n" == capsys.readouterr().err


def test_earlier_capture_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Polls().save(tmp_path, Polls().raw())
    packets = (tmp_path / "lo.pcap").read_bytes()
    monkeypatch.setattr(sys, "argv", ["captured", "--out", str(tmp_path)])

    assert 2 == captured.main()
    assert f"captured: {tmp_path} is not empty: give a new directory, or --read" in capsys.readouterr().err
    assert packets == (tmp_path / "lo.pcap").read_bytes()


def test_machine_without_tcpdump_ends_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["captured", "--out", str(tmp_path / "out")])

    assert 2 == captured.main()
    assert "captured: tcpdump is not installed\n" == capsys.readouterr().err


@pytest.mark.processes
def test_user_who_may_not_capture_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "tcpdump"
    program.write_text("#!/bin/sh\necho 'lo: You may not capture on that device' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(sys, "argv", ["captured", "--out", str(tmp_path / "out")])

    assert 2 == captured.main()
    line = capsys.readouterr().err
    assert line.startswith("captured: tcpdump ended (it needs root, or CAP_NET_RAW): lo: You may not")
    assert 1 == line.count("\n")
