"""HAProxy: forwards as bytes come, and closes what is quiet for 50 s at its defaults."""

from wirerace.runner.network.reverse.program import Program

PROGRAM = Program(
    name="haproxy",
    package="haproxy",
    ending="cfg",
    start=("-db", "-f", "{file}"),
    check=("-c", "-q", "-f", "{file}"),
    version=("-v",),
)
