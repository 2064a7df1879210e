"""Answers have a bound: missed updates come in several answers, and a client that reads none is cut off."""

import asyncio
import json
import time

import pytest

from tests.contract.clients import HTTP_TRANSPORTS
from tests.contract.raw import Raw, get
from tests.contract.stage import Stage, until

pytestmark = pytest.mark.parametrize("transport", HTTP_TRANSPORTS)


async def seqs_by_answer(stage: Stage, after: str) -> list[list[int]]:
    """Ask until everything has come; return the updates of each answer. All but the last say that there is more."""
    raw, brought = await stage.connect(), []
    has_more = True
    while has_more:
        answer = await raw.ask(get(f"{stage.transport.path}?after={after}"))
        batch = json.loads(answer.body)
        has_more, after = batch.get("more", False), answer.cursor
        brought.append([update["seq"] for update in batch["updates"]])
        assert after == f"{batch['updates'][-1]['epoch']}-{brought[-1][-1]}"
    return brought


@pytest.mark.long
async def test_answer_has_a_bound_of_updates(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.answers.MOST_UPDATES", 20)
    await stage.serve()
    await stage.make_and_see(50)
    brought = await seqs_by_answer(stage, stage.at(0))
    assert [list(range(1, 21)), list(range(21, 41)), list(range(41, 51))] == brought


async def test_answer_has_a_bound_of_bytes_but_at_least_one_update(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.answers.MOST_BYTES", 1_000)
    await stage.serve()
    await stage.make_and_see(3, 300)
    await stage.make_and_see(2, 2_000)
    await stage.make_and_see(1, 300)
    assert [[1, 2], [3], [4], [5], [6]] == await seqs_by_answer(stage, stage.at(0))


@pytest.mark.long
async def test_bound_that_falls_on_the_end_of_an_epoch_loses_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.answers.MOST_UPDATES", 4)
    await stage.serve()
    await stage.make_and_see(4)
    first = stage.at(0)
    await stage.restart_producer()
    await stage.server.until_health(200)
    await stage.make_and_see(3)
    assert [[1, 2, 3, 4], [1, 2, 3]] == await seqs_by_answer(stage, first)


async def fill(stage: Stage, raw: Raw) -> None:
    """Ask for everything, read nothing, until answers wait in the server."""

    async def waits() -> bool:
        raw.post(get(f"{stage.transport.path}?after={stage.at(0)}"))
        return await stage.server.metric("waiting_bytes") > 0

    await until(waits, "answers wait for their reader")


@pytest.mark.long
async def test_client_that_reads_slowly_is_not_cut_off(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.connection.UNREAD_SECONDS", 0.5)
    monkeypatch.setattr("services.watching.LOOK_SECONDS", 0.05)
    await stage.serve(high_water_bytes=64 * 1024 * 1024)
    await stage.make_and_see(8, 250_000)
    slow = await stage.connect()
    await fill(stage, slow)
    read, longest_pause = time.monotonic(), 0.0
    while await stage.server.metric("waiting_bytes") > 0:
        await asyncio.sleep(0.05)
        for _ in range(4):
            await slow.some()  # of 64 KiB at most: more than it has to in half a second
        longest_pause, read = max(longest_pause, time.monotonic() - read), time.monotonic()
    if longest_pause < 0.4:  # otherwise other programs have made it the reader that is cut off
        assert 0 == await stage.server.metric("slow_readers_total")


@pytest.mark.long
async def test_client_that_reads_no_answer_is_cut_off_in_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It never goes over the high-water mark: one answer may always wait."""
    monkeypatch.setattr("services.connection.UNREAD_SECONDS", 0.5)
    monkeypatch.setattr("services.watching.LOOK_SECONDS", 0.05)
    await stage.serve(high_water_bytes=64 * 1024 * 1024)
    await stage.make_and_see(8, 250_000)
    reader, lazy = await stage.subscribe(), await stage.connect()
    await fill(stage, lazy)
    await stage.server.until_metric("slow_readers_total", 1)
    await stage.server.until_metric("waiting_bytes", 0)
    await stage.make()
    assert [9] == [update.seq for update in await reader.receive(1)]
