"""HAProxy: forwards as bytes come, and closes what is quiet for 50 s at its defaults."""

import os
from collections.abc import Mapping

from wirerace.runner.network.reverse.program import Program, Route


def values(route: Route) -> Mapping[str, str]:
    """Return the file with certificate and key, which HAProxy wants in one."""
    if route.certificate is None:
        return {"pem": ""}
    pem = route.directory / "certificate.pem"
    with open(pem, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(route.certificate.chain.read_bytes() + route.certificate.key.read_bytes())
    return {"pem": str(pem)}


PROGRAM = Program(
    name="haproxy",
    package="haproxy",
    ending="cfg",
    start=("-db", "-f", "{file}"),
    check=("-c", "-q", "-f", "{file}"),
    version=("-v",),
    values=values,
)
