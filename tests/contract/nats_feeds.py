"""Followers of a feed over NATS, with the ordered consumer of the NATS library, and something in a producer's place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, DeliverPolicy

from tests.contract.brokers import BrokerProcess
from tests.contract.feeds import Feed, Follow
from tests.contract.raw import WAIT_SECONDS
from tests.contract.stage import Asked

END = b""


class NatsFeed(Feed):
    """A feed that is being followed at a broker. Heartbeats are empty lines, as over HTTP."""

    def __init__(self, cursor: str) -> None:
        self._cursor = cursor
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()
        self._ends_at: str | None = None

    @classmethod
    async def begin(cls, client: Client, name: str, after: str) -> Self:
        """Follow from the first update behind a cursor, or from the next one."""
        head = await ask(client, f"{name}.head")
        assert head.headers is not None
        feed = cls(head.headers["Wirerace-Cursor"])
        epoch = feed.cursor.partition("-")[0]
        after_epoch, _, seq = (after or feed.cursor).partition("-")
        start = int(seq) + 1 if after_epoch == epoch else 1
        await client.subscribe(f"{name}.beats", cb=feed._beat)
        await client.jetstream().subscribe(
            f"{name}.updates.{epoch}.>" if head.data else f"{name}.updates.{epoch}",
            stream=f"{name}-{epoch}",
            ordered_consumer=True,
            cb=feed._update,
            config=ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=start),
        )
        return feed

    @property
    def cursor(self) -> str:
        return self._cursor

    async def line(self) -> bytes:
        async with asyncio.timeout(WAIT_SECONDS):
            return await self._lines.get()

    async def _beat(self, message: Msg) -> None:
        if message.data.startswith(b"end "):
            self._ends_at = message.data.decode().rpartition("-")[2]
            self._look_for_the_end()
        else:
            await self._lines.put(b"\n")

    async def _update(self, message: Msg) -> None:
        await self._lines.put(message.data)
        self._cursor = f"{self._cursor.partition('-')[0]}-{message.metadata.sequence.stream}"
        self._look_for_the_end()

    def _look_for_the_end(self) -> None:
        if self._ends_at is not None and self._cursor.endswith(f"-{self._ends_at}"):
            self._lines.put_nowait(END)


async def ask(client: Client, subject: str) -> Msg:
    """Ask the producer, which may not be at the broker yet."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            try:
                return await client.request(subject, timeout=WAIT_SECONDS)
            except nats.errors.NoRespondersError:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def nats_followers(broker: BrokerProcess, name: str) -> AsyncIterator[Follow]:
    """Yield a function that follows the feed of a producer by way of a broker."""
    clients: list[Client] = []

    async def follow(_producer: Asked, after: str = "") -> Feed:
        clients.append(await nats.connect(f"nats://127.0.0.1:{broker.port}"))
        return await NatsFeed.begin(clients[-1], name, after)

    yield follow
    for client in clients:
        await client.close()


class FakeProducer:
    """Something in the place of a producer: it tells a head, and stores what it is told."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self._name = name

    @classmethod
    async def begin(cls, broker: BrokerProcess, name: str, head: str) -> Self:
        fake = cls(await nats.connect(f"nats://127.0.0.1:{broker.port}"), name)
        epoch = head.partition("-")[0]
        stream: dict[str, Any] = {"name": f"{name}-{epoch}", "subjects": [f"{name}.updates.{epoch}"]}
        await fake.client.jetstream().add_stream(**stream)

        async def tell(message: Msg) -> None:
            await fake.client.publish(message.reply, b"", headers={"Wirerace-Cursor": head})

        await fake.client.subscribe(f"{name}.head", cb=tell)
        return fake

    async def store(self, epoch: str, *lines: bytes) -> None:
        for line in lines:
            await self.client.jetstream().publish(f"{self._name}.updates.{epoch}", line.strip())

    async def beat(self, data: bytes) -> None:
        await self.client.publish(f"{self._name}.beats", data)
        await self.client.flush()
