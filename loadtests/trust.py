"""What clients of TLS trust, and the sessions with which they resume."""

import ssl

from wirerace.tls import context_of


class ClientTls:
    """The TLS of one client: the authority that it trusts, as PEM, and its newest session.

    Without an authority it trusts those of the system. With `resumes` it offers the session of its last connection to
    the server, which then needs no certificate. Two are equal if they trust the same: the session is only kept.
    """

    __slots__ = ("_session", "authority", "resumes")

    def __init__(self, authority: str = "", *, resumes: bool = True) -> None:
        """Raise BadInput when the authority is no certificate."""
        self.authority = authority
        self.resumes = resumes
        self._session: tuple[ssl.SSLContext, ssl.SSLSession] | None = None
        context_of(authority)

    def __eq__(self, other: object) -> bool:
        """Return whether both trust the same, and resume alike."""
        return isinstance(other, ClientTls) and self._values == other._values

    def __hash__(self) -> int:
        """Return the hash of what is compared."""
        return hash(self._values)

    @property
    def _values(self) -> tuple[str, bool]:
        return self.authority, self.resumes

    def of_client(self) -> "ClientTls":
        """Return the same for another client, which has no session yet."""
        return ClientTls(self.authority, resumes=self.resumes)

    def connection(
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, server: str, alpn: tuple[str, ...]
    ) -> ssl.SSLObject:
        """Return the TLS of a new connection to a server, which resumes the last session if there is one."""
        context = context_of(self.authority, alpn)
        session = self._session[1] if self._session is not None and self._session[0] is context else None
        return context.wrap_bio(incoming, outgoing, server_hostname=server, session=session)

    def keep(self, connection: ssl.SSLObject) -> None:
        """Keep the session of a connection that is about to close, unless that has resumed one.

        In TLS 1.3 the server sends its tickets after the handshake; before them there is nothing to resume with. Python
        copies a session by way of its encoding, which takes 0.1 ms, so a ticket is used as long as the server takes it.
        """
        session = connection.session if self.resumes and not connection.session_reused else None
        if session is not None and (session.has_ticket or connection.version() != "TLSv1.3"):
            self._session = connection.context, session
