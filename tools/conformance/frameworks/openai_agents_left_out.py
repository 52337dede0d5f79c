"""The tests of openai-agents that are left out, each with its reason: they are about SQLite."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONNECTIONS = "is about the SQLite connections of threads; a journal has none"
_CORRUPT = "writes a damaged row with SQL; a journal sets damaged records aside itself"
_LOCKS = "is about SQLite's locks and transactions; an append takes none"
_WORDS = "expects the error of the class on SQLite; ours is ClosedError"
_ROWS = "counts or writes rows of SQLite's tables"
_TABLES = "is about the names, owners and older forms of SQLite's tables"
_WORKERS = "holds the class on SQLite at one of its functions or fields, by its name"
_LOGS = "is about the words that the class on SQLite logs"
_PROCESSES = "starts processes that open the class on SQLite in a module that is not replaced there"

_SESSION: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        _CONNECTIONS: (
            "close_closes_worker_thread_connections",
            "reaps_connections_from_exited_worker_threads",
            "closes_retired_connections_before_the_next_allocation",
            "keeps_connections_of_live_worker_threads",
            "rollback_failure_evicts_connection",
            "close_retries_quarantined_connection",
        ),
        _CORRUPT: (
            "pop_item_skips_corrupt_most_recent",
            "pop_item_returns_none_after_dropping_only_corrupt_rows",
            "get_items_limit_skips_corrupt_newest_rows",
            "get_items_session_settings_limit_skips_corrupt_rows",
        ),
        _WORDS: ("closed_rejects_empty_add_items",),
        _LOCKS: (
            "file_lock_is_shared_across_instances",
            "failed_add_items_releases_write_lock",
            "failed_clear_session_rolls_back",
            "failed_pop_item_releases_write_lock",
            "post_commit_cancellation_propagates_after_known_outcome",
        ),
    }
)
_ADVANCED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        _CONNECTIONS: (
            "add_items_rollback_failure_invalidates_connection",
            "failed_usage_write_rolls_back_cached_connection",
            "structure_initialization_failure_invalidates_connection",
        ),
        _CORRUPT: ("get_items_limit_skips_corrupt_newest_rows",),
        _WORDS: ("advanced_sqlite_session_closed_rejects_empty_add_items",),
        _LOGS: (
            "create_branch_logging_respects_model_data_policy",
            "usage_tracking_failure_identity_follows_model_data_policy",
        ),
        _LOCKS: (
            "auxiliary_mutation_cancellation_waits_for_commit",
            "clear_session_rolls_back_on_failure_after_earlier_delete",
            "failed_branch_reservation_rolls_back_and_allows_retry",
            "pop_item_rolls_back_on_failure_after_earlier_delete",
            "post_commit_cancellation_propagates_after_known_mutation_outcome",
            "store_run_usage_waits_for_database_lock_off_event_loop",
            "switch_validation_cancellation_waits_for_generation_commit",
        ),
        _ROWS: (
            "add_items_can_retry_after_structure_metadata_failure",
            "add_items_failure_preserves_existing_history",
            "add_items_rolls_back_messages_when_structure_metadata_fails",
            "add_items_rolls_back_partial_structure_metadata_write",
            "clear_session_removes_structure_and_usage_metadata",
            "clear_session_resets_current_branch_to_main",
            "concurrent_add_items_preserves_message_structure_for_file_db",
            "delete_branch_keeps_messages_still_referenced_by_another_branch",
            "delete_branch_removes_branch_only_messages",
            "orphan_cleanup_uses_set_based_delete_for_many_messages",
            "pop_item_deletes_shared_copied_message_only_when_unreferenced",
            "pop_item_removes_its_structure_row",
            "pop_item_removes_turn_usage_only_when_turn_emptied",
            "pop_item_respects_current_branch_and_keeps_shared_messages",
            "store_run_usage_skips_when_current_branch_has_no_turn",
        ),
        _TABLES: (
            "advanced_session_respects_custom_table_names",
            "branch_reservations_migrate_existing_populated_branches",
            "concurrent_structure_table_claims_leave_one_coherent_owner",
            "default_read_does_not_initialize_clear_generation_table",
            "identifier_resolution_leaves_connection_authorized",
            "legacy_branch_ids_are_backfilled_before_destructive_operations",
            "legacy_destructive_noops_leave_database_unlocked",
            "no_create_session_rejects_a_database_without_an_owner",
            "no_create_session_rejects_owner_metadata_without_base_tables",
            "structure_tables_accept_equivalent_child_column_casing",
            "structure_tables_accept_equivalent_identifier_casing",
            "structure_tables_accept_quoted_custom_session_table",
            "structure_tables_reject_a_second_base_table_pair",
            "structure_tables_reject_an_ownerless_layout",
            "structure_tables_reject_changed_messages_with_shared_sessions",
            "structure_tables_reject_changed_sessions_with_shared_messages",
            "structure_tables_reject_distinct_non_ascii_identifiers",
            "structure_tables_reject_malformed_owner_layouts",
            "tool_usage_reads_legacy_shell_and_patch_names",
        ),
        _WORKERS: (
            "add_captures_coherent_branch_after_clear_publication",
            "clear_before_branch_transaction_prevents_stale_reservation",
            "pop_item_uses_branch_snapshot_when_branch_switches_concurrently",
            "queued_add_keeps_selected_branch",
            "queued_append_cannot_resurrect_deleted_branch",
            "queued_turn_mutation_releases_later_usage_capture",
            "stale_create_branch_after_clear_does_not_repoint",
            "stale_store_run_usage_not_recorded_against_reused_turn_number",
            "stale_store_run_usage_skipped_when_turn_removed_by_pop",
            "stale_switch_after_clear_does_not_repoint_to_deleted_branch",
            "store_run_usage_cancellation_during_capture_waits_for_commit",
            "store_run_usage_keeps_target_while_capture_is_waiting",
            "store_run_usage_keeps_turn_when_history_changes_during_capture",
            "store_run_usage_survives_unrelated_branch_deletion",
            "turn_ordering_survives_reuse_on_another_event_loop",
        ),
        _PROCESSES: (
            "branch_allocation_is_serialized_across_processes",
            "pop_item_claim_is_unique_across_processes",
        ),
    }
)


def left_out(session: str, advanced: str) -> dict[str, str]:
    """Return the node id and the reason of each test that is left out.

    Args:
        session: file of the tests of `SQLiteSession`.
        advanced: file of the tests of `AdvancedSQLiteSession`.
    """
    groups = ((f"{session}::test_sqlite_session_", _SESSION), (f"{advanced}::test_", _ADVANCED))
    return {
        begin + name: reason
        for begin, reasons in groups
        for reason, names in reasons.items()
        for name in names
    }
