"""The table of `wirerace advise --check`: how far a cost model is from trials, by transport."""

from wirerace.analysis.cost_model.model import Residuals

TITLE = 26
QUANTITIES = {"cpu": "CPU", "bytes": "bytes", "latency": "latency"}


def check_lines(residuals: dict[str, dict[str, Residuals]]) -> list[str]:
    """Return a line for each title: its trials, and the error in half of them and at most, of each quantity."""
    head = f"{'transport':<{TITLE}} {'trials':>6}" + "".join(f" {title:>14}" for title in QUANTITIES.values())
    return [
        "Off by this much in half of the trials, and at most:",
        head,
        *(_line(title, found) for title, found in residuals.items()),
    ]


def _line(title: str, found: dict[str, Residuals]) -> str:
    return f"{title:<{TITLE}} {found['cpu'].trials:>6}" + "".join(f" {off(found[name]):>14}" for name in QUANTITIES)


def off(found: Residuals) -> str:
    """Return the error in half of the trials, and the largest."""
    return f"{100 * found.median:.0f} % ({100 * found.largest:.0f} %)"
