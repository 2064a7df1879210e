"""The chart of the stages of connecting."""

from typing import Any

from tests.wirerace.report.made_up import result_of, trial
from wirerace.record.trial import Connecting
from wirerace.report.charts.stages import connecting
from wirerace.report.charts.view import View


def test_handshake_of_tls_is_a_part_of_connecting_if_anybody_makes_one() -> None:
    def stages(**means: float) -> dict[str, Any]:
        return {stage: Connecting(mean, mean) for stage, mean in means.items()}

    plain = trial("polling", connect_stages_seconds=stages(tcp_connected=1.0, request_sent=2.0, answered=4.0))
    secure = trial(
        "websocket",
        connect_stages_seconds=stages(tcp_connected=1.0, tls_established=3.0, request_sent=4.0, answered=5.0),
    )
    (alone,) = connecting(View(result_of(plain)))
    (both,) = connecting(View(result_of(plain, secure)))

    assert (["TCP connected", "request sent", "answered"], [[1.0, 1.0, 2.0]]) == (
        list(alone.parts),
        [list(bar.parts) for bar in alone.bars],
    )
    assert ["TCP connected", "TLS established", "request sent", "answered"] == list(both.parts)
    assert [[1.0, 0.0, 1.0, 2.0], [1.0, 2.0, 1.0, 1.0]] == [list(bar.parts) for bar in both.bars]
