"""Mistakes that labeling tools are known for, and the test of ours that each would fail."""

import ast

import pytest

from tests.architecture.test_imports import ROOT

LESSONS = {
    "newline kept through edit, save and export": (
        "curation/test_list_lessons.py",
        "test_line_ends_are_kept_through_edit_save_and_export",
    ),
    "IME Enter does not submit": (
        "e2e/test_editor.py",
        "test_composing_held_keys_and_backspace_submit_and_discard_nothing",
    ),
    "Ctrl+Enter flushes the focused field": (
        "e2e/test_ahead.py",
        "test_pairs_are_written_and_reviewed_in_one_go_on_a_cut_network_and_taken_back",
    ),
    "Backspace never discards": (
        "e2e/test_editor.py",
        "test_composing_held_keys_and_backspace_submit_and_discard_nothing",
    ),
    "a held key completes no unseen item": (
        "e2e/test_ahead.py",
        "test_a_key_completes_no_item_that_is_not_yet_on_the_screen",
    ),
    "a double submit is one": (
        "curation/test_pairs.py",
        "test_sent_twice_from_one_page_it_is_one_pair_and_its_draft_is_settled",
    ),
    "two tabs on an item get 409, no overwriting": (
        "curation/test_editor.py",
        "test_another_windows_newer_draft_is_answered_with_409_and_its_text",
    ),
    "lease expiry in mid edit keeps the draft": (
        "curation/test_questions.py",
        "test_lease_expiry_mid_edit_keeps_the_draft",
    ),
    "an import tried again inserts nothing twice": (
        "curation/importing/test_imports.py",
        "test_a_crash_before_the_commit_leaves_nothing_and_one_after_it_adds_nothing",
    ),
    "the same file twice reports duplicates": (
        "curation/importing/test_imports.py",
        "test_the_same_file_twice_adds_nothing",
    ),
    "an import of several files keeps all": (
        "curation/test_documents.py",
        "test_each_file_is_read_or_says_why_and_stops_no_other",
    ),
    "a worker that is down shows a banner": (
        "faults/test_queue.py",
        "test_the_banner_tells_that_redis_or_the_workers_are_away",
    ),
    "a suggestion is visible to every assignee": (
        "curation/test_drafting.py",
        "test_suggestion_is_visible_to_every_assignee_and_does_not_count_as_done",
    ),
    "a suggestion does not count as done": (
        "curation/test_drafting.py",
        "test_a_draft_is_work_to_correct_and_counts_nowhere",
    ),
    "opening the editor creates no correction": (
        "curation/test_questions.py",
        "test_opening_the_editor_creates_no_correction_and_no_draft",
    ),
    "deactivating a person keeps their work": (
        "curation/test_questions.py",
        "test_user_deactivation_keeps_work_and_ends_sessions_and_tokens",
    ),
    "a change of labels or schema deletes no answer": (
        "curation/test_outputs.py",
        "test_changed_output_fields_delete_no_answer_and_the_editor_shows_the_old_one",
    ),
    "an export equals the counts of the pages": ("curation/test_list_lessons.py", "test_export_equals_ui_counts"),
    "unconfirmed items are warned of before an export": (
        "curation/test_list_lessons.py",
        "test_unconfirmed_items_are_warned_of_before_a_version_is_made",
    ),
    "a queue is empty only when it truly is": ("core/test_work.py", "test_the_queue_is_empty_only_when_it_truly_is"),
    "count queries touch no JSON and no text": (
        "curation/test_work_load.py",
        "test_count_queries_never_touch_the_json_and_text_columns",
    ),
    "leaving the page sends the same fields as saving": (
        "e2e/test_editor.py",
        "test_turns_are_added_moved_and_removed_and_every_saving_sends_the_same_fields",
    ),
}


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_known_mistake_has_its_test(lesson: str) -> None:
    file, name = LESSONS[lesson]
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
