"""What a trial through a reverse proxy, one of a foreign server, and one with a broker have more than others."""

from wirerace.record.broker import BrokerCost
from wirerace.record.durations import Times
from wirerace.record.publisher import PublisherQuality
from wirerace.record.reverse import ReverseCost

PUBLISHED = PublisherQuality(
    published=9,
    lost=3,
    retried=1,
    most_waiting=2,
    sent_seconds=Times(9, 0.004, 0.004, 0.004, 0.004),
    answered_seconds=Times(9, 0.006, 0.006, 0.006, 0.006),
    cpu_seconds=0.2,
    utilisation=0.02,
    user_bytes=20_000_000,
)
BROKERED = BrokerCost(
    version="2.10.27", cpu_seconds=1.0, cpu_us_per_delivery=6.0, utilisation=0.1, user_bytes=20_000_000
)
PROXIED = ReverseCost(
    program="nginx",
    settings="tuned",
    version="1.22.1",
    core=1,
    shares_core=False,
    cpu_seconds=4.0,
    cpu_us_per_delivery=12.0,
    utilisation=0.4,
    user_bytes_idle=1_600_000,
    user_bytes=3_000_000,
    bytes_per_client=7_000.0,
    application_in=100,
    application_out=200,
    ip_in=150,
    ip_out=250,
    requests=40,
)
