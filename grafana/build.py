"""`python -m grafana.build` writes grafana/dashboards/*.json and the rules that they query, prometheus/belief.yml."""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.measurement import measurement
from grafana.race import race
from grafana.signals import rules
from grafana.transport import transport

DIRECTORY = Path(__file__).parent / "dashboards"
RULES = Path(__file__).parents[1] / "prometheus/belief.yml"
DASHBOARDS = {"race": race, "transport": transport, "measurement": measurement}


def encoded(name: str) -> str:
    """Return a dashboard as JSON."""
    board = json.loads(json.dumps(DASHBOARDS[name]().build(), cls=JSONEncoder))
    for marks in board["annotations"]["list"]:
        marks["titleFormat"] = "Clients were there"  # the builder lacks Prometheus's own fields
    return json.dumps(board, indent=2, sort_keys=True) + "\n"


def main() -> int:
    """Write all dashboards, and the rules of the signals."""
    DIRECTORY.mkdir(exist_ok=True)
    for name in DASHBOARDS:
        (DIRECTORY / f"{name}.json").write_text(encoded(name), "utf-8")
    RULES.write_text(rules(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
