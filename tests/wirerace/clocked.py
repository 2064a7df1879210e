"""Clocks of two load hosts, one ahead and one behind, as a trial found them."""

from wirerace.record.clocks import Clocks, LoadHost, Triangle

AHEAD = LoadHost(
    host="ahead",
    address="10.0.0.2",
    processes=2,
    probes=400,
    answers=399,
    round_trip_seconds=0.0001,
    corrected_seconds=-0.03,
    drift=-20e-6,
    error_seconds=0.00006,
)
BEHIND = LoadHost(
    host="behind",
    address="10.0.0.3",
    processes=1,
    probes=200,
    answers=200,
    round_trip_seconds=0.00012,
    corrected_seconds=0.01,
    drift=3e-6,
    error_seconds=0.00008,
)
TRIANGLE = Triangle(hosts=("ahead (10.0.0.2)", "behind (10.0.0.3)"), sum_seconds=-0.00002, within_seconds=0.0002)
CLOCKS = Clocks(processes=3, error_seconds=0.00008, hosts=[AHEAD, BEHIND], triangles=[TRIANGLE])
