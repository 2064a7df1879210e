"""The machine of a run, with the programs of others that run on it."""

from msgspec.structs import replace

from wirerace.experiment.settings import Study
from wirerace.host.provenance import host
from wirerace.record.result import Host
from wirerace.runner.forecast import Place
from wirerace.runner.network.reverse.configuration import installed_for


def host_of(study: Study, place: Place) -> Host:
    """Return this machine and its software, with the reverse proxies that run on it.

    Raises BadInput when one is not installed.
    """
    found = host()
    programs = {one.program.name: one.version for one in installed_for(study)} if place == "local" else {}
    return replace(found, packages=found.packages | programs)
