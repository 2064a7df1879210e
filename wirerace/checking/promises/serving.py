"""What every server answers, whatever it delivers."""

import json

from wirerace.checking.clients.client import expect_status
from wirerace.checking.http import Answer
from wirerace.checking.promise import promise
from wirerace.checking.scene import Scene
from wirerace.checking.verdicts import NotOffered, Unkept

BAD_CURSORS = ("x", "k3f9", "k3f9-", "K3F9-1", "k3f9-01", "k3f9--1", "-1")


def expect_line(answer: Answer, word: str) -> None:
    """Raise Unkept unless a refusal is one line that names the parameter."""
    line = answer.body.decode("utf-8", "replace")
    if line.removesuffix("\n").count("\n") or word not in line:
        raise Unkept(f"one line that names {word}", "another body", answer.seen)


@promise("follows", "The server follows the producer's feed: GET /feed, with after=CURSOR.", "Requests")
async def follows(scene: Scene) -> None:
    """The suite waits for it before each check."""
    await scene.until_followed()


@promise("health", "GET /health answers 200 with JSON while the server works.", "Requests")
async def health(scene: Scene) -> None:
    """Its keys are `service` and `live`."""
    answers = []

    async def works() -> bool:
        answers.append(await scene.ask(scene.spelled("/health")))
        return answers[-1].status == 200

    await scene.until(works, "200 from /health, a moment after the feed has connected", "another status")
    answer = answers[-1]
    try:
        fields = json.loads(answer.body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or not {"service", "live"} <= fields.keys() or fields["live"] is not True:
        raise Unkept('{"service": NAME, "live": true}', "something else", answer.seen)


@promise(
    "bad-cursor",
    "A malformed cursor gets 400, and one line that names `after`.",
    "Where a client starts",
    needs=(),
)
async def bad_cursor(scene: Scene) -> None:
    """Servers that push refuse before the stream begins; on a WebSocket that is before the upgrade."""
    for cursor in BAD_CURSORS:
        head = await scene.ask_head(scene.request(f"after={cursor}"))
        if head.status != 400:
            raise Unkept(f"400 for after={cursor}", f"{head.status}", head.seen)
    expect_line(await scene.ask(scene.request("after=x")), "after")


@promise(
    "one-host",
    "A request of HTTP/1.1 without Host, or with two, gets 400.",
    "Requests: HTTP follows",
    needs=(),
)
async def one_host(scene: Scene) -> None:
    """RFC 9112, section 3.2."""
    for what, encoded in {
        "without Host": scene.request(host=""),
        "with two lines of Host": scene.request("", "Host: other"),
    }.items():
        head = await scene.ask_head(encoded)
        if head.status != 400:
            raise Unkept(f"400 for a request {what}", f"{head.status}", head.seen)


@promise("metrics", "GET /metrics answers with Prometheus text.", "Requests", needs=(), optional=True)
async def metrics(scene: Scene) -> None:
    """Names and values are the server's own business."""
    answer = await scene.ask(scene.spelled("/metrics"))
    if answer.status in {404, 405, 501}:
        raise NotOffered(f"/metrics answers {answer.status}")
    expect_status(answer, 200)
    if not answer.headers.get("content-type", "").startswith(("text/plain", "application/openmetrics-text")):
        raise Unkept("a Content-Type of Prometheus text", answer.headers.get("content-type", "none"), answer.seen)
    samples = [line for line in answer.body.decode("utf-8", "replace").splitlines() if line and line[0] != "#"]
    for line in samples:
        try:
            float(line.rpartition("}")[2].split()[-1 if "}" in line else 1])
        except (ValueError, IndexError):
            raise Unkept("lines `name value`", "another line", line.encode()) from None
