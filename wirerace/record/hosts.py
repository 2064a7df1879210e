"""Two hosts side by side: which parts of the machine and its software differ, in words."""

from wirerace.record.result import Host

WORDS = {
    "cores": "number of cores",
    "kernel": "kernel",
    "python": "Python",
    "packages": "packages",
    "cpu_model": "processor",
    "revision": "revision of Wirerace",
}
"""Words for the fields of a host."""


def differing(one: Host, other: Host) -> list[str]:
    """Return which parts of the machine and its software differ, in words."""
    return [word for name, word in WORDS.items() if getattr(one, name) != getattr(other, name)]
