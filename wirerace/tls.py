"""TLS from the client's side: which authority is trusted, and in words why there is no TLS with a server."""

import ssl
from functools import lru_cache
from pathlib import Path

from wirerace.errors import BadInput

MOST_CONTEXTS = 16
OTHER_NAME = frozenset({62, 64})
"""What OpenSSL says of a certificate for another host, or for another address (X509_V_ERR_HOSTNAME_MISMATCH)."""
EXPIRED = 10
"""The same of one that is too old (X509_V_ERR_CERT_HAS_EXPIRED)."""


@lru_cache(MOST_CONTEXTS)
def context_of(authority: str, alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
    """Return what all clients share that trust an authority and offer the same protocols, the best first.

    The authority is certificates as PEM; without one those of the system are trusted, or `SSL_CERT_FILE`.

    Raises BadInput when the authority is no certificate.
    """
    try:
        context = ssl.create_default_context(cadata=authority or None)
    except (ssl.SSLError, TypeError):  # TypeError: it is not ASCII
        raise BadInput("the authority that clients trust must be a certificate as PEM") from None
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


def authority_in(file: str, at: str) -> str:
    """Return the authority in a file; errors call the option or key `at`.

    Raises BadInput when it cannot be read, or has no certificate.
    """
    try:
        authority = Path(file).read_text("ascii")
        context_of(authority)
    except (OSError, ValueError, BadInput) as error:
        why = getattr(error, "strerror", None) or "it must be a certificate as PEM"
        raise BadInput(f"{at}: {file}: {why}") from None
    if not authority.strip():
        raise BadInput(f"{at}: {file}: it is empty, and must be a certificate as PEM")
    return authority


def refusal_of(error: ssl.SSLError) -> str:
    """Return why there is no TLS with a server, on one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate does not fit: {error.verify_message.rstrip('.')}"
    reason = reason_of(error)
    return f"the server refuses TLS: {reason}" if "alert" in reason else f"the server speaks no TLS: {reason}"


def cure_of(error: ssl.SSLError, at: str) -> str:
    """Return what to do about it; `at` is the option or key that names the authority."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return "is it http://?"
    if error.verify_code in OTHER_NAME:
        return "write a host that it is made for"
    return "renew it" if error.verify_code == EXPIRED else f"name the file of its authority with {at}"


def reason_of(error: ssl.SSLError) -> str:
    """Return what OpenSSL says, in small letters."""
    return (error.reason or str(error)).lower().replace("_", " ")
