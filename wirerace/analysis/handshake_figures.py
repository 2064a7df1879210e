"""The figures of TLS handshakes: how many there were, and how long they took. None of them exists without TLS."""

from wirerace.analysis.figure import FEWER, SOONER, Figure

HANDSHAKE_FIGURES = (
    Figure(
        "handshakes.count",
        "count",
        "TLS handshakes",
        "handshakes of the trial's clients, those before the window included",
        lambda trial: None if trial.handshakes is None else trial.handshakes.count,
        words=FEWER,
        total=True,
        if_any=True,
    ),
    Figure(
        "handshakes.resumed",
        "fraction",
        "of them, resumed",
        "handshakes that resumed a session, and needed no certificate",
        lambda trial: None if trial.handshakes is None else trial.handshakes.resumed / trial.handshakes.count,
        better="more",
        most=1.0,
        if_any=True,
    ),
    Figure(
        "handshakes.mean",
        "seconds",
        "TLS handshake, mean",
        "from an open TCP connection until TLS is established, as the client sees it",
        lambda trial: None if trial.handshakes is None else trial.handshakes.mean,
        words=SOONER,
        if_any=True,
    ),
    Figure(
        "handshakes.p99",
        "seconds",
        "TLS handshake, p99",
        "99 % of the handshakes took no longer",
        lambda trial: None if trial.handshakes is None else trial.handshakes.p99,
        words=SOONER,
        if_any=True,
    ),
)
