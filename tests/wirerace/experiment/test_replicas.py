"""Replicas: what they need, and what only one server can do, is refused on one line that names key and cure."""

from pathlib import Path
from typing import Any

import pytest

from tests.refusals import lacking
from wirerace.errors import BadInput
from wirerace.experiment.reading import study_of

BALANCED = {"title": "t", "path": "balanced", "paths": {"balanced": {"proxy": "nginx", "settings": "tuned"}}}
FOREIGN = {"id": "mine", "transport": "sse", "server": {"url": "http://127.0.0.1:9000/sse"}}


def test_replicas_are_a_sweep_like_any_key() -> None:
    study = study_of(BALANCED | {"transports": ["polling"], "servers": {"replicas": [1, 2, 4]}}, Path())
    assert [1, 2, 4] == [setting.experiment.servers.replicas for setting in study.settings]


@pytest.mark.parametrize(
    ("keys", "place", "facts"),
    [
        ({"path": ""}, "servers.replicas = 2", ["the path of polling", "nginx", "haproxy", "caddy"]),
        ({"servers": {"replicas": 0}}, "servers.replicas", ["at least 1", "got 0"]),
        ({"servers": {"replicas": 17}}, "servers.replicas", ["at most 16", "got 17"]),
        ({"upstream": {"rate_per_second": 1.0}}, "upstream.rate_per_second", ["0", "servers.replicas = 2"]),
        ({"clients": {"browsers": 1}, "window": {"measure_seconds": 10}}, "clients.browsers", ["0", "replicas"]),
        ({"contestants": [FOREIGN]}, "servers.replicas", ["must be 1", "mine"]),
    ],
)
def test_what_replicas_cannot_do_is_refused(keys: dict[str, Any], place: str, facts: list[str]) -> None:
    document = BALANCED | {"transports": ["polling"], "servers": {"replicas": 2}} | keys
    with pytest.raises(BadInput) as refusal:
        study_of(document, Path())

    assert [] == lacking(str(refusal.value), place, facts), refusal.value
