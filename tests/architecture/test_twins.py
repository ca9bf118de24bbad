"""What pages of home, of the core, of training and of curation do, programs do too: each page and its endpoint."""

import pytest

from tests.architecture.matrix import CORE, CURATION, HOME, ROWS, TRAINING
from tests.architecture.matrix.rows import Rows

TWINS = {
    "run-list": "api-runs api-runs-waiting api-presets",
    "run-new": "api-runs",
    "pretrain-new": "api-pretrainings",
    "run-recipe-upload": "api-recipe-read",
    "run-compare": "api-run-compare",
    "run-preset-drop": "api-preset",
    "run-preset-keep": "api-presets",
    "run-detail": "api-run api-run-events api-run-metrics api-run-log",
    "run-live": "api-run api-run-metrics",
    "run-curves": "api-run-metrics",
    "run-edit": "api-run api-pretraining",
    "run-check": "api-audit api-run api-run-probe api-pretraining",
    "run-check-live": "api-audit api-run",
    "run-check-rows": "api-audit-rows",
    "run-exclude": "api-run-exclude",
    "run-include": "api-run-exclude",
    "run-send-back": "api-run-send-back",
    "run-probe": "api-run-probe",
    "run-launch": "api-run-launch",
    "run-discard": "api-run",
    "run-recipe": "api-run-recipe",
    "run-finish": "api-run-finish",
    "run-halve": "api-run-halve",
    "run-stop": "api-run-stop",
    "run-cancel": "api-run-cancel",
    "run-resume": "api-run-resume",
    "model-list": "api-model-versions api-base-models",
    "model-detail": "api-model-version",
    "model-chat": "api-model-version-chat",
    "base-new": "api-base-models api-base-model-archive api-base-model-hub api-base-model-scratch",
    "base-detail": "api-base-model",
    "base-live": "api-base-model",
    "base-remove": "api-base-model",
    "base-examine": "api-base-model-examine",
    "stages": "api-completions api-next-tokens",
    "stage-answer": "api-completions",
    "stage-tokens": "api-next-tokens",
}


def needs(name: str) -> set[str]:
    rows = ROWS[name]
    return {need for _methods, need in (rows if isinstance(rows, list) else [rows])}


def test_each_page_has_an_endpoint_that_asks_for_no_other_role() -> None:
    pages = {name.removeprefix("training:") for name in TRAINING if name.startswith("training:")}
    assert pages == set(TWINS)
    for page, twins in TWINS.items():
        asked = set().union(*(needs(twin) for twin in twins.split()))
        assert needs(f"training:{page}") <= asked | {"view"}, page


TWINS_OF_CURATION = {
    "tasks task-new": "api-tasks",
    "task-detail task-edit": "api-task",
    "template-preview": "api-template-preview",
    "task-order": "api-task-order",
    "guidelines": "api-guidelines",
    "write my-work begun": "api-work-mine api-pairs api-begun",
    "pair-new passage-claim": "api-pairs",
    "pair-ahead work-ahead review-ahead work-next review-next review-claim": "api-work-claim",
    "draft draft-drop": "api-draft",
    "look": "api-look",
    "similar": "api-similar",
    "seen": "api-seen",
    "merge": "api-merge",
    "freeze": "api-freeze-preview api-leaks api-versions",
    "freeze-left-out": "api-version-left-out",
    "import-new imports": "api-imports",
    "import-detail import-discard": "api-import",
    "import-start": "api-import-start api-import-check",
    "import-undo": "api-import-undo",
    "import-problems": "api-import-problems",
    "suggestions": "api-suggestions",
    "glossary": "api-glossary",
    "glossary-remove": "api-glossary-word",
    "finding-dismiss checks": "api-dismissals api-checks",
    "dismissal-recall": "api-dismissal",
    "tie-dismiss": "api-tie-dismiss",
    "check-edit": "api-check",
    "health health-count": "api-health",
    "gap": "api-gaps",
    "pairs": "api-pairs api-pair-views",
    "pair-detail": "api-pair api-revisions api-pair-findings",
    "pair-edit": "api-revisions",
    "pair-marks": "api-pair",
    "pair-dismiss": "api-pair-findings",
    "pair-alike": "api-pair-alike",
    "pair-comment": "api-pair-comments",
    "pair-thread": "api-pair-thread",
    "pair-trash": "api-pair-trash",
    "pair-restore": "api-pair-restore",
    "review-anew": "api-pair-review-anew",
    "pair-spend": "api-pair-spend",
    "view-new": "api-pair-views",
    "view-remove": "api-pair-view",
    "bulk-new": "api-bulk-actions",
    "bulk-detail": "api-bulk-action api-bulk-refusals",
    "bulk-undo": "api-bulk-undo",
    "people": "api-project-people",
    "people-speeds": "api-project-speeds",
    "reviews": "api-work-items",
    "review review-approve review-return review-escalate": "api-work-submit api-pair-review",
    "review-mend": "api-work-mend",
    "review-skip work-skip": "api-work-skip",
    "review-renew work-renew": "api-work-renew",
    "review-release work-release": "api-work-release",
    "actions": "api-actions",
    "undo": "api-undo",
    "work": "api-work-answer api-work-pair",
    "work-beside": "api-work-answer",
    "adjudicate adjudicate-choose adjudicate-merge": "api-work-settle",
    "agreement agreement-measure": "api-agreement",
    "judge": "api-answers-to-judge",
    "judged": "api-answer-judge",
    "draftings drafting-new document-draft": "api-drafts",
    "drafting": "api-drafting",
    "questions questions-ask": "api-questions",
    "declines-ask": "api-declines",
    "question": "api-question",
    "question-withdraw": "api-question-withdraw",
    "documents document-new": "api-documents",
    "document-upload-detail": "api-document-upload",
    "document-detail document-remove": "api-document api-passages",
    "document-ask": "api-document-ask",
    "passage-detail": "api-passage",
    "passage-comment": "api-passage-comments",
    "passage-thread": "api-passage-thread",
    "corpora corpus-new": "api-corpora",
    "corpus-detail corpus-delete": "api-corpus api-corpus-texts",
    "corpus-again": "api-corpus-again",
    "erasures": "api-erasures api-erasure-preview",
    "erasure": "api-erasure",
    "versions": "api-versions",
    "version-detail": "api-version api-version-rows",
    "version-card": "api-version",
    "version-changes": "api-version-diff",
    "version-verify": "api-version-verify",
    "version-exports version-export version-pack": "api-exports",
    "export-detail": "api-export",
    "export-file": "api-export-file",
}


def test_each_page_of_curation_has_an_endpoint() -> None:
    pages = sorted(name.removeprefix("curation:") for name in CURATION if name.startswith("curation:"))
    assert pages == sorted(page for row in TWINS_OF_CURATION for page in row.split())
    assert {twin for twins in TWINS_OF_CURATION.values() for twin in twins.split()} - set(ROWS) == set()


TWINS_OF_CORE = {
    "people": "api-people api-invitations",
    "people-invite": "api-invitations",
    "people-withdraw": "api-invitation",
    "people-deactivate": "api-person-deactivate",
    "people-reactivate": "api-person-reactivate",
    "people-admin": "api-person-admin",
    "people-reset-link": "api-person-reset-link",
    "people-second-factor": "api-person-second-factor-remove",
    "project-new": "api-projects",
    "project-settings": "api-project api-members api-project-invitations",
    "project-invite": "api-project-invitations",
    "project-withdraw": "api-project-invitation",
    "project-member-role project-member-remove": "api-member",
    "project-remove-demo": "api-project",
    "project-jobs jobs": "api-jobs",
    "jobs-detail jobs-live jobs-panel": "api-job",
    "jobs-stop jobs-cancel": "api-job-stop",
    "jobs-hold jobs-release": "api-job-hold",
    "jobs-move": "api-job-move",
    "jobs-plan": "api-job-plan",
    "jobs-retry": "api-job-retry",
    "project-audit audit": "api-events",
    "profile": "api-me",
    "webhooks": "api-webhooks",
    "webhooks-detail": "api-webhook api-deliveries",
    "webhooks-switch webhooks-remove": "api-webhook",
    "webhooks-resend": "api-delivery-resend",
    "inbox": "api-inbox",
    "inbox-read inbox-open": "api-inbox-read",
    "comment-remove": "api-comment",
}
TWINS_OF_HOME = {"index": "api-projects", "project-home": "api-overview", "lineage": "api-lineage"}
# Ways in are for people alone, and a token makes no tokens; the rest is the look of pages, or for programs itself.
FOR_PEOPLE_ALONE = {"link", "profile-token-new", "profile-token-revoke"}
NO_PAGES_OF_THE_PRODUCT = {"theme", "styleguide", "health", "metrics", "notices-live", "schema", "guide"}


@pytest.mark.parametrize(("rows", "table"), [(CORE, TWINS_OF_CORE), (HOME, TWINS_OF_HOME)], ids=["core", "home"])
def test_each_page_of_the_core_and_of_home_has_an_endpoint(rows: Rows, table: dict[str, str]) -> None:
    pages = {name for name in rows if not name.startswith("api-")} - FOR_PEOPLE_ALONE - NO_PAGES_OF_THE_PRODUCT
    assert sorted(pages) == sorted(page for row in table for page in row.split())
    assert {twin for twins in table.values() for twin in twins.split()} - set(ROWS) == set()
