"""Tests of what does not pass through a proxy, each with its reason: TEST_PROXY leaves them out."""

HTTP = "a proxy has an HTTP/1.1 of its own: this is about the service's bytes and connections"
PATHS = "a proxy reads paths first: it merges slashes, resolves dots or refuses control characters"
CLIENT = "httpx's client for sockets does not send or read so, through a proxy or not"
INSIDE = "models are not loaded and unloaded from the outside"
ADDRESS = "it looks at the service's own address"
WORKER = "a connection that a proxy keeps stays with its worker, also while that hangs"

DIRECT = {
    "test_a_body_of_untold_length_is_refused_once_it_is_too_large": HTTP,
    "test_a_body_that_stalls_is_given_up_in_time": HTTP,
    "test_a_body_whose_framing_breaks_ends_its_request": HTTP,
    "test_a_client_that_asks_first_is_not_told_to_go_on": HTTP,
    "test_a_client_that_asks_first_is_told_to_go_on": HTTP,
    "test_a_client_that_goes_before_its_body_is_whole_leaves_nothing_behind": HTTP,
    "test_a_client_that_never_reads_is_given_up_in_time": HTTP,
    "test_a_connection_that_is_to_be_closed_is_closed": HTTP,
    "test_a_head_of_many_bytes_is_read": HTTP,
    "test_a_head_without_end_is_refused_and_holds_nobody_up": HTTP,
    "test_a_refusal_reaches_a_client_that_still_sends_and_the_connection_goes_on": HTTP,
    "test_a_request_has_one_host": HTTP,
    "test_hosts_of_every_form_are_taken": HTTP,
    "test_every_response_has_the_headers_that_protect_it": HTTP,
    "test_framing_that_is_none_beside_an_offered_upgrade_is_refused": HTTP,
    "test_headers_that_are_sent_are_described": HTTP,
    "test_no_state_is_changed_for_a_page_of_another_origin": HTTP,
    "test_the_head_and_the_body_of_an_answer_come_together": HTTP,
    "test_a_url_and_the_number_of_headers_have_a_bound": HTTP,
    "test_all_else_needs_a_key": PATHS,
    "test_an_unknown_job_is_a_404": PATHS,
    "test_no_open_path_leads_elsewhere": PATHS,
    "test_a_request_beyond_the_quota_is_refused_before_its_body": CLIENT,
    "test_an_upload_that_trickles_is_refused_in_the_end": CLIENT,
    "test_what_an_operation_refuses_by_its_head_is_refused_at_once": CLIENT,
    "test_the_repository_is_listed_unloaded_from_and_loaded_into": INSIDE,
    "test_workers_are_said_to_run_when_all_of_them_have_started": ADDRESS,
    "test_workers_are_told_to_stop_at_once_while_one_of_them_hangs": WORKER,
}
"""Names of tests."""
