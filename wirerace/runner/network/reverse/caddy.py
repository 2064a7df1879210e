"""Caddy: one line forwards everything; it sends streams on at once by itself."""

from wirerace.runner.network.reverse.program import Program

PROGRAM = Program(
    name="caddy",
    package="caddy",
    ending="caddyfile",
    start=("run", "--adapter", "caddyfile", "--config", "{file}"),
    check=("validate", "--adapter", "caddyfile", "--config", "{file}"),
    version=("version",),
    variables=("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"),
)
