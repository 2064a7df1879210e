"""An answer without end, in chunks: what clients of events and of lines share."""

from wirerace.checking.clients.client import ContractClient, expect_status
from wirerace.checking.http import Answer, ChunkReader


class ChunkedClient(ContractClient):
    """An answer without end. `body` has what came of it, without the chunks' heads.

    `kind` is its Content-Type, `heartbeat` how a heartbeat begins.
    """

    kind: str
    heartbeat: bytes

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # as its base
        self.body = bytearray()
        self._chunks: ChunkReader | None = None

    async def subscribe(self) -> Answer:
        """Ask."""
        self.first = expect_status(await self.begin(), 200)
        self._chunks = ChunkReader() if self.first.is_chunked else None
        self.cursor = self.first.cursor or self.cursor
        return self.first

    async def listen(self, within: float) -> bool:
        """Read more of the answer."""
        data = await self.talk.read(within)
        if not data:
            self.ended = "" if data is None else self.ended or "the end of the connection without a last chunk"
            return False
        if self._chunks is not None:
            data = self._chunks.feed(data)
            self.ended = "the last chunk" if self._chunks.has_ended else ""
        self.body += data
        self.take(data)
        return not self.ended

    def take(self, data: bytes) -> None:
        """Take a part of the body."""
        raise NotImplementedError
