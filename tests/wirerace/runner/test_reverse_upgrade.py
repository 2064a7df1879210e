"""A WebSocket through a reverse proxy: what upgrades nothing is said before the load comes."""

import socket
import threading
from contextlib import closing

import pytest

from tests.refusals import lacking
from wirerace.errors import TrialFailed
from wirerace.experiment.paths import NetworkPath
from wirerace.runner.network.reverse.starting import ReverseChild, refuse_without_upgrade

REFUSAL = b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n"


def answering(listener: socket.socket, answer: bytes) -> None:
    stream = listener.accept()[0]
    with stream:
        stream.recv(65_536)
        stream.sendall(answer)


@pytest.mark.parametrize(
    ("settings", "cure"), [("default", 'take settings = "tuned"'), ("tuned", "see its log in logs/")]
)
def test_proxy_that_upgrades_nothing_fails_a_trial_in_one_line(settings: str, cure: str) -> None:
    path = NetworkPath(proxy="nginx", settings=settings)  # type: ignore[arg-type]
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=answering, args=(listener, REFUSAL))
        thread.start()
        child = ReverseChild(None, listener.getsockname()[1], path, "1", None)  # type: ignore[arg-type]
        with pytest.raises(TrialFailed) as failure:
            refuse_without_upgrade(child, "/ws")
        thread.join()

    assert [] == lacking(str(failure.value), "nginx", [f"({settings})", "gets 426", cure])
