"""What the API's lists want to be asked by, and bodies that its creating endpoints take, so that the role decides."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from tests.architecture.estate import Estate
from tests.world import PASSWORD

Bodies = dict[str, dict[str, Any]]
MULTIPART = {"api-base-model-archive", "api-corpora", "api-documents", "api-imports"}


def query(name: str, estate: Estate) -> str:
    """The query string of a list endpoint."""
    values = estate.values
    asked = {
        "api-pairs": f"task={values['task_id']}",
        "api-pair-views": f"task={values['task_id']}",
        "api-version-diff": f"since={values['version']}",
        "api-spent-items": f"task={values['task_id']}",
        "api-bulk-actions": f"task={values['task_id']}",
        "api-exports": f"version={values['version']}",
        "api-run-compare": f"a={values['run']}&b={values['run']}",
        "api-preferences": f"version={values['version']}",
        "api-outputs": f"evaluation={values['evaluation']}",
        "api-grading-rounds": f"evaluation={values['evaluation']}",
        "api-grades": f"round={values['grading_round']}",
        "api-votes": f"round={values['grading_round']}",
    }
    return f"project={estate.project.slug}&{asked.get(name, '')}"


def of_core(estate: Estate) -> Bodies:
    """People, projects, webhooks, what people say to each other."""
    project = estate.project.slug
    return {
        "api-projects": {"name": "A third"},
        "api-member": {"role": "viewer"},
        "api-person-admin": {"is_admin": False},
        "api-person-second-factor-remove": {"reason": "The phone is lost", "password": PASSWORD},
        "api-webhooks": {"url": "https://example.org/hook", "events": ["job.done"]},
        "api-webhook": {"state": "paused"},
        "api-project-speeds": {"on": True},
        "api-pair-comments": {"body": "Is this so?"},
        "api-pair-thread": {"settled": True},
        "api-passage-comments": {"body": "Is this so?"},
        "api-passage-thread": {"settled": True},
        "api-undo": {"project": project},
    }


def of_texts(estate: Estate) -> Bodies:
    """Tasks and pairs, and what is asked while one is written."""
    project, values = estate.project.slug, estate.values
    return {
        "api-tasks": {"project": project, "name": "Another"},
        "api-task-order": {"order": "random"},
        "api-guidelines": {"number": 1, "text": "Be kind."},
        "api-glossary": {"project": project, "language": "en", "word": "bygglov"},
        "api-template-preview": {"template": {"kind": "chat", "prompt": "{{instruction}}"}},
        "api-pairs": {
            "task": values["task_id"],
            "instruction": "What is a rafter?",
            "response": "A sloping beam.",
            "key": "k9",
        },
        "api-revisions": {"version": 1, "instruction": "What is a beam?", "response": "A long piece of timber."},
        "api-pair-views": {"task": values["task_id"], "name": "Mine", "query": {"state": "approved"}},
        "api-bulk-actions": {"task": values["task_id"], "kind": "tag", "value": "new", "query": {}, "key": "12345678"},
        "api-draft": {"version": 0, "fields": {"response": "x"}},
        "api-look": {"response": "A fense."},
        "api-similar": {"instruction": "What is a beam?"},
        "api-seen": {"instruction": "What is a beam?"},
        "api-merge": {"base": {}, "yours": {"response": "A"}, "theirs": {"response": "B"}},
        "api-tie-dismiss": {"reason": "Both stand"},
        "api-dismissals": {
            "project": project,
            "text": "A beem.",
            "check": "misspelling",
            "excerpt": "beem",
            "reason": "x",
        },
        "api-check": {"is_on": False},
        "api-pair-findings": {"field": "response", "check": "misspelling", "excerpt": "beam", "reason": "A brand"},
        "api-gaps": {"topic": "Beams"},
        "api-pair-spend": {"reason": "It shows what goes wrong."},
        "api-erasure-preview": {"project": project, "scope": "pair", "pair": values["pair"]},
        "api-erasures": {
            "project": project,
            "scope": "pair",
            "pair": values["pair"],
            "reason": "Request 2",
            "confirmation": project,
        },
    }


def of_work(estate: Estate) -> Bodies:
    """Questions, answers and reviews."""
    project, values = estate.project.slug, estate.values
    return {
        "api-pair-review": {"revision": values["waiting_revision"], "decision": "return", "reason": "Too short."},
        "api-questions": {"task": values["task_id"], "questions": [{"instruction": "What is a stud?"}]},
        "api-answer-judge": {"ships": True},
        "api-drafts": {"task": values["task_id"], "model": f"base-{values['base']}"},
        "api-declines": {"task": values["task_id"], "wanted": "I do not know."},
        "api-work-answer": {"response": "A sloping beam."},
        "api-work-settle": {"answer": values["answer"]},
        "api-work-claim": {"project": project},
    }


def of_files(estate: Estate) -> Bodies:
    """What is brought in and frozen."""
    project, values = estate.project.slug, estate.values
    return {
        "api-imports": {
            "task": values["task_id"],
            "file": SimpleUploadedFile("a.jsonl", b'{"instruction": "a", "output": "b"}\n'),
        },
        "api-import-start": {"form": "alpaca", "columns": {"instruction": "instruction", "response": "output"}},
        "api-corpora": {"project": project, "name": "Texts", "files": [SimpleUploadedFile("a.txt", b"A roof.")]},
        "api-documents": {"project": project, "files": [SimpleUploadedFile("a.txt", b"A beam carries.")]},
        "api-document-ask": {"task": values["task_id"]},
        "api-versions": {"task": values["task_id"]},
        "api-exports": {"version": values["version"], "kind": "parquet"},
    }


def of_training(estate: Estate) -> Bodies:
    """Base models, trainings, and asking a model."""
    project, values = estate.project.slug, estate.values
    return {
        "api-base-model-archive": {"name": "B", "archive": SimpleUploadedFile("m.zip", b"PK")},
        "api-base-model-hub": {"name": "H", "repository": "a/b"},
        "api-completions": {"project": project, "base": values["base"], "prompt": "A beam"},
        "api-next-tokens": {"project": project, "base": values["base"], "prompt": "A beam"},
        "api-base-model-scratch": {"project": project, "corpus": values["corpus"], "size": "tiny"},
        "api-pretrainings": {"project": project, "corpus": values["corpus"], "base": values["base"]},
        "api-pretraining": {"project": project, "corpus": values["corpus"], "base": values["base"]},
        "api-presets": {"run": values["run"], "name": "Another"},
        "api-recipe-read": {"project": project, "recipe": "epochs: 2"},
        "api-run": {"project": project, "version": values["version"], "base": values["base"]},
        "api-audits": {"project": project, "version": values["version"], "base": values["base"], "max_tokens": 64},
        "api-runs": {"project": project, "version": values["version"], "base": values["base"]},
        "api-run-exclude": {"code": "shared_across_parts"},
        "api-run-send-back": {"code": "too_long"},
        "api-base-models": {"folder": "base/tiny", "name": "Another"},
        "api-embeddings": {"texts": ["a beam"]},
        "api-model-version-chat": {"message": "Hello"},
    }


def of_evaluation(estate: Estate) -> Bodies:
    """Answers and what people think of them."""
    project, values = estate.project.slug, estate.values
    return {
        "api-evaluations": {"project": project, "suite": values["suite"], "models": [{"base": values["base"]}]},
        "api-rubrics": {"project": project, "criteria": [{"label": "Correct"}]},
        "api-grading-rounds": {"evaluation": values["evaluation"], "items": 1},
        "api-votes": {"round": values["grading_round"], "assignment": 1, "token": 1, "winner": "left"},
        "api-grades": {
            "round": values["grading_round"],
            "assignment": 1,
            "token": 1,
            "values": {"correct": 3},
            "usable": "as_is",
        },
    }


OF = (of_core, of_texts, of_work, of_files, of_training, of_evaluation)


def body(name: str, estate: Estate) -> dict[str, Any]:
    """What is sent to this URL; most need nothing."""
    found = [bodies[name] for of in OF if name in (bodies := of(estate))]
    return found[0] if found else {}
