"""What a trial with a fault has more than others."""

from wirerace.record.durations import Times
from wirerace.record.faults import Availability, BeforeFaults, FaultOutcome

AVAILABILITY = Availability(age_seconds=1.0, fraction=0.8, late=11, before=BeforeFaults(0, 0, 0))
FAULT = FaultOutcome(
    number=0,
    kind="kill",
    on="server",
    at_seconds=1.0,
    clients=1,
    recover_seconds=Times(1, 1.0, 1.0, 1.0, 1.0),
    duplicated=0,
    late=1,
)
