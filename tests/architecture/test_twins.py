"""What pages of the training station do, programs do too: each page of it and its endpoint."""

from tests.architecture.matrix import ROWS, TRAINING

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
