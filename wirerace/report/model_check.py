"""The table of `wirerace advise --check`: how far a cost model is from trials, by transport."""

from wirerace.analysis.cost_model.model import Residuals
from wirerace.transports import TRANSPORTS

QUANTITIES = {"cpu": "CPU", "bytes": "bytes", "latency": "latency"}


def check_lines(residuals: dict[str, dict[str, Residuals]]) -> list[str]:
    """Return a line for each transport: its trials, and the error in half of them and at most, of each quantity."""
    head = f"{'transport':<15} {'trials':>6}" + "".join(f" {title:>14}" for title in QUANTITIES.values())
    return [
        "Off by this much in half of the trials, and at most:",
        head,
        *(_line(transport, of_transport) for transport, of_transport in residuals.items()),
    ]


def _line(transport: str, of_transport: dict[str, Residuals]) -> str:
    trials = of_transport["cpu"].trials
    return f"{TRANSPORTS[transport].title:<15} {trials:>6}" + "".join(
        f" {off(of_transport[name]):>14}" for name in QUANTITIES
    )


def off(found: Residuals) -> str:
    """Return the error in half of the trials, and the largest."""
    return f"{100 * found.median:.0f} % ({100 * found.largest:.0f} %)"
