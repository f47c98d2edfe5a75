//! The conformance suite: what every adapter of `Journal` and `Views` must do, one sentence each.
//!
//! Must not know an adapter. A new promise of the ports starts here; the list at the end runs each case on each.

pub mod account;
pub mod append;
pub mod books;
pub mod claims;
pub mod keep;
pub mod read;
pub mod runs;
pub mod tokens;
pub mod tree;
pub mod views;

/// One test per case and adapter.
macro_rules! cases {
    ($($part:ident { $($case:ident),* $(,)? })*) => {
        mod memory {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() { super::$part::$case(&crate::world::World::memory()).await })*)*
        }
        mod sqlite {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() { super::$part::$case(&crate::world::World::sqlite()).await })*)*
        }
    };
}

cases! {
    append {
        one_append_writes_to_several_streams,
        an_entry_comes_back_as_it_was_written,
        a_conflict_leaves_nothing,
        a_stream_that_exists_is_not_new,
        without_an_expected_version_entries_follow_what_is_there,
        one_stream_twice_in_a_batch_goes_on,
        a_second_run_for_an_occurrence_leaves_nothing,
        an_occurrence_twice_in_one_batch_is_a_duplicate,
        eight_writers_leave_no_gap,
        more_appends_at_once_than_any_queue_holds_are_all_answered,
        an_append_given_up_is_there_or_not_but_whole,
        of_eight_who_want_one_version_one_gets_it,
        a_refused_append_takes_none_of_its_neighbours_with_it,
        a_yes_on_the_word_of_the_actor_is_refused,
        what_cannot_be_stored_is_refused,
        a_batch_without_entries_changes_only_rows,
    }
    read {
        a_stream_is_read_after_a_version,
        entries_are_read_from_a_position_up_to_a_limit,
        no_read_returns_more_than_a_thousand_entries,
        past_answers_at_once_when_there_is_more,
        past_wakes_with_the_next_commit,
        what_past_announces_can_be_read,
    }
    tree {
        the_empty_journal_has_the_empty_root,
        the_root_is_the_root_over_all_leaves_at_every_size,
        a_dropped_body_leaves_header_and_root,
        a_body_never_goes_without_a_tombstone,
        a_body_that_is_not_there_yet_cannot_be_dropped,
        a_checkpoint_sealed_twice_stays_the_first,
        a_checkpoint_does_not_promise_what_is_not_there,
        checkpoints_are_read_from_a_size_up_to_a_limit,
    }
    books {
        effects_are_due_oldest_first,
        an_effect_tried_comes_back_later,
        of_several_who_claim_an_effect_one_gets_it,
        an_effect_done_is_gone,
        an_effect_added_twice_stays_the_first,
        a_name_is_kept_until_it_is_erased,
        erasing_nobody_is_no_error,
    }
    runs {
        a_live_run_has_one_row,
        a_run_that_ends_is_no_longer_live,
        a_run_ends_once,
        a_run_that_goes_on_is_live_again_and_ends_anew,
        ended_runs_come_newest_first,
        a_clock_that_was_ahead_or_behind_hides_no_later_end,
        ended_runs_are_chosen_by_process_kind_and_verdict,
        pages_follow_each_other_without_gap_or_repetition,
        a_page_before_an_unknown_run_is_empty,
        a_process_shows_twenty_runs_and_twenty_drills,
        the_last_verified_run_is_found_behind_any_number_of_failures,
        measures_come_from_verified_runs_of_one_kind,
        runs_are_found_by_the_start_of_their_id,
    }
    views {
        a_schedule_is_remembered_as_last_written,
        skipped_occurrences_come_newest_first,
        a_signal_is_one_row_and_open_until_cleared,
        messages_come_newest_first_and_by_run,
        a_view_never_runs_ahead_of_its_entries,
    }
    keep {
        ended_runs_are_read_from_the_oldest_on,
        what_came_into_force_is_read_whatever_stands_between,
        bodies_go_with_one_tombstone_for_all_of_them,
        room_is_given_back_and_everything_is_still_there,
    }
    account {
        a_new_account_takes_an_actor_and_a_name_that_are_free,
        of_two_changes_from_one_state_one_is_refused,
        a_refused_change_takes_its_entries_with_it,
        a_session_is_seen_until_it_is_ended,
        a_session_that_ended_is_not_seen_again,
        all_sessions_of_a_person_end_but_the_one_that_asks,
        a_link_is_used_once,
        a_link_is_there_until_it_is_taken_back,
    }
    tokens {
        a_token_is_found_by_its_hash_and_by_its_id,
        a_revoked_token_stays_known_with_its_last_use,
        a_request_is_begun_once_and_answered_as_before,
        of_eight_who_begin_one_request_one_does_it,
        remembered_answers_have_a_bound,
    }
    claims {
        a_verification_without_a_yes_on_record_is_refused,
        a_run_does_not_end_verified_without_a_verification,
        a_step_is_settled_only_by_checks_on_record,
        what_bears_a_claim_out_may_come_in_the_same_batch,
        a_claim_rests_on_its_own_stream_and_round,
        nobody_agrees_to_what_they_asked_for,
        nobody_agrees_to_what_they_led_to_or_did_by_hand_nor_after_its_time,
        a_yes_is_not_taken_over_by_another_run,
        an_answer_needs_a_question_and_is_given_once_in_ones_own_name,
    }
}
