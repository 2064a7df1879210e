"""Conditional polling: the cursor is the entity tag, and a client that has what is newest gets 304."""

import pytest

from tests.contract.answers import seqs
from tests.contract.raw import Answer, get
from tests.contract.stage import Stage

pytestmark = pytest.mark.parametrize("transport", ["polling"])


async def ask(stage: Stage, tag: str = "", query: str = "") -> Answer:
    """Return the answer to a request with these entity tags."""
    raw = await stage.connect()
    headers = [f"If-None-Match: {tag}"] if tag else []
    return await raw.ask(get(stage.transport.path + query, *headers))


async def test_answer_has_its_cursor_as_a_strong_tag_that_caches_must_check(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(2)
    for answer in (await ask(stage), await ask(stage, f'"{stage.at(0)}"')):
        assert f'"{answer.cursor}"' == answer.headers["etag"]
        assert "private, no-cache" == answer.headers["cache-control"]


async def test_client_that_has_what_is_newest_gets_304_without_a_body(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(2)
    answer = await ask(stage, f'"{stage.at(2)}"')

    assert (304, b"", stage.at(2)) == (answer.status, answer.body, answer.cursor)
    assert f'"{stage.at(2)}"' == answer.headers["etag"]
    assert "content-length" not in answer.headers
    metrics = await stage.server.metrics()
    assert 1 == metrics['wirerace_responses_total{outcome="empty"}']


async def test_client_that_lacks_some_gets_them_and_the_next_tag(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(4)
    answer = await ask(stage, f'"{stage.at(2)}"')

    assert (200, [3, 4]) == (answer.status, seqs(answer))
    assert 304 == (await ask(stage, answer.headers["etag"])).status


@pytest.mark.parametrize("tag", ['W/"HEAD"', '"x", "HEAD"', '"HEAD" , W/"y"', "*", ' "HEAD"'])
async def test_tag_matches_as_rfc_9110_says(stage: Stage, tag: str) -> None:
    await stage.serve()
    await stage.make_and_see(2)

    assert 304 == (await ask(stage, tag.replace("HEAD", stage.at(2)))).status


@pytest.mark.parametrize("tag", ['"x"', '""', "x", "HEAD", '"HEAD', "W/", ","])
async def test_tag_that_is_no_cursor_matches_nothing(stage: Stage, tag: str) -> None:
    """So the client gets what one without a tag gets: the next update that is made."""
    await stage.serve()
    await stage.make_and_see(2)
    answer = await ask(stage, tag.replace("HEAD", stage.at(2)))

    assert (204, stage.at(2)) == (answer.status, answer.cursor)


async def test_tag_of_another_epoch_leads_to_the_oldest_update_that_is_kept(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(3)
    answer = await ask(stage, '"nosuchepoch-7"')

    assert (200, [1, 2, 3]) == (answer.status, seqs(answer))


async def test_cursor_in_the_url_counts_more_than_the_tag(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(3)

    assert [3] == seqs(await ask(stage, f'"{stage.at(0)}"', f"?after={stage.at(2)}"))
    assert 304 == (await ask(stage, f'"{stage.at(3)}"', f"?after={stage.at(3)}")).status
    assert 204 == (await ask(stage, f'"{stage.at(1)}"', f"?after={stage.at(3)}")).status


async def test_plain_polls_pay_nothing_for_it(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(2)
    answer = await ask(stage, query=f"?after={stage.at(0)}")

    assert "no-store" == answer.headers["cache-control"]
    assert "etag" not in answer.headers


async def test_tag_of_what_is_newest_counts_more_than_one_before_it(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(7)
    old, new = f'"{stage.at(5)}"', f'"{stage.at(7)}"'

    assert [304, 304] == [(await ask(stage, tags)).status for tags in (f"{old}, {new}", f"{new}, {old}")]
    assert [6, 7] == seqs(await ask(stage, f'"none", {old}'))


async def test_cursor_is_not_looked_for_in_any_number_of_tags(stage: Stage) -> None:
    """A tag that is no cursor costs time. What is newest is found anywhere."""
    await stage.serve()
    await stage.make_and_see(3)
    many = ", ".join(['"a"'] * 1_000)

    assert 204 == (await ask(stage, f'{many}, "{stage.at(1)}"')).status
    assert 304 == (await ask(stage, f'{many}, "{stage.at(3)}"')).status
