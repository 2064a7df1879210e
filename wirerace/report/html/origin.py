"""Where a result comes from: how to run it again, the machine and its software."""

from typing import Any

import tomli_w

from wirerace.analysis.capacity.found import capacities_of
from wirerace.errors import cut, printable
from wirerace.record.result import Result

PLACES = {
    "local": "processes of this machine",
    "compose": "containers of the stack",
    "kubernetes": "pods of a cluster; processor, cores and kernel are those of the producer's node",
}
MOST_TOML = 60_000
"""The most characters of an experiment that a report shows."""


def command_of(result: Result) -> str:
    """Return the command that runs the experiment again, when its text is saved as a file."""
    place = "" if result.ran_on in {None, "local"} else f" --on {result.ran_on}"
    return f"wirerace run experiment.toml{place}" + (" --values values.yaml" if result.chart_values else "")


def experiment_text(result: Result) -> str:
    """Return the resolved experiment as TOML."""
    return cut(tomli_w.dumps(_without_null(result.experiment)), MOST_TOML)


def machine_rows(result: Result) -> list[tuple[str, str]]:
    """Return what is known of the machine and the software, as names and values."""
    host = result.host
    packages = ", ".join(f"{name} {version}" for name, version in host.packages.items())
    file = result.experiment_file
    rows = [
        ("started", result.started_at),
        ("experiment file", "" if file is None else f"{file.name}, SHA-256 {file.sha256}"),
        (
            "ran on",
            PLACES.get(result.ran_on or "", ""),
        ),
        ("processor", host.cpu_model or ""),
        ("cores", str(host.cores)),
        ("kernel", host.kernel),
        ("Python", host.python),
        ("Wirerace", result.wirerace + (f", revision {host.revision}" if host.revision else "")),
        ("packages", packages),
    ]
    return [(name, cut(printable(value), 2000)) for name, value in rows if value]


def trials_line(result: Result) -> str:
    """Return how many trials were finished, of how many if the experiment says it."""
    done = len(result.trials)
    if result.is_search:
        ended = all(one.ended for one in capacities_of(result))
        return _count(done) + ("" if ended else ": the search was interrupted, or is still running")
    repeats = result.experiment.get("repeats", 1)
    if result.experiment.get("valid_repeats") is not None or not isinstance(repeats, int):
        return f"{done} trials"
    planned = repeats * len(result.contestants) * len(result.points)
    missing = planned - done - len(result.failures)
    if missing > 0 and result.contestants:
        return f"{done} of {planned} trials: the run was interrupted, or is still running"
    return _count(done)


def _count(trials: int) -> str:
    return f"{trials} trials" if trials != 1 else "1 trial"


def _without_null(value: Any) -> Any:
    """Return plain values without null, which TOML does not have."""
    if isinstance(value, dict):
        return {str(key): _without_null(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_null(inner) for inner in value if inner is not None]
    return value
