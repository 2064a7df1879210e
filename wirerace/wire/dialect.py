"""Dialects: how a server says its updates to clients. Ours follow the contract; other people's have their own."""

from typing import Literal

Dialect = Literal["contract", "bare", "nchan"]
"""What a client expects of a server.

- `contract`: docs/contract.md, with its cursors.
- `bare`: nothing but updates. Each message, event, line or chunk is one, or several. Event ids and validators (ETag,
  Last-Modified) are opaque, and are sent back as they came. A request that is held gets no answer before an update.
- `nchan`: the same, and `TE: chunked`, without which nchan streams nothing.
"""
