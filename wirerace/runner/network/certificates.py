"""The certificate of a run: made when the run begins, and trusted by its clients only."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from wirerace.certificates import CHAIN, KEY
from wirerace.errors import BadInput
from wirerace.experiment.contestants import Contestant
from wirerace.experiment.plans import contestants_of
from wirerace.experiment.settings import Study
from wirerace.system import blamed_on

HOSTS = ("127.0.0.1", "localhost")


class RunCertificate:
    """A certificate with its key in files that only this user can read, and the authority that signed it, as PEM.

    Raises BadInput, with the cure, when the package that makes certificates is missing.
    """

    def __init__(self, hosts: Sequence[str] = HOSTS) -> None:
        try:
            import trustme  # noqa: PLC0415 -- it takes a tenth of a second, and most runs need no certificate
        except ImportError:
            raise BadInput("tls needs the package trustme: run this with the Python of .venv, or make race") from None
        authority = trustme.CA()
        made = authority.issue_cert(*hosts)
        self.authority = authority.cert_pem.bytes().decode()
        with blamed_on(Path(tempfile.gettempdir())):
            self._directory = tempfile.TemporaryDirectory(prefix="wirerace-tls-")
            self.chain = Path(self._directory.name) / CHAIN
            self.key = Path(self._directory.name) / KEY
            self.chain.write_bytes(b"".join(part.bytes() for part in made.cert_chain_pems))
            with open(self.key, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(made.private_key_pem.bytes())

    @property
    def flags(self) -> list[str]:
        """The options of a server of ours that has it."""
        return ["--tls-chain-file", str(self.chain), "--tls-key-file", str(self.key)]

    def remove(self) -> None:
        """Remove its files."""
        with suppress(OSError):
            self._directory.cleanup()


def certificate_for(study: Study, hosts: Sequence[str] = HOSTS) -> RunCertificate | None:
    """Return the certificate of a run for the names of its hosts, None if nothing of it needs one."""
    every = (one for setting in study.settings for one in contestants_of(setting.experiment))
    return RunCertificate(hosts) if any(_needs_certificate(one) for one in every) else None


def _needs_certificate(one: Contestant) -> bool:
    """Return whether a contestant's clients meet the run's certificate: a foreign server of TLS has its own."""
    return one.path.tls and (one.server is None or not one.server.has_tls)
