"""The whole loop in real browsers, over real servers, workers and trainings. Each test is a stretch of one walk."""

import pytest

from tests.e2e import learning, teaching
from tests.e2e.walk import Walk

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_an_admin_founds_a_project_and_invites_people_by_links(walk: Walk) -> None:
    walk.to(teaching.invite_people)
    walk.admin.go(walk.root("settings/"))
    walk.admin.sees("Ada", "Olga", teaching.EXPERT_NAME, "Ravi", "Vera")


def test_an_expert_writes_a_reviewer_returns_and_approves_what_was_corrected(walk: Walk) -> None:
    walk.to(teaching.approve_pair)
    walk.viewer.go(walk.root(f"pairs/{walk.ids['pair']}/"))
    walk.viewer.sees("Approved", teaching.MENDED, "Reviewed by a second person")


def test_rows_are_imported_and_frozen_into_a_version(walk: Walk) -> None:
    walk.to(teaching.freeze_version)
    walk.viewer.go(walk.root("versions/"))
    walk.viewer.sees("Advice v1", "The first one")


def test_a_model_is_trained_behind_the_audit_and_talks(walk: Walk) -> None:
    walk.to(learning.talk_to_it)
    run = walk.stack.home / "runs" / f"run-{walk.ids['run']}"
    assert (run / "DONE").is_file(), "the training was a real one"
    walk.viewer.go(walk.root("models/"))
    walk.viewer.sees("1 · First run")


def test_answers_are_graded_blind_and_base_stands_against_finetuned(walk: Walk) -> None:
    walk.to(learning.close_round)
    walk.viewer.go(walk.root(f"evaluations/{walk.ids['evaluation']}/"))
    walk.viewer.sees("Base against finetuned", "ROUGE-L", "Held-out loss", "4.0")


def test_every_object_leads_back_to_the_pairs_and_forward_to_the_grades(walk: Walk) -> None:
    walk.to(learning.close_round)
    viewer = walk.viewer
    viewer.go(walk.root(f"pairs/{walk.ids['pair']}/"))
    for link in ("Advice v1", "First run"):
        viewer.follow(link)
        viewer.sees(link)
    viewer.go(walk.root(f"lineage/evaluation/{walk.ids['evaluation']}/"))
    viewer.sees("It comes from", "First run", "Advice v1")


def test_the_home_page_tells_how_far_the_loop_has_come(walk: Walk) -> None:
    walk.to(learning.close_round)
    for who in ("admin", "owner", "expert", "reviewer", "viewer"):
        person = walk.people[who]
        person.go(walk.root())
        person.sees("Building advice", "Base against finetuned", "The whole result")
        person.look()


def test_nothing_complained_on_the_way(walk: Walk) -> None:
    walk.to(learning.close_round)
    assert walk.troubles() == []
