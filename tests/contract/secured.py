"""TLS in the contract's suite: which promises are checked over it, too, and the certificate for that."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.stage import Secured
from wirerace.runner.network.certificates import RunCertificate

OVER_TLS = frozenset({
    "test_delivery.test_client_gets_all_updates_once_and_in_order",
    "test_delivery.test_many_clients_get_the_same_update",
    "test_delivery.test_large_update_arrives_whole",
    "test_http.test_connection_closes_when_the_client_asks_for_it",
    "test_http.test_pipelined_requests_of_all_kinds_are_answered_in_order",
    "test_http.test_request_that_comes_byte_by_byte_is_answered",
    "test_late.test_request_that_is_not_whole_in_time_is_refused_and_one_that_is_held_is_not",
    "test_late.test_silent_connection_is_closed_without_an_answer",
    "test_late.test_idle_connection_is_closed_after_its_keep_alive",
    "test_late.test_message_that_is_not_whole_in_time_ends_the_connection",
    "test_late.test_client_that_answers_no_ping_is_cut_off_and_one_that_does_is_not",
    "test_latest.test_client_that_resumes_gets_the_newest_update_and_then_every_one",
    "test_latest.test_client_that_does_not_read_is_behind_and_not_cut_off",
    "test_longpolling.test_held_request_is_answered_by_the_next_update",
    "test_longpolling.test_request_is_held_to_the_end_of_its_hold_and_not_less",
    "test_metrics.test_bytes_and_answers_are_those_that_a_client_counts",
    "test_metrics.test_bytes_of_frames_are_those_that_a_client_counts",
    "test_posts.test_body_in_pieces_is_taken_when_it_is_whole",
    "test_resume.test_client_that_comes_back_misses_nothing",
    "test_slow_reader.test_slow_reader_is_cut_off_and_can_resume",
    "test_slow_reader.test_slow_reader_costs_no_more_memory_than_the_high_water_mark",
    "test_stop.test_server_with_clients_stops",
    "test_stop.test_held_request_is_answered_empty_with_its_cursor",
    "test_stop.test_socket_is_closed_with_1001_after_all_updates",
    "test_streams.test_heartbeats_keep_a_quiet_stream_open_and_are_counted_apart",
    "test_streams.test_stop_ends_the_answer_with_its_last_chunk",
})  # fmt: skip
"""Each as its module and its name."""


@contextmanager
def secured() -> Iterator[Secured]:
    """Make a certificate, and what trusts it."""
    made = RunCertificate()
    trusting = ssl.create_default_context(cadata=made.authority)
    yield Secured(str(made.chain), str(made.key), made.authority, trusting)
    made.remove()
